//! Comparing scored files: what is matched, what counts as a change, what it comes to.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use goldstone::batch::{Change, ChangeKind, Diff, DiffOptions, Input, Inputs, diff};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A scored row with one term, as `goldstone score` writes it.
fn row(id: &str, reward: Option<f64>, verdict: &str, reason: &str) -> Value {
    let status = if reward.is_some() { "ok" } else { "abstain" };
    json!({"prompt": "2*21?", "id": id, "group": id, "reward": reward, "status": status,
        "terms": {"accuracy": {"value": reward, "raw": reward, "verdict": verdict, "reason": reason}}})
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

struct Folder(TempDir);

impl Folder {
    fn new(a: &str, b: &str) -> Self {
        let folder = Self(TempDir::new().unwrap());
        fs::write(folder.path("a.jsonl"), a).unwrap();
        fs::write(folder.path("b.jsonl"), b).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn diff(&self, options: &DiffOptions) -> (Diff, Vec<Change>) {
        let inputs = |name| Inputs::check(vec![Input::named(self.path(name))]).unwrap();
        let mut changes = Vec::new();
        let found = diff(&inputs("a.jsonl"), &inputs("b.jsonl"), options, |change| {
            changes.push(change.clone());
        });
        (found.unwrap(), changes)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin("goldstone"));
        command.args([&["diff", "a.jsonl", "b.jsonl"], args].concat());
        command.current_dir(self.0.path()).output().unwrap()
    }

    fn code(&self, args: &[&str]) -> Option<i32> {
        self.run(args).status.code()
    }
}

#[test]
fn a_file_is_the_same_as_itself() {
    let text = lines(&[
        row("1", Some(1.0), "correct", "rational"),
        row("2", None, "unknown", "unparsed"),
        row("3", Some(0.1), "wrong", "not_equal"),
    ]);
    let folder = Folder::new(&text, &text);
    let (found, changes) = folder.diff(&DiffOptions::default());
    assert_eq!((found.matched, found.equal), (3, 3));
    assert!(changes.is_empty() && found.transitions.is_empty());
    assert_eq!(found.paired.delta, Some(0.0));
    assert_eq!(folder.code(&["--fail-on", "any"]), Some(0));
}

#[test]
fn each_kind_of_change_is_counted_once() {
    let a = [
        row("status", Some(1.0), "correct", "rational"),
        row("reward", Some(0.0), "wrong", "not_equal"),
        row("verdict", Some(0.0), "wrong", "not_equal"),
        row("reason", Some(0.0), "wrong", "not_equal"),
        row("same", Some(1.0), "correct", "rational"),
    ];
    let mut b = [
        row("status", None, "unknown", "unparsed"),
        row("reward", Some(1.0), "correct", "rational"),
        row("verdict", Some(0.0), "no_answer", "no_box"),
        row("reason", Some(0.0), "wrong", "other_form"),
        row("same", Some(1.0), "correct", "rational"),
    ];
    // The order of the rows does not matter.
    b.reverse();
    let folder = Folder::new(&lines(&a), &lines(&b));
    let (found, mut changes) = folder.diff(&DiffOptions::default());
    assert_eq!((found.matched, found.equal), (5, 1));
    let kinds = [found.status, found.reward, found.verdict, found.reason];
    assert_eq!(kinds, [1, 1, 1, 1]);
    assert_eq!((found.better, found.worse), (1, 1));
    changes.sort_by(|a, b| a.id.cmp(&b.id));
    for change in &changes {
        let expected = match change.id.as_str() {
            "status" => ChangeKind::Status,
            "reward" => ChangeKind::Reward,
            "verdict" => ChangeKind::Verdict,
            _ => ChangeKind::Reason,
        };
        assert_eq!(change.kind, expected, "{}", change.id);
        assert_eq!(change.terms, ["accuracy"]);
    }
    let term = &found.terms[0];
    assert_eq!((term.correct, term.gained, term.lost), ([2, 2], 1, 1));
    let steps: Vec<String> = found
        .transitions
        .iter()
        .map(|step| format!("{} -> {}", step.from, step.to))
        .collect();
    assert!(steps.contains(&"ok -> abstain".to_owned()), "{steps:?}");
    assert!(steps.contains(&"wrong (not_equal) -> correct (rational)".to_owned()));
}

#[test]
fn the_mean_of_the_differences_is_paired() {
    let rewards = [(1.0, 1.0), (0.0, 1.0), (0.0, 0.5), (1.0, 0.5)];
    let side = |pick: fn(&(f64, f64)) -> f64| {
        let rows: Vec<Value> = rewards
            .iter()
            .enumerate()
            .map(|(index, pair)| row(&index.to_string(), Some(pick(pair)), "correct", "r"))
            .collect();
        lines(&rows)
    };
    let folder = Folder::new(&side(|pair| pair.0), &side(|pair| pair.1));
    let (found, _) = folder.diff(&DiffOptions::default());
    let paired = found.paired;
    assert_eq!(
        (paired.n, paired.mean_a, paired.mean_b),
        (4, Some(0.5), Some(0.75))
    );
    assert_eq!(paired.delta, Some(0.25));
    // Differences 0, 1, 0.5, -0.5: s² = (0.0625 + 0.5625 + 0.0625 + 0.5625) / 3.
    let expected = 1.96 * (1.25_f64 / 3.0 / 4.0).sqrt();
    assert!((paired.half_width.unwrap() - expected).abs() < 1e-12);
}

#[test]
fn rows_without_a_partner_and_lines_without_a_score_are_told() {
    let a = lines(&[
        row("1", Some(1.0), "correct", "r"),
        row("gone", Some(1.0), "correct", "r"),
        row("twice", Some(1.0), "correct", "r"),
        row("twice", Some(0.0), "wrong", "r"),
    ]);
    let b = lines(&[
        row("1", Some(1.0), "correct", "r"),
        row("new", Some(1.0), "correct", "r"),
        row("twice", Some(1.0), "correct", "r"),
    ]) + "{\"id\": \"5\", \"completion\": \"not scored\"}\n{\"cut";
    let folder = Folder::new(&a, &b);
    let (found, changes) = folder.diff(&DiffOptions::default());
    assert_eq!((found.rows, found.matched, found.only), ([4, 3], 2, [2, 1]));
    assert_eq!(found.only_ids[0], ["gone", "twice"]);
    assert_eq!(found.only_ids[1], ["new"]);
    assert_eq!(found.unusable, [0, 2]);
    assert!(found.first_unusable.unwrap().contains("b.jsonl:4"));
    assert!(changes.is_empty());
    assert_eq!(folder.code(&["--fail-on", "never"]), Some(1));
}

#[test]
fn a_number_within_the_tolerance_is_the_same() {
    let a = lines(&[row("1", Some(0.1 + 0.2), "correct", "r")]);
    let b = lines(&[row("1", Some(0.3), "correct", "r")]);
    let folder = Folder::new(&a, &b);
    assert_eq!(folder.diff(&DiffOptions::default()).0.reward, 1);
    let options = DiffOptions {
        tolerance: 1e-12,
        ..DiffOptions::default()
    };
    assert_eq!(folder.diff(&options).0.equal, 1);
    assert_eq!(folder.code(&[]), Some(1));
    assert_eq!(folder.code(&["--tolerance", "1e-12"]), Some(0));
    assert_eq!(
        folder.code(&["--tolerance", "1e-12", "--fail-on", "worse"]),
        Some(0)
    );
    assert_eq!(folder.code(&["--fail-on", "worse"]), Some(1));
    assert_eq!(folder.code(&["--tolerance", "-1"]), Some(2));
    assert_eq!(folder.code(&["--tolerance", "nan"]), Some(2));
}

#[test]
fn the_exit_code_says_what_was_asked() {
    let worse = Folder::new(
        &lines(&[row("1", Some(1.0), "correct", "r")]),
        &lines(&[row("1", Some(0.0), "wrong", "r")]),
    );
    let better = Folder::new(
        &lines(&[row("1", Some(0.0), "wrong", "r")]),
        &lines(&[row("1", Some(1.0), "correct", "r")]),
    );
    let reason = Folder::new(
        &lines(&[row("1", Some(1.0), "correct", "r")]),
        &lines(&[row("1", Some(1.0), "correct", "s")]),
    );
    let gone = Folder::new(&lines(&[row("1", Some(1.0), "correct", "r")]), "");
    for (folder, asked, code) in [
        (&gone, "worse", 1),
        (&worse, "worse", 1),
        (&worse, "reward", 1),
        (&worse, "never", 0),
        (&better, "worse", 0),
        (&better, "verdict", 1),
        (&reason, "verdict", 0),
        (&reason, "any", 1),
    ] {
        assert_eq!(folder.code(&["--fail-on", asked]), Some(code), "{asked}");
    }
}

#[test]
fn changed_rows_and_counts_are_written() {
    let folder = Folder::new(
        &lines(&[
            row("1", Some(1.0), "correct", "r"),
            row("evil\u{1b}[31m", Some(0.0), "wrong", "\u{1b}[2J"),
        ]),
        &lines(&[
            row("1", Some(1.0), "correct", "r"),
            row("evil\u{1b}[31m", Some(1.0), "correct", "r"),
        ]),
    );
    let output = folder.run(&["--rows", "changed.jsonl", "--json", "diff.json"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("2 rows in both, 1 differ"), "{shown}");
    assert!(shown.contains("→ correct (r)"), "{shown}");
    assert!(
        !shown.contains("\u{1b}["),
        "what rows say moves no cursor: {shown:?}"
    );
    let changed = fs::read_to_string(folder.path("changed.jsonl")).unwrap();
    let changed: Value = serde_json::from_str(&changed).unwrap();
    assert_eq!(changed["kind"], "reward");
    assert_eq!(changed["a"]["terms"]["accuracy"]["verdict"], "wrong");
    assert_eq!(changed["b"]["reward"], 1.0);
    let counts = fs::read_to_string(folder.path("diff.json")).unwrap();
    let counts: Value = serde_json::from_str(&counts).unwrap();
    assert_eq!(
        (&counts["matched"], &counts["better"]),
        (&json!(2), &json!(1))
    );
    // Nor is anything else, unless that is asked for.
    assert_eq!(folder.code(&["--json", "diff.json"]), Some(2));
    assert_eq!(
        folder.code(&["--json", "diff.json", "--overwrite"]),
        Some(1)
    );
    assert_eq!(
        folder.code(&["--json", "x.json", "--rows", "x.json"]),
        Some(2)
    );
    // An input is never written over.
    assert_eq!(folder.code(&["--rows", "a.jsonl", "--overwrite"]), Some(2));
    assert_eq!(folder.code(&["--rows", "missing/rows.jsonl"]), Some(2));
}
