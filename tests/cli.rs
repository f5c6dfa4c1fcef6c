//! The command: exit codes, what goes where, and the texts people read.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// A folder in which the command runs, so that messages have short names.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin("goldstone"));
        command
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
            .env_remove("CLICOLOR_FORCE")
            .env("COLUMNS", "100")
            .env("RUST_BACKTRACE", "0");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Exit code and standard error.
    fn failure(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.run(args);
        (output.status.code(), text(&output.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// All of what the command said, as a snapshot shows it.
fn said(output: &Output) -> String {
    let code = output.status.code();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    format!("exit: {code:?}\n--- stdout\n{out}--- stderr\n{err}")
}

const GOOD: &str = r#"{"id": "a", "completion": "<think>t</think><answer>1/2</answer>", "reference": "0.5"}
"#;
const UNUSABLE: &str = r#"{"id": "b", "completion": "x"}
"#;

/// Six rows of two groups and two tasks, and two that are unusable.
const MIXED: &str = r#"{"id":"m/0","group":"m","task":"math","completion":"<think>2·21</think><answer>42</answer>","reference":"42"}
{"id":"m/1","group":"m","task":"math","completion":"<think>2·21</think><answer>41</answer>","reference":"42"}
{"id":"m/2","group":"m","task":"math","completion":"<think>2·21</think><answer>42.0</answer>","reference":"42"}
{"id":"m/3","group":"m","task":"math","completion":"<think>2·21 is","reference":"42"}
{"id":"c/0","group":"c","task":"choice","completion":"<think>B it is</think><answer>B</answer>","reference":"B"}
{"id":"c/1","group":"c","task":"choice","completion":"<think>hm</think><answer>C</answer>","reference":"B"}
{"id":"c/2","group":"c","task":"choice","completion":"<think>hm</think><answer>C</answer>"}
{"id":"c/3","group":"c","task":"cho
"#;

#[test]
fn the_summary_is_readable() {
    let folder = Folder::new();
    folder.write("mixed.jsonl", MIXED);
    let output = folder.run(&[
        "score",
        "mixed.jsonl",
        "--spec",
        "r1-zero",
        "-o",
        "out.jsonl",
    ]);
    assert!(
        text(&output.stderr)
            .lines()
            .all(|line| line.chars().count() <= 100)
    );
    insta::assert_snapshot!(said(&output));
}

#[test]
fn rows_go_to_stdout_and_nothing_else_does() {
    let folder = Folder::new();
    folder.write("mixed.jsonl", MIXED);
    let output = folder.run(&[
        "score",
        "mixed.jsonl",
        "--spec",
        "r1-zero",
        "-q",
        "--columns",
        "scores",
    ]);
    assert_eq!(text(&output.stderr), "");
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn the_summary_fits_with_large_numbers_and_long_names() {
    let folder = Folder::new();
    let row = |task: &str, reference: &str| {
        format!(
            "{{\"task\":\"{task}\",\"completion\":\"<think>t</think><answer>1</answer>\",\"reference\":{reference}}}\n"
        )
    };
    let mut rows = row(&"very-long-task-name".repeat(9), "\"1\"");
    rows += &row("\\u001b[31mred", "{}");
    folder.write("in.jsonl", rows.repeat(20));
    let (code, stderr) = folder.failure(&["score", "in.jsonl", "--spec", "r1-zero", "-o", "o"]);
    assert_eq!(code, Some(1));
    let message_free = stderr.lines().filter(|line| !line.contains("in.jsonl:"));
    for line in message_free {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(
        !stderr.contains('\x1b'),
        "a task name must not drive the terminal"
    );
}

/// What this build can write.
fn formats() -> Vec<&'static str> {
    let mut all = vec!["jsonl", "jsonl.gz", "jsonl.zst"];
    if cfg!(feature = "parquet") {
        all.push("parquet");
    }
    all
}

#[test]
fn exit_codes_tell_whose_fault_it_was() {
    let folder = Folder::new();
    folder.write("good.jsonl", GOOD);
    folder.write("some.jsonl", [GOOD, UNUSABLE].concat());
    folder.write("bad.toml", "version = 1\n[rewards.a]\nmaths = {}\n");
    fs::create_dir(folder.path("folder")).unwrap();
    let score = |args: &[&str]| {
        let (code, stderr) = folder.failure(&[&["score", "--spec", "math"], args].concat());
        (code.unwrap(), stderr)
    };
    assert_eq!(score(&["good.jsonl", "-q"]), (0, String::new()));
    assert_eq!(score(&["some.jsonl", "-q"]).0, 1);
    assert_eq!(score(&["some.jsonl", "-q", "--allow-errors"]).0, 0);
    for (args, wanted) in [
        (
            &["missing.jsonl"][..],
            "cannot open `missing.jsonl`: No such file",
        ),
        (&["folder"], "`folder` is a directory; name the files in it"),
        (&["-", "-"], "named twice"),
        (&["good.jsonl", "-o", "folder"], "`folder` is a directory"),
        (
            &["good.jsonl", "-o", "no/such/out.jsonl"],
            "cannot write `no/such/out.jsonl`",
        ),
        (
            &["good.jsonl", "-o", "good.jsonl"],
            "both an input and the output",
        ),
        (
            &["good.jsonl", "-o", "folder/../good.jsonl", "--overwrite"],
            "both an input and the output",
        ),
        (&["good.jsonl", "-o", "some.jsonl"], "no manifest"),
        (&["good.jsonl", "--resume"], "--output"),
        (
            &["good.jsonl", "-o", "x", "--resume", "--overwrite"],
            "cannot be used with",
        ),
        (
            &["good.jsonl", "--max-line-mb", "0"],
            "0 is not in 1..=65536",
        ),
        (&["good.jsonl", "--colums", "all"], "'--columns'"),
    ] {
        let (code, stderr) = score(args);
        assert!(stderr.contains(wanted), "{args:?}: {stderr}");
        assert_eq!(code, 2, "{args:?}");
    }
    assert_eq!(
        folder.read("some.jsonl"),
        [GOOD, UNUSABLE].concat().as_bytes()
    );
    assert_eq!(
        folder
            .failure(&["score", "good.jsonl", "--spec", "bad.toml"])
            .0,
        Some(2)
    );
    assert_eq!(
        folder
            .failure(&["explain", "good.jsonl", "--spec", "math", "--row", "2"])
            .0,
        Some(2)
    );
    assert_eq!(folder.failure(&["scroe"]).0, Some(2));
    // A full disk is not the user's data.
    for format in formats() {
        let (code, stderr) = score(&["good.jsonl", "-o", "/dev/full", "--format", format]);
        assert_eq!(code, 3, "{format}: {stderr}");
        assert!(
            stderr.contains("cannot write `/dev/full`: No space left"),
            "{format}: {stderr}"
        );
    }
    assert_eq!(score(&["good.jsonl", "-q", "-o", "/dev/null"]).0, 0);
}

#[test]
fn a_cut_archive_is_bad_input_after_its_rows() {
    let folder = Folder::new();
    let text: String = GOOD.repeat(5000);
    let mut bytes = zstd::encode_all(text.as_bytes(), 1).unwrap();
    bytes.truncate(bytes.len() / 2);
    folder.write("cut.zst", &bytes);
    let output = folder.run(&["score", "cut.zst", "--spec", "math", "-q"]);
    let stderr = self::text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("`cut.zst` is cut off or damaged"),
        "{stderr}"
    );
    let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    assert!(
        stderr.contains(&format!("{lines} whole lines")),
        "{lines}: {stderr}"
    );
}

#[test]
fn standard_input_is_read_as_it_comes() {
    let folder = Folder::new();
    let mut child = folder
        .command(&["score", "-", "--spec", "math", "-q"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
    // A row is answered before the next is sent.
    for index in 0..3 {
        let line = GOOD.replace("\"a\"", &format!("\"s{index}\""));
        stdin.write_all(line.as_bytes()).unwrap();
        let row = rows.next().unwrap().unwrap();
        assert!(row.contains(&format!("\"id\":\"s{index}\"")), "{row}");
    }
    drop(stdin);
    assert!(rows.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn compressed_standard_input() {
    let folder = Folder::new();
    folder.write("in", zstd::encode_all(GOOD.as_bytes(), 1).unwrap());
    let output = folder
        .command(&["score", "-", "--spec", "math", "-q"])
        .stdin(File::open(folder.path("in")).unwrap())
        .output()
        .unwrap();
    assert!(text(&output.stdout).contains("\"reward\":1.0"));
}

#[test]
fn a_reader_that_leaves_is_a_normal_end() {
    let folder = Folder::new();
    folder.write("in.jsonl", GOOD.repeat(20_000));
    for args in [
        &["score", "in.jsonl", "--spec", "math"][..],
        &["check", "--schema"],
    ] {
        let mut child = folder
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 10];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(text(&output.stderr), "", "{args:?}");
    }
}

fn many_rows(count: usize) -> String {
    (0..count)
        .map(|index| match index % 9 {
            8 => "{\"completion\": \"no reference\"}\n".to_owned(),
            _ => format!(
                "{{\"group\":\"g{}\",\"completion\":\"<think>t</think><answer>{}</answer>\",\"reference\":\"{}\"}}\n",
                index / 8,
                index % 5,
                index % 3
            ),
        })
        .collect()
}

#[test]
fn killed_at_random_points_and_resumed_is_as_uninterrupted() {
    let folder = Folder::new();
    let rows = 30_000;
    folder.write("in.jsonl", many_rows(rows));
    let whole = folder.run(&[
        "score",
        "in.jsonl",
        "--spec",
        "r1-zero",
        "-o",
        "whole.jsonl",
    ]);
    assert_eq!(whole.status.code(), Some(1));
    let args = [
        "score",
        "in.jsonl",
        "--spec",
        "r1-zero",
        "-o",
        "out.jsonl",
        "--jobs",
        "2",
        "--resume",
    ];
    let mut kills = 0;
    let mut delay = Duration::from_millis(3);
    while kills < 12 {
        let mut child = folder.command(&args).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(delay);
        // Some fall into the start, some into the replay, some into the rows.
        delay = delay.mul_f64(1.4).min(Duration::from_millis(400));
        child.kill().unwrap();
        kills += 1;
        if child.wait().unwrap().code().is_some() {
            break;
        }
    }
    assert!(kills > 3, "the run was over before it could be killed");
    let resumed = folder.run(&args);
    assert!(folder.read("out.jsonl") == folder.read("whole.jsonl"));
    let manifest = |name: &str| text(&folder.read(&format!("{name}.jsonl.manifest.json")));
    assert_eq!(manifest("out"), manifest("whole"));
    assert!(manifest("out").contains("\"complete\": true"));
    // The same summary, up to the name of the output.
    let body = |output: &Output| {
        let text = text(&output.stderr);
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[..lines.len() - 1].join("\n")
    };
    assert_eq!(body(&resumed), body(&whole));
}

#[test]
fn an_interrupt_leaves_whole_rows_and_says_how_to_go_on() {
    let folder = Folder::new();
    folder.write("in.jsonl", many_rows(200_000));
    let args = ["score", "in.jsonl", "--spec", "r1-zero", "-o", "out.jsonl"];
    let mut child = folder
        .command(&args)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut waited = 0;
    while fs::metadata(folder.path("out.jsonl")).map_or(0, |file| file.len()) == 0 && waited < 1000
    {
        thread::sleep(Duration::from_millis(5));
        waited += 1;
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    assert!(
        stderr.contains("the same command with `--resume` goes on"),
        "{stderr}"
    );
    let rows = folder.read("out.jsonl");
    assert!(rows.ends_with(b"\n"));
    let count = rows.iter().filter(|byte| **byte == b'\n').count();
    assert!(count < 200_000, "interrupted too late to show anything");
    assert!(
        stderr.contains(&format!("stopped after {count} rows")),
        "{count}: {stderr}"
    );
    // Without saying so, nothing is overwritten.
    let (code, stderr) = folder.failure(&args);
    assert_eq!(
        (code, stderr.contains("--resume")),
        (Some(2), true),
        "{stderr}"
    );
}

#[test]
fn explain_tells_the_story() {
    let folder = Folder::new();
    folder.write("mixed.jsonl", MIXED);
    let mut story = String::new();
    for row in ["1", "4", "6", "7", "8"] {
        story += &said(&folder.run(&["explain", "mixed.jsonl", "--spec", "r1-zero", "--row", row]));
        story += "\n=====\n";
    }
    insta::assert_snapshot!(story);
    let by_id = folder.run(&["explain", "mixed.jsonl", "--spec", "r1-zero", "--id", "c/1"]);
    let by_row = folder.run(&["explain", "mixed.jsonl", "--spec", "r1-zero", "--row", "6"]);
    assert_eq!(by_id.stdout, by_row.stdout);
}

#[test]
fn explain_shows_hostile_text_as_text() {
    let folder = Folder::new();
    let hostile = r#"{"id":"\u001b]0;owned\u0007","completion":"<think>a\u001b[2J\u202eb\u200b\r\u0085</think>\n<answer>\u001b[31m1</answer>","reference":"\u001b[1mx"}"#;
    folder.write("in.jsonl", hostile);
    let output = folder.run(&["explain", "in.jsonl", "--spec", "r1-zero", "--row", "1"]);
    let out = text(&output.stdout);
    let bad = out
        .chars()
        .find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202e}' | '\u{200b}'));
    assert_eq!(bad, None, "{out:?}");
    assert!(out.contains(r"\u{1b}[2J\u{202e}b\u{200b}\r\u{85}"), "{out}");
    // In colour, our own escapes are the only ones.
    let coloured = folder
        .command(&["explain", "in.jsonl", "--spec", "r1-zero", "--row", "1"])
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    let out = text(&coloured.stdout);
    assert!(out.contains("\u{1b}[2m") && !out.contains("\u{1b}[2J") && !out.contains("\u{1b}]"));
    let plain = folder
        .command(&["explain", "in.jsonl", "--spec", "r1-zero", "--row", "1"])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert_eq!(plain.stdout, output.stdout);
}

#[test]
fn explain_shows_where_the_language_changes() {
    let folder = Folder::new();
    let mixed = r#"{"id":"mixed","language":"de","completion":"<think>Zuerst die Ableitung der Funktion, then we set it equal to zero, und dann das Ergebnis. 所以答案是七。</think><answer>7</answer>"}"#;
    folder.write("in.jsonl", mixed);
    let args = ["explain", "in.jsonl", "--spec", "language", "--row", "1"];
    let output = folder.run(&args);
    insta::assert_snapshot!(said(&output));
    let coloured = folder.command(&args).env("CLICOLOR_FORCE", "1").output();
    let out = text(&coloured.unwrap().stdout);
    // Underlined, and each language in its own colour.
    assert!(out.contains("\u{1b}[4m\u{1b}[35m⟨en "), "{out}");
    assert!(out.contains("\u{1b}[4m\u{1b}[33m⟨zh "), "{out}");
}

#[test]
fn a_long_completion_is_shown_by_its_ends() {
    let folder = Folder::new();
    let think = "é".repeat(30_000);
    folder.write(
        "in.jsonl",
        format!(
            "{{\"completion\":\"<think>{think}</think><answer>1</answer>\",\"reference\":\"1\"}}"
        ),
    );
    let args = ["explain", "in.jsonl", "--spec", "r1-zero", "--row", "1"];
    let short = text(&folder.run(&args).stdout);
    assert!(short.contains("bytes left out") && short.len() < 12_000);
    assert!(short.contains("</think><answer>1</answer>"), "{short}");
    let full = text(&folder.run(&[&args[..], &["--full"]].concat()).stdout);
    assert!(full.contains(&think));
}

#[test]
fn check_lists_shows_and_explains() {
    let folder = Folder::new();
    folder.write(
        "bad.toml",
        "version = 1\n[rewards.accuracy]\nmath = {}\nwieght = 2.0\n",
    );
    folder.write("good.toml", "version = 1\n[rewards.accuracy]\nmath = {}\n");
    insta::assert_snapshot!(said(&folder.run(&[
        "check",
        "good.toml",
        "bad.toml",
        "math"
    ])));
    let shown = folder.run(&["check", "--show", "r1-zero"]);
    let shipped = fs::read("reward_specs/r1-zero.toml").unwrap();
    assert_eq!(shown.stdout, shipped);
    folder.write("copy.toml", &shown.stdout);
    assert_eq!(folder.failure(&["check", "copy.toml"]).0, Some(0));
    let list = text(&folder.run(&["check", "--list"]).stdout);
    for shipped in goldstone::load::shipped() {
        assert!(
            list.lines().any(|line| line.starts_with(shipped.name)),
            "{list}"
        );
    }
    let schema: serde_json::Value =
        serde_json::from_slice(&folder.run(&["check", "--schema"]).stdout).unwrap();
    assert!(schema.is_object());
    assert_eq!(folder.failure(&["check", "--show", "r2"]).0, Some(2));
    assert_eq!(folder.failure(&["check"]).0, Some(2));
    assert_eq!(folder.failure(&["check", "--list", "--schema"]).0, Some(2));
}

#[test]
fn math_shows_the_rule() {
    let folder = Folder::new();
    let mut story = String::new();
    for args in [
        &["math", "\\frac12", "--gold", "0.5"][..],
        &["math", "0.51", "--gold", "1/2"],
        &["math", "-3", "--gold", "-3"],
        &["math", "I say \\boxed{7}.", "--gold", "7", "--response"],
        &["math", "1", "--gold", "1/0"],
        &["math", "1"],
    ] {
        story += &format!(
            "$ goldstone {}\n{}\n",
            args.join(" "),
            said(&folder.run(args))
        );
    }
    insta::assert_snapshot!(story);
}

#[test]
fn math_compares_a_file() {
    let folder = Folder::new();
    let good = r#"{"id": 1, "gold": "0.5", "pred": "1/2"}
{"id": "b", "gold": "0.5", "pred": "0.6"}
"#;
    folder.write("good.jsonl", good);
    let output = folder.run(&["math", "--batch", "good.jsonl"]);
    assert_eq!(output.status.code(), Some(0));
    folder.write(
        "some.jsonl",
        format!("{good}{{\"id\": 3, \"gold\": \"1/0\", \"pred\": \"1\"}}\nnonsense\n"),
    );
    let some = folder.run(&["math", "--batch", "some.jsonl"]);
    assert!(text(&some.stdout).starts_with(&text(&output.stdout)));
    insta::assert_snapshot!(said(&some));
}

#[test]
fn help_has_examples() {
    let folder = Folder::new();
    for command in ["score", "explain", "check", "math"] {
        let help = text(&folder.run(&[command, "--help"]).stdout);
        assert!(help.contains("Examples:\n  goldstone "), "{command}");
    }
    let version = text(&folder.run(&["--version"]).stdout);
    assert_eq!(
        version.trim(),
        concat!("goldstone ", env!("CARGO_PKG_VERSION"))
    );
}
