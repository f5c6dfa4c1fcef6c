//! Corpora of pairs that are equal or not: no false positive in any.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests, and figures for people"
)]

use std::collections::BTreeMap;

use goldstone::math::{Gold, MathOptions, verify};
use goldstone::verdict::Outcome;
use serde::Deserialize;

use super::scope_of;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    id: String,
    #[serde(rename = "source")]
    _source: String,
    gold: String,
    pred: String,
    expected: bool,
    kind: String,
    form: String,
}

/// How often each outcome fell to pairs that are equal, or not.
type Counts = BTreeMap<(bool, &'static str), usize>;

/// Judges a corpus; returns counts by (expected, outcome) and what is alarming.
fn run(corpus: &str) -> (Counts, Vec<String>, Vec<String>) {
    let options = MathOptions::default();
    let mut counts = Counts::new();
    let (mut false_positives, mut misses) = (Vec::new(), Vec::new());
    for line in corpus.lines() {
        let pair: Pair = serde_json::from_str(line).unwrap();
        let described = format!(
            "{} [{}] {:.80} | {:.120}",
            pair.id, pair.kind, pair.gold, pair.pred
        );
        let Ok(gold) = Gold::compile(&pair.gold, &options) else {
            *counts
                .entry((pair.expected, "reference_error"))
                .or_default() += 1;
            misses.push(format!("REFERENCE {described}"));
            continue;
        };
        let verdict = verify(&gold, &pair.pred, scope_of(Some(&pair.form)), &options);
        *counts
            .entry((pair.expected, verdict.outcome.name()))
            .or_default() += 1;
        match (pair.expected, verdict.outcome) {
            (false, Outcome::Correct) => {
                false_positives.push(format!("{:?} {described}", verdict.reason))
            }
            (true, Outcome::Unknown | Outcome::Wrong | Outcome::NoAnswer) => {
                misses.push(format!("{:?} {described}", verdict.reason))
            }
            _ => {}
        }
    }
    (counts, false_positives, misses)
}

#[test]
fn public_suites_have_no_false_positive() {
    let (counts, false_positives, misses) = run(include_str!("../data/math/peer_cases.jsonl"));
    eprintln!("{counts:?}\n{}", misses.join("\n"));
    assert!(false_positives.is_empty(), "{}", false_positives.join("\n"));
    // So that "never correct" cannot pass.
    assert!(counts[&(true, "correct")] >= 200, "{counts:?}");
}

#[test]
fn adversarial_pairs_have_no_false_positive() {
    let (counts, false_positives, misses) = run(include_str!("../data/math/adversarial.jsonl"));
    eprintln!("{counts:?}\n{}", misses.join("\n"));
    assert!(false_positives.is_empty(), "{}", false_positives.join("\n"));
    assert!(counts[&(true, "correct")] >= 40, "{counts:?}");
}

/// Near misses of every type: one sign, one end, one name, one order off.
#[test]
fn near_misses_are_never_right() {
    let (counts, false_positives, _) = run(include_str!("../data/math/attacks.jsonl"));
    eprintln!("{counts:?}");
    assert!(false_positives.is_empty(), "{}", false_positives.join("\n"));
    // So that "always unknown" cannot pass.
    assert!(counts[&(false, "wrong")] >= 200, "{counts:?}");
}

/// Set `GOLDSTONE_MATH_CORPUS` to files in the form of the corpora to judge
/// them too; fields other than those are ignored.
#[test]
fn corpora_from_the_environment_have_no_false_positive() {
    let Ok(files) = std::env::var("GOLDSTONE_MATH_CORPUS") else {
        return;
    };
    for file in files.split(':') {
        let mut kept = String::new();
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let mut row: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(line).unwrap();
            if row.get("scope").is_some_and(|scope| scope != "math") {
                continue;
            }
            row.retain(|key, _| {
                ["id", "source", "gold", "pred", "expected", "kind", "form"].contains(&key.as_str())
            });
            kept.push_str(&serde_json::to_string(&row).unwrap());
            kept.push('\n');
        }
        let (counts, false_positives, misses) = run(&kept);
        eprintln!("{file}: {counts:?}\n{}", misses.join("\n"));
        assert!(false_positives.is_empty(), "{}", false_positives.join("\n"));
    }
}
