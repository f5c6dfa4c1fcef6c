//! Answers that are made to cost time, and the limits that they meet.
#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use std::time::{Duration, Instant};

use goldstone::math::{Gold, MathOptions, Scope, verify};
use goldstone::verdict::Outcome;

use super::judge;

/// Runs in the time that any single answer may take, generously.
fn quickly<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{what} took {:?}",
        start.elapsed()
    );
    result
}

#[test]
fn hostile_answers_are_quick_and_never_right() {
    let hostile = [
        ("nines", format!("\\boxed{{{}}}", "9".repeat(100_000))),
        ("tower", "\\boxed{9^{9^9}}".to_owned()),
        ("power", "\\boxed{9^{999999999}}".to_owned()),
        ("exponent", "\\boxed{1e999999999}".to_owned()),
        (
            "huge exponent",
            "\\boxed{1e99999999999999999999999}".to_owned(),
        ),
        ("negative exponent", "\\boxed{10^{-999999999}}".to_owned()),
        ("braces", "{".repeat(1 << 20)),
        (
            "closed braces",
            format!("{}{}", "{".repeat(1 << 19), "}".repeat(1 << 19)),
        ),
        ("boxes", "\\boxed{".repeat((1 << 20) / 7)),
        ("empty boxes", "\\boxed{}".repeat((1 << 20) / 8)),
        ("bare boxes", "\\boxed ".repeat((1 << 20) / 7)),
        (
            "listed boxes",
            "\\boxed{5},".repeat((1 << 20) / 10) + "\\boxed{6}",
        ),
        (
            "joined prose",
            "\\boxed{ab cd},".repeat(1000) + &format!("\\boxed{{{}e-15000}}", "7".repeat(3900)),
        ),
        (
            "costly rivals",
            (0..1000)
                .map(|n| format!("\\boxed{{{n}e-15000}} then "))
                .collect::<String>()
                + "\\boxed{6}",
        ),
        ("backslashes", "\\".repeat(1 << 20)),
        ("dollars", "$".repeat(1 << 20)),
        ("hashes", "#".repeat(1 << 20)),
        ("tags", "<answer>".repeat((1 << 20) / 8)),
        ("thoughts", "</think>".repeat((1 << 20) / 8)),
        ("phrases", "the answer is ".repeat((1 << 20) / 14)),
        ("denials", "not the answer is ".repeat((1 << 20) / 18)),
        ("conclusions", "Therefore, ".repeat((1 << 20) / 11)),
        (
            "concluding sentences",
            "Therefore, the total is 6. ".repeat((1 << 20) / 27) + "Therefore, the total is 5.",
        ),
        ("capitals", "T ".repeat(1 << 19)),
        (
            "announced sentences",
            "Final Answer: the total is 6. ".repeat((1 << 20) / 30),
        ),
        (
            "steps",
            "so $2+2=\\boxed{4}$. ".repeat((1 << 20) / 19)
                + "Final Answer: The final answer is $5$",
        ),
        ("one-letter boxes", "\\boxed 6 and ".repeat((1 << 20) / 13)),
        ("escaped boxes", "\\\\boxed{6} ".repeat((1 << 20) / 11)),
        ("headings", "### Response ".repeat((1 << 20) / 13)),
        ("number lines", "Done.\n6\n".repeat(1 << 17) + "5"),
        ("stars", "*".repeat(1 << 20)),
        ("nul", "\0".repeat(1 << 20)),
        ("fractions", format!("\\boxed{{{}}}", "\\frac1".repeat(600))),
        ("commas", format!("\\boxed{{{}}}", "5,".repeat(2000))),
        ("parentheses", format!("\\boxed{{{}5}}", "(".repeat(4000))),
    ];
    for (what, text) in &hostile {
        for scope in [Scope::Response, Scope::Answer] {
            let options = MathOptions::default();
            let gold = Gold::compile("5", &options).unwrap();
            let verdict = quickly(what, || verify(&gold, text, scope, &options));
            assert_ne!(verdict.outcome, Outcome::Correct, "{what}");
        }
    }
}

#[test]
fn limits_are_unknown_and_long_integers_are_decided() {
    // Too large to compute, and still no 5.
    assert_eq!(judge("5", "1e999999999").outcome, Outcome::Wrong);
    assert_eq!(judge("5", "9^{999999}").outcome, Outcome::Wrong);
    assert_eq!(judge("5", &"x+".repeat(4000)).reason, Some("too_long"));
    let nines = "9".repeat(100_000);
    assert_eq!(judge(&nines, &nines).outcome, Outcome::Correct);
    assert_eq!(
        judge(&nines, &format!("00{nines}")).outcome,
        Outcome::Correct
    );
    assert_eq!(judge(&nines, &format!("-{nines}")).outcome, Outcome::Wrong);
    assert_eq!(
        judge(&nines, &format!("{}8", &nines[1..])).outcome,
        Outcome::Wrong
    );
    let zeros = format!("1{}", "0".repeat(5000));
    assert_eq!(judge("10^{5000}", &zeros).outcome, Outcome::Correct);
    assert_eq!(judge("10^{5001}", &zeros).outcome, Outcome::Wrong);
}
