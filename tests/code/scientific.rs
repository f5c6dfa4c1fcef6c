//! Programs with numpy and others, run in the guest `python-scientific` where it is
//! installed: half a gigabyte that takes minutes, so that no test asks for it but with
//! `GOLDSTONE_TEST_SCIENTIFIC=required`.

use std::env;

use goldstone::code::{CodeError, CodeOptions, CodeReport, Credit, Task, verify};
use goldstone::sandbox::{InProcess, SandboxError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{assert_balanced, assert_none, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    source: String,
    entry: Option<String>,
    args: Option<String>,
    expected: Option<String>,
    output: Option<String>,
    verdict: String,
    why: String,
}

impl Case {
    fn tests(&self) -> Value {
        match &self.entry {
            Some(entry) => json!({
                "type": "calls", "entry_point": entry,
                "cases": [{"args": self.args, "expected": self.expected}],
            }),
            None => json!({
                "type": "stdio", "cases": [{"input": "", "output": self.output}],
            }),
        }
    }
}

fn cases() -> Vec<Case> {
    read::<Cases>("scientific.toml").case
}

fn judged(runner: &InProcess, tests: &Value, source: &str) -> Result<CodeReport, CodeError> {
    let task = Task::from_json(tests).expect("sound tests");
    let mut options = CodeOptions {
        guest: "python-scientific".to_owned(),
        ..CodeOptions::default()
    };
    options.limits.fuel = 3_000_000_000;
    options.limits.total_fuel = 6_000_000_000;
    verify(&task, source, &options, runner)
}

/// The installed guest; says so where there is none.
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn guest() -> Option<InProcess> {
    let runner = InProcess::new(None).expect("a sandbox");
    let tests = json!({"type": "stdio", "cases": [{"input": "", "output": ""}]});
    match judged(&runner, &tests, "pass") {
        Err(CodeError::Sandbox(
            error @ (SandboxError::NotInstalled { .. } | SandboxError::Outdated { .. }),
        )) => {
            let required =
                env::var("GOLDSTONE_TEST_SCIENTIFIC").is_ok_and(|value| value == "required");
            assert!(!required, "{error}");
            eprintln!("not tested: {error}");
            None
        }
        other => {
            other.expect("a report");
            Some(runner)
        }
    }
}

#[test]
fn cases_are_balanced() {
    let cases = cases();
    let cases = cases
        .iter()
        .map(|case| (case.name.as_str(), case.verdict == "pass"));
    assert_balanced("scientific.toml", cases);
}

#[test]
fn programs_end_as_the_cases_say() {
    let Some(runner) = guest() else { return };
    let mut failures = Vec::new();
    for case in cases() {
        let report = judged(&runner, &case.tests(), &case.source).expect("a report");
        let again = judged(&runner, &case.tests(), &case.source).expect("a report");
        let paid = report
            .verdict(Credit::Fraction)
            .map_or(0.0, |verdict| verdict.credit);
        let should = f64::from(case.verdict == "pass");
        if report.verdict.name() != case.verdict || paid != should || report != again {
            failures.push(format!(
                "{}: {} pays {paid} ({}), expected {}; {}; fuel {} and {}",
                case.name,
                report.verdict.name(),
                report.message,
                case.verdict,
                case.why,
                report.fuel,
                again.fuel,
            ));
        }
    }
    assert_none(&failures);
}

#[test]
fn numpy_draws_from_the_seed() {
    let Some(runner) = guest() else { return };
    let tests = json!({"type": "stdio", "cases": [{"input": "", "output": "?"}]});
    let source = "import numpy as np\nprint(np.random.rand(), np.random.default_rng().random())";
    let drawn = |seed| {
        let task = Task::from_json(&tests).expect("sound tests");
        let options = CodeOptions {
            guest: "python-scientific".to_owned(),
            seed,
            ..CodeOptions::default()
        };
        let report = verify(&task, source, &options, &runner).expect("a report");
        report.tests[0].stdout.clone()
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}
