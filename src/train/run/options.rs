//! When a run saves itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::fault::{Faults, OptionFault};

/// When a run saves itself, and how much of it is kept.
///
/// A checkpoint is written at the end of every stage, when the run is asked to
/// stop, and every so many steps; a run goes on from its newest one, to the bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointOptions {
    /// Steps between two checkpoints; 0 for the ends of stages only. Default 50.
    pub every: u64,
    /// How many are kept, the newest; at least 1. The best policy is kept besides
    /// them. Default 2.
    pub keep: usize,
}

impl Default for CheckpointOptions {
    fn default() -> Self {
        Self { every: 50, keep: 2 }
    }
}

impl CheckpointOptions {
    /// Every option that is out of its range; empty when all are right.
    #[must_use]
    pub fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        faults.counted("keep", self.keep as u64);
        faults.list()
    }
}
