//! Cases as data: messages to a guest, and what becomes of each.

use std::time::Duration;

use goldstone::sandbox::{End, InProcess, Job, Outcome, Request, Runner, Turn, Work};
use serde::Deserialize;

use super::workers::workers;
use super::{cache, job, limits, request};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    why: String,
    #[serde(default)]
    messages: Vec<String>,
    #[serde(default)]
    stdin: String,
    load: Option<String>,
    calls: Option<Vec<String>>,
    test: Option<String>,
    fuel: Option<u64>,
    memory_bytes: Option<u64>,
    output_bytes: Option<u64>,
    reply_bytes: Option<u64>,
    limit_calls: Option<u64>,
    expected_load: Option<Expected>,
    expected: Vec<Expected>,
    #[serde(default)]
    expected_asked: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    end: String,
    reply: Option<String>,
    hex: Option<String>,
    stdout: Option<String>,
    stderr: Option<String>,
    stdout_bytes: Option<usize>,
    stderr_bytes: Option<usize>,
    memory_bytes: Option<u64>,
    memory_denied: Option<bool>,
}

impl Case {
    fn job(&self) -> Job {
        let stdin = self.stdin.as_bytes().to_vec();
        let with_input = |message: &str| Request {
            stdin: stdin.clone(),
            ..request(message)
        };
        let load = self.load.as_deref().map(request);
        let work = match (load, &self.calls, &self.test) {
            (None, None, None) => {
                Work::Fresh(self.messages.iter().map(|text| with_input(text)).collect())
            }
            (Some(load), Some(calls), None) => Work::Calls {
                load,
                calls: calls.iter().map(|call| call.as_bytes().to_vec()).collect(),
            },
            (Some(load), None, Some(test)) => Work::Split {
                load,
                test: request(test),
            },
            _ => panic!("{}: neither fresh, calls nor split", self.name),
        };
        let defaults = limits();
        let mut job = job(work);
        job.limits.fuel = self.fuel.unwrap_or(defaults.fuel);
        job.limits.memory_bytes = self.memory_bytes.unwrap_or(defaults.memory_bytes);
        job.limits.output_bytes = self.output_bytes.unwrap_or(defaults.output_bytes);
        job.limits.reply_bytes = self.reply_bytes.unwrap_or(defaults.reply_bytes);
        job.limits.calls = self.limit_calls.unwrap_or(defaults.calls);
        job.limits.wall = Duration::from_secs(600);
        job
    }

    fn check(&self, outcome: &Outcome) {
        let about = |what: &str| format!("{} ({}): {what}", self.name, self.why);
        let check = |what: &str, expected: &[Expected], turns: &[Turn]| {
            let ends: Vec<_> = turns.iter().map(|turn| words(&turn.end)).collect();
            let wanted: Vec<_> = expected.iter().map(|one| one.end.clone()).collect();
            assert_eq!(ends, wanted, "{}", about(what));
            for (expected, turn) in expected.iter().zip(turns) {
                expected.check(turn, &about(what));
            }
        };
        let load: Vec<_> = self.expected_load.iter().collect();
        assert_eq!(load.len(), outcome.load.iter().len(), "{}", about("load"));
        for (expected, turn) in load.iter().zip(&outcome.load) {
            assert_eq!(words(&turn.end), expected.end, "{}", about("load"));
            expected.check(turn, &about("load"));
        }
        check("turns", &self.expected, &outcome.turns);
        check("asked", &self.expected_asked, &outcome.calls);
    }
}

impl Expected {
    fn check(&self, turn: &Turn, about: &str) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if let Some(reply) = &self.reply {
            assert_eq!(&text(&turn.reply), reply, "{about}");
        }
        if let Some(hex) = &self.hex {
            let reply: String = turn
                .reply
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(&reply, hex, "{about}");
        }
        if let Some(stdout) = &self.stdout {
            assert_eq!(&text(&turn.stdout), stdout, "{about}");
        }
        if let Some(stderr) = &self.stderr {
            assert_eq!(&text(&turn.stderr), stderr, "{about}");
        }
        if let Some(bytes) = self.stdout_bytes {
            assert_eq!(turn.stdout.len(), bytes, "{about}");
        }
        if let Some(bytes) = self.stderr_bytes {
            assert_eq!(turn.stderr.len(), bytes, "{about}");
        }
        if let Some(bytes) = self.memory_bytes {
            assert_eq!(turn.memory_bytes, bytes, "{about}");
        }
        if let Some(denied) = self.memory_denied {
            assert_eq!(turn.memory_denied, denied, "{about}");
        }
        if matches!(turn.end, End::Returned(_)) {
            assert!(turn.fuel > 0, "{about}: no fuel taken");
        } else {
            assert!(turn.reply.is_empty(), "{about}: a reply of an ended turn");
        }
    }
}

/// An end as the cases write it.
fn words(end: &End) -> String {
    match end {
        End::Returned(status) => format!("returned {status}"),
        End::Exit(status) => format!("exit {status}"),
        End::Fuel => "fuel".into(),
        End::Wall => "wall".into(),
        End::Output => "output".into(),
        End::Reply => "reply".into(),
        End::Stack => "stack".into(),
        End::Trap(why) => format!("trap {why}"),
    }
}

fn run_all(text: &str) {
    let cases: Cases = toml::from_str(text).expect("cases in their format");
    let here = InProcess::new(Some(cache())).expect("a sandbox");
    let pool = workers(1, &cache());
    let mut names = std::collections::HashSet::new();
    for case in &cases.case {
        assert!(names.insert(&case.name), "two cases `{}`", case.name);
        let runners: [&dyn Runner; 2] = [&here, &pool];
        let [outcome, elsewhere] = runners.map(|runner| {
            let outcome = runner.run(&case.job());
            outcome.unwrap_or_else(|error| panic!("{}: {error:?}", case.name))
        });
        case.check(&outcome);
        assert_eq!(
            outcome, elsewhere,
            "{}: a worker's outcome differs",
            case.name
        );
    }
}

#[test]
fn turns() {
    run_all(include_str!("../data/sandbox/turns.toml"));
}

#[test]
fn work() {
    run_all(include_str!("../data/sandbox/work.toml"));
}
