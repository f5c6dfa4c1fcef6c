//! Tests of the ladder: pairs from a table, laws, hostile graphs.

mod builder;

use super::{Decision, Limits, Proof, Secrets, decide};
use builder::parse;

fn secrets() -> Secrets {
    Secrets::from_seed([7, 11])
}

/// Decides both ways round, which must agree.
fn judge(a: &str, b: &str) -> Decision {
    let (secrets, limits) = (secrets(), Limits::default());
    let (x, y) = (parse(a), parse(b));
    let one = decide(&x, &y, &secrets, &limits);
    let other = decide(&y, &x, &secrets, &limits);
    assert_eq!(kind(&one), kind(&other), "`{a}` against `{b}` is not symmetric: {one:?} {other:?}");
    one
}

fn kind(decision: &Decision) -> String {
    match decision {
        Decision::Equal { proof: Proof::Exact, .. } => "exact".into(),
        Decision::Equal { proof: Proof::Probabilistic, .. } => "probable".into(),
        Decision::Equal { proof: Proof::Numeric { .. }, .. } => "numeric".into(),
        Decision::Different { .. } => "different".into(),
        Decision::Unknown(_) => "unknown".into(),
        Decision::Undefined => "undefined".into(),
    }
}

/// The table: `kind | a | b`, one pair a line.
const PAIRS: &str = include_str!("pairs.txt");

#[test]
fn pairs() {
    let mut failures = Vec::new();
    for line in PAIRS.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let [want, a, b] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("not a pair: {line}");
        };
        let decision = judge(a, b);
        let got = kind(&decision);
        let fits = match want {
            "equal" => matches!(decision, Decision::Equal { .. }),
            _ => got == want,
        };
        if !fits {
            failures.push(format!("{line}\n    {decision:?}"));
        }
    }
    assert!(failures.is_empty(), "{} pairs:\n{}", failures.len(), failures.join("\n"));
}
