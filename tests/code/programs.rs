//! Cheats and honest programs, run in the Python guest where it is installed.

use std::env;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use assert_cmd::cargo::cargo_bin;
use goldstone::code::{
    CodeError, CodeOptions, CodeReport, Credit, NoReference, References, Script, Task, Trust,
    Trusting, against_reference, run_program, verify,
};
use goldstone::sandbox::{InProcess, Runner, SandboxError, Workers, WorkersOptions};
use goldstone::verdict::Outcome;
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

#[test]
fn a_source_of_ten_megabytes_has_a_verdict() {
    let Some(runner) = guest() else { return };
    let tests = serde_json::json!({"type": "calls", "entry_point": "f", "cases": [{"args": "()", "expected": "1"}]});
    let right = "def f(): return 1\n";
    for (filling, verdicts) in [
        // The parser's work is the program's: it passes with 80 times the fuel.
        ("#\n".repeat(5 << 20), ["timeout_fuel", "timeout_fuel"]),
        ("x = [1, 2]\n".repeat(1 << 20), ["timeout_fuel", "memory"]),
        ("(".repeat(10 << 20), ["compile_error", "memory"]),
    ] {
        let report = judged(&runner, &tests, &(filling + right)).expect("a report");
        let name = report.verdict.name();
        assert!(verdicts.contains(&name), "{name}: {}", report.message);
    }
}

#[test]
fn shared_mode_judges_and_pays_nothing() {
    let Some(runner) = guest() else { return };
    let task = |code: &str| {
        let tests = serde_json::json!({"type": "check", "entry_point": "f", "code": code});
        Task::from_json(&tests).expect("sound tests")
    };
    let options = CodeOptions {
        trusting: Trusting::Shared,
        ..CodeOptions::default()
    };
    let check = task("def check(candidate):\n    assert candidate(2) == 4\n");
    for (source, verdict) in [
        ("def f(n): return n * n\n", "pass"),
        ("def f(n): return n\n", "wrong_answer"),
        ("def f(n): return 1 / 0\n", "runtime_error"),
        ("def f(n:\n", "compile_error"),
        ("import os\nos._exit(0)\n", "exit"),
    ] {
        let report = verify(&check, source, &options, &runner).expect("a report");
        assert_eq!(
            report.verdict.name(),
            verdict,
            "{source}: {}",
            report.message
        );
        assert_eq!(report.trust, Trust::Weak);
        let judged = report.verdict(Credit::Binary).expect("a verdict");
        assert_eq!(judged.outcome, Outcome::Unknown, "{source}");
        assert_eq!(judged.credit, 0.0, "{source}");
    }
}

#[test]
fn the_fuel_of_calls_belongs_to_their_tests() {
    let Some(runner) = guest() else { return };
    let tests = serde_json::json!({
        "type": "asserts",
        "entry_point": "f",
        "setup": "ready = f(1)",
        "asserts": ["assert f(10) == 10", "assert ready and all(f(n) == n for n in (1000, 1000))"],
    });
    let source = "def f(n):\n    for _ in range(n): pass\n    return n\n";
    let report = judged(&runner, &tests, source).expect("a report");
    assert_eq!(report.verdict.name(), "pass", "{}", report.message);
    let [first, second] = &report.tests[..] else {
        panic!("two tests");
    };
    assert!(first.fuel > 0 && second.fuel > first.fuel, "{report:?}");
    // What set them up called the program too.
    assert!(report.fuel > first.fuel + second.fuel, "{report:?}");
}

#[test]
fn references_measure_programs_that_pass() {
    let Some(runner) = guest() else { return };
    let task = |reference: Option<&str>| {
        let mut tests = serde_json::json!({"type": "calls", "entry_point": "f", "cases": [{"args": "(30000,)", "expected": "449985000"}]});
        if let Some(reference) = reference {
            tests["reference_solution"] = reference.into();
        }
        Task::from_json(&tests).expect("sound tests")
    };
    let options = CodeOptions::default();
    let quick = "def f(n): return n * (n - 1) // 2\n";
    let slow = "def f(n):\n    s = 0\n    for i in range(n): s += i\n    return s\n";
    // The work is done while the program is defined.
    let early =
        "T = {}\ns = 0\nfor i in range(30001):\n    T[i] = s\n    s += i\ndef f(n): return T[n]\n";
    let references = References::default();
    let of = |task: &Task| references.fuel(task, &options, &runner);
    let fuel = |source| {
        verify(&task(None), source, &options, &runner)
            .expect("a report")
            .work_fuel()
    };
    let reference = of(&task(Some(slow))).expect("it passes");
    assert_eq!(reference, fuel(slow));
    assert_eq!(reference, of(&task(Some(slow))).expect("it is known"));
    assert_eq!(against_reference(fuel(quick), reference), 1.0);
    assert!(against_reference(fuel(slow), of(&task(Some(quick))).expect("it passes")) < 0.2);
    assert!(against_reference(fuel(early), fuel(quick)) < 0.2);
    assert!(matches!(of(&task(None)), Err(NoReference::Missing)));
    let wrong = of(&task(Some("def f(n): return n\n")));
    assert!(matches!(wrong, Err(NoReference::Fails(_))), "{wrong:?}");
}

#[test]
fn a_named_program_shows_its_traceback_as_python_does() {
    let Some(runner) = guest() else { return };
    let run = |source: &str, name: Option<&str>| {
        let script = Script {
            source,
            name,
            stdin: b"",
        };
        let run = run_program(&script, &CodeOptions::default(), &runner).expect("a run");
        String::from_utf8(run.stderr).expect("text")
    };
    let raises = "def half(n):\n    return 1 / n\n\nhalf(0)\n";
    assert_eq!(
        run(raises, Some("dir/half.py")),
        "Traceback (most recent call last):\n  \
         File \"dir/half.py\", line 4, in <module>\n    half(0)\n    ~~~~^^^\n  \
         File \"dir/half.py\", line 2, in half\n    return 1 / n\n           ~~^~~\n\
         ZeroDivisionError: division by zero\n"
    );
    assert_eq!(
        run("def half(n:\n", Some("half.py")),
        "  File \"half.py\", line 1\n    def half(n:\n            ^\n\
         SyntaxError: '(' was never closed\n"
    );
    assert_eq!(run("raise SystemExit('bye')", Some("bye.py")), "bye\n");
    // Nobody reads it where a program is judged.
    assert_eq!(run(raises, None), "");
}

#[test]
fn reports_are_the_same_in_workers_and_under_load() {
    let Some(here) = guest() else { return };
    let pool = Workers::new(WorkersOptions {
        count: NonZeroUsize::new(2),
        binary: Some(cargo_bin("goldstone")),
        ..WorkersOptions::default()
    })
    .expect("a pool");
    let text = text("programs.jsonl");
    let cases: Vec<Case> = text
        .lines()
        .step_by(4)
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect();
    let report = |runner: &dyn Runner, case: &Case| {
        let task = Task::from_json(&case.tests).expect("sound tests");
        let mut options = CodeOptions::default();
        options.limits.fuel = 100_000_000;
        options.limits.total_fuel = 200_000_000;
        verify(&task, &case.source, &options, runner).expect("a report")
    };
    let alone: Vec<_> = cases.iter().map(|case| report(&here, case)).collect();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        // Beside the runs below, more than most machines have cores for.
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let runs: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for (case, alone) in cases.iter().zip(&alone) {
                        assert_eq!(&report(&pool, case), alone, "{}", case.name);
                    }
                })
            })
            .collect();
        let ends: Vec<_> = runs.into_iter().map(|run| run.join()).collect();
        stop.store(true, Ordering::Relaxed);
        ends.into_iter()
            .for_each(|end| end.expect("the same reports"));
    });
}
