//! The math verifier: the cases under `tests/data/math/`.
#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

mod corpora;
mod golds;
mod gsm8k;
mod hostile;
mod laws;
mod references;
mod values;

use goldstone::math::{Gold, MathOptions, Scope, verify};
use goldstone::verdict::{Outcome, Verdict};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    reference: String,
    answer: String,
    verdict: Outcome,
    reason: Option<String>,
    /// `response` or `answer`.
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    options: MathOptions,
    /// What the span must cover.
    #[serde(default)]
    span: Option<String>,
    why: String,
}

fn scope_of(name: Option<&str>) -> Scope {
    match name {
        Some("response") => Scope::Response,
        Some("answer") | None => Scope::Answer,
        Some(other) => panic!("unknown scope `{other}`"),
    }
}

fn judge(reference: &str, answer: &str) -> Verdict {
    let options = MathOptions::default();
    verify(
        &Gold::compile(reference, &options).unwrap(),
        answer,
        Scope::Answer,
        &options,
    )
}

#[test]
fn cases_hold() {
    hold(include_str!("../data/math/verify.toml"));
}

#[test]
fn cases_of_typed_answers_hold() {
    hold(include_str!("../data/math/structure.toml"));
}

#[test]
fn cases_of_soundness_hold() {
    hold(include_str!("../data/math/soundness.toml"));
}

#[test]
fn cases_of_reading_hold() {
    hold(include_str!("../data/math/reading.toml"));
}

#[test]
fn cases_of_assertion_hold() {
    hold(include_str!("../data/math/assertion.toml"));
}

#[test]
fn cases_of_commitment_hold() {
    hold(include_str!("../data/math/commitment.toml"));
}

#[test]
fn cases_of_prose_hold() {
    hold(include_str!("../data/math/prose.toml"));
}

#[test]
fn cases_of_letters_hold() {
    hold(include_str!("../data/math/letters.toml"));
}

fn hold(cases: &str) {
    let cases: Cases = toml::from_str(cases).unwrap();
    let mut names = std::collections::BTreeSet::new();
    let mut failures = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for case in &cases.case {
        assert!(
            names.insert(&case.name),
            "two cases are named `{}`",
            case.name
        );
        assert!(!case.why.is_empty(), "`{}` does not say why", case.name);
        let gold = match Gold::compile(&case.reference, &case.options) {
            Ok(gold) => gold,
            Err(error) => {
                failures.push(format!("{}: {error}", case.name));
                continue;
            }
        };
        let verdict = verify(
            &gold,
            &case.answer,
            scope_of(case.scope.as_deref()),
            &case.options,
        );
        match case.verdict {
            Outcome::Correct => accepted += 1,
            _ => refused += 1,
        }
        let reason = case.reason.as_deref();
        if verdict.outcome != case.verdict || (reason.is_some() && verdict.reason != reason) {
            failures.push(format!(
                "{}: {:?} {:?} {:?}, {}",
                case.name, verdict.outcome, verdict.reason, verdict.detail, case.why
            ));
        }
        if let Some(expected) = &case.span {
            let span = verdict.detail.value("span").unwrap().as_array().unwrap();
            let at = |n: usize| usize::try_from(span[n].as_u64().unwrap()).unwrap();
            if case.answer[at(0)..at(1)] != **expected {
                failures.push(format!(
                    "{}: the span is `{}`",
                    case.name,
                    &case.answer[at(0)..at(1)]
                ));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.case.len(),
        failures.join("\n")
    );
    assert!(
        refused >= accepted,
        "{accepted} accepted cases, only {refused} refused"
    );
}
