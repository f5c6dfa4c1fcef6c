//! Weights against the mismatch of sampler and trainer: the two may disagree on
//! the probability of a token that was sampled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the weight of a token follows from `ρ`, the probability that the trainer
/// gave it when it was sampled over the one that the sampler gave it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Correction {
    /// `min(ρ, cap)`, token by token: truncated importance sampling.
    Token {
        /// 2 in verl, 3 in TRL.
        #[serde(default = "three")]
        cap: f64,
    },
    /// `min(Π ρ, cap)` for all tokens of a sequence.
    Sequence {
        /// As above.
        #[serde(default = "three")]
        cap: f64,
    },
    /// `ρ` where it lies in `[low, high]`, else 0: IcePop, arXiv 2510.18855.
    IcePop {
        /// Least weight that is kept; 0.5.
        #[serde(default = "half")]
        low: f64,
        /// Greatest weight that is kept; 5.
        #[serde(default = "five")]
        high: f64,
    },
    /// `Π ρ` where it is at most `cap`, else 0 for the whole sequence: TRL's
    /// default.
    SequenceMask {
        /// 3 in TRL.
        #[serde(default = "three")]
        cap: f64,
    },
}

fn half() -> f64 {
    0.5
}

fn three() -> f64 {
    3.0
}

fn five() -> f64 {
    5.0
}

/// Beyond it a sum of log-ratios is cut, so that a weight is finite.
const LARGEST_LOG: f64 = 20.0;

/// The weight of every token of one completion, at least 0 and finite.
///
/// `old` and `sampled` are log-probabilities of the same tokens, from the trainer
/// and from the sampler; tokens outside `mask` do not count and have weight 1.
#[must_use]
pub fn importance(old: &[f64], sampled: &[f64], mask: &[bool], correction: Correction) -> Vec<f64> {
    let logs: Vec<Option<f64>> = old
        .iter()
        .zip(sampled)
        .zip(mask)
        .map(|((old, sampled), active)| {
            active.then(|| (old - sampled).clamp(-LARGEST_LOG, LARGEST_LOG))
        })
        .collect();
    let sum: f64 = logs.iter().flatten().sum();
    let sequence = sum.clamp(-LARGEST_LOG, LARGEST_LOG).exp();
    let weight = |log: f64| match correction {
        Correction::Token { cap } => log.exp().min(cap),
        Correction::Sequence { cap } => sequence.min(cap),
        Correction::IcePop { low, high } => {
            let ratio = log.exp();
            if (low..=high).contains(&ratio) {
                ratio
            } else {
                0.0
            }
        }
        Correction::SequenceMask { cap } => {
            if sequence <= cap {
                sequence
            } else {
                0.0
            }
        }
    };
    logs.into_iter()
        .map(|log| log.map_or(1.0, weight))
        .collect()
}
