//! Rollouts that are already in memory, scored on threads that stay.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::ThreadPool;
use rayon::prelude::*;

use super::judge::{Judge, Place, begin_rollout, bug, read_line, score_rollout};
use super::pipeline::pool;
use super::reader::Line;
use super::run::BatchError;
use crate::reward::{Pending, Score, Scorer};
use crate::rollout::Rollout;

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
        self.score_each(judge, rollouts.len(), |index, score| {
            score(&rollouts[index])
        })
    }

    /// Scores JSON objects, each among all those of its group; scores come in the
    /// order of the records. A record without an `id` is called by its position,
    /// 1-based; one that is no rollout has a score with an error.
    pub fn score_records<T: AsRef<[u8]> + Sync>(
        &self,
        judge: &impl Judge,
        records: &[T],
    ) -> Vec<Score> {
        self.score_each(judge, records.len(), |index, score| {
            begin_record(judge, index as u64 + 1, records[index].as_ref(), score)
        })
    }

    /// The same for records that are part of something longer: each has its own
    /// position with it.
    pub fn score_placed<T: AsRef<[u8]> + Sync>(
        &self,
        judge: &impl Judge,
        records: &[(u64, T)],
    ) -> Vec<Score> {
        self.score_each(judge, records.len(), |index, score| {
            let (position, record) = &records[index];
            begin_record(judge, *position, record.as_ref(), score)
        })
    }

    /// Scores `count` rollouts; `with` hands the one at an index to its second
    /// argument.
    fn score_each<J: Judge>(
        &self,
        judge: &J,
        count: usize,
        with: impl Fn(usize, &(dyn Fn(&Rollout) -> Begun + Sync)) -> Begun + Send + Sync,
    ) -> Vec<Score> {
        let Some(scorer) = judge.grouped() else {
            let score = |rollout: &Rollout| Begun::Scored(Box::new(score_rollout(judge, rollout)));
            let begun = self.map(count, |index| with(index, &score));
            let scores = begun.into_iter().map(|begun| match begun {
                Begun::Scored(score) => *score,
                Begun::Open(_) => unreachable!("rows wait only for groups"),
            });
            return scores.collect();
        };
        let begin = |rollout: &Rollout| match begin_rollout(scorer, rollout) {
            Ok(pending) => Begun::Open(Box::new(pending)),
            Err(score) => Begun::Scored(score),
        };
        let begun = self.map(count, |index| with(index, &begin));
        settle(scorer, begun)
    }

    fn map<T: Send>(&self, count: usize, item: impl Fn(usize) -> T + Send + Sync) -> Vec<T> {
        // A thread of ours costs more to wake than one row takes to score.
        if count == 1 {
            return vec![item(0)];
        }
        self.0
            .install(|| (0..count).into_par_iter().map(item).collect())
    }
}

/// Hands the rollout of a record to `score`; a record without one is scored as it is.
fn begin_record(
    judge: &impl Judge,
    position: u64,
    record: &[u8],
    score: &(dyn Fn(&Rollout) -> Begun + Sync),
) -> Begun {
    let place = Place {
        origin: None,
        default_id: position.to_string(),
    };
    match read_line(Line::Text(record), judge.fields(), &place, usize::MAX) {
        Ok((_, rollout)) => score(&rollout),
        Err(judged) => Begun::Scored(Box::new(judged.score)),
    }
}

/// A rollout as a thread leaves it.
enum Begun {
    Scored(Box<Score>),
    /// The rest of its group is missing.
    Open(Box<Pending>),
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
