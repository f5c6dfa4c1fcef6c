//! Published data sets: their rows become native ones, and others are refused.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use goldstone::import::Source;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

#[derive(Deserialize)]
struct Case {
    source: String,
    row: Map<String, Value>,
    task: Option<Value>,
    error: Option<String>,
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/import/cases.jsonl");
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn rows_become_native_ones_or_are_refused() {
    for case in cases() {
        let mut sources = Source::ALL.into_iter();
        let source = sources.find(|source| source.name() == case.source).unwrap();
        let row = serde_json::to_string(&case.row).unwrap();
        match (source.convert(&case.row, 1), case.task, case.error) {
            (Ok(task), Some(expected), None) => assert_eq!(Value::Object(task), expected, "{row}"),
            (Err(error), None, Some(part)) => {
                let said = error.to_string();
                assert!(said.contains(&part), "{row}: {said}");
                assert!(said.contains(source.name()), "{said}");
            }
            (result, ..) => panic!("{row}: {result:?}"),
        }
    }
}

#[test]
fn every_data_set_has_a_row_that_it_takes_and_one_that_it_refuses() {
    for source in Source::ALL {
        let of_source = || {
            cases()
                .into_iter()
                .filter(|case| case.source == source.name())
        };
        assert!(of_source().any(|case| case.task.is_some()), "{source:?}");
        assert!(of_source().any(|case| case.error.is_some()), "{source:?}");
    }
}

struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin("goldstone"));
        command.arg("import").args(args);
        command.current_dir(self.0.path()).output().unwrap()
    }
}

fn rows(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

const HUMAN_EVAL: &str = r#"{"task_id": "HumanEval/0", "prompt": "def half(x):\n", "entry_point": "half", "canonical_solution": "    return x / 2\n", "test": "def check(candidate):\n    assert candidate(4) == 2\n"}
"#;

#[test]
fn completions_join_their_tasks() {
    let samples = [
        r#"{"task_id": "HumanEval/0", "completion": "    return x / 2\n"}"#,
        r#"{"task_id": "HumanEval/0", "solution": "def half(x):\n    return 0\n"}"#,
        r#"{"task_id": "HumanEval/0", "completions": ["```python\npass\n```", "pass"]}"#,
        r#"{"task_id": "HumanEval/9", "completion": "pass"}"#,
        r#"{"task_id": "HumanEval/0"}"#,
        r#"{"cut"#,
    ];
    let folder = Folder::with(&[
        ("tasks.jsonl", HUMAN_EVAL),
        ("s.jsonl", &samples.join("\n")),
    ]);
    let output = folder.run(&["humaneval", "tasks.jsonl", "--completions", "s.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("4 rows written"), "{said}");
    assert!(said.contains("3 rows left out"), "{said}");
    assert!(
        said.contains("s.jsonl:4: no task has the name `HumanEval/9`"),
        "{said}"
    );
    let rows = rows(&output);
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "HumanEval/0/0",
            "HumanEval/0/1",
            "HumanEval/0/2",
            "HumanEval/0/3"
        ]
    );
    let texts: Vec<&Value> = rows.iter().map(|row| &row["completion"]).collect();
    // `completion` goes on where the prompt ends; the others are whole.
    assert_eq!(
        *texts[0],
        json!("```python\ndef half(x):\n    return x / 2\n\n```")
    );
    assert_eq!(
        *texts[1],
        json!("```python\ndef half(x):\n    return 0\n\n```")
    );
    assert_eq!(*texts[2], json!("```python\npass\n```"));
    assert_eq!(*texts[3], json!("```python\npass\n```"));
    assert!(rows.iter().all(|row| row["group"] == "HumanEval/0"));
}

#[test]
fn a_sample_belongs_to_the_task_that_it_names_first() {
    let task = r#"{"task_id": 11, "text": "Halve.", "code": "def half(x): pass", "test_list": ["assert half(4) == 2"]}"#;
    let sample = r#"{"task_id": "mbpp/602", "id": 11, "completion": "pass"}"#;
    let folder = Folder::with(&[("tasks.jsonl", task), ("s.jsonl", sample)]);
    let output = folder.run(&["mbpp", "tasks.jsonl", "--completions", "s.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(rows(&output).is_empty());
}

#[test]
fn two_tasks_of_one_name_are_not_one() {
    let a = r#"{"problem_idx": 1, "problem": "A", "answer": 204}"#;
    let b = r#"{"problem_idx": 1, "problem": "B", "answer": 70}"#;
    let sample = r#"{"task_id": 1, "completion": "204"}"#;
    let folder = Folder::with(&[("a.jsonl", a), ("b.jsonl", b), ("s.jsonl", sample)]);
    for args in [&[][..], &["--completions", "s.jsonl"]] {
        let output = folder.run(&[&["aime", "a.jsonl", "b.jsonl"][..], args].concat());
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("b.jsonl:1: row 1 is called `aime/1` too"),
            "{said}"
        );
        let rows = rows(&output);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["reference"], "204");
    }
}

#[test]
fn outputs_are_whole_or_not_there() {
    let folder = Folder::with(&[("tasks.jsonl", HUMAN_EVAL)]);
    let output = folder.run(&["humaneval", "tasks.jsonl", "-o", "out.jsonl"]);
    assert_eq!(output.status.code(), Some(0));
    let row: Value =
        serde_json::from_str(&fs::read_to_string(folder.path("out.jsonl")).unwrap()).unwrap();
    assert_eq!(row["id"], "HumanEval/0");
    // It exists; an unknown data set; a missing file; a table; a missing folder.
    for args in [
        &["humaneval", "tasks.jsonl", "-o", "out.jsonl"][..],
        &["humanevil", "tasks.jsonl"],
        &["humaneval", "none.jsonl"],
        &["aime", "aime.csv"],
        &["humaneval", "tasks.jsonl", "-o", "none/out.jsonl"],
    ] {
        assert_eq!(folder.run(args).status.code(), Some(2), "{args:?}");
    }
    let rows = folder.run(&["gsm8k", "tasks.jsonl", "-o", "none.jsonl"]);
    assert_eq!(rows.status.code(), Some(1), "a row of another data set");
}

/// Tests of imported tasks run: the right program passes, and no other.
#[cfg(feature = "sandbox")]
#[test]
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn imported_tests_tell_right_from_wrong() {
    const TASKS: &str = r#"{"task_id": 2, "prompt": "Halve.", "code": "def half(x):\n    return x / 2\n", "test": "def assertion(out, exp, atol):\n    assert out == exp\ninputs = [[4], [6]]\nresults = [2, 3]\nfor i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion(half(*inp), exp, 0)\n"}
{"task_id": "HumanEval/0", "prompt": "def half(x):\n    'Half of x.'\n", "entry_point": "half", "canonical_solution": "    return x / 2\n", "test": "inputs = [[4], [6]]\nresults = [2, 3]\ndef check(candidate):\n    for inp, exp in zip(inputs, results):\n        assert candidate(*inp) == exp\n"}
"#;
    let samples = [
        (
            1.0,
            r#"{"task_id": "Mbpp/2", "solution": "def half(x):\n    return x / 2\n"}"#,
        ),
        (
            0.0,
            r#"{"task_id": "Mbpp/2", "solution": "def half(x):\n    return x\n"}"#,
        ),
        (
            0.0,
            r#"{"task_id": "Mbpp/2", "solution": "def assertion(*a): pass\ninputs = []\nzip = lambda *a: []\ndef half(x):\n    return 0\n"}"#,
        ),
        (
            1.0,
            r#"{"task_id": "HumanEval/0", "completion": "    return x / 2\n"}"#,
        ),
        (
            0.0,
            r#"{"task_id": "HumanEval/0", "completion": "    return x\n"}"#,
        ),
        (
            1.0,
            r#"{"task_id": "HumanEval/0", "solution": "def half(x):\n    return x / 2\n"}"#,
        ),
    ];
    let lines: Vec<&str> = samples.iter().map(|(_, line)| *line).collect();
    let folder = Folder::with(&[("tasks.jsonl", TASKS), ("s.jsonl", &lines.join("\n"))]);
    let args = [
        "evalplus",
        "tasks.jsonl",
        "--completions",
        "s.jsonl",
        "-o",
        "r.jsonl",
    ];
    assert_eq!(folder.run(&args).status.code(), Some(0));
    let mut command = Command::new(cargo_bin("goldstone"));
    command.args(["score", "r.jsonl", "--spec", "code", "--columns", "scores"]);
    let scored = command.current_dir(folder.0.path()).output().unwrap();
    let said = String::from_utf8_lossy(&scored.stderr);
    if said.contains("`python` is not installed") {
        let required = std::env::var("GOLDSTONE_TEST_GUEST").is_ok_and(|value| value == "required");
        assert!(!required, "run `goldstone sandbox install python`");
        eprintln!("not tested: {said}");
        return;
    }
    assert_eq!(scored.status.code(), Some(0), "{said}");
    for ((reward, sample), row) in samples.iter().zip(rows(&scored)) {
        assert_eq!(row["reward"], *reward, "{sample}: {row}");
    }
}
