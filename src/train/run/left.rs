//! What a stage leaves: a policy whose logits are numbers, and a note of the updates
//! that were left out.

use super::Run;
use super::plan::StageWork;
use super::state::State;
use crate::train::error::TrainError;
use crate::train::policy::TokenBatch;

/// Tokens whose probabilities are asked for.
const ASKED: usize = 8;

impl Run<'_> {
    /// Notes left-out updates of a stage at its end, and refuses the policy of its last
    /// ones where nothing can be drawn from it: no later step would show that.
    pub(super) fn check_left(&mut self, state: &State) -> Result<(), TrainError> {
        let stage = &self.plan.stages[state.stage];
        if matches!(stage.work, StageWork::Reject { .. }) {
            return Ok(());
        }
        let skipped = state.position.skipped_in_all;
        if skipped > 0 {
            let updates = match skipped {
                1 => "an update was".to_owned(),
                _ => format!("{skipped} updates were"),
            };
            self.watcher.note(&format!(
                "stage `{}`: {updates} left out, whose loss or gradient was not finite: \
                 `learning_rate` may be too high",
                stage.name
            ))?;
        }
        let config = self.policy.config();
        let most = config.max_positions.min(config.vocab_size + 1);
        let tokens: Vec<u32> = (0..most.min(ASKED + 1) as u32 - 1).collect();
        let mut batch = TokenBatch::new();
        batch.push(&[0], &tokens);
        let scores = self.policy.score(&batch, 1.0)?;
        match scores.logps.iter().all(|number| number.is_finite()) {
            true => Ok(()),
            false => Err(TrainError::Broken {
                stage: stage.name.clone(),
            }),
        }
    }
}
