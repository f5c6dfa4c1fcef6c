//! Rewards in, advantages out.
//!
//! A completion without a reward is left out of every mean and has advantage 0.

use super::rows::Row;
use crate::reward::Scorer;
use crate::train::stage::answer::Answered;
use crate::train::stage::{GrpoOptions, KlOptions, KlPlace, TermAggregation};
use crate::train::{Sample, advantages as by_baseline, term_advantages};

/// Against a division by 0 in GDPO; the paper's and TRL's.
const EPSILON: f64 = 1e-4;

/// The advantage of every row.
pub(super) fn advantages(
    answered: &[Answered],
    rows: &[Row<'_>],
    options: &GrpoOptions,
    scorer: &Scorer,
) -> Vec<f64> {
    let advantages = match options.terms {
        TermAggregation::SumThenNormalize => {
            let samples: Vec<Sample> = rows.iter().map(|row| sample(row, options)).collect();
            by_baseline(&samples, options.advantage)
        }
        TermAggregation::NormalizeThenSum => {
            let groups: Vec<usize> = rows.iter().map(|row| row.group).collect();
            let weights: Vec<f64> = scorer.weights().collect();
            term_advantages(&groups, &terms(answered, scorer), &weights, EPSILON)
        }
    };
    let bound = options.advantage_clip;
    advantages
        .into_iter()
        .map(|advantage| match bound > 0.0 {
            true => advantage.clamp(-bound, bound),
            false => advantage,
        })
        .collect()
}

fn sample(row: &Row<'_>, options: &GrpoOptions) -> Sample {
    let reward = row.reward.map(|reward| match options.reward_clip {
        Some((least, greatest)) => reward.clamp(least, greatest),
        None => reward,
    });
    let penalty = options.kl_in_reward().map_or(0.0, |kl| distance(row, kl));
    Sample {
        group: row.group,
        reward: reward.map(|reward| reward - penalty),
        tokens: row.active(),
    }
}

/// The distance of a completion to the reference policy, times its factor.
fn distance(row: &Row<'_>, kl: KlOptions) -> f64 {
    let (Some(old), Some(reference)) = (&row.old, &row.reference) else {
        return 0.0;
    };
    let tokens = old.iter().zip(reference);
    let sum: f64 = tokens
        .map(|(old, reference)| kl.estimator.estimate(reference - old))
        .sum();
    kl.coefficient * sum
}

/// The rewards of each term before its weight, in the spec's order. A completion
/// without a total has none.
fn terms(answered: &[Answered], scorer: &Scorer) -> Vec<Vec<Option<f64>>> {
    let scores = || answered.iter().flat_map(|group| &group.scores);
    let of_term = |name: &str| {
        scores()
            .map(|score| score.reward.and(score.term(name)?.raw))
            .collect()
    };
    scorer.rewards().iter().map(|name| of_term(name)).collect()
}

impl GrpoOptions {
    /// The penalty on the distance to the reference where the reward has it.
    pub(super) fn kl_in_reward(&self) -> Option<KlOptions> {
        self.kl.filter(|kl| kl.place == KlPlace::Reward)
    }
}
