//! GSM8K's marked lines against labels and near misses.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests, and figures for people"
)]

use goldstone::math::gsm8k::{self, Gsm8kOptions, GsmPair};
use goldstone::verdict::Outcome;
use serde::Deserialize;

#[derive(Deserialize)]
struct Labelled {
    id: String,
    reference: String,
    completion: String,
    label: bool,
}

#[test]
fn gsm8k_strict_agrees_with_the_labels() {
    let options = Gsm8kOptions::default();
    let mut disagreements = Vec::new();
    let mut right = 0;
    for line in include_str!("../data/math/gsm8k.jsonl").lines() {
        let row: Labelled = serde_json::from_str(line).unwrap();
        let pair = GsmPair {
            reference: &row.reference,
            completion: &row.completion,
        };
        let verdict = gsm8k::verify(pair, &options).unwrap();
        right += usize::from(row.label);
        if (verdict.outcome == Outcome::Correct) != row.label {
            disagreements.push(format!(
                "{}: {:?} {:?}",
                row.id, verdict.outcome, verdict.reason
            ));
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert!(right > 20);
}

/// Set `GOLDSTONE_GSM8K` to a file of rollouts whose `extra.label` is known.
#[test]
fn gsm8k_rollouts_from_the_environment_agree() {
    let Ok(file) = std::env::var("GOLDSTONE_GSM8K") else {
        return;
    };
    let mut rows = 0;
    let mut disagreements = Vec::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let pair = GsmPair {
            reference: row["reference"].as_str().unwrap(),
            completion: row["completion"].as_str().unwrap(),
        };
        let verdict = gsm8k::verify(pair, &Gsm8kOptions::default()).unwrap();
        rows += 1;
        if (verdict.outcome == Outcome::Correct) != row["extra"]["label"].as_bool().unwrap() {
            disagreements.push(format!(
                "{}: {:?} {:?}",
                row["id"], verdict.outcome, verdict.reason
            ));
        }
    }
    eprintln!("{rows} rows, {} disagreements", disagreements.len());
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

#[test]
fn gsm8k_reads_what_stands_round_the_marked_line() {
    let long = format!("#### {}", "x".repeat(5000));
    for (completion, expected) in [
        ("#### 42\nthe answer is 43", Some("conflict")),
        ("#### 42\n\n\\boxed{43}", Some("conflict")),
        ("#### 42\n43", Some("conflict")),
        ("not #### 42", Some("denied")),
        ("#### 42\nWait, no.", Some("retracted")),
        ("#### 1e99999", Some("too_long")),
        (&long, Some("too_long")),
    ] {
        let pair = GsmPair {
            reference: "42",
            completion,
        };
        let verdict = gsm8k::verify(pair, &Gsm8kOptions::default()).unwrap();
        assert_eq!(verdict.reason, expected, "{completion:.40}");
    }
    for completion in [
        "#### 42\nthe answer is 42",
        "#### 42\n\\boxed{42}",
        "It is so.\n#### 42\n\n",
        "A: 42",
    ] {
        let pair = GsmPair {
            reference: "42",
            completion,
        };
        let verdict = gsm8k::verify(pair, &Gsm8kOptions::default()).unwrap();
        assert_eq!(verdict.outcome, Outcome::Correct, "{completion}");
    }
}

#[test]
fn gsm8k_modes_differ_on_prose() {
    let pair = GsmPair {
        reference: "#### 18",
        completion: "She makes 9 * 2 = $18.",
    };
    assert_eq!(
        gsm8k::verify(pair, &Gsm8kOptions::default())
            .unwrap()
            .outcome,
        Outcome::NoAnswer
    );
    let last = Gsm8kOptions {
        mode: gsm8k::Mode::LastNumber,
    };
    assert_eq!(
        gsm8k::verify(pair, &last).unwrap().outcome,
        Outcome::Correct
    );
    let other = GsmPair {
        completion: "It is 18, or 1-19",
        ..pair
    };
    let verdict = gsm8k::verify(other, &last).unwrap();
    assert_eq!(
        (verdict.outcome, verdict.reason),
        (Outcome::Wrong, Some("not_a_number"))
    );
    for completion in ["on 2024-01-18", "the 18th", "18%", "5-18", "x18", "18x"] {
        let verdict = gsm8k::verify(GsmPair { completion, ..pair }, &last).unwrap();
        assert_ne!(verdict.outcome, Outcome::Correct, "{completion}");
    }
    for completion in ["it makes -3 and 18.", "is $18", "18 in all"] {
        let verdict = gsm8k::verify(GsmPair { completion, ..pair }, &last).unwrap();
        assert_eq!(verdict.outcome, Outcome::Correct, "{completion}");
    }
    assert!(
        gsm8k::verify(
            GsmPair {
                reference: "many",
                completion: "A: 1"
            },
            &last
        )
        .is_err()
    );
}
