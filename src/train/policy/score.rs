//! The scores of a batch of any size, without a gradient.

use super::super::TrainError;
use super::lora::LoraPass;
use super::{Compute, Policy, TokenBatch, TokenScores};

/// Tokens that go through the layers at once.
const GROUP_TOKENS: usize = 4096;

impl Policy {
    /// The scores of all completions, some sequences at a time.
    ///
    /// # Errors
    /// Those of [`Policy::forward`].
    pub fn score(&self, batch: &TokenBatch, temperature: f64) -> Result<TokenScores, TrainError> {
        self.check(batch, temperature)?;
        let mut scores = TokenScores::default();
        for group in batch.groups(GROUP_TOKENS) {
            let packed = batch.pack(group);
            if self.compute != Compute::Kernels {
                let part = self.plain_score(&packed, temperature)?;
                scores.logps.extend(part.logps);
                scores.entropies.extend(part.entropies);
                continue;
            }
            let table = self.rope(packed.longest());
            let mut x = self.embed(&packed.tokens)?;
            for index in 0..self.config.layers {
                x = self.run_layer(index, LoraPass::Whole, x, packed.rows(&table))?;
            }
            let rows = self.scored_rows(&x, &packed);
            let tape = self.score_rows(&rows, &packed, temperature)?;
            scores.logps.extend(tape.logps);
            scores.entropies.extend(tape.entropies);
        }
        Ok(scores)
    }
}
