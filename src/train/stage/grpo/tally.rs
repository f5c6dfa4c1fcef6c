//! What the updates of a step say of the policy, under TRL's names.

use super::rows::Row;
use crate::train::stage::GrpoOptions;
use crate::train::stage::learner::Update;
use crate::train::stage::metrics::{Metrics, ends, mean};
use crate::train::{ClipRatios, Level, LossOptions, Metrics as LossMetrics, importance};

/// A micro-batch's part of the loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartLoss {
    pub(super) whole: f64,
    /// Without the bonus for entropy.
    pub(super) policy: f64,
}

/// What the updates of a step came to.
#[derive(Default)]
pub(super) struct Tally {
    /// Of each update; their micro-batches are summed.
    losses: Vec<f64>,
    /// The same without the bonus for entropy.
    policy_losses: Vec<f64>,
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

impl Tally {
    /// An update begins.
    pub(super) fn begin(&mut self) {
        self.losses.push(0.0);
        self.policy_losses.push(0.0);
    }

    /// The update's numbers are not finite.
    pub(super) fn spoil(&mut self) {
        for losses in [&mut self.losses, &mut self.policy_losses] {
            if let Some(loss) = losses.last_mut() {
                *loss = f64::NAN;
            }
        }
    }

    /// An update has been made, or left out.
    pub(super) fn update(&mut self, update: Update) {
        self.norms.push(update.norm);
    }

    /// Notes how far sampler and trainer are apart, and gives the weights against
    /// it where they are wanted.
    pub(super) fn mismatch(
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

    /// Notes a micro-batch of the update.
    pub(super) fn add(
        &mut self,
        value: PartLoss,
        metrics: LossMetrics,
        rows: &[&Row<'_>],
        options: &LossOptions,
    ) {
        let parts = [
            (&mut self.losses, value.whole),
            (&mut self.policy_losses, value.policy),
        ];
        for (losses, part) in parts {
            if let Some(loss) = losses.last_mut() {
                *loss += part;
            }
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
        if options.entropy_bonus > 0.0 {
            metrics.add_some("policy_loss", mean(&self.policy_losses));
            metrics.add("entropy_coef", options.entropy_bonus);
        }
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
            let clip = |of: fn(&ClipRatios) -> f64| by_ratios(&|part| part.clip.as_ref().map(of));
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
