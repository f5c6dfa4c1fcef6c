//! Rollouts that are already in memory, scored on threads that stay.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use rayon::{Scope, ThreadPool};

use super::judge::{Judge, Place, begin_rollout, bug, read_line, score_rollout};
use super::pipeline::pool;
use super::reader::Line;
use super::run::BatchError;
use super::shares::Shares;
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
    /// asks `go_on`, and items that have not begun when it says no never do. Threads
    /// take one item after the other, and none waits for another: it would begin
    /// something else meanwhile, of another caller, and this one would wait for that.
    fn items<T: Send>(
        &self,
        count: usize,
        item: impl Fn(usize) -> T + Send + Sync,
        mut go_on: Option<&mut dyn FnMut() -> bool>,
    ) -> Option<Vec<T>> {
        if let Some(go_on) = &mut go_on {
            if !go_on() {
                return None;
            }
        } else if count == 1 {
            // A thread of ours costs more to wake than one row takes to score.
            return Some(vec![item(0)]);
        }
        if self.0.current_thread_index().is_some() {
            // Asked by a judge: a thread of ours that waited might be the only one.
            let mut goes_on = || go_on.as_mut().is_none_or(|go_on| go_on());
            return (0..count)
                .map(|index| goes_on().then(|| item(index)))
                .collect();
        }
        let is_stopped = AtomicBool::new(false);
        let (done, ended) = mpsc::channel();
        let work = &Work {
            shares: Shares::new(0..count),
            item: |index| (!is_stopped.load(Relaxed)).then(|| item(index)),
            done,
        };
        let items: Vec<Option<T>> = self.0.in_place_scope(|scope| {
            scope.spawn(move |scope| work.take_part(scope));
            loop {
                match ended.recv_timeout(ASK_EVERY) {
                    Ok(items) => break items.unwrap_or_else(|panic| resume_unwind(panic)),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => unreachable!("`work` has the sender"),
                }
                if let Some(go_on) = &mut go_on
                    && !is_stopped.load(Relaxed)
                    && !go_on()
                {
                    is_stopped.store(true, Relaxed);
                }
            }
        });
        let items: Option<Vec<T>> = items.into_iter().collect();
        items.filter(|_| !is_stopped.load(Relaxed))
    }
}

/// What threads share of a call, and where it goes when all of it is done.
struct Work<T, F> {
    shares: Shares<T>,
    item: F,
    done: Sender<thread::Result<Vec<T>>>,
}

impl<T: Send, F: Fn(usize) -> T + Send + Sync> Work<T, F> {
    fn take_part<'s>(&'s self, scope: &Scope<'s>) {
        // Whoever is free finds this; who comes too late finds nothing to do.
        if self.shares.is_open() {
            scope.spawn(move |scope| self.take_part(scope));
        }
        let part = catch_unwind(AssertUnwindSafe(|| self.shares.take_part(&self.item)));
        if let Some(done) = part.transpose() {
            // The caller waits for it.
            drop(self.done.send(done));
        }
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
