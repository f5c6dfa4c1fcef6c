//! Filtering scored rows: which are kept, and which are not.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod joined;
mod written;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

const ROLLOUTS: &str = r#"{"id":"a/0","group":"a","prompt":"2*21?","completion":"<think>long way round</think><answer>42</answer>","reference":"42","n_tokens":9,"finish_reason":"stop"}
{"id":"b/0","group":"b","prompt":[{"role":"user","content":"1/2?"},{"role":"assistant","content":"<think>"}],"completion":"half</think><answer>0.5</answer>","reference":"1/2","n_tokens":5,"finish_reason":"stop"}
{"id":"a/1","group":"a","prompt":"2*21?","completion":"<think>short</think><answer>42</answer>","reference":"42","n_tokens":4,"finish_reason":"stop"}
{"id":"a/2","group":"a","prompt":"2*21?","completion":"<think>short</think><answer>42</answer>","reference":"42","n_tokens":4,"finish_reason":"stop"}
{"id":"a/3","group":"a","prompt":"2*21?","completion":"<think>short</think><answer>41</answer>","reference":"42","n_tokens":4,"finish_reason":"stop"}
{"id":"a/4","group":"a","prompt":"2*21?","completion":"<think>cut</think><answer>42</answer>","reference":"42","n_tokens":4,"finish_reason":"length"}
{"id":"a/5","group":"a","prompt":"2*21?","completion":"<think>none</think><answer>42</answer>","n_tokens":4,"finish_reason":"stop"}
"#;

struct Folder(TempDir);

impl Folder {
    /// With `rollouts.jsonl`, `scored.jsonl` and `scores.jsonl`.
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        fs::write(folder.path("rollouts.jsonl"), ROLLOUTS).unwrap();
        for (output, columns) in [("scored.jsonl", "all"), ("scores.jsonl", "scores")] {
            let scored = folder.run(&[
                "score",
                "rollouts.jsonl",
                "--spec",
                "r1-zero",
                "-o",
                output,
                "--columns",
                columns,
                "-q",
            ]);
            // One row has no reference.
            assert_eq!(scored.status.code(), Some(1));
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin("goldstone"));
        command.args(args).current_dir(self.0.path());
        command.env("RUST_BACKTRACE", "0").output().unwrap()
    }

    /// The ids that are kept.
    fn kept(&self, args: &[&str]) -> Vec<String> {
        let all = [
            &["filter", "scored.jsonl", "-o", "out.jsonl", "--overwrite"],
            args,
        ]
        .concat();
        let output = self.run(&all);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        ids(&self.path("out.jsonl"))
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn ids(path: &Path) -> Vec<String> {
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    rows(path).iter().map(id).collect()
}

#[test]
fn each_reason_leaves_rows_out() {
    let folder = Folder::new();
    // A row without a reward is never kept; duplicates go unless asked for.
    assert_eq!(folder.kept(&[]), ["a/0", "b/0", "a/1", "a/3", "a/4"]);
    assert_eq!(
        folder.kept(&["--keep-duplicates"]),
        ["a/0", "b/0", "a/1", "a/2", "a/3", "a/4"]
    );
    assert_eq!(
        folder.kept(&["--min-reward", "2"]),
        ["a/0", "b/0", "a/1", "a/4"]
    );
    assert_eq!(
        folder.kept(&["--correct", "accuracy"]),
        ["a/0", "b/0", "a/1", "a/4"]
    );
    // No row could have it: that is a slip, and no reason to keep nothing.
    for asked in [["--correct", "acuracy"], ["--at-least", "acuracy=1"]] {
        let args = ["filter", "scored.jsonl", "-o", "new.jsonl"];
        let refused = folder.run(&[&args[..], &asked].concat());
        assert_eq!(refused.status.code(), Some(2));
        let said = said(&refused);
        assert!(
            said.contains("no reward `acuracy`; it has: accuracy, choice, format"),
            "{said}"
        );
    }
    assert!(!folder.path("new.jsonl").exists());
    let good = ["--min-reward", "2", "--finished"];
    assert_eq!(folder.kept(&good), ["a/0", "b/0", "a/1"]);
    assert_eq!(
        folder.kept(&[&good[..], &["--max-tokens", "5"]].concat()),
        ["b/0", "a/1"]
    );
    assert_eq!(
        folder.kept(&[&good[..], &["--min-tokens", "5"]].concat()),
        ["a/0", "b/0"]
    );
    // Of two right ones the shorter.
    assert_eq!(
        folder.kept(&[&good[..], &["-n", "1"]].concat()),
        ["b/0", "a/1"]
    );
}

#[test]
fn a_seed_decides_at_random() {
    let folder = Folder::new();
    let draw = |seed: &str| folder.kept(&["-n", "1", "--random", "--seed", seed]);
    assert_eq!(draw("1"), draw("1"));
    let draws: Vec<Vec<String>> = (0..12).map(|seed| draw(&seed.to_string())).collect();
    assert!(draws.iter().any(|drawn| *drawn != draws[0]), "{draws:?}");
    assert!(draws.iter().all(|drawn| drawn.len() == 2));
}

/// An error row says what is wrong with it, be it a rollout or not; a line that is no
/// score is no error row.
#[test]
fn error_rows_have_no_reward() {
    let folder = Folder(TempDir::new().unwrap());
    let rollouts = r#"{"id":"a","prompt":"?","completion":"\\boxed{1}","reference":"1"}
{"id":"b","prompt":"?","answer":"1"}
{"id":"c","prompt":"?","completion":"\\boxed{1}"}
"#;
    fs::write(folder.path("rollouts.jsonl"), rollouts).unwrap();
    for columns in ["all", "scores"] {
        let args = [
            "score",
            "rollouts.jsonl",
            "--spec",
            "math",
            "--columns",
            columns,
        ];
        let output = ["-o", "scored.jsonl", "--overwrite", "-q"];
        let scored = folder.run(&[&args[..], &output].concat());
        assert_eq!(scored.status.code(), Some(1), "{}", said(&scored));
        let filter = ["filter", "scored.jsonl", "-o", "out.jsonl", "--overwrite"];
        let filter = match columns {
            "all" => filter.to_vec(),
            _ => [&filter[..], &["--rollouts", "rollouts.jsonl"]].concat(),
        };
        let done = folder.run(&filter);
        let told = said(&done);
        assert_eq!(done.status.code(), Some(0), "{told}");
        assert_eq!(ids(&folder.path("out.jsonl")), ["a"]);
        assert!(told.contains("2  have no reward"), "{told}");
        assert!(
            told.contains("first without a reward: row 2: field `/completion`"),
            "{told}"
        );
        assert!(!told.contains("no scored rollouts"), "{told}");
    }
    let with_more = rollouts.to_owned() + r#"{"id":"d","status":"error"}"#;
    fs::write(folder.path("rollouts.jsonl"), with_more).unwrap();
    let args = [
        "score",
        "rollouts.jsonl",
        "--spec",
        "math",
        "-o",
        "scored.jsonl",
    ];
    folder.run(&[&args[..], &["--overwrite", "-q"]].concat());
    let mut scored = fs::read_to_string(folder.path("scored.jsonl")).unwrap();
    scored += "{\"id\":\"e\",\"answer\":\"1\"}\n";
    fs::write(folder.path("scored.jsonl"), scored).unwrap();
    let done = folder.run(&["filter", "scored.jsonl", "-o", "out.jsonl", "--overwrite"]);
    let told = said(&done);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("1  are no scored rollouts"), "{told}");
    assert!(told.contains("3  have no reward"), "{told}");
}

#[test]
fn a_term_may_be_asked_for_a_number() {
    let folder = Folder::new();
    let right = folder.kept(&["--correct", "accuracy"]);
    assert_eq!(folder.kept(&["--at-least", "accuracy=0.5"]), right);
    assert_eq!(folder.kept(&["--at-least", "accuracy=-1"]).len(), 5);
    for bad in ["accuracy", "accuracy=", "accuracy=nan", "=1", "acuracy=0"] {
        let args = ["filter", "scored.jsonl", "-o", "x", "--at-least", bad];
        assert_eq!(folder.run(&args).status.code(), Some(2), "{bad}");
    }
}

#[test]
fn pairs_are_of_one_prompt_and_the_better_one_leads() {
    let folder = Folder::new();
    let good = ["--correct", "accuracy", "--pairs"];
    let pairs = |args: &[&str]| {
        let all = [
            &["filter", "scored.jsonl", "-o", "out.jsonl", "--overwrite"],
            &good[..],
            args,
        ]
        .concat();
        let output = folder.run(&all);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        (rows(&folder.path("out.jsonl")), said(&output))
    };
    // One wrong answer makes one pair; `b` has none.
    let (found, told) = pairs(&[]);
    assert_eq!(found.len(), 1, "{told}");
    assert_eq!(found[0]["prompt"], "2*21?");
    assert_eq!(found[0]["chosen_id"], "a/1");
    assert_eq!(found[0]["rejected_id"], "a/3");
    assert_eq!(
        (&found[0]["chosen_reward"], &found[0]["rejected_reward"]),
        (&Value::from(2.0), &Value::from(1.0))
    );
    assert_eq!(
        found[0]["rejected"],
        "<think>short</think><answer>41</answer>"
    );
    assert!(told.contains("have no worse one"), "{told}");
    let (talks, _) = pairs(&["--format", "messages"]);
    assert_eq!(talks[0]["prompt"][0]["role"], "user");
    assert_eq!(talks[0]["chosen"][0]["role"], "assistant");
    // The rewards are 1 apart.
    assert_eq!(pairs(&["--margin", "1"]).0.len(), 1);
    assert_eq!(pairs(&["--margin", "1.5"]).0.len(), 0);
    let args = ["filter", "scored.jsonl", "-o", "x", "--pairs", "--margin"];
    for bad in ["nan", "-1"] {
        let output = folder.run(&[&args[..], &[bad]].concat());
        assert_eq!(output.status.code(), Some(2), "{bad}");
    }
}

/// SGLang writes an object for the reason why a completion ended. A row that is chosen by
/// it is unusable; one that is not may have it.
#[test]
fn what_rows_are_chosen_by_has_its_type() {
    let folder = Folder::new();
    let specs = [
        ("one", ""),
        (
            "other",
            "[rewards.length]\nweight = 0.0\noverlong = { max_tokens = 10, cache_tokens = 5 }\n",
        ),
    ];
    let scored = specs.map(|(name, more)| {
        let spec = format!("version = 1\n[rewards.accuracy]\nmath = {{}}\n{more}");
        fs::write(folder.path(&format!("{name}.toml")), spec).unwrap();
        let row = format!(
            r#"{{"id": "{name}", "prompt": "{name}", "completion": "\\boxed{{1}}", "reference": "1", "n_tokens": 3, "finish_reason": {{"type": "length"}}}}"#
        );
        fs::write(folder.path(&format!("{name}.jsonl")), row + "\n").unwrap();
        let (input, spec) = (format!("{name}.jsonl"), format!("{name}.toml"));
        let output = format!("{name}-scored.jsonl");
        let done = folder.run(&["score", &input, "--spec", &spec, "-o", &output, "-q"]);
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        output
    });
    // Specs that look at other fields are no two kinds of rows.
    let filter = [
        "filter",
        &scored[0],
        &scored[1],
        "-o",
        "out.jsonl",
        "--overwrite",
    ];
    let all = folder.run(&filter);
    assert_eq!(all.status.code(), Some(0), "{}", said(&all));
    assert_eq!(ids(&folder.path("out.jsonl")), ["one", "other"]);

    let finished = folder.run(&[&filter[..], &["--finished"]].concat());
    assert_eq!(finished.status.code(), Some(1), "{}", said(&finished));
    assert_eq!(rows(&folder.path("out.jsonl")).len(), 0);

    // Nor are the same rows without a manifest.
    let both = scored.map(|name| fs::read_to_string(folder.path(&name)).unwrap());
    fs::write(folder.path("both.jsonl"), both.concat()).unwrap();
    let filter = ["filter", "both.jsonl", "-o", "out.jsonl", "--overwrite"];
    let all = folder.run(&filter);
    assert_eq!(all.status.code(), Some(0), "{}", said(&all));
    assert_eq!(ids(&folder.path("out.jsonl")), ["one", "other"]);
    let finished = folder.run(&[&filter[..], &["--finished"]].concat());
    assert_eq!(finished.status.code(), Some(1), "{}", said(&finished));
    assert_eq!(rows(&folder.path("out.jsonl")).len(), 0);
}

#[test]
fn a_bound_is_a_number() {
    let folder = Folder::new();
    for bad in ["nan", "inf", "-inf", "one"] {
        let output = folder.run(&["filter", "scored.jsonl", "-o", "x", "--min-reward", bad]);
        assert_eq!(output.status.code(), Some(2), "{bad}");
    }
    assert_eq!(folder.kept(&["--min-reward", "-1"]).len(), 5);
}
