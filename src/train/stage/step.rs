//! What every stage has in common: steps, one after the other.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::answer::Answered;
use super::metrics::Metrics;
use crate::train::error::TrainError;
use crate::train::policy::Policy;
use crate::train::sample::Vocabulary;
use crate::train::watch::{Activity, CompletionRecord, Watcher};

/// What a stage works with.
pub(in crate::train) struct Workplace<'w> {
    pub(in crate::train) policy: &'w mut Policy,
    pub(in crate::train) vocabulary: &'w dyn Vocabulary,
    pub(in crate::train) watcher: &'w mut dyn Watcher,
}

/// What a step has to say.
#[derive(Clone, Debug, Default)]
pub(in crate::train) struct Report {
    pub(in crate::train) metrics: Vec<(String, f64)>,
    /// Completions that were sampled; their `step` and `stage` are empty.
    pub(in crate::train) completions: Vec<CompletionRecord>,
    /// Things to say to the person who watches.
    pub(in crate::train) notes: Vec<String>,
}

impl Report {
    /// What a step says that sampled and learned nothing: no completion has an
    /// advantage.
    pub(super) fn of_answers(metrics: Metrics, answered: &[Answered]) -> Self {
        let groups = answered.iter().enumerate();
        Self {
            metrics: metrics.list(),
            completions: groups
                .flat_map(|(group, answered)| answered.records(group))
                .collect(),
            notes: Vec::new(),
        }
    }
}

/// What a stage has to know to go on, besides its tensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::train) struct Position {
    /// Problems or demonstrations that were taken from the source.
    pub(in crate::train) taken: u64,
    /// Tokens that have gone through the policy in training.
    pub(in crate::train) tokens: u64,
    /// Updates that were left out, in a row up to now.
    pub(in crate::train) skipped: u64,
    /// Updates that were left out since the stage began.
    pub(in crate::train) skipped_in_all: u64,
    /// Bytes of the file that the stage writes.
    pub(in crate::train) written: u64,
    /// Completions that were kept.
    pub(in crate::train) kept: u64,
}

/// A stage at work.
pub(in crate::train) trait Stage {
    /// Steps of the whole stage.
    fn steps(&self) -> u64;

    /// Makes the step of this number, from 0.
    fn step(&mut self, place: &mut Workplace<'_>, number: u64) -> Result<Report, TrainError>;

    /// Where the stage stands after its last step.
    fn position(&self) -> Position;

    /// Writes the tensors that the stage needs to go on into a folder.
    fn save(&self, folder: &Path) -> Result<(), TrainError>;

    /// Goes on from what was saved.
    fn restore(&mut self, position: Position, folder: &Path) -> Result<(), TrainError>;
}

/// Tells a watcher what is being done.
pub(super) fn tell(
    watcher: &mut dyn Watcher,
    doing: &str,
    done: usize,
    total: usize,
) -> Result<(), TrainError> {
    let activity = Activity {
        doing,
        done: done as u64,
        total: total as u64,
    };
    Ok(watcher.activity(&activity)?)
}
