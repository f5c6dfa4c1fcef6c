//! What is said of manifests: `data/guests/manifests.toml`.

use std::collections::BTreeSet;

use goldstone::sandbox::manifest::Manifest;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    base: String,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    old: String,
    new: String,
    /// The beginning of the message; none where the manifest is accepted.
    says: Option<String>,
    #[expect(dead_code, reason = "documents the case for readers of the data")]
    why: String,
}

#[test]
fn manifests_are_accepted_or_refused_with_the_line() {
    let text = std::fs::read_to_string("tests/data/guests/manifests.toml").unwrap();
    let file: File = toml::from_str(&text).unwrap();
    let mut names = BTreeSet::new();
    let mut faults = Vec::new();
    for case in &file.case {
        assert!(names.insert(&case.name), "two cases `{}`", case.name);
        assert!(file.base.contains(&case.old), "{}: no such text", case.name);
        let text = file.base.replace(&case.old, &case.new);
        let parsed = Manifest::parse("manifest.toml", &text);
        let said = parsed.err().map(|error| error.to_string());
        let fits = match (&said, &case.says) {
            (Some(said), Some(expected)) => said.starts_with(expected),
            (None, None) => true,
            _ => false,
        };
        if !fits {
            faults.push(format!("{}: {said:?}, not {:?}", case.name, case.says));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
