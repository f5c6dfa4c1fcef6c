//! Batch scoring: what lines become, and in which order.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod compression;
mod judges;
mod resume;
mod samples;
mod sinks;

use std::fs;
use std::path::PathBuf;

use goldstone::batch::{
    Batch, BatchError, BatchOptions, Columns, Control, Ended, Input, Inputs, Judge, Report,
};
use goldstone::load;
use goldstone::reward::Scorer;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use compression::gzip;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    input: String,
    rows: Vec<(String, String)>,
    #[expect(dead_code, reason = "documents the case for readers of the data")]
    why: String,
}

/// A folder of files, gone at the end of the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn scorer() -> Scorer {
    load::spec("r1-zero").unwrap()
}

fn inputs(paths: &[PathBuf]) -> Inputs {
    Inputs::check(paths.iter().map(Input::named).collect()).unwrap()
}

fn run_with(
    judge: &impl Judge,
    paths: &[PathBuf],
    options: &BatchOptions,
) -> (Vec<u8>, Result<Report, BatchError>) {
    let mut out = Vec::new();
    let control = Control::default();
    let inputs = inputs(paths);
    let report = Batch {
        judge,
        inputs: &inputs,
        options,
        control: &control,
    }
    .run(&mut out);
    (out, report)
}

fn run(paths: &[PathBuf], options: &BatchOptions) -> Vec<u8> {
    let (out, report) = run_with(&scorer(), paths, options);
    assert_eq!(report.unwrap().ended, Ended::Complete);
    out
}

fn rows(out: &[u8]) -> Vec<Value> {
    // Half an emoji is copied as it came, and serde_json does not read it.
    let text = std::str::from_utf8(out).unwrap().replace(r"\ud83d", "?");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Good, wrong, unanswered and broken rows in several groups.
fn mixed_rows(count: usize) -> String {
    let mut text = String::new();
    for index in 0..count {
        let group = index / 4;
        let answer = match index % 7 {
            0 | 3 => format!("<think>t</think><answer>{group}</answer>"),
            1 => "<think>t</think><answer>x + 1</answer>".to_owned(),
            2 => "no tags".to_owned(),
            _ => format!("<think>t</think><answer>{}</answer>", group + index % 3),
        };
        text += &match index % 11 {
            10 => "{\"completion\": \"cut\n".to_owned(),
            9 => format!("{{\"id\": \"n{index}\", \"completion\": \"no reference\"}}\n"),
            _ => format!(
                "{{\"id\": \"r{index}\", \"group\": \"g{group}\", \"task\": \"t{}\", \"completion\": \"{answer}\", \"reference\": \"{group}\", \"note\": [1.50, {{\"b\":  2}}]}}\n",
                index % 2
            ),
        };
    }
    text
}

fn plain_rows(count: usize) -> String {
    let row = |row| format!("{{\"id\": \"r{row}\", \"completion\": \"\", \"reference\": \"1\"}}\n");
    (0..count).map(row).collect()
}

#[test]
fn lines_become_the_rows_that_cases_say() {
    let text = fs::read_to_string("tests/data/batch/lines.toml").unwrap();
    let file: File = toml::from_str(&text).unwrap();
    let mut names: Vec<&str> = file.case.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), file.case.len(), "case names repeat");
    let folder = Folder::new();
    for case in &file.case {
        let path = folder.file("in.jsonl", &case.input);
        let got = rows(&run(&[path], &BatchOptions::default()));
        assert_eq!(got.len(), case.rows.len(), "{}: {got:#?}", case.name);
        for (row, (id, wanted)) in got.iter().zip(&case.rows) {
            assert_eq!(row["id"], **id, "{}", case.name);
            if wanted == "ok" || wanted == "abstain" {
                assert_eq!(row["status"], **wanted, "{}: {row}", case.name);
                assert_eq!(
                    row["reward"].is_number(),
                    wanted == "ok",
                    "{}: {row}",
                    case.name
                );
                continue;
            }
            let message = row["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains(wanted.as_str()), "{}: {row}", case.name);
            assert_eq!(row["status"], "error", "{}", case.name);
            assert_eq!(
                row["reward"],
                Value::Null,
                "{}: an error pays nothing",
                case.name
            );
            assert_eq!(row["error"]["kind"], "data", "{}", case.name);
        }
    }
}

#[test]
fn invalid_utf8_costs_one_row() {
    let folder = Folder::new();
    let path = folder.file(
        "in.jsonl",
        b"{\"completion\": \"\xff\"}\n{\"completion\": \"x\", \"reference\": \"1\"}\n",
    );
    let rows = rows(&run(&[path], &BatchOptions::default()));
    assert_eq!(rows[0]["error"]["message"], "not valid UTF-8 (column 17)");
    assert_eq!(rows[1]["status"], "ok");
}

#[test]
fn a_line_over_the_limit_is_a_row_that_says_so() {
    let folder = Folder::new();
    let good = r#"{"completion": "x", "reference": "1"}"#;
    let limit = good.len();
    let text = format!(
        "{good}\n{good} \n{}\n{good}\n{good}\r\n{}",
        "y".repeat(3_000_000),
        "z".repeat(200)
    );
    let path = folder.file("in.jsonl", text);
    let options = BatchOptions {
        max_line_bytes: limit,
        ..BatchOptions::default()
    };
    let rows = rows(&run(&[path], &options));
    let status: Vec<&str> = rows
        .iter()
        .map(|row| row["status"].as_str().unwrap())
        .collect();
    // A line's `\r` counts: the limit is on what has to be held.
    assert_eq!(status, ["ok", "error", "error", "ok", "error", "error"]);
    let message = rows[2]["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("3000000 bytes") && message.contains("--max-line-mb"),
        "{message}"
    );
    assert_eq!(rows[5]["error"]["line"], 6);
}

#[test]
fn threads_and_chunks_decide_nothing() {
    let folder = Folder::new();
    let path = folder.file("in.jsonl", mixed_rows(500));
    let base = run(
        std::slice::from_ref(&path),
        &BatchOptions {
            jobs: 1,
            ..BatchOptions::default()
        },
    );
    let lines = base.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, 500);
    for (jobs, chunk_rows, chunk_bytes) in [
        (4, 256, 1 << 20),
        (3, 1, 1 << 20),
        (4, 7, 100),
        (0, 1000, 1),
    ] {
        let options = BatchOptions {
            jobs,
            chunk_rows,
            chunk_bytes,
            ..BatchOptions::default()
        };
        let (out, report) = run_with(&scorer(), std::slice::from_ref(&path), &options);
        assert!(out == base, "jobs {jobs}, chunk_rows {chunk_rows}");
        assert_eq!(report.unwrap().summary.rows, 500);
    }
}

#[test]
fn columns_are_copied_byte_for_byte() {
    let folder = Folder::new();
    let line = r#"{"weird \u006eame": 1.50,"completion":"x\u00e9\ud83d", "id" : "a", "reference": "1","reward":7,"big":123456789012345678901234567890, "o": { "b":1,  "a":[ ] }}"#;
    let path = folder.file("in.jsonl", line);
    let out =
        String::from_utf8(run(std::slice::from_ref(&path), &BatchOptions::default())).unwrap();
    let kept = r#"{"weird name":1.50,"completion":"x\u00e9\ud83d","reference":"1","big":123456789012345678901234567890,"o":{ "b":1,  "a":[ ] },"id":"a","group":"#;
    assert!(out.starts_with(kept), "{out}");
    assert_eq!(out.matches("\"reward\"").count(), 1);

    let options = BatchOptions {
        columns: Columns::Scores,
        ..BatchOptions::default()
    };
    let scores = String::from_utf8(run(&[path], &options)).unwrap();
    assert!(scores.starts_with(r#"{"id":"a","group":"#), "{scores}");
    assert!(!scores.contains("weird"));
}

#[test]
fn a_scored_file_scores_the_same_again() {
    let folder = Folder::new();
    // Rows that were cut cannot be copied, so there are none here.
    let text: String = mixed_rows(60)
        .lines()
        .filter(|line| line.ends_with('}'))
        .map(|line| format!("{line}\n"))
        .collect();
    let first = run(&[folder.file("in.jsonl", text)], &BatchOptions::default());
    let second = run(
        &[folder.file("scored.jsonl", &first)],
        &BatchOptions::default(),
    );
    let without_place = |out: &[u8]| {
        let mut rows = rows(out);
        for row in &mut rows {
            if let Some(error) = row.get_mut("error") {
                error.as_object_mut().unwrap().remove("file");
            }
        }
        rows
    };
    assert_eq!(without_place(&first), without_place(&second));
}

#[test]
fn several_files_follow_each_other() {
    let folder = Folder::new();
    let row = |answer: &str| {
        format!(
            "{{\"completion\": \"<think>t</think><answer>{answer}</answer>\", \"reference\": \"1\"}}\n"
        )
    };
    let a = folder.file("a.jsonl", format!("{}{}", row("1"), row("2").trim_end()));
    let b = folder.file("b.jsonl", "");
    let c = folder.file(
        "c.jsonl",
        gzip(format!("\u{feff}{}oops", row("1")).as_bytes()),
    );
    let paths = [a.clone(), b, c.clone()];
    let got = rows(&run(&paths, &BatchOptions::default()));
    let ids: Vec<&str> = got.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let (a, c) = (a.display(), c.display());
    assert_eq!(
        ids,
        [
            format!("{a}:1"),
            format!("{a}:2"),
            format!("{c}:1"),
            format!("{c}:2")
        ]
    );
    assert_eq!(got[3]["error"]["file"], c.to_string());
    assert_eq!(got[3]["error"]["line"], 2);

    let limited = run(
        &paths,
        &BatchOptions {
            limit: Some(3),
            ..BatchOptions::default()
        },
    );
    assert_eq!(rows(&limited), got[..3]);
    let none = run(
        &paths,
        &BatchOptions {
            limit: Some(0),
            ..BatchOptions::default()
        },
    );
    assert!(none.is_empty());
}
