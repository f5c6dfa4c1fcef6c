//! The gradient of one update, micro-batch by micro-batch, and what it says.

use super::rows::{self, Row};
use crate::train::error::TrainError;
use crate::train::policy::{Gradients, Policy};
use crate::train::stage::GrpoOptions;
use crate::train::stage::learner::{Passed, Update, parts, recompute};
use crate::train::stage::metrics::{Metrics, ends, mean};
use crate::train::{
    Aggregation, Level, LossError, LossOptions, Metrics as LossMetrics, Row as LossRow, Step,
    importance, loss,
};

/// What the updates of a step came to.
#[derive(Default)]
pub(super) struct Tally {
    /// Of each update; their micro-batches are summed.
    losses: Vec<f64>,
    norms: Vec<f64>,
    /// Metrics of every micro-batch, with its tokens and its rows.
    metrics: Vec<(LossMetrics, f64, f64)>,
    /// Distances of the trainer's log-probabilities to the sampler's.
    differences: Vec<f64>,
    /// Weights against that mismatch.
    weights: Vec<f64>,
    /// Estimates of the distance to the reference, where the reward has it.
    kl_in_reward: Vec<f64>,
}

/// Adds the gradient of an update by these rows.
pub(super) fn learn(
    rows: &[Row<'_>],
    options: &GrpoOptions,
    policy: &Policy,
    gradients: &mut Gradients,
    tally: &mut Tally,
) -> Result<Passed, TrainError> {
    // Of all rows, also those that are left out below: the loss is a mean.
    let tokens: usize = rows.iter().map(Row::active).sum();
    let all = rows.len();
    tally.losses.push(0.0);
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
    for part in &parts {
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
        let mut value = part.value * factor;
        let mut slopes = Vec::with_capacity(scores.logps.len());
        let mut entropy_slopes = Vec::with_capacity(scores.logps.len());
        for ((row, gradient), entropies) in self.rows.iter().zip(&part.gradient).zip(&entropies) {
            for ((slope, active), entropy) in gradient.iter().zip(&row.mask).zip(entropies) {
                slopes.push((slope * factor) as f32);
                let bonus = if *active { bonus } else { 0.0 };
                entropy_slopes.push(-bonus as f32);
                value -= bonus * entropy;
            }
        }
        if !value.is_finite() {
            return Ok(false);
        }
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

impl Tally {
    pub(super) fn update(&mut self, update: Update) {
        self.norms.push(update.norm);
    }

    /// Notes how far sampler and trainer are apart, and gives the weights against
    /// it where they are wanted.
    fn mismatch(
        &mut self,
        row: &Row<'_>,
        logps: &[f64],
        options: &GrpoOptions,
    ) -> Option<Vec<f64>> {
        // In the first update the policy is still the one that sampled.
        let old = row.old.as_deref().unwrap_or(logps);
        let pairs = old.iter().zip(&row.sampled).zip(&row.mask);
        let active = pairs.filter(|(_, active)| **active);
        self.differences
            .extend(active.map(|((old, sampled), _)| (old - sampled).abs()));
        if let (Some(kl), Some(reference)) = (options.kl_in_reward(), &row.reference) {
            let tokens = old.iter().zip(reference);
            let estimates = tokens.map(|(old, reference)| kl.estimator.estimate(reference - old));
            self.kl_in_reward.extend(estimates);
        }
        let correction = options.correction?;
        let weights = importance(old, &row.sampled, &row.mask, correction);
        let active = weights.iter().zip(&row.mask).filter(|(_, active)| **active);
        self.weights.extend(active.map(|(weight, _)| weight));
        Some(weights)
    }

    fn add(&mut self, value: f64, metrics: LossMetrics, rows: &[&Row<'_>], options: &LossOptions) {
        if let Some(loss) = self.losses.last_mut() {
            *loss += value;
        }
        let tokens: usize = rows.iter().map(|row| row.active()).sum();
        let ratios = match options.level {
            Level::Token => tokens,
            Level::Sequence => rows.len(),
        };
        self.metrics.push((metrics, tokens as f64, ratios as f64));
    }

    /// Writes the means over the step's updates, under TRL's names.
    pub(super) fn write(&self, options: &GrpoOptions, metrics: &mut Metrics) {
        metrics.add_some("loss", mean(&self.losses));
        metrics.add_some("grad_norm", mean(&self.norms));
        let by_tokens = |of: &dyn Fn(&LossMetrics) -> Option<f64>| self.mean(of, |part| part.1);
        let by_ratios = |of: &dyn Fn(&LossMetrics) -> Option<f64>| self.mean(of, |part| part.2);
        match options.kl_in_reward() {
            Some(_) => metrics.add_some("kl", mean(&self.kl_in_reward)),
            None => metrics.add_some("kl", by_tokens(&|part| part.kl)),
        }
        metrics.add_some("entropy", by_tokens(&|part| part.entropy));
        let clips = || self.metrics.iter().filter_map(|(part, ..)| part.clip);
        if clips().next().is_some() {
            let low: Vec<f64> = clips().map(|clip| clip.low_min).collect();
            let high: Vec<f64> = clips().map(|clip| clip.high_max).collect();
            let clip = |of: fn(&crate::train::ClipRatios) -> f64| {
                by_ratios(&|part| part.clip.as_ref().map(of))
            };
            metrics.add_some("clip_ratio/low_mean", clip(|clip| clip.low_mean));
            metrics.add_some("clip_ratio/low_min", ends(&low).map(|(least, _)| least));
            metrics.add_some("clip_ratio/high_mean", clip(|clip| clip.high_mean));
            metrics.add_some("clip_ratio/high_max", ends(&high).map(|(_, most)| most));
            metrics.add_some("clip_ratio/region_mean", clip(|clip| clip.region_mean));
        }
        metrics.add_some("cispo_clip_ratio", by_ratios(&|part| part.cispo_clip_ratio));
        metrics.add_some("vespo/phi_seq_mean", by_ratios(&|part| part.phi));
        let difference = "sampling/sampling_logp_difference";
        metrics.add_some(&format!("{difference}/mean"), mean(&self.differences));
        let most = ends(&self.differences).map(|(_, most)| most);
        metrics.add_some(&format!("{difference}/max"), most);
        if let Some((least, most)) = ends(&self.weights) {
            let ratio = "sampling/importance_sampling_ratio";
            metrics.add(format!("{ratio}/min"), least);
            metrics.add_some(&format!("{ratio}/mean"), mean(&self.weights));
            metrics.add(format!("{ratio}/max"), most);
        }
    }

    /// The mean over micro-batches, each with its weight; `None` where none has
    /// the number.
    fn mean(
        &self,
        of: &dyn Fn(&LossMetrics) -> Option<f64>,
        weight: fn(&(LossMetrics, f64, f64)) -> f64,
    ) -> Option<f64> {
        let parts = || {
            let parts = self.metrics.iter();
            parts.filter_map(|part| Some((of(&part.0)?, weight(part))))
        };
        parts().next()?;
        let total: f64 = parts().map(|(_, weight)| weight).sum();
        let sum: f64 = parts().map(|(number, weight)| number * weight).sum();
        Some(if total > 0.0 { sum / total } else { 0.0 })
    }
}
