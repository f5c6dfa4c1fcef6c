//! The commands with a judge: what they say, what they write, their exit codes.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::{Reply, Server, chat};
use super::{JUDGE, spec};

/// What no output may hold.
const SECRET: &str = "sk-very-secret";

struct Folder(TempDir);

impl Folder {
    fn new(server: &Server, more: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        let judge = match more.contains("retries") {
            true => JUDGE.replace("retries = 2\n", ""),
            false => JUDGE.to_owned(),
        };
        let options = format!("{judge}key_env = \"JUDGE_KEY\"\n{more}");
        let text = spec(&server.url, &options);
        fs::write(folder.path("judge.toml"), text).expect("written");
        let row = |number: usize| {
            let completion = format!("A tool, {number}.");
            json!({"prompt": "What is a spanner?", "completion": completion}).to_string()
        };
        let rows: Vec<String> = (0..40).map(row).collect();
        fs::write(folder.path("rollouts.jsonl"), rows.join("\n")).expect("written");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What the command wrote to standard output, and what it said.
    fn run(&self, code: i32, args: &[&str]) -> (String, String) {
        let mut command = Command::new(cargo_bin("goldstone"));
        command
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
            .env("JUDGE_KEY", SECRET)
            .env("HTTP_PROXY", "http://127.0.0.1:1");
        self.end(code, command)
    }

    fn end(&self, code: i32, mut command: Command) -> (String, String) {
        let output = command.output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{out}\n{said}");
        assert!(
            !out.contains(SECRET) && !said.contains(SECRET),
            "{out}\n{said}"
        );
        (out, said)
    }
}

const SCORE: [&str; 4] = ["score", "rollouts.jsonl", "--spec", "judge.toml"];

fn rows(text: &str) -> Vec<Value> {
    let rows = text.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().expect("JSON lines")
}

#[test]
fn files_are_scored_by_a_judge() {
    let server = Server::saying("Score: 6");
    let folder = Folder::new(&server, "");
    let (out, said) = folder.run(0, &[&SCORE[..], &["--jobs", "2"]].concat());
    let scored = rows(&out);
    assert_eq!(scored.len(), 40);
    assert!(scored.iter().all(|row| row["reward"] == 0.6), "{out}");
    assert_eq!(server.count(), 40);
    assert!(
        server.requests()[0].head.contains(SECRET),
        "the key reaches the judge"
    );
    let asked = format!(
        "asked `judge` at {}: 40 questions, 0 from the cache, 40 requests",
        server.url
    );
    assert!(said.contains(&asked), "{said}");
    // No number of threads decides a score.
    let (again, _) = folder.run(0, &[&SCORE[..], &["--jobs", "1"]].concat());
    assert_eq!(out, again);
}

#[test]
fn the_manifest_names_the_judge_and_not_the_key() {
    let server = Server::saying("Score: 6");
    let folder = Folder::new(&server, "");
    folder.run(0, &[&SCORE[..], &["-o", "scored.jsonl"]].concat());
    let manifest =
        fs::read_to_string(folder.path("scored.jsonl.manifest.json")).expect("a manifest");
    assert!(
        manifest.contains(&server.url) && manifest.contains("JUDGE_KEY"),
        "{manifest}"
    );
    assert!(!manifest.contains(SECRET), "{manifest}");
}

/// The judge dies in the middle: the rest is null, is counted, and is said once.
#[test]
fn a_judge_that_dies_makes_no_rewards() {
    let server = Server::start(|request| match request.number {
        0..10 => Reply::Json(chat("Score: 6")),
        _ => Reply::Close,
    });
    let folder = Folder::new(&server, "concurrency = 1\naway_after = 2\nretries = 0\n");
    let (out, said) = folder.run(0, &SCORE);
    let scored = rows(&out);
    let paid = scored.iter().filter(|row| row["reward"] == 0.6).count();
    let null = scored
        .iter()
        .filter(|row| row["reward"].is_null() && row["status"] == "abstain");
    assert_eq!((paid, null.count()), (10, 30), "{out}");
    assert_eq!(
        said.matches("is away after 2 failures in a row").count(),
        1,
        "{said}"
    );
    assert!(
        said.contains("remote_away 28, remote_unreachable 2"),
        "{said}"
    );
    assert!(said.contains("30 without an answer"), "{said}");
    assert!(said.contains("10 scored, 30 undecided"), "{said}");
}

#[test]
fn a_dead_judge_fails_the_run_where_the_spec_says_so() {
    let server = Server::start(|_| Reply::Status(503, "overloaded"));
    let folder = Folder::new(&server, "on_failure = \"error\"\nretries = 0\n");
    let (out, said) = folder.run(3, &SCORE);
    for row in rows(&out) {
        assert_eq!(row["reward"], Value::Null);
        assert_eq!(row["error"]["kind"], "machinery");
    }
    assert!(
        said.contains("40 rows failed through a fault of goldstone"),
        "{said}"
    );
}

#[test]
fn explain_tells_whom_it_asked_and_whether_the_reply_was_kept() {
    let server = Server::saying("It helps.\nScore: 6");
    let folder = Folder::new(&server, "cache = \"answers\"\n");
    let explain = [
        "explain",
        "rollouts.jsonl",
        "--spec",
        "judge.toml",
        "--row",
        "3",
    ];
    let (out, _) = folder.run(0, &explain);
    assert!(out.contains("0.6 = 0.6 (raw) × 1 (weight)"), "{out}");
    assert!(out.contains("It helps.\\nScore: 6"), "{out}");
    assert!(
        out.contains("1 question, 0 from the cache, 1 request"),
        "{out}"
    );
    let (out, _) = folder.run(0, &explain);
    assert!(
        out.contains("1 question, 1 from the cache, 0 requests"),
        "{out}"
    );
    assert_eq!(server.count(), 1);
}

#[test]
fn a_key_that_is_missing_is_said_before_the_first_row() {
    let server = Server::saying("Score: 6");
    let folder = Folder::new(&server, "");
    let mut command = Command::new(cargo_bin("goldstone"));
    command
        .args(SCORE)
        .current_dir(folder.0.path())
        .env_remove("JUDGE_KEY");
    let (out, said) = folder.end(2, command);
    assert_eq!(out, "");
    assert!(
        said.contains("the environment variable `JUDGE_KEY`"),
        "{said}"
    );
    assert!(said.contains("is not set"), "{said}");
    assert_eq!(server.count(), 0);
}

#[test]
fn check_warns_of_a_key_on_an_open_road() {
    let server = Server::saying("Score: 6");
    let folder = Folder::new(&server, "");
    let (_, said) = folder.run(0, &["check", "judge.toml"]);
    assert_eq!(said, "");
    let text = fs::read_to_string(folder.path("judge.toml")).expect("a spec");
    let open = text.replace(&server.url, "http://judge.example/v1");
    fs::write(folder.path("open.toml"), open).expect("written");
    let (out, said) = folder.run(0, &["check", "open.toml"]);
    assert!(out.contains("ok"), "{out}");
    assert!(
        said.contains("the API key goes over the network unencrypted"),
        "{said}"
    );
    assert!(said.contains("open.toml:3:1"), "{said}");
}
