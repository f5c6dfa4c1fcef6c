//! The engine: records in memory are scored as the lines of a file are.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use goldstone::batch::{Batch, BatchOptions, Columns, Control, Input, Inputs, Judge, Threads};
use goldstone::engine::{Engine, EngineOptions};
use goldstone::load;
use goldstone::reward::{ErrorKind, Score, Scorer, SpecSource, Status};
use goldstone::rollout::{FieldMap, Rollout};

const RECORDS: [&str; 5] = [
    r#"{"completion": "<think>6 * 7</think><answer>42</answer>", "reference": "42"}"#,
    r#"{"completion": "<think>6 * 7</think><answer>41</answer>", "reference": "42", "id": "b"}"#,
    r#"{"completion": "<think>6 * 7</thi"#,
    r#"{"completion": 7, "id": "d"}"#,
    r#"{"completion": "It is 42.", "reference": "42", "id": 5}"#,
];

fn engine(scorer: Scorer) -> Engine {
    Engine::start(scorer, &EngineOptions::with_jobs(2)).expect("the engine starts")
}

/// What `goldstone score` makes of the same records in a file, less the place in it.
fn scored_lines(scorer: &Scorer, records: &[&str]) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rollouts.jsonl");
    std::fs::write(&path, records.join("\n")).expect("a file");
    let inputs = Inputs::check(vec![Input::named(&path)]).expect("inputs");
    let options = BatchOptions {
        columns: Columns::Scores,
        ..BatchOptions::default()
    };
    let batch = Batch {
        judge: scorer,
        inputs: &inputs,
        options: &options,
        control: &Control::default(),
    };
    let mut out = Vec::new();
    batch.run(&mut out).expect("the batch runs");
    let rows = out
        .split(|byte| *byte == b'\n')
        .filter(|row| !row.is_empty());
    rows.map(|row| {
        let mut row: serde_json::Value = serde_json::from_slice(row).expect("JSON");
        if let Some(error) = row.get_mut("error").and_then(|error| error.as_object_mut()) {
            error.remove("file");
            error.remove("line");
        }
        row
    })
    .collect()
}

#[test]
fn records_are_scored_as_lines_are() {
    let engine = engine(load::spec("r1-zero").expect("shipped"));
    let scores = engine.score_records(&RECORDS);
    let scores: Vec<_> = scores
        .iter()
        .map(|score| serde_json::to_value(score).expect("JSON"))
        .collect();
    assert_eq!(scores, scored_lines(engine.scorer(), &RECORDS));
    assert_eq!(scores[0]["reward"], 2.0);
    assert_eq!(scores[1]["reward"], 1.0);
    assert_eq!(scores[4]["id"], "5");
}

#[test]
fn a_record_that_is_no_rollout_has_an_error_and_stops_nothing() {
    let engine = engine(load::spec("r1-zero").expect("shipped"));
    let scores = engine.score_records(&RECORDS);
    for (index, field) in [(2, None), (3, Some("/completion"))] {
        assert_eq!(scores[index].status, Status::Error);
        assert_eq!(scores[index].reward, None);
        let error = scores[index].error.as_ref().expect("an error");
        assert_eq!(error.kind, ErrorKind::Data);
        assert_eq!((error.field.as_deref(), &error.file), (field, &None));
    }
    assert_eq!(scores[2].id, "3");
    assert!(engine.score_records::<&str>(&[]).is_empty());
}

#[test]
fn records_of_a_group_are_compared_with_each_other() {
    let scorer = Scorer::compile(SpecSource {
        text: "version = 1\n[rewards.accuracy]\nexact = {}\n[rewards.short]\ngroup_length = { of = \"accuracy\" }",
        origin: "test",
        grammar: &|_| Err("none".to_owned()),
    })
    .expect("a spec");
    assert!(scorer.needs_groups());
    let records = [
        r#"{"completion": "42", "reference": "42", "n_tokens": 10, "group": "a"}"#,
        r#"{"completion": "no rollout""#,
        r#"{"completion": "42", "reference": "42", "n_tokens": 30, "group": "b"}"#,
        r#"{"completion": "42", "reference": "42", "n_tokens": 20, "group": "a"}"#,
        r#"{"completion": "42", "reference": "42", "n_tokens": 50, "group": "b"}"#,
    ];
    let engine = engine(scorer);
    let scores = engine.score_records(&records);
    let values: Vec<_> = scores
        .iter()
        .map(|score| serde_json::to_value(score).expect("JSON"))
        .collect();
    assert_eq!(values, scored_lines(engine.scorer(), &records));
    let raw = |index: usize| scores[index].term("short").and_then(|term| term.raw);
    assert!(raw(0) > raw(3) && raw(2) > raw(4), "{values:?}");
    // Alone, a row cannot be compared.
    let alone = engine.score_records(&records[..1]);
    let term = alone[0].term("short").expect("it applies");
    assert!(term.raw.is_none() || term.raw != raw(0));
}

#[test]
fn a_record_by_itself_has_no_group_to_be_compared_with() {
    let scorer = Scorer::compile(SpecSource {
        text: "version = 1\n[rewards.accuracy]\nexact = {}\n[rewards.short]\ngroup_length = { of = \"accuracy\" }",
        origin: "test",
        grammar: &|_| Err("none".to_owned()),
    })
    .expect("a spec");
    let engine = engine(scorer);
    let record = r#"{"completion": "42", "reference": "42", "n_tokens": 10, "group": "a"}"#;
    let score = engine.score_record(record.as_bytes());
    assert_eq!(score.reward, None);
    assert_eq!(
        score.term("short").and_then(|term| term.reason),
        Some("needs_group")
    );
    let score = engine.score_record(b"{");
    assert_eq!((score.id.as_str(), score.status), ("1", Status::Error));
}

/// A judge that answers once as many rows as there are threads are with it.
struct Slow {
    scorer: Scorer,
    took: Duration,
    here: Mutex<usize>,
    changed: Condvar,
    scored: AtomicUsize,
    left_alone: AtomicUsize,
}

const THREADS: usize = 4;

impl Slow {
    fn new(took: Duration) -> Self {
        Self {
            scorer: load::spec("r1-zero").expect("shipped"),
            took,
            here: Mutex::new(0),
            changed: Condvar::new(),
            scored: AtomicUsize::new(0),
            left_alone: AtomicUsize::new(0),
        }
    }

    fn meet(&self) {
        let mut here = self.here.lock().expect("nobody panicked");
        *here += 1;
        let end = (*here).next_multiple_of(THREADS);
        self.changed.notify_all();
        let patience = Duration::from_secs(20);
        let met = self
            .changed
            .wait_timeout_while(here, patience, |here| *here < end);
        if met.expect("nobody panicked").1.timed_out() {
            self.left_alone.fetch_add(1, Relaxed);
        }
    }
}

impl Judge for Slow {
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
        std::thread::sleep(self.took);
        self.scored.fetch_add(1, Relaxed);
        if self.left_alone.load(Relaxed) == 0 {
            self.meet();
        }
        self.scorer.score(rollout)
    }
}

fn many(count: usize) -> Vec<String> {
    let record =
        |index| format!(r#"{{"completion": "<answer>{index}</answer>", "id": "{index}"}}"#);
    (0..count).map(record).collect()
}

/// However slow rows are, all threads have one for as long as there are any.
#[test]
fn slow_rows_are_scored_side_by_side() {
    let threads = Threads::new(THREADS).expect("threads");
    let judge = Slow::new(Duration::from_millis(210));
    let mut asked = 0;
    let scores = threads.score_records_while(&judge, &many(40), &mut || {
        asked += 1;
        true
    });
    assert_eq!(judge.left_alone.load(Relaxed), 0);
    assert!(asked > 1, "asked {asked} times");
    let scores = scores.expect("nobody stopped it");
    let ids: Vec<String> = scores.into_iter().map(|score| score.id).collect();
    let expected: Vec<String> = (0..40).map(|id| id.to_string()).collect();
    assert_eq!(ids, expected);
    let judge = Slow::new(Duration::ZERO);
    let _ = threads.score_records(&judge, &many(40));
    assert_eq!(judge.left_alone.load(Relaxed), 0);
}

#[test]
fn a_batch_goes_on_while_it_is_told_to() {
    let engine = engine(load::spec("r1-zero").expect("shipped"));
    let records: Vec<&str> = RECORDS.iter().copied().cycle().take(1000).collect();
    let same = engine.score_records_while(&records, &mut || true);
    assert_eq!(same, Some(engine.score_records(&records)));
    let stopped = engine.score_records_while(&records, &mut || false);
    assert_eq!(stopped, None);
    // In the middle of what would take the threads many minutes.
    let threads = Threads::new(THREADS).expect("threads");
    let judge = Slow::new(Duration::from_millis(20));
    // Nobody waits for a row that will not come.
    judge.left_alone.store(1, Relaxed);
    let mut left = 3;
    let stopped = threads.score_records_while(&judge, &many(100_000), &mut || {
        left -= 1;
        left > 0
    });
    assert_eq!((stopped, left), (None, 0));
    let scored = judge.scored.load(Relaxed);
    assert!((1..100_000).contains(&scored), "{scored}");
}
