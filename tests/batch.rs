//! Batch scoring: what lines become, order, compression, resume.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use goldstone::batch::{
    Batch, BatchError, BatchOptions, Columns, Control, Ended, Existing, Input, Inputs, Judge,
    Manifest, OutputFile, Report, ResumeError, Threads, score_all,
};
use goldstone::load;
use goldstone::reward::{ErrorKind, Score, Scorer, Status};
use goldstone::rollout::{FieldMap, Rollout};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

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

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compression_is_seen_by_content_and_in_several_members() {
    let folder = Folder::new();
    let text = mixed_rows(40);
    let (head, tail) = text.as_bytes().split_at(text.len() / 2 + 3);
    let plain = rows(&run(
        &[folder.file("plain", &text)],
        &BatchOptions::default(),
    ));
    let zstd = |text: &[u8]| zstd::encode_all(text, 3).unwrap();
    let skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00junk".to_vec();
    for (name, bytes) in [
        ("misnamed.jsonl", gzip(text.as_bytes())),
        ("members.gz", [gzip(head), gzip(tail)].concat()),
        ("frames.zst", [zstd(head), zstd(tail)].concat()),
        (
            "pzstd.zst",
            [skippable, zstd(head), zstd(b""), zstd(tail)].concat(),
        ),
    ] {
        let mut got = rows(&run(&[folder.file(name, bytes)], &BatchOptions::default()));
        for (got, plain) in got.iter_mut().zip(&plain) {
            if let Some(error) = got.get_mut("error") {
                error["file"] = plain["error"]["file"].clone();
            }
        }
        assert_eq!(got, plain, "{name}");
    }
}

#[test]
fn a_cut_archive_keeps_the_rows_before_and_fails() {
    let folder = Folder::new();
    // Text that does not compress to nothing, so that the cut is amid rows.
    let text = mixed_rows(20_000);
    let whole = rows(&run(
        &[folder.file("plain", &text)],
        &BatchOptions::default(),
    ));
    for (name, mut bytes) in [
        ("cut.gz", gzip(text.as_bytes())),
        ("cut.zst", zstd::encode_all(text.as_bytes(), 3).unwrap()),
    ] {
        bytes.truncate(bytes.len() * 2 / 3);
        let path = folder.file(name, &bytes);
        let (out, report) = run_with(&scorer(), &[path], &BatchOptions::default());
        let error = report.unwrap_err();
        let BatchError::Input { source, report } = &error else {
            panic!("{error}")
        };
        let message = source.to_string();
        let got = rows(&out);
        assert!(
            message.contains(name) && message.contains(&format!("byte {}", bytes.len())),
            "{message}"
        );
        assert!(
            message.contains(&format!("{} whole lines", got.len())),
            "{message}"
        );
        assert_eq!(report.summary.rows, got.len() as u64);
        assert!(got.len() > 1000 && got.len() < whole.len(), "{}", got.len());
        assert_eq!(got[7]["id"], whole[7]["id"]);
    }
    // Bytes after the archive are damage too, not silence.
    let path = folder.file(
        "tail.gz",
        [gzip(text.as_bytes()), b"garbage".to_vec()].concat(),
    );
    let (out, report) = run_with(&scorer(), &[path], &BatchOptions::default());
    assert!(matches!(report, Err(BatchError::Input { .. })));
    assert_eq!(rows(&out).len(), 20_000);
}

#[test]
fn other_formats_are_refused_with_a_sentence() {
    let folder = Folder::new();
    for (bytes, wanted) in [
        (&b"\xfd7zXZ\0\0"[..], "xz"),
        (b"BZh91AY&SY", "bzip2"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"\xff\xfe{\0", "UTF-16"),
    ] {
        let path = folder.file("in", bytes);
        let error = Inputs::check(vec![Input::named(&path)])
            .unwrap_err()
            .to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let missing = Inputs::check(vec![Input::named(folder.path("missing"))]).unwrap_err();
    assert!(missing.to_string().contains("cannot open"), "{missing}");
    let directory = Inputs::check(vec![Input::named(folder.0.path())]).unwrap_err();
    assert!(
        directory.to_string().contains("is a directory"),
        "{directory}"
    );
    let twice = Inputs::check(vec![Input::named("-"), Input::named("-")]).unwrap_err();
    assert!(twice.to_string().contains("twice"), "{twice}");
    // Near misses are text.
    for text in ["PAR", "BZh", "P*", "PK", ""] {
        Inputs::check(vec![Input::named(folder.file("in", text))]).unwrap();
    }
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

/// A judge with bugs.
struct Broken(Scorer);

impl Judge for Broken {
    fn fields(&self) -> &FieldMap {
        self.0.fields()
    }

    fn rewards(&self) -> &[Arc<str>] {
        self.0.rewards()
    }

    fn solvers(&self) -> Vec<String> {
        Vec::new()
    }

    fn score(&self, rollout: &Rollout) -> Score {
        let mut score = self.0.score(rollout);
        match rollout.id.as_str() {
            "r3" => panic!("no such {}", "table"),
            "r5" => score.reward = Some(f64::NAN),
            "r6" => score.terms[0].raw = Some(f64::INFINITY),
            _ => {}
        }
        score
    }
}

#[test]
fn a_broken_scorer_loses_no_row_and_pays_nothing() {
    let folder = Folder::new();
    let path = folder.file("in.jsonl", mixed_rows(9));
    let judge = Broken(scorer());
    let (out, report) = run_with(&judge, &[path], &BatchOptions::default());
    let got = rows(&out);
    for (row, message) in [
        (3, "no such table"),
        (5, "not a finite"),
        (6, "not a finite"),
    ] {
        assert_eq!(got[row]["id"], format!("r{row}"));
        assert_eq!(got[row]["group"], format!("g{}", row / 4));
        assert_eq!(got[row]["reward"], Value::Null);
        assert_eq!(got[row]["error"]["kind"], "machinery");
        assert_eq!(got[row]["error"]["line"], row + 1);
        let text = got[row]["error"]["message"].as_str().unwrap();
        assert!(text.contains(message), "{text}");
    }
    let summary = report.unwrap().summary;
    assert_eq!((summary.rows, summary.machinery_errors), (9, 3));
    assert_eq!(summary.ok + summary.abstain, 6);

    let rollouts: Vec<Rollout> = ["r2", "r3", "r4"]
        .map(|id| Rollout {
            id: id.to_owned(),
            reference: Some("1".into()),
            ..Rollout::default()
        })
        .to_vec();
    let scores = score_all(&judge, &rollouts, 2).unwrap();
    let kinds: Vec<_> = scores
        .iter()
        .map(|score| (score.status, score.error.as_ref().map(|e| e.kind)))
        .collect();
    assert_eq!(
        kinds,
        [
            (Status::Ok, None),
            (Status::Error, Some(ErrorKind::Machinery)),
            (Status::Ok, None)
        ]
    );
}

/// A judge with rows that last until something else has happened.
struct Slow<'s> {
    scorer: Scorer,
    scored: AtomicUsize,
    begun: Mutex<Vec<String>>,
    /// Whether the row may end, by what has been scored and begun so far.
    may_end: &'s (dyn Fn(&str, usize, &[String]) -> bool + Sync),
}

impl Slow<'_> {
    fn new(may_end: &(dyn Fn(&str, usize, &[String]) -> bool + Sync)) -> Slow<'_> {
        Slow {
            scorer: scorer(),
            scored: AtomicUsize::new(0),
            begun: Mutex::default(),
            may_end,
        }
    }
}

impl Judge for Slow<'_> {
    fn fields(&self) -> &FieldMap {
        self.scorer.fields()
    }

    fn rewards(&self) -> &[Arc<str>] {
        self.scorer.rewards()
    }

    fn solvers(&self) -> Vec<String> {
        Vec::new()
    }

    fn score(&self, rollout: &Rollout) -> Score {
        self.begun.lock().unwrap().push(rollout.id.clone());
        // Not a time that is measured: only a test that fails waits for so long.
        for _ in 0..12_000 {
            let scored = self.scored.load(Ordering::SeqCst);
            let begun = self.begun.lock().unwrap().clone();
            if (self.may_end)(&rollout.id, scored, &begun) {
                self.scored.fetch_add(1, Ordering::SeqCst);
                return self.scorer.score(rollout);
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("`{}` was waited for by what it waits for", rollout.id);
    }
}

fn plain_rows(count: usize) -> String {
    let row = |row| format!("{{\"id\": \"r{row}\", \"completion\": \"\", \"reference\": \"1\"}}\n");
    (0..count).map(row).collect()
}

#[test]
fn a_slow_row_holds_up_no_row_that_another_thread_could_score() {
    let folder = Folder::new();
    // As many chunks as two threads have on their way.
    let path = folder.file("in.jsonl", plain_rows(40));
    let options = BatchOptions {
        jobs: 2,
        chunk_rows: 8,
        ..BatchOptions::default()
    };
    for slow in ["r0", "r3", "r7"] {
        let may_end = |id: &str, scored: usize, _: &[String]| id != slow || scored == 39;
        let judge = Slow::new(&may_end);
        let (out, report) = run_with(&judge, std::slice::from_ref(&path), &options);
        assert_eq!(report.unwrap().summary.machinery_errors, 0, "{slow}");
        let ids: Vec<String> = rows(&out)
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        let wanted: Vec<String> = (0..40).map(|row| format!("r{row}")).collect();
        assert_eq!(ids, wanted);
    }
}

#[test]
fn a_chunk_is_written_whatever_the_ones_after_it_do() {
    let folder = Folder::new();
    let path = folder.file("in.jsonl", plain_rows(40));
    let options = BatchOptions {
        jobs: 2,
        chunk_rows: 8,
        ..BatchOptions::default()
    };
    let control = Control::default();
    // The first chunk ends only after the second has begun, and that one lasts until
    // the first has been written.
    let may_end = |id: &str, _: usize, begun: &[String]| match id {
        "r7" => begun.iter().any(|id| id == "r8"),
        "r8" => control.progress().rows >= 8,
        _ => true,
    };
    let judge = Slow::new(&may_end);
    let inputs = inputs(&[path]);
    let mut out = Vec::new();
    let batch = Batch {
        judge: &judge,
        inputs: &inputs,
        options: &options,
        control: &control,
    };
    assert_eq!(batch.run(&mut out).unwrap().summary.machinery_errors, 0);
    assert_eq!(rows(&out).len(), 40);
}

#[test]
fn a_call_does_not_wait_for_the_rows_of_another() {
    let threads = Threads::new(2).unwrap();
    let is_back = AtomicBool::new(false);
    // Both threads are in the first call until one of them is in the second, which
    // lasts until the first call has come back.
    let may_end = |id: &str, _: usize, begun: &[String]| match id {
        "a0" => begun.iter().any(|id| id == "a1"),
        "a1" => begun.iter().any(|id| id == "b0"),
        "b0" => is_back.load(Ordering::SeqCst),
        _ => true,
    };
    let judge = Slow::new(&may_end);
    let rollouts = |ids: &[&str]| -> Vec<Rollout> {
        let rollout = |id: &&str| Rollout {
            id: (*id).to_owned(),
            reference: Some("1".into()),
            ..Rollout::default()
        };
        ids.iter().map(rollout).collect()
    };
    let is_fine = |scores: Vec<Score>| scores.iter().all(|score| score.error.is_none());
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            while !judge.begun.lock().unwrap().iter().any(|id| id == "a1") {
                thread::sleep(Duration::from_millis(1));
            }
            threads.score_all(&judge, &rollouts(&["b0", "b1"]))
        });
        assert!(is_fine(threads.score_all(&judge, &rollouts(&["a0", "a1"]))));
        is_back.store(true, Ordering::SeqCst);
        assert!(is_fine(other.join().unwrap()));
    });
}

/// A sink that takes `room` bytes and then fails.
struct Full {
    room: usize,
    kind: io::ErrorKind,
}

impl Write for Full {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let taken = buffer.len().min(self.room);
        self.room -= taken;
        if taken == 0 {
            Err(self.kind.into())
        } else {
            Ok(taken)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A sink that is broken.
struct Panics;

impl Write for Panics {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("no such sink");
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_panics_ends_the_run() {
    let folder = Folder::new();
    // More chunks than are on their way at a time.
    let path = folder.file("in.jsonl", plain_rows(40));
    let inputs = inputs(&[path]);
    let options = BatchOptions {
        jobs: 1,
        chunk_rows: 1,
        ..BatchOptions::default()
    };
    let (judge, control) = (scorer(), Control::default());
    let batch = Batch {
        judge: &judge,
        inputs: &inputs,
        options: &options,
        control: &control,
    };
    let error = batch.run(&mut Panics).unwrap_err();
    assert!(matches!(error, BatchError::Panic), "{error}");
}

/// A judge that scores by asking the threads that it is scored on.
struct Nested<'t> {
    scorer: Scorer,
    threads: &'t Threads,
}

impl Judge for Nested<'_> {
    fn fields(&self) -> &FieldMap {
        self.scorer.fields()
    }

    fn rewards(&self) -> &[Arc<str>] {
        self.scorer.rewards()
    }

    fn solvers(&self) -> Vec<String> {
        Vec::new()
    }

    fn score(&self, rollout: &Rollout) -> Score {
        let twice = [rollout.clone(), rollout.clone()];
        let mut scores = self.threads.score_all(&self.scorer, &twice);
        scores.remove(1)
    }
}

#[test]
fn a_judge_may_ask_the_threads_that_it_runs_on() {
    let threads = Threads::new(1).unwrap();
    let judge = Nested {
        scorer: scorer(),
        threads: &threads,
    };
    let rollouts = vec![Rollout::default(); 3];
    let scores = threads.score_all(&judge, &rollouts);
    assert_eq!(scores, threads.score_all(&judge.scorer, &rollouts));
}

#[test]
fn a_closed_pipe_is_an_end_and_a_full_disk_an_error() {
    let folder = Folder::new();
    let path = folder.file("in.jsonl", mixed_rows(2000));
    let run = |kind| {
        let inputs = inputs(std::slice::from_ref(&path));
        let (options, control) = (BatchOptions::default(), Control::default());
        let judge = scorer();
        Batch {
            judge: &judge,
            inputs: &inputs,
            options: &options,
            control: &control,
        }
        .run(&mut Full { room: 1000, kind })
    };
    assert_eq!(run(io::ErrorKind::BrokenPipe).unwrap().ended, Ended::Closed);
    let error = run(io::ErrorKind::StorageFull).unwrap_err();
    assert!(matches!(error, BatchError::Write(_)), "{error}");
}

/// A run into a file.
struct FileRun<'f> {
    input: &'f Path,
    output: PathBuf,
    options: BatchOptions,
}

impl FileRun<'_> {
    fn go(&self, existing: Existing) -> Result<Report, BatchError> {
        let scorer = scorer();
        let inputs = inputs(&[self.input.to_owned()]);
        let manifest = Manifest::new(&scorer, &inputs, &self.options).unwrap();
        let file = OutputFile::open(&self.output, manifest, existing)?;
        let control = Control::default();
        Batch {
            judge: &scorer,
            inputs: &inputs,
            options: &self.options,
            control: &control,
        }
        .run_file(file)
    }

    fn output(&self) -> Vec<u8> {
        fs::read(&self.output).unwrap()
    }

    fn manifest(&self) -> PathBuf {
        Manifest::path(&self.output)
    }
}

fn file_run<'f>(folder: &Folder, input: &'f Path) -> FileRun<'f> {
    let options = BatchOptions {
        jobs: 1,
        chunk_rows: 3,
        ..BatchOptions::default()
    };
    FileRun {
        input,
        output: folder.path("out.jsonl"),
        options,
    }
}

#[test]
fn cut_at_every_byte_and_resumed_is_as_uninterrupted() {
    let folder = Folder::new();
    // Two good rows, one without a reference and one that is cut.
    let text: Vec<String> = mixed_rows(11).lines().skip(7).map(str::to_owned).collect();
    let input = folder.file("in.jsonl", text.join("\n"));
    for columns in [Columns::All, Columns::Scores] {
        let mut run = file_run(&folder, &input);
        run.options.columns = columns;
        let report = run.go(Existing::Overwrite).unwrap();
        let whole = run.output();
        let complete = fs::read_to_string(run.manifest()).unwrap();
        let unfinished = complete.replace("\"complete\": true", "\"complete\": false");
        assert_ne!(complete, unfinished);
        for cut in 0..=whole.len() {
            fs::write(&run.output, &whole[..cut]).unwrap();
            fs::write(run.manifest(), &unfinished).unwrap();
            let resumed = run.go(Existing::Resume).unwrap();
            assert!(run.output() == whole, "cut at {cut}");
            assert_eq!(resumed.summary, report.summary, "cut at {cut}");
            let rows = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(resumed.resumed_rows, rows as u64, "cut at {cut}");
            assert_eq!(
                fs::read_to_string(run.manifest()).unwrap(),
                complete,
                "cut at {cut}"
            );
        }
    }
}

#[test]
fn resume_refuses_what_is_another_run() {
    let folder = Folder::new();
    let input = folder.file("in.jsonl", mixed_rows(14));
    let mut run = file_run(&folder, &input);
    run.go(Existing::Refuse).unwrap();
    let whole = run.output();
    let complete = fs::read_to_string(run.manifest()).unwrap();
    let unfinished = complete.replace("\"complete\": true", "\"complete\": false");
    let problem = |run: &FileRun<'_>, existing| {
        let before = run.output();
        let error = run.go(existing).unwrap_err();
        assert_eq!(run.output(), before, "a refused output stays as it is");
        error.to_string()
    };

    // Complete: may be replaced, and resuming adds nothing.
    run.go(Existing::Refuse).unwrap();
    run.go(Existing::Resume).unwrap();
    assert!(run.output() == whole);
    // Complete, but not the file that was completed.
    fs::write(&run.output, [&whole[..], b"more\n"].concat()).unwrap();
    assert!(problem(&run, Existing::Refuse).contains("size"));

    let half = || {
        fs::write(&run.output, &whole[..whole.len() / 2]).unwrap();
        fs::write(run.manifest(), &unfinished).unwrap();
    };
    half();
    let text = problem(&run, Existing::Refuse);
    assert!(
        text.contains("--resume") && text.contains("--overwrite"),
        "{text}"
    );
    for (from, to, wanted) in [
        (
            "\"sha256\": \"",
            "\"sha256\": \"0",
            "spec `r1-zero` has changed",
        ),
        ("in.jsonl", "other.jsonl", "begun with the inputs"),
        (
            "\"ends_sha256\": \"",
            "\"ends_sha256\": \"0",
            "in.jsonl` has changed",
        ),
        ("\"limit\": null", "\"limit\": 9", "begun with `--limit 9`"),
        (
            "\"columns\": \"all\"",
            "\"columns\": \"scores\"",
            "`--columns scores`",
        ),
        (
            "\"max_line_bytes\": 67108864",
            "\"max_line_bytes\": 1048576",
            "`--max-line-mb 1`",
        ),
        (
            "\"engine\": \"",
            "\"engine\": \"9.",
            "begun with goldstone 9.",
        ),
    ] {
        half();
        let other = unfinished.replace(from, to);
        assert_ne!(other, unfinished, "{from}");
        fs::write(run.manifest(), other).unwrap();
        let text = problem(&run, Existing::Resume);
        assert!(text.contains(wanted), "{text}");
    }
    // Rows of other rollouts, no rows at all, and too many rows.
    half();
    let swapped = String::from_utf8(whole.clone())
        .unwrap()
        .replace("\"r1\"", "\"r7\"");
    fs::write(&run.output, swapped).unwrap();
    let error = run.go(Existing::Resume).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("row 2 is named `r7`, the input's `r1`"),
        "{error}"
    );
    fs::write(&run.output, b"\0\0\0\n").unwrap();
    assert!(problem(&run, Existing::Resume).contains("row 1 is no score"));
    fs::write(&run.output, [&whole[..], &whole[..]].concat()).unwrap();
    assert!(problem(&run, Existing::Resume).contains("more than the inputs"));
    // A file that was never ours.
    fs::remove_file(run.manifest()).unwrap();
    for existing in [Existing::Refuse, Existing::Resume] {
        fs::write(&run.output, "precious\n").unwrap();
        assert!(problem(&run, existing).contains("no manifest"));
    }
    run.go(Existing::Overwrite).unwrap();
    assert!(run.output() == whole);
    // An empty file, and none, are begun.
    fs::remove_file(run.manifest()).unwrap();
    fs::write(&run.output, "").unwrap();
    run.go(Existing::Refuse).unwrap();
    fs::remove_file(run.manifest()).unwrap();
    fs::remove_file(&run.output).unwrap();
    run.go(Existing::Resume).unwrap();
    assert!(run.output() == whole);
    run.output = folder.path("no/such/folder.jsonl");
    assert!(matches!(
        run.go(Existing::Refuse),
        Err(BatchError::Resume(ResumeError::Open { .. }))
    ));
}

#[test]
fn two_writers_do_not_share_a_file() {
    let folder = Folder::new();
    let input = folder.file("in.jsonl", mixed_rows(4));
    let run = file_run(&folder, &input);
    let scorer = scorer();
    let inputs = inputs(std::slice::from_ref(&input));
    let manifest = Manifest::new(&scorer, &inputs, &run.options).unwrap();
    let held = OutputFile::open(&run.output, manifest, Existing::Refuse).unwrap();
    let error = run.go(Existing::Overwrite).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    drop(held);
    run.go(Existing::Overwrite).unwrap();
}

#[test]
fn a_stopped_run_resumes() {
    let folder = Folder::new();
    let input = folder.file("in.jsonl", mixed_rows(3000));
    let run = file_run(&folder, &input);
    run.go(Existing::Refuse).unwrap();
    let whole = run.output();
    fs::remove_file(&run.output).unwrap();

    let scorer = scorer();
    let inputs = inputs(std::slice::from_ref(&input));
    let control = Control::default();
    for _ in 0..20 {
        let manifest = Manifest::new(&scorer, &inputs, &run.options).unwrap();
        let file = OutputFile::open(&run.output, manifest, Existing::Resume).unwrap();
        let control = Control::default();
        let ended = std::thread::scope(|threads| {
            threads.spawn(|| {
                let before = control.progress().rows;
                while control.progress().rows < before + 200 && control.progress().rows < 2900 {
                    std::thread::yield_now();
                }
                control.stop();
            });
            Batch {
                judge: &scorer,
                inputs: &inputs,
                options: &run.options,
                control: &control,
            }
            .run_file(file)
            .unwrap()
            .ended
        });
        let got = run.output();
        assert!(whole.starts_with(&got), "a stop leaves whole rows in order");
        assert!(got.is_empty() || got.ends_with(b"\n"));
        if ended == Ended::Complete {
            break;
        }
    }
    drop(control);
    run.go(Existing::Resume).unwrap();
    assert!(run.output() == whole);
}

/// One line of a group; `answer` is what a completion of spec `math` boxes.
fn sample(group: &str, answer: &str) -> String {
    format!(
        "{{\"group\": \"{group}\", \"completion\": \"\\\\boxed{{{answer}}}\", \"reference\": \"1\"}}\n"
    )
}

#[test]
fn samples_of_a_prompt_give_the_papers_pass_at_k() {
    let folder = Folder::new();
    let mut text = String::new();
    // Of 5 samples 2 correct; of 4 none; of 2 both, one of them undecided more.
    for (group, answers) in [
        ("a", &["1", "2", "2", "1.0", "2"][..]),
        ("b", &["2", "3", "2", "4"]),
        ("c", &["1", "1", "1t"]),
        ("d", &["2/2", "5"]),
    ] {
        for answer in answers {
            text += &sample(group, answer);
        }
    }
    let path = folder.file("in.jsonl", text);
    let (_, report) = run_with(
        &load::spec("math").unwrap(),
        &[path],
        &BatchOptions::default(),
    );
    let summary = report.unwrap().summary;
    let samples = summary.samples.unwrap();
    assert_eq!(
        (samples.groups, samples.largest, samples.unjudged),
        (Some(4), 5, 1)
    );
    let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
    // pass@1 is c/n; pass@2 of group a is 1 - C(3,2)/C(5,2) = 0.7, and of group
    // d 1; pass@4 needs four samples: group a 1 (only 3 are wrong), group b 0.
    let wanted = [
        (1, (0.4 + 0.0 + 1.0 + 0.5) / 4.0, 4),
        (2, (0.7 + 0.0 + 1.0 + 1.0) / 4.0, 4),
        (4, 0.5, 2),
    ];
    let got: Vec<_> = samples
        .pass_at
        .iter()
        .map(|pass| (pass.k, pass.value, pass.groups))
        .collect();
    assert_eq!(got.len(), wanted.len(), "{got:?}");
    for (got, wanted) in got.iter().zip(wanted) {
        assert!(
            got.0 == wanted.0 && close(got.1, wanted.1) && got.2 == wanted.2,
            "{got:?}"
        );
    }
    // Of a alone, which has five samples: 2 has three votes, and is wrong.
    let majority = samples.majority.unwrap();
    assert_eq!((majority.k, majority.groups), (5, 1));
    assert!(close(majority.value, 0.0));
    let reward = &summary.tasks[0].rewards[0];
    assert_eq!((reward.correct, reward.wrong, reward.unknown), (5, 8, 1));
    // 5 ones and 8 zeros: mean 5/13, sample variance (5·8/13)/12.
    assert!(close(reward.raw.mean.unwrap(), 5.0 / 13.0));
    assert!(close(
        reward.raw.std.unwrap(),
        (40.0_f64 / 13.0 / 12.0).sqrt()
    ));
}

#[test]
fn a_majority_is_of_groups_with_as_many_samples() {
    let folder = Folder::new();
    let mut text = String::new();
    // Right by two of three; tied, one of three right; two samples are no three.
    for (group, answers) in [
        ("a", &["1", "1", "2"][..]),
        ("b", &["1", "2", "3"]),
        ("c", &["1", "1"]),
        ("d", &["2", "3"]),
    ] {
        for answer in answers {
            text += &sample(group, answer);
        }
    }
    let path = folder.file("in.jsonl", text);
    let spec = load::spec("math").unwrap();
    let (_, report) = run_with(&spec, &[path], &BatchOptions::default());
    let majority = report.unwrap().summary.samples.unwrap().majority.unwrap();
    assert_eq!((majority.k, majority.groups), (3, 2));
    assert!((majority.value - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
}

#[test]
fn single_samples_have_no_pass_at_k() {
    let folder = Folder::new();
    let path = folder.file("in.jsonl", sample("a", "1") + &sample("b", "2"));
    let (_, report) = run_with(
        &load::spec("math").unwrap(),
        &[path],
        &BatchOptions::default(),
    );
    assert_eq!(report.unwrap().summary.samples, None);
}
