//! Rows of a task's file: what is asked, what is learned, and what a prompt of roles
//! and texts could not say.

use std::collections::HashSet;
use std::path::Path;

use goldstone::train::task::{Task, TaskOptions};
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
    row: String,
    /// The demonstration.
    shown: Option<String>,
    /// What the error of a demonstration says.
    lacks: Option<Vec<String>>,
    /// What the error of the file says.
    refused: Option<Vec<String>>,
    why: String,
}

#[test]
fn rows_are_asked_and_learned_whole_or_refused() {
    let text = std::fs::read_to_string("tests/data/train/rows.toml").unwrap();
    let cases: Cases = toml::from_str(&text).unwrap();
    let mut names = HashSet::new();
    for case in cases.case {
        let name = &case.name;
        assert!(names.insert(name.clone()) && !case.why.is_empty(), "{name}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rows.jsonl");
        std::fs::write(&file, format!("{}\n", case.row)).unwrap();
        let options = TaskOptions {
            file: Some(file),
            ..TaskOptions::default()
        };
        let task = Task::open("rows", &options, Path::new(""), 1);
        let task = match (task, &case.refused) {
            (Ok(task), None) => task,
            (Err(error), Some(words)) => {
                let error = error.to_string();
                assert!(
                    words.iter().all(|word| error.contains(word)),
                    "{name}: {error}"
                );
                continue;
            }
            (Ok(_), Some(_)) => panic!("{name}: it was read"),
            (Err(error), None) => panic!("{name}: {error}"),
        };
        match (task.demonstration(0), &case.lacks) {
            (Ok(shown), None) => assert_eq!(Some(shown.completion), case.shown, "{name}"),
            (Err(error), Some(words)) => {
                let error = error.to_string();
                assert!(
                    words.iter().all(|word| error.contains(word)),
                    "{name}: {error}"
                );
            }
            (Ok(shown), Some(_)) => panic!("{name}: {}", shown.completion),
            (Err(error), None) => panic!("{name}: {error}"),
        }
    }
}
