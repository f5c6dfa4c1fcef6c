//! Scores beside the rollouts that they are of.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::{Folder, ROLLOUTS, ids, rows, said};

#[test]
fn scores_join_their_rollouts() {
    let folder = Folder::new();
    let whole = folder.kept(&["--min-reward", "2"]);
    let args = [
        "filter",
        "scores.jsonl",
        "--rollouts",
        "rollouts.jsonl",
        "-o",
        "joined.jsonl",
        "--min-reward",
        "2",
    ];
    assert_eq!(folder.run(&args).status.code(), Some(0));
    assert_eq!(ids(&folder.path("joined.jsonl")), whole);
    // Files in another order are not about the same rows.
    let mut lines: Vec<&str> = ROLLOUTS.lines().collect();
    lines.reverse();
    fs::write(folder.path("rollouts.jsonl"), lines.join("\n")).unwrap();
    let output = folder.run(&[&args[..], &["--overwrite"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("same order"), "{}", said(&output));
}

#[test]
fn scores_of_other_rollouts_are_refused() {
    let folder = Folder::new();
    let filter = |scores: &str, rollouts: &str| {
        let args = ["filter", scores, "--rollouts", rollouts, "-o", "new.jsonl"];
        let output = folder.run(&args);
        (output.status.code(), said(&output))
    };
    let text = fs::read_to_string(folder.path("scores.jsonl")).unwrap();
    let fewer: String = text.split_inclusive('\n').take(5).collect();
    fs::write(folder.path("fewer.jsonl"), fewer).unwrap();
    let fewer: String = ROLLOUTS.split_inclusive('\n').take(5).collect();
    fs::write(folder.path("part.jsonl"), fewer).unwrap();
    for (scores, rollouts, told) in [
        (
            "fewer.jsonl",
            "rollouts.jsonl",
            "scores of 5 rows, and 7 rollouts",
        ),
        (
            "scores.jsonl",
            "part.jsonl",
            "scores of 7 rows, and 5 rollouts",
        ),
    ] {
        let (code, said) = filter(scores, rollouts);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(told), "{said}");
    }
    // Rollouts that nobody has scored are no scores, in whichever place.
    let (code, said) = filter("rollouts.jsonl", "rollouts.jsonl");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no scored row"), "{said}");
    let output = folder.run(&["filter", "rollouts.jsonl", "-o", "new.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path("new.jsonl").exists());
    // Scores of the first rows alone, by their manifest, are of those.
    let all = [
        "score",
        "rollouts.jsonl",
        "--spec",
        "r1-zero",
        "--columns",
        "scores",
    ];
    let args = [&all[..], &["--limit", "5", "-o", "first.jsonl"]].concat();
    assert_eq!(folder.run(&args).status.code(), Some(0));
    let (code, said) = filter("first.jsonl", "rollouts.jsonl");
    assert_eq!(code, Some(0), "{said}");
    let args = [&all[..], &["--where", "id!=b/0", "-o", "some.jsonl"]].concat();
    assert_eq!(folder.run(&args).status.code(), Some(1));
    fs::remove_file(folder.path("new.jsonl")).unwrap();
    let (code, said) = filter("some.jsonl", "rollouts.jsonl");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ids(&folder.path("new.jsonl")), ["a/0", "a/1", "a/3", "a/4"]);
}

#[test]
fn rollouts_beside_scores_are_read_as_they_were_scored() {
    let folder = Folder(TempDir::new().unwrap());
    let verl = r#"{"data_source":"d","prompt":[{"role":"user","content":"6*7?"}],"reward_model":{"style":"rule","ground_truth":"42"},"responses":["<think>a</think><answer>42</answer>","<think>b</think><answer>41</answer>","<think>c</think><answer>42</answer>"]}"#;
    let dump = r#"{"input":"6*7?","output":"<think>a</think><answer>42</answer>","gts":"42","score":1.0,"step":3}
{"input":"6*7?","output":"<think>b</think><answer>41</answer>","gts":"42","score":0.0,"step":3}"#;
    for (name, text, kept) in [("verl", verl, 2), ("dump", dump, 1)] {
        fs::write(folder.path("r.jsonl"), text).unwrap();
        for columns in ["all", "scores"] {
            let scored = format!("{name}-{columns}.jsonl");
            let args = [
                "score",
                "r.jsonl",
                "--spec",
                "r1-zero",
                "--columns",
                columns,
            ];
            let output = folder.run(&[&args[..], &["-o", &scored]].concat());
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        }
        let good = ["--correct", "accuracy", "-o"];
        let whole = format!("{name}-all.jsonl");
        let whole = [
            &["filter", &whole],
            &good[..],
            &["whole.jsonl", "--overwrite"],
        ]
        .concat();
        let output = folder.run(&whole);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let scores = format!("{name}-scores.jsonl");
        let joined = ["filter", &scores, "--rollouts", "r.jsonl"];
        let joined = [&joined[..], &good, &["joined.jsonl", "--overwrite"]].concat();
        let output = folder.run(&joined);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(rows(&folder.path("whole.jsonl")).len(), kept, "{name}");
        assert_eq!(
            rows(&folder.path("whole.jsonl")),
            rows(&folder.path("joined.jsonl")),
            "{name}"
        );
    }
}

#[cfg(unix)]
#[test]
fn what_can_be_read_only_once_is_refused() {
    let folder = Folder::new();
    let made = Command::new("mkfifo").arg(folder.path("pipe")).status();
    assert!(made.unwrap().success());
    let before = fs::read(folder.path("scored.jsonl")).unwrap();
    for args in [
        &["filter", "pipe", "-o", "new.jsonl"][..],
        &["filter", "/dev/null", "-o", "new.jsonl"],
        &[
            "filter",
            "scores.jsonl",
            "--rollouts",
            "pipe",
            "-o",
            "new.jsonl",
        ],
        &["diff", "pipe", "pipe"],
        &["diff", "-", "-"],
        &["score", "pipe", "pipe", "--spec", "math", "-o", "new.jsonl"],
    ] {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(said(&output).contains("stream"), "{}", said(&output));
    }
    assert!(!folder.path("new.jsonl").exists());
    // A file is read twice.
    let output = folder.run(&["diff", "scored.jsonl", "scored.jsonl"]);
    assert_eq!(output.status.code(), Some(0));
    // Nor is what tells how rows were scored written over.
    let manifest = "scored.jsonl.manifest.json";
    for args in [
        &["filter", "scored.jsonl", "-o", manifest, "--overwrite"][..],
        &[
            "score",
            "scored.jsonl",
            "--spec",
            "math",
            "-o",
            manifest,
            "--overwrite",
        ],
    ] {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            said(&output).contains("the manifest of an input"),
            "{}",
            said(&output)
        );
    }
    assert_eq!(fs::read(folder.path("scored.jsonl")).unwrap(), before);
}
