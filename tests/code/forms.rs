//! Forms of tests: what is read, and what is a bad task.

use goldstone::code::{Task, Tests};
use serde::Deserialize;

use super::{assert_balanced, assert_none, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    tests: String,
    /// `calls 2`: the form that it is read as, and its tests.
    reads: Option<String>,
    /// The error.
    error: Option<String>,
    #[serde(rename = "why")]
    _why: String,
}

#[test]
fn forms_are_read_or_refused() {
    let cases = read::<File>("forms.toml").case;
    assert_balanced(
        "forms.toml",
        cases.iter().map(|case| (&*case.name, case.reads.is_some())),
    );
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let json = serde_json::Value::String(case.tests.clone());
            let (reads, error) = match Task::from_json(&json) {
                Ok(task) => (Some(told(&task)), None),
                Err(error) => (None, Some(error.to_string())),
            };
            (reads != case.reads || error != case.error)
                .then(|| format!("{}: {reads:?} {error:?}", case.name))
        })
        .collect();
    assert_none(&failures);
}

fn told(task: &Task) -> String {
    match &task.tests {
        Tests::Calls { entry_point, cases } => format!("calls {entry_point} {}", cases.len()),
        Tests::Stdio(stdio) => format!("stdio {:?} {}", stdio.compare.mode, stdio.cases.len()),
        Tests::Check(check) => format!("check {}", check.entry_point),
        Tests::Asserts(asserts) => {
            format!("asserts {} {}", asserts.entry_point, asserts.asserts.len())
        }
        Tests::Unittest { module, .. } => format!("unittest {module}"),
    }
}
