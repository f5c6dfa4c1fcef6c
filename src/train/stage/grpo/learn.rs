//! The gradient of one update, micro-batch by micro-batch.

use super::rows::{self, Row};
use super::tally::{PartLoss, Tally};
use crate::train::error::TrainError;
use crate::train::policy::{Gradients, Policy};
use crate::train::stage::GrpoOptions;
use crate::train::stage::learner::{Passed, Place, parts, recompute};
use crate::train::{Aggregation, LossError, Row as LossRow, Step, loss};

/// Adds the gradient of an update by these rows.
pub(super) fn learn(
    rows: &[Row<'_>],
    place: Place,
    options: &GrpoOptions,
    policy: &mut Policy,
    gradients: &mut Gradients,
    tally: &mut Tally,
) -> Result<Passed, TrainError> {
    // Of all rows, also those that are left out below: the loss is a mean.
    let tokens: usize = rows.iter().map(Row::active).sum();
    let all = rows.len();
    tally.begin();
    let lengths: Vec<usize> = rows.iter().map(Row::length).collect();
    let taught: Vec<usize> = (0..rows.len())
        .filter(|index| !options.is_idle(&rows[*index]))
        .collect();
    let taught_lengths: Vec<usize> = taught.iter().map(|index| lengths[*index]).collect();
    let parts = parts(&taught_lengths, options.micro_batch_tokens);
    let step = Step {
        tokens,
        micro_batches: match options.aggregation {
            Aggregation::MicroBatchTokens => parts.len(),
            // These weigh by the rows of the whole update, below.
            _ => 1,
        },
    };
    for (index, part) in parts.iter().enumerate() {
        place.prepare(policy, index);
        let part: Vec<&Row<'_>> = taught[part.clone()]
            .iter()
            .map(|index| &rows[*index])
            .collect();
        let micro_batch = MicroBatch {
            rows: &part,
            share: part.len() as f64 / all as f64,
            tokens,
        };
        if !micro_batch.learn(options, &step, policy, gradients, tally)? {
            tally.spoil();
            return Ok(Passed::NotFinite);
        }
    }
    Ok(match parts.is_empty() {
        true => Passed::Idle,
        false => Passed::Finite,
    })
}

/// Rows that go through the policy together.
struct MicroBatch<'m> {
    rows: &'m [&'m Row<'m>],
    /// Its part of the update's rows.
    share: f64,
    /// Tokens of the update that count.
    tokens: usize,
}

impl MicroBatch<'_> {
    /// Whether all numbers were finite; then the gradient has been added.
    fn learn(
        &self,
        options: &GrpoOptions,
        step: &Step,
        policy: &Policy,
        gradients: &mut Gradients,
        tally: &mut Tally,
    ) -> Result<bool, TrainError> {
        let heat = options.sampling.temperature;
        let batch = rows::batch(self.rows.iter().copied());
        let (scores, tape) = policy.forward(&batch, heat, recompute(options.recompute))?;
        let logps = rows::by_row(&scores.logps, self.rows.iter().copied());
        let entropies = rows::by_row(&scores.entropies, self.rows.iter().copied());
        let weights: Vec<Option<Vec<f64>>> = self
            .rows
            .iter()
            .zip(&logps)
            .map(|(row, logps)| tally.mismatch(row, logps, options))
            .collect();
        let loss_options = options.loss();
        let loss_rows: Vec<LossRow<'_>> = (0..self.rows.len())
            .map(|index| self.loss_row(index, &logps, &entropies, &weights))
            .collect();
        let part = match loss(&loss_rows, &loss_options, step) {
            Ok(part) => part,
            Err(LossError::NotFinite { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let factor = self.factor(options.aggregation);
        let bonus = options.entropy_bonus / self.tokens.max(1) as f64;
        let without_bonus = part.value * factor;
        let mut whole = without_bonus;
        let mut slopes = Vec::with_capacity(scores.logps.len());
        let mut entropy_slopes = Vec::with_capacity(scores.logps.len());
        for ((row, gradient), entropies) in self.rows.iter().zip(&part.gradient).zip(&entropies) {
            for ((slope, active), entropy) in gradient.iter().zip(&row.mask).zip(entropies) {
                slopes.push((slope * factor) as f32);
                let bonus = if *active { bonus } else { 0.0 };
                entropy_slopes.push(-bonus as f32);
                whole -= bonus * entropy;
            }
        }
        if !whole.is_finite() {
            return Ok(false);
        }
        let value = PartLoss {
            whole,
            policy: without_bonus,
        };
        tally.add(value, part.metrics, self.rows, &loss_options);
        let entropy_slopes = (options.entropy_bonus > 0.0).then_some(&*entropy_slopes);
        policy.backward(tape, &slopes, entropy_slopes, gradients)?;
        Ok(true)
    }

    fn loss_row<'r>(
        &'r self,
        index: usize,
        logps: &'r [Vec<f64>],
        entropies: &'r [Vec<f64>],
        weights: &'r [Option<Vec<f64>>],
    ) -> LossRow<'r> {
        let row = self.rows[index];
        LossRow {
            logps: &logps[index],
            old: row.old.as_deref(),
            reference: row.reference.as_deref(),
            entropies: Some(&entropies[index]),
            importance: weights[index].as_deref(),
            mask: &row.mask,
            advantage: row.advantage,
        }
    }

    /// What makes a mean over the micro-batch's rows one over the update's, however
    /// it is cut.
    fn factor(&self, aggregation: Aggregation) -> f64 {
        match aggregation {
            Aggregation::Tokens | Aggregation::MicroBatchTokens => 1.0,
            Aggregation::Sequences | Aggregation::Constant { .. } | Aggregation::SequenceSums => {
                self.share
            }
        }
    }
}

impl GrpoOptions {
    /// Whether a row is left out of the update, since it cannot change the
    /// gradient.
    fn is_idle(&self, row: &Row<'_>) -> bool {
        let is_free = self.loss().kl.is_none()
            && self.entropy_bonus == 0.0
            && self.top_entropy.is_none()
            && self.aggregation != Aggregation::MicroBatchTokens;
        self.skip_idle && is_free && row.advantage == 0.0
    }
}
