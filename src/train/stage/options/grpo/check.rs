//! What is wrong with the options of GRPO.

use super::{GrpoOptions, KlPlace, TermAggregation};
use crate::train::fault::{Faults, OptionFault};
use crate::train::{Aggregation, Baseline, Correction, Surrogate};

impl GrpoOptions {
    /// Every option that is out of its range or contradicts another; empty when
    /// all are right.
    #[must_use]
    pub fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        self.check_counts(&mut faults);
        self.check_rewards(&mut faults);
        self.check_surrogate(&mut faults);
        self.check_penalties(&mut faults);
        self.check_sampling(&mut faults);
        faults.below("sampling", self.sampling.validate());
        faults.below("optimizer", self.optimizer.validate());
        faults.list()
    }

    fn check_counts(&self, faults: &mut Faults) {
        let counts = [
            ("steps", self.steps),
            ("prompts_per_step", self.prompts_per_step as u64),
            ("iterations", self.iterations as u64),
            ("minibatches", self.minibatches as u64),
            ("micro_batch_tokens", self.micro_batch_tokens as u64),
        ];
        for (field, count) in counts {
            faults.counted(field, count);
        }
        let group = self.group_size;
        let prompts = ("prompts_per_step", self.prompts_per_step);
        faults.at_once(("group_size", group), prompts);
        faults.unless(
            group >= 2,
            "group_size",
            format_args!(
                "is {group}; a completion is compared with others of its prompt: 2 or more"
            ),
        );
        let (parts, prompts) = (self.minibatches, self.prompts_per_step);
        faults.unless(
            parts <= prompts,
            "minibatches",
            format_args!(
                "is {parts}; there are only {prompts} groups (`prompts_per_step`) to share"
            ),
        );
    }

    fn check_rewards(&self, faults: &mut Faults) {
        faults.not_negative("advantage_clip", self.advantage_clip);
        faults.share("max_unscorable", self.max_unscorable);
        match self.advantage {
            Baseline::Grpo { epsilon }
            | Baseline::BatchScaled { epsilon }
            | Baseline::ReinforcePlusPlus { epsilon } => {
                faults.positive("advantage.epsilon", epsilon);
            }
            Baseline::DrGrpo | Baseline::Rloo | Baseline::MaxRl => {}
        }
        faults.unless(
            self.terms == TermAggregation::SumThenNormalize
                || matches!(self.advantage, Baseline::Grpo { .. }),
            "advantage",
            "must stay `grpo` where `terms` is `normalize_then_sum`, which has its own baseline",
        );
        let is_in_reward = self.kl.is_some_and(|kl| kl.place == KlPlace::Reward);
        faults.unless(
            self.terms == TermAggregation::SumThenNormalize
                || (self.reward_clip.is_none() && !is_in_reward),
            "terms",
            "cannot be `normalize_then_sum` with `reward_clip` or `kl.place = \"reward\"`, which \
             change the total",
        );
        if let Some((least, greatest)) = self.reward_clip {
            faults.unless(
                least.is_finite() && greatest.is_finite() && least < greatest,
                "reward_clip",
                format_args!("is [{least}, {greatest}]; the first must be below the second"),
            );
        }
    }

    fn check_surrogate(&self, faults: &mut Faults) {
        let bounds = |faults: &mut Faults, low: f64, high: f64| {
            faults.unless(
                (0.0..=1.0).contains(&low),
                "surrogate.low",
                format_args!("is {low}; it must lie between 0 and 1"),
            );
            faults.not_negative("surrogate.high", high);
        };
        match self.surrogate {
            Surrogate::Clip { low, high, delta } => {
                bounds(faults, low, high);
                faults.unless(
                    delta.is_none_or(|delta| delta.is_finite() && delta > 1.0 + high),
                    "surrogate.delta",
                    format_args!("must be above 1 + high, which is {}", 1.0 + high),
                );
            }
            Surrogate::DualClip { low, high, cap } => {
                bounds(faults, low, high);
                faults.unless(
                    cap.is_finite() && cap > 1.0,
                    "surrogate.cap",
                    format_args!("is {cap}; it must be above 1"),
                );
            }
            Surrogate::Cispo { cap } => faults.positive("surrogate.cap", cap),
            Surrogate::Sapo { positive, negative } => {
                faults.positive("surrogate.positive", positive);
                faults.positive("surrogate.negative", negative);
            }
            Surrogate::Vespo { positive, negative } => {
                for number in [positive.0, positive.1, negative.0, negative.1] {
                    faults.not_negative("surrogate", number);
                }
            }
        }
        if let Aggregation::Constant { max_tokens } = self.aggregation {
            faults.counted("aggregation.max_tokens", max_tokens as u64);
        }
        if let Some(share) = self.top_entropy {
            faults.unless(
                share > 0.0 && share <= 1.0,
                "top_entropy",
                format_args!("is {share}; it must be above 0 and at most 1"),
            );
        }
        faults.not_negative("entropy_bonus", self.entropy_bonus);
    }

    fn check_penalties(&self, faults: &mut Faults) {
        if let Some(kl) = self.kl {
            let beta = kl.coefficient;
            faults.unless(
                beta.is_finite() && beta > 0.0,
                "kl.coefficient",
                format_args!("is {beta}; it must be above 0, or leave `kl` out for no penalty"),
            );
            if let Some(sync) = kl.sync {
                faults.counted("kl.sync.every", sync.every);
                faults.unless(
                    sync.alpha > 0.0 && sync.alpha <= 1.0,
                    "kl.sync.alpha",
                    format_args!("is {}; it must be above 0 and at most 1", sync.alpha),
                );
            }
        }
        match self.correction {
            Some(
                Correction::Token { cap }
                | Correction::Sequence { cap }
                | Correction::SequenceMask { cap },
            ) => faults.positive("correction.cap", cap),
            Some(Correction::IcePop { low, high }) => faults.unless(
                low >= 0.0 && high.is_finite() && low < high,
                "correction",
                format_args!("has low = {low}, high = {high}; `low` must be below `high`"),
            ),
            None => {}
        }
    }

    fn check_sampling(&self, faults: &mut Faults) {
        // One below 0 is another mistake.
        faults.unless(
            self.sampling.temperature != 0.0,
            "sampling.temperature",
            "is 0, which gives a group the same text over and over; it must be above 0",
        );
        let rounds = self.dynamic_sampling.as_ref();
        let rounds = rounds.map_or(1, |dynamic| dynamic.max_rounds);
        faults.counted("dynamic_sampling.max_rounds", rounds as u64);
    }
}
