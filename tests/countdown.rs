//! The numbers game. Cases in `tests/data/text/countdown.toml`, laws here.

use std::collections::HashSet;

use goldstone::text::countdown::{CountdownOptions, NumberUse, Puzzle, verify};
use goldstone::verdict::Outcome;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    reference: String,
    #[serde(default)]
    options: CountdownOptions,
    answer: String,
    verdict: Outcome,
    reason: String,
    credit: Option<f64>,
    #[serde(rename = "why")]
    _why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    reference: String,
    says: String,
}

fn file() -> File {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/text/countdown.toml"
    );
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn cases() {
    let mut names = HashSet::new();
    let (mut accepted, mut rejected) = (0, 0);
    let mut failures = Vec::new();
    for case in file().case {
        case.options.check().expect("good options");
        let puzzle =
            Puzzle::parse(&case.reference).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let verdict = verify(&puzzle, &case.answer, &case.options);
        if verdict.outcome != case.verdict
            || verdict.reason != Some(&*case.reason)
            || case.credit.is_some_and(|credit| credit != verdict.credit)
        {
            failures.push(format!(
                "{}: {verdict:?}, expected {:?} {}",
                case.name, case.verdict, case.reason
            ));
        }
        match case.verdict {
            Outcome::Correct => accepted += 1,
            _ => rejected += 1,
        }
        assert!(
            names.insert(case.name.clone()),
            "two cases are named `{}`",
            case.name
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        rejected >= accepted,
        "{accepted} accepted, {rejected} rejected"
    );
}

/// On expressions that are written as asked the exact value pays what TinyZero's
/// float pays.
#[test]
fn it_pays_what_tinyzero_pays() {
    #[derive(Deserialize)]
    struct Row {
        reference: serde_json::Value,
        answer: String,
        value: f64,
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/text/countdown.jsonl"
    );
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let options = CountdownOptions {
        format_credit: 0.1,
        ..CountdownOptions::default()
    };
    let (mut right, mut wrong) = (0, 0);
    for line in text.lines() {
        let row: Row = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let puzzle = Puzzle::from_json(&row.reference).expect("a puzzle");
        let verdict = verify(&puzzle, &row.answer, &options);
        assert_eq!(verdict.credit, row.value, "{line}: {verdict:?}");
        match verdict.outcome {
            Outcome::Correct => right += 1,
            _ => wrong += 1,
        }
    }
    assert!(right > 50 && wrong >= right, "{right} right, {wrong} wrong");
}

#[test]
fn bad_references_are_refused() {
    for refused in file().refused {
        match Puzzle::parse(&refused.reference) {
            Ok(puzzle) => panic!("{} is taken as {puzzle:?}", refused.reference),
            Err(error) => assert!(
                error.to_string().contains(&refused.says),
                "{error}\n  expected: {}",
                refused.says
            ),
        }
    }
    for credit in [1.0, -0.1, f64::NAN, f64::INFINITY] {
        let options = CountdownOptions {
            format_credit: credit,
            ..CountdownOptions::default()
        };
        let error = options.check().expect_err("no credit to give");
        assert!(
            error.to_string().starts_with("`format_credit` is "),
            "{error}"
        );
    }
}

#[test]
fn hostile_texts_are_judged() {
    let mega = |unit: &str| unit.repeat(8_000_000 / unit.len());
    let puzzle = Puzzle::parse(r#"{"numbers": [1, 2], "target": 3}"#).expect("a puzzle");
    for text in [
        mega("("),
        mega(")"),
        format!("{}1+2{}", mega("("), mega(")")),
        mega("9"),
        mega("1+"),
        format!("{}1", mega("1*")),
        mega("1/(2-"),
        mega(" "),
        mega("="),
        mega("−"),
        mega("٣"),
    ] {
        let verdict = verify(&puzzle, &text, &CountdownOptions::default());
        assert_ne!(
            verdict.outcome,
            Outcome::Correct,
            "{text:.20}: {:?}",
            verdict.reason
        );
    }
    let bracketed = |depth| format!("{}1+2{}", "(".repeat(depth), ")".repeat(depth));
    let judge = |text: String| verify(&puzzle, &text, &CountdownOptions::default()).reason;
    assert_eq!(judge(bracketed(900)), Some("target_met"));
    assert_eq!(judge(bracketed(1100)), Some("too_long"));
    assert_eq!(
        judge(format!("1{}", "+1".repeat(63))),
        Some("other_numbers")
    );
    assert_eq!(judge(format!("1{}", "+1".repeat(64))), Some("too_long"));
}

/// An expression of some numbers, written with all brackets, and its value
/// where floats hold it well enough to compare.
fn expression() -> impl Strategy<Value = (String, Vec<u64>, f64)> {
    let leaf = (1_u64..30).prop_map(|n| (n.to_string(), vec![n], n as f64));
    leaf.prop_recursive(4, 12, 2, |inner| {
        (
            inner.clone(),
            prop::sample::select(vec!['+', '-', '*', '/']),
            inner,
        )
            .prop_map(|((left, mut numbers, one), op, (right, more, other))| {
                numbers.extend(more);
                let value = match op {
                    '+' => one + other,
                    '-' => one - other,
                    '*' => one * other,
                    // Not infinity, whose inverse would be 0.
                    _ if other.abs() < 1e-9 => f64::NAN,
                    _ => one / other,
                };
                (format!("({left} {op} {right})"), numbers, value)
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// What a float says is the value, is; and no other target is met.
    #[test]
    fn the_value_decides((text, numbers, value) in expression(), other in -50_i64..50) {
        let whole = value.round();
        prop_assume!(value.is_finite() && whole.abs() < 1e6);
        let is_whole = (value - whole).abs() < 1e-9;
        let judge = |target: i64, numbers: &[u64], how| {
            let reference = serde_json::json!({ "numbers": numbers, "target": target });
            let puzzle = Puzzle::from_json(&reference).expect("a puzzle");
            let options = CountdownOptions { numbers: how, ..CountdownOptions::default() };
            verify(&puzzle, &text, &options).outcome == Outcome::Correct
        };
        prop_assert_eq!(judge(whole as i64, &numbers, NumberUse::ExactlyOnce), is_whole);
        if other != whole as i64 {
            prop_assert!(!judge(other, &numbers, NumberUse::ExactlyOnce));
        }
        let mut more = numbers.clone();
        more.push(31);
        prop_assert!(!judge(whole as i64, &more, NumberUse::ExactlyOnce));
        prop_assert_eq!(judge(whole as i64, &more, NumberUse::AtMostOnce), is_whole);
        let mut fewer = numbers.clone();
        fewer.pop();
        if !fewer.is_empty() {
            prop_assert!(!judge(whole as i64, &fewer, NumberUse::AtMostOnce));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[0-9+*/() =.−×-]{0,30}|\\PC{0,20}") {
        let puzzle = Puzzle::parse(r#"{"numbers": [1, 2, 0], "target": 3}"#).expect("a puzzle");
        let options = CountdownOptions { numbers: NumberUse::AtMostOnce, format_credit: 0.1 };
        let verdict = verify(&puzzle, &text, &options);
        prop_assert_eq!(verdict.credit == 1.0, verdict.outcome == Outcome::Correct);
        if let Some(span) = verdict.detail.value("span") {
            let span: [usize; 2] = serde_json::from_value(span.clone()).expect("two numbers");
            prop_assert!(text.get(span[0]..span[1]).is_some(), "{:?}", span);
        }
    }
}
