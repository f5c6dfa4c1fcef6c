//! Cheats and honest programs, run in the Python guest where it is installed.

use std::env;

use goldstone::code::{CodeError, CodeOptions, CodeReport, Credit, Task, verify};
use goldstone::sandbox::{InProcess, SandboxError};
use serde::Deserialize;
use serde_json::Value;

use super::{assert_none, text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    class: String,
    /// One verdict, or several with `|` between where memory and time compete.
    verdict: String,
    source: String,
    tests: Value,
    why: String,
}

/// The installed guest; says so where there is none.
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
pub(super) fn guest() -> Option<InProcess> {
    let runner = InProcess::new(None).expect("a sandbox");
    let tests = serde_json::json!({
        "type": "stdio", "cases": [{"input": "", "output": ""}]
    });
    match judged(&runner, &tests, "pass") {
        Err(CodeError::Sandbox(
            error @ (SandboxError::NotInstalled { .. } | SandboxError::Outdated { .. }),
        )) => {
            let required = env::var("GOLDSTONE_TEST_GUEST").is_ok_and(|value| value == "required");
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

fn judged(runner: &InProcess, tests: &Value, source: &str) -> Result<CodeReport, CodeError> {
    let task = Task::from_json(tests).expect("sound tests");
    let mut options = CodeOptions::default();
    options.limits.fuel = 2_000_000_000;
    options.limits.total_fuel = 4_000_000_000;
    verify(&task, source, &options, runner)
}

#[test]
fn cheats_earn_nothing_and_honest_programs_pass() {
    let Some(runner) = guest() else { return };
    let text = text("programs.jsonl");
    let mut failures = Vec::new();
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).expect("a case");
        let report = judged(&runner, &case.tests, &case.source).expect("a report");
        let paid = report
            .verdict(Credit::Fraction)
            .map_or(0.0, |verdict| verdict.credit);
        let should = if case.class == "control" { 1.0 } else { 0.0 };
        if (paid == 1.0) != (should == 1.0)
            || !case
                .verdict
                .split('|')
                .any(|verdict| verdict == report.verdict.name())
        {
            failures.push(format!(
                "{}: {} pays {paid} ({}), expected {}; {}",
                case.name,
                report.verdict.name(),
                report.message,
                case.verdict,
                case.why
            ));
        }
    }
    assert_none(&failures);
}

#[test]
fn the_same_program_takes_the_same_fuel() {
    let Some(runner) = guest() else { return };
    let tests = serde_json::json!({
        "type": "asserts",
        "asserts": ["assert f(3) == 6", "assert sorted(f(x) for x in (2, 1)) == [1, 3]"],
        "entry_point": "f",
    });
    let source = "import random\ndef f(n):\n    random.random()\n    return sum(range(n + 1))\n";
    let once = judged(&runner, &tests, source).expect("a report");
    assert_eq!(once.verdict.name(), "pass", "{}", once.message);
    let again = judged(&runner, &tests, source).expect("a report");
    assert_eq!(once, again);
}
