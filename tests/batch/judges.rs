//! Judges that fail, that take long, and that ask for more themselves.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use goldstone::batch::{Batch, BatchOptions, Control, Judge, Threads, score_all};
use goldstone::reward::{ErrorKind, Score, Scorer, Status};
use goldstone::rollout::{FieldMap, Rollout};
use serde_json::Value;

use super::{Folder, inputs, mixed_rows, plain_rows, rows, run_with, scorer};

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
