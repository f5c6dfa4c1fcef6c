//! The learning rate of every step, and the options of the optimizer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::fault::{Faults, OptionFault};

/// How the learning rate goes on after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// It falls in a straight line to `min_ratio` of its peak in the last step.
    Linear,
    /// It falls along half a cosine wave to `min_ratio` of its peak: arXiv
    /// 1608.03983 equation 5 without restarts.
    Cosine,
}

/// AdamW (arXiv 1711.05101), its learning rate over time, and the clip of the
/// gradient's norm.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerOptions {
    /// The peak of the learning rate. Default 1e-6, what TRL and verl train whole
    /// language models with; a small model from nothing wants 1e-3 to 1e-4.
    pub learning_rate: f64,
    /// How the learning rate goes on after the warm-up. Default `constant`.
    pub schedule: Schedule,
    /// Steps over which the learning rate rises to its peak; in place of
    /// `warmup_ratio` where given.
    pub warmup_steps: Option<u64>,
    /// Share of the stage's steps over which the learning rate rises to its
    /// peak, in [0, 1]. Default 0.05. The first steps of a fresh AdamW move every
    /// weight by the whole learning rate, whatever the gradient: do not leave the
    /// warm-up out.
    pub warmup_ratio: f64,
    /// The last learning rate of `linear` and `cosine`, as a share of the peak, in
    /// [0, 1]. Default 0.
    pub min_ratio: f64,
    /// How slowly the means of gradients and of their squares forget, each in
    /// [0, 1). Default [0.9, 0.999].
    pub betas: (f64, f64),
    /// Keeps the division by the root of the mean square finite. Default 1e-8.
    pub epsilon: f64,
    /// Share of each matrix that a step takes away, times the learning rate;
    /// biases and norms do not decay. Default 0.
    pub weight_decay: f64,
    /// The gradient is shortened to this norm, over all weights together; 0 for no
    /// bound. Default 1.
    pub max_grad_norm: f64,
    /// The run ends with an error after this many updates in a row whose gradient
    /// was not finite; each of them is left out. Default 5.
    pub max_skipped: u64,
}

impl Default for OptimizerOptions {
    fn default() -> Self {
        Self {
            learning_rate: 1e-6,
            schedule: Schedule::Constant,
            warmup_steps: None,
            warmup_ratio: 0.05,
            min_ratio: 0.0,
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            max_skipped: 5,
        }
    }
}

impl OptimizerOptions {
    /// Every option that is out of its range; empty when all are right.
    #[must_use]
    pub fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        faults.positive("learning_rate", self.learning_rate);
        faults.share("warmup_ratio", self.warmup_ratio);
        faults.share("min_ratio", self.min_ratio);
        for beta in [self.betas.0, self.betas.1] {
            faults.unless(
                (0.0..1.0).contains(&beta),
                "betas",
                format_args!("has {beta}; both must be at least 0 and below 1"),
            );
        }
        faults.positive("epsilon", self.epsilon);
        faults.not_negative("weight_decay", self.weight_decay);
        faults.not_negative("max_grad_norm", self.max_grad_norm);
        faults.counted("max_skipped", self.max_skipped);
        faults.list()
    }

    /// Steps of warm-up in a stage of `steps` steps.
    #[must_use]
    pub fn warmup(&self, steps: u64) -> u64 {
        let by_ratio = (steps as f64 * self.warmup_ratio).ceil() as u64;
        self.warmup_steps.unwrap_or(by_ratio)
    }

    /// The learning rate of a step, counted from 0, in a stage of `steps` steps.
    ///
    /// In the warm-up it is `(step + 1) / warmup` of the peak, so that no step is
    /// lost on a rate of 0; it reaches the peak in the last step of the warm-up.
    #[must_use]
    pub fn learning_rate_at(&self, step: u64, steps: u64) -> f64 {
        let warmup = self.warmup(steps);
        if step < warmup {
            return self.learning_rate * (step + 1) as f64 / warmup as f64;
        }
        // 0 in the first step after the warm-up, 1 in the last of the stage.
        let falling = steps.saturating_sub(warmup + 1).max(1) as f64;
        let progress = ((step - warmup) as f64 / falling).min(1.0);
        let height = match self.schedule {
            Schedule::Constant => return self.learning_rate,
            Schedule::Linear => 1.0 - progress,
            Schedule::Cosine => (1.0 + (std::f64::consts::PI * progress).cos()) / 2.0,
        };
        self.learning_rate * (self.min_ratio + (1.0 - self.min_ratio) * height)
    }

    /// The factor that shortens a gradient of this norm: `min(1, bound / norm)`,
    /// with torch's 1e-6 against a division by 0.
    #[must_use]
    pub fn gradient_scale(&self, norm: f64) -> f64 {
        if self.max_grad_norm == 0.0 {
            return 1.0;
        }
        (self.max_grad_norm / (norm + 1e-6)).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{OptimizerOptions, Schedule};

    fn rates(schedule: Schedule, warmup: Option<u64>, steps: u64) -> Vec<f64> {
        let options = OptimizerOptions {
            learning_rate: 1.0,
            schedule,
            warmup_steps: warmup,
            warmup_ratio: 0.2,
            min_ratio: 0.1,
            ..OptimizerOptions::default()
        };
        (0..steps)
            .map(|step| options.learning_rate_at(step, steps))
            .collect()
    }

    fn close(found: &[f64], expected: &[f64]) -> bool {
        found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(f, e)| (f - e).abs() < 1e-12)
    }

    #[test]
    fn rates_rise_and_fall() {
        let constant = rates(Schedule::Constant, Some(4), 6);
        assert!(
            close(&constant, &[0.25, 0.5, 0.75, 1.0, 1.0, 1.0]),
            "{constant:?}"
        );
        let linear = rates(Schedule::Linear, Some(1), 5);
        assert!(close(&linear, &[1.0, 1.0, 0.7, 0.4, 0.1]), "{linear:?}");
        let cosine = rates(Schedule::Cosine, Some(0), 3);
        assert!(close(&cosine, &[1.0, 0.55, 0.1]), "{cosine:?}");
        // A fifth of ten steps.
        let ratio = rates(Schedule::Constant, None, 10);
        assert!(close(&ratio[..3], &[0.5, 1.0, 1.0]), "{ratio:?}");
    }

    #[test]
    fn rates_stay_within_their_bounds() {
        for schedule in [Schedule::Constant, Schedule::Linear, Schedule::Cosine] {
            for steps in 1..12 {
                for warmup in 0..14 {
                    for rate in rates(schedule, Some(warmup), steps) {
                        assert!(rate > 0.0 && rate <= 1.0, "{schedule:?} {steps} {warmup}");
                    }
                }
            }
        }
    }

    #[test]
    fn gradients_are_shortened_to_the_bound() {
        let options = OptimizerOptions::default();
        assert_eq!(options.gradient_scale(0.5), 1.0);
        assert!((options.gradient_scale(4.0) - 0.25).abs() < 1e-6);
        let free = OptimizerOptions {
            max_grad_norm: 0.0,
            ..options
        };
        assert_eq!(free.gradient_scale(4.0), 1.0);
    }
}
