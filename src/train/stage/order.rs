//! In which order the problems of a source are taken.

use std::sync::Arc;

use super::{Problem, Problems};
use crate::train::error::TrainError;
use crate::train::random::Key;

/// A source of problems in the order of one stage.
///
/// A source with an end is gone through again and again, each time in a new
/// order; one without is read on from a place that differs from stage to stage.
pub(super) struct ProblemOrder {
    source: Arc<dyn Problems>,
    seed: u64,
    /// The order of the epoch that was asked for last.
    epoch: Option<(u64, Vec<usize>)>,
}

impl ProblemOrder {
    /// # Errors
    /// A source without a problem.
    pub(super) fn new(source: Arc<dyn Problems>, seed: u64) -> Result<Self, TrainError> {
        if source.count() == Some(0) {
            return Err(TrainError::Source {
                problem: "the task has no problem; this stage needs some".to_owned(),
            });
        }
        Ok(Self {
            source,
            seed,
            epoch: None,
        })
    }

    /// The problem that is taken after so many others.
    pub(super) fn problem(&mut self, taken: u64) -> Result<Problem, TrainError> {
        let index = match self.source.count() {
            Some(count) => self.shuffled(taken / count, taken % count, count),
            None => {
                // 40 bits: stages are far apart, and no number overflows.
                let begin = Key::new(self.seed, "begin", &[]).seed() >> 24;
                begin + taken
            }
        };
        let failed = |problem| TrainError::Source { problem };
        self.source.problem(index).map_err(failed)
    }

    /// How often the source has been gone through; `None` without an end.
    pub(super) fn epochs(&self, taken: u64) -> Option<f64> {
        let count = self.source.count()?;
        Some(taken as f64 / count as f64)
    }

    fn shuffled(&mut self, epoch: u64, place: u64, count: u64) -> u64 {
        let order = match self.epoch.take() {
            Some((known, order)) if known == epoch => order,
            _ => Key::new(self.seed, "epoch", &[epoch]).permutation(count as usize),
        };
        let index = order[place as usize] as u64;
        self.epoch = Some((epoch, order));
        index
    }
}
