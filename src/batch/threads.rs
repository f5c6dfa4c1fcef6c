//! Rollouts that are already in memory, scored on threads that stay.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::judge::{Judge, Place, begin_rollout, bug, read_line, score_rollout};
use super::pipeline::pool;
use super::reader::Line;
use super::run::BatchError;
use crate::reward::{Pending, Score, Scorer};
use crate::rollout::Rollout;

/// How often a caller is asked whether to go on.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Threads that score. No result depends on how many there are.
#[derive(Debug)]
pub struct Threads(ThreadPool);

impl Threads {
    /// `jobs` threads; 0 means one per core.
    ///
    /// # Errors
    /// [`BatchError::Threads`] when the threads cannot be started.
    pub fn new(jobs: usize) -> Result<Self, BatchError> {
        Ok(Self(pool(jobs)?))
    }

    /// Scores one rollout on the caller's thread; a judge that panics is an error
    /// of kind [`ErrorKind::Machinery`](crate::reward::ErrorKind::Machinery).
    pub fn score(&self, judge: &impl Judge, rollout: &Rollout) -> Score {
        score_rollout(judge, rollout)
    }

    /// Scores rollouts, each among all those of its group; scores come in the order
    /// of the rollouts.
    ///
    /// A rollout on which the judge panics gets an error of kind
    /// [`ErrorKind::Machinery`](crate::reward::ErrorKind::Machinery); the others are
    /// not touched by it.
    pub fn score_all(&self, judge: &impl Judge, rollouts: &[Rollout]) -> Vec<Score> {
        let score_one =
            |index: usize, score: &(dyn Fn(&Rollout) -> Begun + Sync)| score(&rollouts[index]);
        self.score_each(judge, rollouts.len(), score_one, None)
            .unwrap_or_default()
    }

    /// Scores one JSON object, by itself and on the caller's thread: what compares
    /// the rollouts of a group is open.
    pub fn score_record(&self, judge: &impl Judge, record: &[u8]) -> Score {
        match read(judge, record, 1) {
            Ok(rollout) => score_rollout(judge, &rollout),
            Err(score) => *score,
        }
    }

    /// Scores JSON objects, each among all those of its group; scores come in the
    /// order of the records. A record without an `id` is called by its position,
    /// 1-based; one that is no rollout has a score with an error.
    pub fn score_records<T: AsRef<[u8]> + Sync>(
        &self,
        judge: &impl Judge,
        records: &[T],
    ) -> Vec<Score> {
        self.records(judge, records, None).unwrap_or_default()
    }

    /// The same for records that are part of something longer: each has its own
    /// position with it.
    pub fn score_placed<T: AsRef<[u8]> + Sync>(
        &self,
        judge: &impl Judge,
        records: &[(u64, T)],
    ) -> Vec<Score> {
        let score_one = |index: usize, score: &(dyn Fn(&Rollout) -> Begun + Sync)| {
            let (position, record) = &records[index];
            begin_record(judge, *position, record.as_ref(), score)
        };
        self.score_each(judge, records.len(), score_one, None)
            .unwrap_or_default()
    }

    /// As [`Threads::score_records`], but asks `go_on` while the threads work,
    /// on the caller's thread, some ten times a second; `None` where it said no, once
    /// the rows that had begun are done.
    pub fn score_records_while<T: AsRef<[u8]> + Sync>(
        &self,
        judge: &impl Judge,
        records: &[T],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Option<Vec<Score>> {
        self.records(judge, records, Some(go_on))
    }

    fn records<T: AsRef<[u8]> + Sync>(
        &self,
        judge: &impl Judge,
        records: &[T],
        go_on: Option<&mut dyn FnMut() -> bool>,
    ) -> Option<Vec<Score>> {
        let score_one = |index: usize, score: &(dyn Fn(&Rollout) -> Begun + Sync)| {
            begin_record(judge, index as u64 + 1, records[index].as_ref(), score)
        };
        self.score_each(judge, records.len(), score_one, go_on)
    }

    /// Scores `count` rollouts; `with` hands the one at an index to its second
    /// argument. `None` where `go_on` said no.
    fn score_each<J: Judge>(
        &self,
        judge: &J,
        count: usize,
        with: impl Fn(usize, &(dyn Fn(&Rollout) -> Begun + Sync)) -> Begun + Send + Sync,
        go_on: Option<&mut dyn FnMut() -> bool>,
    ) -> Option<Vec<Score>> {
        let Some(scorer) = judge.grouped() else {
            let score = |rollout: &Rollout| Begun::Scored(Box::new(score_rollout(judge, rollout)));
            let begun = self.items(count, |index| with(index, &score), go_on)?;
            let scores = begun.into_iter().map(|begun| match begun {
                Begun::Scored(score) => *score,
                Begun::Open(_) => unreachable!("rows wait only for groups"),
            });
            return Some(scores.collect());
        };
        let begin = |rollout: &Rollout| match begin_rollout(scorer, rollout) {
            Ok(pending) => Begun::Open(Box::new(pending)),
            Err(score) => Begun::Scored(score),
        };
        let begun = self.items(count, |index| with(index, &begin), go_on)?;
        Some(settle(scorer, begun))
    }

    /// All items on the threads, in their order; while they run, the caller's thread
    /// asks `go_on`. An item that is one row of a slow judge is worth a steal, so that
    /// no thread has a share that others could help with.
    fn items<T: Send>(
        &self,
        count: usize,
        item: impl Fn(usize) -> T + Send + Sync,
        go_on: Option<&mut dyn FnMut() -> bool>,
    ) -> Option<Vec<T>> {
        if let Some(go_on) = go_on {
            return if go_on() {
                self.items_while(count, &item, go_on)
            } else {
                None
            };
        }
        // A thread of ours costs more to wake than one row takes to score.
        if count == 1 {
            return Some(vec![item(0)]);
        }
        let items = (0..count).into_par_iter().with_max_len(1).map(item);
        Some(self.0.install(|| items.collect()))
    }

    /// Items that have not begun when `go_on` says no never do.
    fn items_while<T: Send>(
        &self,
        count: usize,
        item: &(impl Fn(usize) -> T + Send + Sync),
        go_on: &mut dyn FnMut() -> bool,
    ) -> Option<Vec<T>> {
        let is_stopped = AtomicBool::new(false);
        let mut items: Option<Vec<T>> = None;
        let (done, all) = mpsc::channel::<()>();
        self.0.in_place_scope(|scope| {
            let (items, is_stopped) = (&mut items, &is_stopped);
            scope.spawn(move |_| {
                // Dropped at the end, be it a panic: then nobody waits any more.
                let _done = done;
                let one = |index| (!is_stopped.load(Relaxed)).then(|| item(index));
                let rows = (0..count).into_par_iter().with_max_len(1).map(one);
                let rows: Vec<Option<T>> = rows.collect();
                *items = rows.into_iter().collect();
            });
            while all.recv_timeout(ASK_EVERY) == Err(RecvTimeoutError::Timeout) {
                if !go_on() {
                    is_stopped.store(true, Relaxed);
                    break;
                }
            }
        });
        items.filter(|_| !is_stopped.load(Relaxed))
    }
}

/// Hands the rollout of a record to `score`; a record without one is scored as it is.
fn begin_record(
    judge: &impl Judge,
    position: u64,
    record: &[u8],
    score: &(dyn Fn(&Rollout) -> Begun + Sync),
) -> Begun {
    match read(judge, record, position) {
        Ok(rollout) => score(&rollout),
        Err(unusable) => Begun::Scored(unusable),
    }
}

/// A rollout as a thread leaves it.
enum Begun {
    Scored(Box<Score>),
    /// The rest of its group is missing.
    Open(Box<Pending>),
}

/// The rollout of the record at `position`, or the score of a record that has none.
fn read(judge: &impl Judge, record: &[u8], position: u64) -> Result<Rollout, Box<Score>> {
    let place = Place {
        origin: None,
        default_id: position.to_string(),
    };
    match read_line(Line::Text(record), judge.fields(), &place, usize::MAX) {
        Ok((_, rollout)) => Ok(rollout),
        Err(judged) => Err(Box::new(judged.score)),
    }
}

/// Scores what waits for its group, in its place among the rest.
fn settle(scorer: &Scorer, begun: Vec<Begun>) -> Vec<Score> {
    let mut scored = Vec::new();
    let mut open = Vec::new();
    for (index, begun) in begun.into_iter().enumerate() {
        match begun {
            Begun::Scored(score) => scored.push((index, *score)),
            Begun::Open(pending) => open.push(*pending),
        }
    }
    let names: Vec<(String, String)> = open
        .iter()
        .map(|pending| (pending.id().to_owned(), pending.group().to_owned()))
        .collect();
    let settled = catch_unwind(AssertUnwindSafe(|| scorer.settle_all(open)));
    let mut scores = settled.unwrap_or_else(|panic| {
        let error = bug(&*panic);
        let failed = names
            .iter()
            .map(|(id, group)| Score::error(id, group, error.clone()));
        failed.collect()
    });
    for (index, score) in scored {
        scores.insert(index, score);
    }
    scores
}

/// Scores rollouts that are already in memory; scores come in the order of the
/// rollouts, whatever `jobs` is. `jobs = 0` means one thread per core.
///
/// # Errors
/// [`BatchError::Threads`] when the threads cannot be started.
pub fn score_all(
    judge: &impl Judge,
    rollouts: &[Rollout],
    jobs: usize,
) -> Result<Vec<Score>, BatchError> {
    Ok(Threads::new(jobs)?.score_all(judge, rollouts))
}
