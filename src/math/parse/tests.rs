#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]
//! Cases as data, the MATH answers, laws, and hostile text.

mod laws;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    group: Vec<Group>,
}

/// Spellings that show one rule, with those next to it that are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    why: String,
    /// Text and readings.
    #[serde(default)]
    accepted: Vec<(String, String)>,
    /// Text and fault.
    #[serde(default)]
    refused: Vec<(String, String)>,
}

fn show(text: &str) -> String {
    match parse(text, &ParseLimits::default()) {
        Ok(readings) => print::readings(&readings),
        Err(fault) => fault_text(fault),
    }
}

fn fault_text(fault: ParseFault) -> String {
    match fault {
        ParseFault::Limit => "limit".to_owned(),
        ParseFault::Unparsed { at } => format!("unparsed at {at}"),
        ParseFault::Undefined => "undefined".to_owned(),
        ParseFault::Hedge => "hedge".to_owned(),
    }
}

#[test]
fn cases_hold() {
    let cases: Cases = toml::from_str(include_str!("../../../tests/data/math/parse.toml")).unwrap();
    let (mut names, mut texts) = (BTreeSet::new(), BTreeSet::new());
    let (mut accepted, mut refused, mut failures) = (0, 0, Vec::new());
    for group in &cases.group {
        assert!(names.insert(&group.name), "two groups `{}`", group.name);
        assert!(!group.why.is_empty(), "`{}` does not say why", group.name);
        for (text, expected) in group.accepted.iter().chain(&group.refused) {
            assert!(texts.insert(text), "two cases of `{text}`");
            let found = show(text);
            if found != *expected {
                failures.push(format!(
                    "{}: `{text}`\n  is   {found}\n  not  {expected}",
                    group.name
                ));
            }
        }
        for (text, _) in &group.accepted {
            if parse(text, &ParseLimits::default()).is_err() {
                failures.push(format!("`{text}` is refused"));
            }
        }
        for (text, _) in &group.refused {
            if parse(text, &ParseLimits::default()).is_ok() {
                failures.push(format!("`{text}` is accepted"));
            }
        }
        accepted += group.accepted.len();
        refused += group.refused.len();
    }
    assert!(
        failures.is_empty(),
        "{} fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(
        accepted >= 200 && refused >= accepted,
        "{accepted} accepted, {refused} refused"
    );
}

#[derive(Deserialize)]
struct Gold {
    answer: String,
}

fn golds() -> Vec<String> {
    include_str!("../../../tests/data/math/math_golds.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Gold>(line).unwrap().answer)
        .collect()
}

#[test]
fn math_golds_have_types() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unparsed = Vec::new();
    let golds = golds();
    for gold in &golds {
        match parse(gold, &ParseLimits::default()) {
            Ok(readings) => *kinds.entry(kind(&readings.0[0].value)).or_default() += 1,
            Err(fault) => unparsed.push(format!("{gold}: {}", fault_text(fault))),
        }
    }
    eprintln!("{kinds:?}; unparsed: {unparsed:#?}");
    assert!(unparsed.len() * 50 <= golds.len(), "{unparsed:#?}");
}

fn kind(value: &Typed) -> &'static str {
    match value {
        Typed::Scalar(_) => "scalar",
        Typed::Named { .. } => "named",
        Typed::Set(_) => "set",
        Typed::List(_) => "list",
        Typed::Tuple(_) => "tuple",
        Typed::Intervals(_) => "intervals",
        Typed::Inequality(_) => "inequality",
        Typed::Equation { .. } => "equation",
        Typed::Matrix(_) => "matrix",
        Typed::Piecewise(_) => "piecewise",
        Typed::Labelled { .. } => "labelled",
        Typed::Qualified { .. } => "qualified",
        Typed::Ratio(_) => "ratio",
        Typed::Time { .. } => "time",
        Typed::Congruence { .. } => "congruence",
        Typed::Family { .. } => "family",
        Typed::Choice(_) => "choice",
        Typed::Text(_) => "text",
    }
}

/// Runs in a thread with a small stack, so that deep recursion would crash.
fn with_stack(bytes: usize, run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(bytes)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

/// 2 MiB is what threads have by default; an unoptimised build needs most.
const STACK: usize = if cfg!(debug_assertions) {
    2 << 20
} else {
    512 << 10
};

#[test]
fn hostile_text_is_refused_quickly() {
    with_stack(STACK, || {
        let limits = ParseLimits::default();
        let wide = ParseLimits {
            span_bytes: usize::MAX,
            ..limits
        };
        for unit in [
            "{",
            "(",
            "[",
            "\\{",
            "|",
            "⌊",
            "⟨",
            "\\left(",
            "\\frac",
            "\\frac{",
            "\\sqrt",
            "\\sqrt{",
            "^",
            "^{",
            "-",
            "- ",
            "+",
            "±",
            "\\pm",
            "!",
            "_",
            "_{",
            "'",
            "=",
            "<",
            ",",
            "\\text{",
            "\\text{a}",
            "\\begin{pmatrix}",
            "\\sin",
            "\\ln ",
            "f(",
            "f(x)",
            "x",
            "1",
            "1,",
            "1,000,",
            "1/",
            "a/b",
            "x^2+",
            "2^",
            "\\cup",
            "\\overline{",
            "\\log_",
            "and ",
            "or ",
            "$",
            "\\",
            "é",
            "²",
            "½",
            "√",
            "．",
            "}",
            ")",
            "\\}",
            "\\end{pmatrix}",
            "1 ",
            "0.",
            ".",
            "...",
            "&",
            "\\\\",
            "C(",
            "\\binom",
            "()",
            "{}",
            "(1,",
            "x=",
            "|x",
            "e-1",
            "1e9",
            "cm ",
            "5 cm ",
            "%",
            "°",
            ":1",
            "1e400/3e-399+",
            "9e400*",
            "1_2+",
            "-1^",
            "(1/3)*",
        ] {
            for size in [limits.span_bytes, 100_000] {
                let text = unit.repeat(size / unit.len());
                let begin = Instant::now();
                let _ = parse(&text, &limits);
                let _ = parse(&format!("1{text}1"), &limits);
                let _ = parse(&format!("x = {text}"), &limits);
                if size == limits.span_bytes {
                    let _ = parse(&text, &wide);
                }
                let took = begin.elapsed();
                assert!(took < Duration::from_secs(5), "{unit:?} x {size}: {took:?}");
            }
        }
        for unit in ["{", "(", "[", "\\{", "|", "\\frac{", "^{"] {
            let text = unit.repeat(1_000_000 / unit.len());
            assert_eq!(fault_text(parse(&text, &limits).unwrap_err()), "limit");
        }
    });
}

#[test]
fn depth_is_bounded_and_reachable() {
    with_stack(STACK, || {
        let limits = ParseLimits::default();
        for (open, middle, close) in [
            ("(", "x", ")"),
            ("{", "x", "}"),
            ("\\sqrt{", "x", "}"),
            ("\\left(", "x", "\\right)"),
            ("|-", "x", "|"),
            ("\\lfloor ", "x", "\\rfloor "),
            ("\\frac{1}{1+", "x", "}"),
            ("x^{", "x", "}"),
            ("f(", "x", ")"),
            ("\\sin(", "x", ")"),
            ("\\{", "1", "\\}"),
            ("\\langle ", "1,2", "\\rangle "),
            ("(1,", "2", ")"),
            ("\\overline{1+", "z", "}"),
            ("\\log_{", "2", "} x"),
            ("\\binom{1}{", "2", "}"),
            ("\\ln ", "x", ""),
            ("\\begin{pmatrix}", "1", "\\end{pmatrix}"),
        ] {
            let nested =
                |depth: usize| format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            // A matrix in a matrix parses, but is no answer.
            let deepest = limits.depth;
            let within = parse(&nested(deepest), &limits);
            assert!(
                within.is_ok() || open.starts_with("\\begin"),
                "{open}: {within:?}"
            );
            let beyond = parse(&nested(deepest + 1), &limits);
            assert_eq!(fault_text(beyond.unwrap_err()), "limit", "{open}");
        }
    });
}

#[test]
#[ignore = "a measurement; run it in release"]
fn speed() {
    let limits = ParseLimits::default();
    let all = golds();
    let simple = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let symbolic: Vec<_> = all.iter().filter(|text| !simple(text)).collect();
    let integers: Vec<_> = all.iter().filter(|text| simple(text)).collect();
    for (name, texts) in [("not integers", symbolic), ("integers", integers)] {
        let begin = Instant::now();
        let mut n = 0;
        while begin.elapsed() < Duration::from_secs(3) {
            for text in &texts {
                let _ = std::hint::black_box(parse(text, &limits));
            }
            n += texts.len();
        }
        eprintln!(
            "{name}: {:.0} per second",
            n as f64 / begin.elapsed().as_secs_f64()
        );
    }
}

#[test]
#[ignore = "prints readings of the lines of the file $PROBE"]
fn probe() {
    let text = std::fs::read_to_string(std::env::var("PROBE").unwrap()).unwrap();
    for line in text.lines() {
        eprintln!("{line}\t=>\t{}", show(line));
    }
}
