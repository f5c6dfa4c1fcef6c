#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]
//! Cases as data, the MATH answers, laws, and hostile text.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
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
            assert!(
                parse(text, &ParseLimits::default()).is_ok(),
                "`{text}` is refused"
            );
        }
        for (text, _) in &group.refused {
            assert!(
                parse(text, &ParseLimits::default()).is_err(),
                "`{text}` is accepted"
            );
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
        ] {
            let nested =
                |depth: usize| format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            // `|` both opens and closes, so that it can't nest far.
            let deepest = limits.depth;
            let within = parse(&nested(deepest), &limits);
            assert!(
                within.is_ok() || open.starts_with('|'),
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

/// An expression to print and to parse back.
#[derive(Clone, Debug)]
enum Tree {
    Number(u16),
    Variable(char),
    Sum(Box<Tree>, Box<Tree>),
    Difference(Box<Tree>, Box<Tree>),
    Product(Box<Tree>, Box<Tree>),
    Quotient(Box<Tree>, Box<Tree>),
    Negative(Box<Tree>),
    Power(Box<Tree>, u16),
    Root(Box<Tree>),
    Sine(Box<Tree>),
    Absolute(Box<Tree>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (0_u16..1000).prop_map(Tree::Number),
        prop::sample::select(vec!['x', 'y', 'a', 'N']).prop_map(Tree::Variable),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let two = (
            inner.clone().prop_map(Box::new),
            inner.clone().prop_map(Box::new),
        );
        prop_oneof![
            two.clone().prop_map(|(a, b)| Tree::Sum(a, b)),
            two.clone().prop_map(|(a, b)| Tree::Difference(a, b)),
            two.clone().prop_map(|(a, b)| Tree::Product(a, b)),
            two.prop_map(|(a, b)| Tree::Quotient(a, b)),
            inner.clone().prop_map(|a| Tree::Negative(Box::new(a))),
            (inner.clone(), 0_u16..30).prop_map(|(a, n)| Tree::Power(Box::new(a), n)),
            inner.clone().prop_map(|a| Tree::Root(Box::new(a))),
            inner.clone().prop_map(|a| Tree::Sine(Box::new(a))),
            inner.prop_map(|a| Tree::Absolute(Box::new(a))),
        ]
    })
}

/// How a tree is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Latex,
    Spaced,
    Plain,
    Unicode,
    Old,
}

const STYLES: [Style; 5] = [
    Style::Latex,
    Style::Spaced,
    Style::Plain,
    Style::Unicode,
    Style::Old,
];

fn spell(tree: &Tree, style: Style) -> String {
    let s = |tree: &Tree| spell(tree, style);
    // Everything but a leaf in brackets, so that precedence is another test's.
    let b = |tree: &Tree| match (tree, style) {
        (Tree::Number(_) | Tree::Variable(_), _) => s(tree),
        (_, Style::Latex) => format!("\\left({}\\right)", s(tree)),
        (_, Style::Spaced) => format!("\\big( {} \\big)", s(tree)),
        (_, Style::Old) => format!("\\left[{}\\right]", s(tree)),
        _ => format!("({})", s(tree)),
    };
    match tree {
        Tree::Number(n) => match style {
            Style::Unicode => n
                .to_string()
                .chars()
                .map(|c| char::from_u32(u32::from(c) + 0xff10 - 48).unwrap())
                .collect(),
            _ => n.to_string(),
        },
        Tree::Variable(c) => match style {
            Style::Old => format!("\\mathbf{{{c}}}"),
            _ => c.to_string(),
        },
        Tree::Sum(x, y) => format!("{} + {}", b(x), b(y)),
        Tree::Difference(x, y) => match style {
            Style::Unicode => format!("{} − {}", b(x), b(y)),
            _ => format!("{}-{}", b(x), b(y)),
        },
        Tree::Product(x, y) => match style {
            Style::Latex => format!("{}\\cdot {}", b(x), b(y)),
            Style::Spaced => format!("{} \\times {}", b(x), b(y)),
            Style::Plain => format!("{}*{}", b(x), b(y)),
            Style::Unicode => format!("{}·{}", b(x), b(y)),
            Style::Old => format!("\\left({}\\right)\\,\\left({}\\right)", s(x), s(y)),
        },
        Tree::Quotient(x, y) => match style {
            Style::Latex => format!("\\frac{{{}}}{{{}}}", s(x), s(y)),
            Style::Spaced => format!("\\dfrac {{{}}} {{{}}}", s(x), s(y)),
            Style::Plain => format!("{}/{}", b(x), b(y)),
            Style::Unicode => format!("{} ÷ {}", b(x), b(y)),
            Style::Old => format!("{{{} \\over {}}}", s(x), s(y)),
        },
        Tree::Negative(x) => match style {
            Style::Unicode => format!("−{}", b(x)),
            _ => format!("-{}", b(x)),
        },
        Tree::Power(x, n) => match style {
            Style::Plain => format!("{}**{n}", b(x)),
            Style::Unicode => {
                let raised: Vec<char> = "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().collect();
                let n: String = n
                    .to_string()
                    .bytes()
                    .map(|d| raised[usize::from(d - b'0')])
                    .collect();
                format!("{}{n}", b(x))
            }
            _ => format!("{}^{{{n}}}", b(x)),
        },
        Tree::Root(x) => match style {
            Style::Plain => format!("sqrt({})", s(x)),
            Style::Unicode => format!("√({})", s(x)),
            _ => format!("\\sqrt{{{}}}", s(x)),
        },
        Tree::Sine(x) => match style {
            Style::Plain | Style::Unicode => format!("sin({})", s(x)),
            Style::Spaced => format!("\\operatorname{{sin}}\\left( {} \\right)", s(x)),
            _ => format!("\\sin({})", s(x)),
        },
        Tree::Absolute(x) => match style {
            Style::Latex => format!("\\left|{}\\right|", s(x)),
            Style::Spaced => format!("\\lvert {} \\rvert", s(x)),
            _ => format!("|{}|", s(x)),
        },
    }
}

fn variable(name: &str) -> f64 {
    match name {
        "x" => 1.25,
        "y" => -0.75,
        "a" => 2.5,
        _ => 3.5,
    }
}

fn root(x: f64) -> f64 {
    if x < 0.0 { f64::NAN } else { x.sqrt() }
}

/// NaN where rounding could grow beyond the tolerance.
fn value(tree: &Tree) -> f64 {
    let value = match tree {
        Tree::Number(n) => f64::from(*n),
        Tree::Variable(c) => variable(&c.to_string()),
        Tree::Sum(x, y) => value(x) + value(y),
        Tree::Difference(x, y) => value(x) - value(y),
        Tree::Product(x, y) => value(x) * value(y),
        Tree::Quotient(x, y) => value(x) / value(y),
        Tree::Negative(x) => -value(x),
        Tree::Power(x, n) => value(x).powi(i32::from(*n)),
        Tree::Root(x) => root(value(x)),
        Tree::Sine(x) => value(x).sin(),
        Tree::Absolute(x) => value(x).abs(),
    };
    match value == 0.0 || (1e-4..1e4).contains(&value.abs()) {
        true => value,
        false => f64::NAN,
    }
}

/// The value of a parsed expression, by another road than the parser's.
fn value_of(expr: &crate::math::expr::Expr) -> f64 {
    use crate::math::expr::{Function, Node};
    use num_traits::ToPrimitive;
    let mut values: Vec<f64> = Vec::new();
    for (_, node) in expr.arena.iter() {
        let of = |id: &crate::math::expr::Id| values[id.index()];
        values.push(match node {
            Node::Number(n) => n.to_f64().unwrap(),
            Node::Symbol(name) => variable(name),
            Node::Add(ids) => ids.iter().map(of).sum(),
            Node::Mul(ids) => ids.iter().map(of).product(),
            Node::Pow(x, n) => of(x).powf(of(n)),
            Node::Root {
                degree: 2,
                radicand,
            } => root(of(radicand)),
            Node::Apply(Function::Sin, x) => of(x).sin(),
            Node::Apply(Function::Abs, x) => of(x).abs(),
            other => panic!("unexpected {other:?}"),
        });
    }
    values[expr.root.index()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_style_reads_the_same(tree in tree()) {
        let first = show(&spell(&tree, Style::Latex));
        for style in STYLES {
            let text = spell(&tree, style);
            let readings = parse(&text, &ParseLimits::default());
            prop_assert!(readings.is_ok(), "{style:?} `{text}`: {readings:?}");
            let readings = readings.unwrap();
            let Typed::Scalar(scalar) = &readings.0[0].value else {
                return Err(TestCaseError::fail(format!("`{text}` is no scalar")));
            };
            prop_assert_eq!(print::typed(&readings.0[0].value), first.split(" | ").next().unwrap(), "`{}`", text);
            let (expected, found) = (value(&tree), value_of(&scalar.value));
            let close = (expected - found).abs() <= 1e-6 * expected.abs().max(1.0);
            prop_assert!(
                close || expected.is_nan(),
                "`{text}`: {expected} is not {found}"
            );
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[-+*/^_{}()|\\\\!,.:;=<>a-fx0-9 $%'√π²½é]{0,60}") {
        let _ = parse(&text, &ParseLimits::default());
    }

    #[test]
    fn arbitrary_commands_never_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "\\frac", "\\sqrt", "{", "}", "(", ")", "[", "]", "1", "2", "x", "+", "-", "^", "_", ",", "\\left", "\\right",
            "\\text{ or }", "\\text{cm}", "\\pm", "\\cup", "\\{", "\\}", "|", "\\infty", "\\sin", "\\log", "\\pi", "=",
            "<", "\\le", "\\in", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", " ", "f", "e", "i", "!", "%", "°",
            "\\overline{", "3", "0.", "\\pmod", "\\binom", "\\mathbb{Z}", ":", "\\circ", "'", "\\langle", "\\rangle",
        ]), 0..24)
    ) {
        let _ = parse(&parts.concat(), &ParseLimits::default());
    }
}
