//! What turns of a guest come to, with a runner that answers as it is told:
//! limits, ends, forged replies.

use goldstone::code::{
    CodeError, CodeOptions, CodeReport, CodeVerdict, Credit, Task, Unjudged, verify,
};
use goldstone::sandbox::{End, Job, Outcome, Runner, SandboxError, Turn, Work};
use goldstone::verdict::Outcome as Judged;
use serde_json::json;

/// Answers every turn alike, but for what defines the program.
struct Scripted {
    end: End,
    reply: Vec<u8>,
    stdout: Vec<u8>,
    memory_denied: bool,
    fuel: u64,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            end: End::Returned(0),
            reply: Vec::new(),
            stdout: Vec::new(),
            memory_denied: false,
            fuel: 10,
        }
    }
}

/// `("ok",)`.
const OK: &[u8] = b"(\x01\0\0\0u\x02\0\0\0ok";

impl Runner for Scripted {
    fn run(&self, job: &Job) -> Result<Outcome, SandboxError> {
        let turn = |end: &End, reply: &[u8]| Turn {
            end: end.clone(),
            reply: reply.to_vec(),
            stdout: self.stdout.clone(),
            stderr: Vec::new(),
            fuel: self.fuel,
            memory_bytes: 0,
            memory_denied: self.memory_denied,
        };
        let count = match &job.work {
            Work::Fresh(requests) => requests.len(),
            Work::Calls { calls, .. } => calls.len(),
            Work::Split { .. } => 1,
        };
        Ok(Outcome {
            guest: job.guest.clone(),
            guest_sha256: "00".to_owned(),
            load: (!matches!(job.work, Work::Fresh(_))).then(|| turn(&End::Returned(0), OK)),
            turns: vec![turn(&self.end, &self.reply); count],
            calls: Vec::new(),
        })
    }
}

fn judged(runner: &dyn Runner, tests: serde_json::Value) -> CodeReport {
    let task = Task::from_json(&tests).expect("sound tests");
    verify(&task, "x", &CodeOptions::default(), runner).expect("a report")
}

fn one_call() -> serde_json::Value {
    json!({"type": "calls", "entry_point": "f", "cases": [{"args": "(1,)", "expected": "2"}]})
}

fn one_case() -> serde_json::Value {
    json!({"type": "stdio", "cases": [{"input": "", "output": "2\n"}]})
}

#[test]
fn ends_have_their_verdicts() {
    use CodeVerdict as V;
    let ends = [
        (End::Fuel, V::TimeoutFuel, V::TimeoutFuel),
        (End::Wall, V::TimeoutWall, V::TimeoutWall),
        (End::Output, V::OutputLimit, V::OutputLimit),
        (End::Reply, V::OutputLimit, V::OutputLimit),
        (End::Stack, V::RuntimeError, V::RuntimeError),
        (
            End::Trap("unreachable".to_owned()),
            V::RuntimeError,
            V::RuntimeError,
        ),
        (End::Exit(0), V::Exit, V::Pass),
        (End::Exit(3), V::Exit, V::RuntimeError),
        (End::Returned(3), V::ProtocolError, V::ProtocolError),
    ];
    for (end, called, ran) in ends {
        let runner = Scripted {
            end: end.clone(),
            stdout: b"2\n".to_vec(),
            ..Scripted::default()
        };
        assert_eq!(
            judged(&runner, one_call()).verdict,
            called,
            "{end:?} of a call"
        );
        assert_eq!(
            judged(&runner, one_case()).verdict,
            ran,
            "{end:?} of a program"
        );
    }
    let denied = Scripted {
        end: End::Trap("unreachable".to_owned()),
        memory_denied: true,
        ..Scripted::default()
    };
    assert_eq!(judged(&denied, one_call()).verdict, V::Memory);
}

#[test]
fn a_reply_is_the_reply_to_its_call_or_none() {
    // `(0, "value", 2)` is right; nothing else is.
    let right = b"(\x03\0\0\0i\0\0\0\0u\x05\0\0\0valuei\x02\0\0\0".to_vec();
    let verdict = |reply: &[u8]| {
        let runner = Scripted {
            reply: reply.to_vec(),
            ..Scripted::default()
        };
        judged(&runner, one_call()).verdict
    };
    assert_eq!(verdict(&right), CodeVerdict::Pass);
    let mut other_call = right.clone();
    other_call[6] = 1;
    let mut longer = right.clone();
    longer.push(b'N');
    let mut code = right.clone();
    code[right.len() - 5] = b'c';
    for forged in [
        &other_call[..],
        &longer,
        &code,
        &right[..right.len() - 1],
        b"",
        b"N",
        OK,
    ] {
        assert_eq!(verdict(forged), CodeVerdict::ProtocolError, "{forged:?}");
    }
    // A length that is not there allocates nothing.
    assert_eq!(verdict(b"[\xff\xff\xff\x7f"), CodeVerdict::ProtocolError);
    assert_eq!(
        verdict(&b"[\x01\0\0\0".repeat(100_000)),
        CodeVerdict::ProtocolError
    );
}

#[test]
fn what_says_nothing_about_the_program_pays_nothing() {
    let wall = Scripted {
        end: End::Wall,
        ..Scripted::default()
    };
    let report = judged(&wall, one_call());
    assert_eq!(report.verdict(Credit::Binary), Err(Unjudged::WallClock));
    let checker = json!({
        "type": "stdio",
        "cases": [{"input": "", "output": ""}],
        "compare": {"mode": "checker", "checker": "def check(input, expected, output): return 1"},
    });
    // The program ends well, and so the checker is asked, which answers no bool.
    let ends_well = Scripted {
        end: End::Exit(0),
        ..Scripted::default()
    };
    let report = judged(&ends_well, checker);
    assert_eq!(report.verdict, CodeVerdict::BadTask);
    assert!(matches!(
        report.verdict(Credit::Fraction),
        Err(Unjudged::BadTask(_))
    ));
}

#[test]
fn our_own_failures_are_errors() {
    struct Broken;
    impl Runner for Broken {
        fn run(&self, job: &Job) -> Result<Outcome, SandboxError> {
            Err(SandboxError::NotInstalled {
                name: job.guest.clone(),
            })
        }
    }
    let task = Task::from_json(&one_call()).expect("sound tests");
    let error = verify(&task, "x", &CodeOptions::default(), &Broken).expect_err("an error");
    assert!(matches!(
        error,
        CodeError::Sandbox(SandboxError::NotInstalled { .. })
    ));
}

#[test]
fn credit_counts_tests_or_groups() {
    // The program prints `2` whatever it reads.
    let runner = Scripted {
        end: End::Exit(0),
        stdout: b"2\n".to_vec(),
        ..Scripted::default()
    };
    let cases = |groups: [Option<&str>; 4]| {
        let cases: Vec<_> = groups
            .iter()
            .zip(["2", "2", "2", "3"])
            .map(|(group, output)| json!({"input": "", "output": output, "group": group}))
            .collect();
        judged(&runner, json!({"type": "stdio", "cases": cases}))
    };
    let credit = |report: &CodeReport, credit| {
        let verdict = report.verdict(credit).expect("a verdict");
        assert_eq!(verdict.outcome, Judged::Wrong);
        verdict.credit
    };
    let plain = cases([None; 4]);
    assert_eq!(
        (plain.passed, plain.total, plain.first_failed),
        (3, 4, Some(3))
    );
    assert_eq!(credit(&plain, Credit::Binary), 0.0);
    assert_eq!(credit(&plain, Credit::Fraction), 0.75);
    assert!((credit(&plain, Credit::Weighted) - 0.75 / 11.0).abs() < 1e-12);
    let grouped = cases([Some("a"), Some("b"), Some("b"), Some("b")]);
    assert_eq!(credit(&grouped, Credit::Fraction), 0.5);
}

#[test]
fn fuel_for_all_tests_is_bounded() {
    let runner = Scripted {
        end: End::Exit(0),
        stdout: b"2\n".to_vec(),
        fuel: 50_000_000_000,
        ..Scripted::default()
    };
    let cases: Vec<_> = (0..100)
        .map(|_| json!({"input": "", "output": "2"}))
        .collect();
    let report = judged(&runner, json!({"type": "stdio", "cases": cases}));
    assert_eq!(report.verdict, CodeVerdict::TimeoutFuel);
    assert_eq!((report.passed, report.total), (8, 100));
}
