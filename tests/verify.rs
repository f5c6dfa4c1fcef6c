//! Scoring once more: what is the same is confirmed, and any change is found.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

const ROLLOUTS: &str = r#"{"id":"a","completion":"<think>6 * 7</think><answer>42</answer>","reference":"42"}
{"id":"b","completion":"<think>6 * 7</think><answer>41</answer>","reference":"42"}
{"id":"c","completion":"no answer"}
{"cut"#;

struct Folder(TempDir);

impl Folder {
    /// With `rollouts.jsonl`, and `output` scored from it.
    fn scored(output: &str, args: &[&str]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        fs::write(folder.path("rollouts.jsonl"), ROLLOUTS).unwrap();
        let fixed = ["score", "rollouts.jsonl", "--spec", "r1-zero", "-o", output];
        let scored = folder.run(&[&fixed[..], args].concat());
        assert_eq!(scored.status.code(), Some(1), "{}", said(&scored));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin("goldstone"));
        command.args(args).current_dir(self.0.path());
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn verify(&self, file: &str) -> (Option<i32>, String) {
        let output = self.run(&["score", "--verify", file]);
        (output.status.code(), said(&output))
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_scored_file_is_confirmed_by_its_name_or_its_manifest() {
    for (output, args) in [
        ("scored.jsonl", &[][..]),
        ("scored.jsonl.zst", &["--columns", "scores"]),
        ("scored.jsonl.gz", &["--where", "id!=none"]),
    ] {
        let folder = Folder::scored(output, args);
        for file in [output.to_owned(), format!("{output}.manifest.json")] {
            let (code, said) = folder.verify(&file);
            assert_eq!(code, Some(0), "{said}");
            assert!(said.contains("4 rows scored once more"), "{said}");
        }
    }
}

#[cfg(feature = "parquet")]
#[test]
fn a_parquet_file_is_confirmed_by_its_bytes() {
    let folder = Folder::scored("scored.parquet", &[]);
    assert_eq!(folder.verify("scored.parquet").0, Some(0));
    let mut bytes = fs::read(folder.path("scored.parquet")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(folder.path("scored.parquet"), bytes).unwrap();
    assert_eq!(folder.verify("scored.parquet").0, Some(1));
}

#[test]
fn an_edited_row_is_found() {
    let folder = Folder::scored("scored.jsonl", &["--columns", "scores"]);
    folder.edit("scored.jsonl", "\"reward\":1.0", "\"reward\":2.0");
    let (code, said) = folder.verify("scored.jsonl");
    assert_eq!(code, Some(1));
    assert!(
        said.contains("1 row of scored.jsonl differs from"),
        "{said}"
    );
    assert!(said.contains("row 2"), "{said}");
    // What differs is shown, and nothing else.
    let shown = said.split_once("row 2").unwrap().1;
    let shown: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(shown, ["/reward", "file", "2.0", "now", "1.0"]);
}

#[test]
fn a_long_field_is_shown_where_it_differs() {
    let folder = Folder::scored("scored.jsonl", &[]);
    let text = fs::read_to_string(folder.path("scored.jsonl")).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let mut row: Value = serde_json::from_str(first).unwrap();
    let long = "ü".repeat(500);
    row["completion"] = format!("{long}<end>{long}").into();
    fs::write(folder.path("scored.jsonl"), format!("{row}\n{rest}")).unwrap();
    let (code, said) = folder.verify("scored.jsonl");
    assert_eq!(code, Some(1));
    assert!(said.contains("/completion"), "{said}");
    assert!(!said.contains("/reward"), "{said}");
    assert!(
        said.lines().all(|line| line.chars().count() < 100),
        "{said}"
    );
}

#[test]
fn missing_and_surplus_rows_are_found() {
    for (text, rows, differ) in [
        (0, "4 rows", "differ"),
        (1, "3 rows", "differ"),
        (5, "1 row", "differs"),
    ] {
        let folder = Folder::scored("scored.jsonl", &[]);
        let whole = fs::read_to_string(folder.path("scored.jsonl")).unwrap();
        let lines: String = whole.split_inclusive('\n').cycle().take(text).collect();
        fs::write(folder.path("scored.jsonl"), lines).unwrap();
        let (code, said) = folder.verify("scored.jsonl");
        assert_eq!(code, Some(1));
        assert!(
            said.contains(&format!("{rows} of scored.jsonl {differ} from")),
            "{said}"
        );
    }
}

#[test]
fn changed_inputs_are_said() {
    let folder = Folder::scored("scored.jsonl", &["--columns", "scores"]);
    folder.edit("rollouts.jsonl", "<answer>41", "<answer>42");
    let (code, said) = folder.verify("scored.jsonl");
    assert_eq!(code, Some(1));
    assert!(
        said.contains("`rollouts.jsonl` has changed since"),
        "{said}"
    );
}

#[test]
fn the_spec_is_the_one_of_the_run() {
    let spec = "version = 1\n[format]\ngrammar = \"mine.pest\"\nroot = \"doc\"\nanswer = \"body\"\n[rewards.accuracy]\nexact = {}\n";
    let grammar = "doc = { SOI ~ \"<a>\" ~ body ~ \"</a>\" ~ EOI }\nbody = @{ (!(\"<a>\" | \"</a>\") ~ ANY)* }\n";
    let folder = Folder(TempDir::new().unwrap());
    fs::write(folder.path("spec.toml"), spec).unwrap();
    fs::write(folder.path("mine.pest"), grammar).unwrap();
    fs::write(
        folder.path("r.jsonl"),
        "{\"completion\": \"<a>42</a>\", \"reference\": \"42\"}\n",
    )
    .unwrap();
    let args = [
        "score",
        "r.jsonl",
        "--spec",
        "spec.toml",
        "-o",
        "scored.jsonl",
    ];
    let scored = folder.run(&args);
    assert_eq!(scored.status.code(), Some(0), "{}", said(&scored));
    // The manifest has both, so that it does not matter what became of the files.
    fs::remove_file(folder.path("spec.toml")).unwrap();
    fs::remove_file(folder.path("mine.pest")).unwrap();
    let (code, told) = folder.verify("scored.jsonl");
    assert_eq!(code, Some(0), "{told}");
    folder.edit(
        "scored.jsonl.manifest.json",
        "exact = {}",
        "exact = { wrong = 1.0 }",
    );
    let (code, told) = folder.verify("scored.jsonl");
    assert_eq!(code, Some(2), "{told}");
}

#[test]
fn what_cannot_be_scored_once_more_is_refused() {
    let folder = Folder::scored("scored.jsonl", &[]);
    assert_eq!(folder.verify("none.jsonl").0, Some(2));
    assert_eq!(
        folder.verify("rollouts.jsonl").0,
        Some(2),
        "it has no manifest"
    );
    let path = folder.path("scored.jsonl.manifest.json");
    let whole = fs::read_to_string(&path).unwrap();
    let mut manifest: Value = serde_json::from_str(&whole).unwrap();
    manifest["complete"] = false.into();
    fs::write(&path, manifest.to_string()).unwrap();
    let (code, told) = folder.verify("scored.jsonl");
    assert_eq!(code, Some(2));
    assert!(told.contains("not complete"), "{told}");
    fs::write(&path, whole.replacen("\"version\": 1", "\"version\": 9", 1)).unwrap();
    assert_eq!(folder.verify("scored.jsonl").0, Some(2));
    fs::write(&path, &whole).unwrap();
    fs::remove_file(folder.path("rollouts.jsonl")).unwrap();
    let (code, told) = folder.verify("scored.jsonl");
    assert_eq!(code, Some(2));
    assert!(told.contains("the same folder"), "{told}");
    // Nor is a pipe waited for.
    for (name, told) in [("-", "standard input"), ("pipe", "`pipe`, a stream")] {
        let mut manifest: Value = serde_json::from_str(&whole).unwrap();
        manifest["inputs"][0] =
            serde_json::json!({"name": name, "bytes": null, "ends_sha256": null});
        fs::write(&path, manifest.to_string()).unwrap();
        let (code, said) = folder.verify("scored.jsonl");
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(told), "{said}");
    }
    // It goes with no other input.
    let both = folder.run(&["score", "x.jsonl", "--verify", "scored.jsonl"]);
    assert_eq!(both.status.code(), Some(2));
}
