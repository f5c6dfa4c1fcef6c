//! The code verifier. Cases in `tests/data/code/`; what needs a Python guest runs
//! where one is installed.

mod answers;
mod forms;
mod programs;
mod rewards;
mod scientific;
mod texts;

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

/// Reads a file of cases.
fn read<T: DeserializeOwned>(file: &str) -> T {
    let text = text(file);
    toml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn text(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/code")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// At least one refused case per accepted one, and no name twice.
fn assert_balanced<'c>(file: &str, cases: impl Iterator<Item = (&'c str, bool)>) {
    let mut names = HashSet::new();
    let (mut accepted, mut refused) = (0, 0);
    for (name, accepts) in cases {
        assert!(names.insert(name), "{file}: two cases are named `{name}`");
        if accepts {
            accepted += 1;
        } else {
            refused += 1;
        }
    }
    assert!(
        refused >= accepted,
        "{file}: {accepted} accepted, only {refused} refused cases"
    );
}

/// Fails with all failures at once.
fn assert_none(failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{} cases fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
