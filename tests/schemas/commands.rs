//! What the command line says of schemas, globs and parts.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

use super::lines;

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, schema) in [("b", "verl"), ("a", "lm-eval"), ("c", "native")] {
        let path = folder.path().join(format!("{name}.jsonl"));
        fs::write(
            path,
            lines(&format!("{schema}/accepted"))[..1].join("\n") + "\n",
        )
        .unwrap();
    }
    folder
}

fn run(folder: &Path, args: &str) -> (Output, String) {
    let mut command = Command::new(cargo_bin("goldstone"));
    command.current_dir(folder).args(args.split(' '));
    let output = command.env("NO_COLOR", "1").output().unwrap();
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    (output, said)
}

fn exit(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn a_schema_is_said_aloud_and_native_files_are_not() {
    let folder = folder();
    let (output, said) = run(
        folder.path(),
        "score *.jsonl --spec r1-zero --columns scores",
    );
    assert_eq!(exit(&output), Some(0), "{said}");
    let said: Vec<&str> = said.lines().take(2).collect();
    insta::assert_snapshot!(said.join("\n"));
    let rows = String::from_utf8(output.stdout).unwrap();
    let ids: Vec<&str> = rows
        .lines()
        .map(|row| row.split('"').nth(3).unwrap())
        .collect();
    // In the order of the names.
    assert_eq!(ids, ["0/0", "b.jsonl:1/0", "b.jsonl:1/1", "a"]);
}

#[test]
fn a_field_that_no_row_has_is_warned_of() {
    let folder = TempDir::new().unwrap();
    let rows = r#"{"completion": "1", "reference": "1", "task": "math", "note": null, "info": {"split": 1, "none": null}}
{"completion": "1", "reference": "1", "task": "code", "source": "s"}"#;
    fs::write(folder.path().join("in.jsonl"), rows).unwrap();
    let cases = [
        (
            "taks=math",
            Some("no row has the field `/taks`; rows have: task,"),
        ),
        ("/info/spilt=1", Some("`/info/spilt`; rows have: info,")),
        ("task=physics", None),
        ("note=null", None),
        ("source=s", None),
        ("/info/split=1", None),
        ("/info/none=null", None),
        // Of the first row alone it is not known.
        ("taks=math --limit 1", None),
    ];
    for (condition, wanted) in cases {
        let args = format!("score in.jsonl --spec math --quiet --where {condition}");
        let (output, said) = run(folder.path(), &args);
        assert_eq!(exit(&output), Some(0), "{said}");
        match wanted {
            Some(wanted) => assert!(said.contains(wanted), "{condition}: {said}"),
            None => assert_eq!(said, "", "{condition}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_name_no_file_twice() {
    let folder = TempDir::new().unwrap();
    let row = r#"{"completion": "1", "reference": "1"}"#;
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    for name in ["a/one.jsonl", "a/b/two.jsonl"] {
        fs::write(folder.path().join(name), row).unwrap();
    }
    std::os::unix::fs::symlink("..", folder.path().join("a/b/above")).unwrap();
    std::os::unix::fs::symlink("../one.jsonl", folder.path().join("a/b/again.jsonl")).unwrap();
    let args = "score a/**/*.jsonl --spec math --quiet --columns scores";
    let (output, said) = run(folder.path(), args);
    assert_eq!(exit(&output), Some(0), "{said}");
    let rows = String::from_utf8(output.stdout).unwrap();
    let ids: Vec<&str> = rows
        .lines()
        .map(|row| row.split('"').nth(3).unwrap())
        .collect();
    // A link to a file is a name of its own, as a shell would have it.
    let names = ["a/b/again.jsonl:1", "a/b/two.jsonl:1", "a/one.jsonl:1"];
    assert_eq!(ids, names);
}

#[test]
fn what_cannot_be_read_as_asked_is_bad_input() {
    let folder = folder();
    fs::write(folder.path().join("d.jsonl"), &lines("ambiguous")[0]).unwrap();
    let cases = [
        (
            "score e*.jsonl --spec r1-zero",
            "no file matches `e*.jsonl`",
        ),
        (
            "score d.jsonl --spec r1-zero -o out.jsonl",
            "`--schema NAME` says which one it is",
        ),
        ("score . --spec r1-zero", "FOLDER/*.jsonl"),
        (
            "score c.jsonl --spec r1-zero --schema vrel",
            "`vrel` is no schema",
        ),
        ("score c.jsonl --spec r1-zero --shard 0/2", "counted from 1"),
        ("score c.jsonl --spec r1-zero --seed 2", "--sample"),
        ("score - --spec r1-zero --sample 5", "cannot be read twice"),
    ];
    for (args, wanted) in cases {
        let (output, said) = run(folder.path(), args);
        assert!(said.contains(wanted), "{args}: {said}");
        assert_eq!(exit(&output), Some(2), "{args}");
    }
    // Nothing was begun.
    assert!(!folder.path().join("out.jsonl").exists());
}

#[test]
fn another_part_is_not_resumed() {
    let folder = folder();
    let (output, said) = run(
        folder.path(),
        "score b.jsonl --spec r1-zero -o out.jsonl --where ability=math",
    );
    assert_eq!(exit(&output), Some(0), "{said}");
    for (other, wanted) in [
        ("", "`--where /ability=math`"),
        (
            " --where ability=math --shard 1/2",
            "`--where /ability=math`",
        ),
        (" --where ability=math --schema verl", "`--schema auto`"),
    ] {
        let args = format!("score b.jsonl --spec r1-zero -o out.jsonl --resume{other}");
        let (output, said) = run(folder.path(), &args);
        assert!(said.contains(wanted), "{args}: {said}");
        assert_eq!(exit(&output), Some(2), "{args}");
    }
    let again = "score b.jsonl --spec r1-zero -o out.jsonl --resume --where /ability=math";
    let (output, said) = run(folder.path(), again);
    assert_eq!(exit(&output), Some(0), "{said}");
}

#[test]
fn explain_counts_completions() {
    let folder = folder();
    for which in ["--row 2", "--id 1/1"] {
        let args = format!("explain b.jsonl --spec r1-zero {which}");
        let (output, said) = run(folder.path(), &args);
        assert_eq!(exit(&output), Some(0), "{said}");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(
            told.contains("1/1") && told.contains("reward 1\n"),
            "{told}"
        );
        assert!(said.contains("as verl"), "{said}");
    }
}
