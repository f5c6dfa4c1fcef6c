//! Advantages: how much better each completion is than its group.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One completion of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Its prompt: samples of one number are compared with each other.
    pub group: usize,
    /// Its reward, finite; `None` where it could not be judged. Such a sample is
    /// left out of every mean and has advantage 0.
    pub reward: Option<f64>,
    /// Tokens of the completion, the end token included.
    pub tokens: usize,
}

/// What a reward is compared with, and by what the difference is divided.
///
/// `R` is the reward, `μ` and `σ` the mean and the sample standard deviation
/// (n - 1) of the group's rewards, `G` their number.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Baseline {
    /// `(R - μ) / (σ + epsilon)`: DeepSeekMath, arXiv 2402.03300, section 4.1.1.
    Grpo {
        /// Keeps a group of nearly equal rewards from large advantages; 1e-4 in TRL.
        #[serde(default = "small")]
        epsilon: f64,
    },
    /// `R - μ`: Dr. GRPO, arXiv 2503.20783, section 3.
    DrGrpo,
    /// `(R - μ) / (σ of the whole batch + epsilon)`: arXiv 2508.08221, section 4.
    BatchScaled {
        /// As in [`Baseline::Grpo`].
        #[serde(default = "small")]
        epsilon: f64,
    },
    /// `R - mean of the others = (R - μ) G / (G - 1)`: RLOO, arXiv 2402.14740;
    /// 0 in a group of one.
    Rloo,
    /// `R - μ`, then brought to mean 0 and deviation 1 over all tokens of the
    /// batch: REINFORCE++ with a baseline, arXiv 2501.03262.
    ReinforcePlusPlus {
        /// As in [`Baseline::Grpo`].
        #[serde(default = "small")]
        epsilon: f64,
    },
    /// `(R - μ) / μ` where `μ > 0`, else 0: MaxRL, arXiv 2602.02710; for rewards
    /// that are not negative.
    MaxRl,
}

impl Default for Baseline {
    fn default() -> Self {
        Self::Grpo { epsilon: small() }
    }
}

/// TRL's `1e-4`.
fn small() -> f64 {
    1e-4
}

/// The advantage of every sample, in their order; all finite.
///
/// A group whose rewards are all equal teaches nothing: its advantages are
/// exactly 0, except that [`Baseline::ReinforcePlusPlus`] may shift them.
#[must_use]
pub fn advantages(samples: &[Sample], baseline: Baseline) -> Vec<f64> {
    let groups = groups(samples.iter().map(|sample| (sample.group, sample.reward)));
    let scored = || samples.iter().filter_map(|sample| sample.reward);
    let batch = Moments::of(scored());
    let centred: Vec<Option<f64>> = samples
        .iter()
        .map(|sample| {
            let group = groups.get(&sample.group)?;
            let distance = group.distance(sample.reward?);
            Some(match baseline {
                Baseline::Grpo { epsilon } => distance / (group.deviation + epsilon),
                Baseline::DrGrpo | Baseline::ReinforcePlusPlus { .. } => distance,
                Baseline::BatchScaled { epsilon } => distance / (batch.deviation + epsilon),
                Baseline::Rloo if group.count < 2.0 => 0.0,
                Baseline::Rloo => distance * group.count / (group.count - 1.0),
                Baseline::MaxRl if group.mean > 0.0 => distance / group.mean,
                Baseline::MaxRl => 0.0,
            })
        })
        .collect();
    let centred = match baseline {
        Baseline::ReinforcePlusPlus { epsilon } => whitened(samples, centred, epsilon),
        _ => centred,
    };
    centred
        .into_iter()
        .map(|advantage| advantage.unwrap_or(0.0))
        .collect()
}

/// Advantages from several reward terms, each brought to mean 0 and deviation 1
/// in its group before they are summed: GDPO, arXiv 2601.05242. The sum is
/// brought to mean 0 and deviation 1 over the batch.
///
/// `terms` are the rewards of one term each, a number for every sample; `weights`
/// has one number per term. A sample that no term could judge has advantage 0.
///
/// # Panics
/// If a term has another number of rewards than there are `groups`.
#[must_use]
pub fn term_advantages(
    groups_of: &[usize],
    terms: &[Vec<Option<f64>>],
    weights: &[f64],
    epsilon: f64,
) -> Vec<f64> {
    let mut sums: Vec<Option<f64>> = vec![None; groups_of.len()];
    for (term, weight) in terms.iter().zip(weights) {
        assert_eq!(term.len(), groups_of.len(), "one reward per sample");
        let groups = groups(groups_of.iter().copied().zip(term.iter().copied()));
        for ((sum, group), reward) in sums.iter_mut().zip(groups_of).zip(term) {
            if let (Some(reward), Some(group)) = (reward, groups.get(group)) {
                let normal = group.distance(*reward) / (group.deviation + epsilon);
                *sum = Some(sum.unwrap_or(0.0) + weight * normal);
            }
        }
    }
    let batch = Moments::of(sums.iter().copied().flatten());
    let normal = |sum: f64| batch.distance(sum) / (batch.deviation + epsilon);
    sums.into_iter()
        .map(|sum| sum.map_or(0.0, normal))
        .collect()
}

/// Brings advantages to mean 0 and deviation 1, every token counting once.
fn whitened(samples: &[Sample], centred: Vec<Option<f64>>, epsilon: f64) -> Vec<Option<f64>> {
    let weighted = || {
        let tokens = samples.iter().map(|sample| sample.tokens as f64);
        tokens
            .zip(&centred)
            .filter_map(|(tokens, a)| Some((tokens, (*a)?)))
    };
    let total: f64 = weighted().map(|(tokens, _)| tokens).sum();
    if total < 2.0 {
        return centred;
    }
    let mean = weighted().map(|(tokens, a)| tokens * a).sum::<f64>() / total;
    let squares: f64 = weighted()
        .map(|(tokens, a)| tokens * (a - mean).powi(2))
        .sum();
    let deviation = (squares / (total - 1.0)).sqrt();
    centred
        .iter()
        .map(|a| a.map(|a| (a - mean) / (deviation + epsilon)))
        .collect()
}

/// Mean and sample standard deviation.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    deviation: f64,
}

impl Moments {
    fn of(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let count = numbers.clone().count() as f64;
        let (low, high) = numbers
            .clone()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
                (number.min(low), number.max(high))
            });
        // Rounding must not make a difference where there is none.
        if count == 0.0 || low == high {
            let mean = if count == 0.0 { 0.0 } else { low };
            return Self {
                count,
                mean,
                deviation: 0.0,
            };
        }
        let mean = numbers.clone().sum::<f64>() / count;
        let squares: f64 = numbers.map(|number| (number - mean).powi(2)).sum();
        Self {
            count,
            mean,
            deviation: (squares / (count - 1.0)).sqrt(),
        }
    }

    fn distance(&self, number: f64) -> f64 {
        number - self.mean
    }
}

fn groups(samples: impl Iterator<Item = (usize, Option<f64>)>) -> BTreeMap<usize, Moments> {
    let mut rewards: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (group, reward) in samples {
        rewards.entry(group).or_default().extend(reward);
    }
    rewards
        .into_iter()
        .map(|(group, rewards)| (group, Moments::of(rewards.into_iter())))
        .collect()
}
