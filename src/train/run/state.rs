//! Where a run stands: what it has to know to go on, besides tensors.

use serde::{Deserialize, Serialize};

use crate::train::stage::Position;

/// The state of a run between two steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// Of this file; 1.
    pub(super) version: u32,
    /// What the run was begun with.
    pub(super) seed: u64,
    pub(super) recipe_sha256: String,
    /// The stage that the next step is of, by its place and name; the number of
    /// stages and no name once all are done.
    pub(super) stage: usize,
    pub(super) stage_name: String,
    /// Steps made since the run began, and since the stage began.
    pub(super) step: u64,
    pub(super) stage_step: u64,
    /// Tokens that earlier stages trained on.
    #[serde(default)]
    pub(super) earlier_tokens: u64,
    /// The stage's own.
    pub(super) position: Position,
    /// The best policy so far.
    pub(super) best: Option<Best>,
    /// Of this stage, for the early end.
    pub(super) progress: Progress,
}

/// An evaluation that none before was better than.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Best {
    pub(super) metric: String,
    pub(super) value: f64,
    pub(super) step: u64,
}

/// How evaluations of a stage went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    /// The best value of the metric that ends the stage.
    pub(super) best: Option<f64>,
    /// Evaluations since then.
    pub(super) without: u64,
}

/// The file's version.
pub(super) const VERSION: u32 = 1;

impl State {
    /// Goes on to the next stage.
    pub(super) fn next_stage(&mut self, name: Option<&str>) {
        self.stage += 1;
        self.stage_name = name.unwrap_or_default().to_owned();
        self.stage_step = 0;
        self.earlier_tokens += self.position.tokens;
        self.position = Position::default();
        self.progress = Progress::default();
    }
}
