//! Surrogates: the loss of a token by its probability ratio and advantage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the ratio `r` of the policy's probability to the old one becomes a loss;
/// `A` is the advantage.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Surrogate {
    /// `-min(min(r, delta) A, clip(r, 1 - low, 1 + high) A)`: PPO's clip, arXiv
    /// 1707.06347 equation 7; with `high > low` DAPO's clip-higher, arXiv
    /// 2503.14476 equation 8; `delta` is the two-sided clip of INTELLECT-2, arXiv
    /// 2505.07291. At [`Level::Sequence`](super::Level::Sequence) it is GSPO, arXiv
    /// 2507.18071 equation 5.
    Clip {
        /// How far below 1 a ratio may push; 0.2.
        #[serde(default = "fifth")]
        low: f64,
        /// How far above 1; 0.2, in DAPO 0.28.
        #[serde(default = "fifth")]
        high: f64,
        /// Bound of the ratio where the advantage is negative; above `1 + high`.
        #[serde(default)]
        delta: Option<f64>,
    },
    /// PPO's clip, and at most `-cap A` where `A < 0`: arXiv 1912.09729 equation 5.
    DualClip {
        /// As in [`Surrogate::Clip`].
        #[serde(default = "fifth")]
        low: f64,
        /// As in [`Surrogate::Clip`].
        #[serde(default = "fifth")]
        high: f64,
        /// 3 in verl.
        #[serde(default = "three")]
        cap: f64,
    },
    /// `-sg(min(r, cap)) A log π`: CISPO, MiniMax-M1, arXiv 2506.13585 equation 4,
    /// as TRL has it. `sg` stops the gradient.
    Cispo {
        /// 5 in TRL.
        #[serde(default = "five")]
        cap: f64,
    },
    /// `-(4 / τ) σ(τ (r - 1)) A` with the logistic function `σ`: SAPO, arXiv
    /// 2511.20347 equation 6.
    Sapo {
        /// `τ` where `A > 0`; 1.
        #[serde(default = "one")]
        positive: f64,
        /// `τ` otherwise; 1.05.
        #[serde(default = "more_than_one")]
        negative: f64,
    },
    /// `-sg(φ) A log π` with `φ = exp(λ + k log w - λ w)` of the sequence's ratio
    /// `w`: VESPO, arXiv 2602.10693.
    Vespo {
        /// `(k, λ)` where `A >= 0`; (2, 3).
        #[serde(default = "two_three")]
        positive: (f64, f64),
        /// `(k, λ)` otherwise; (3, 2).
        #[serde(default = "three_two")]
        negative: (f64, f64),
    },
}

impl Default for Surrogate {
    fn default() -> Self {
        Self::Clip {
            low: fifth(),
            high: fifth(),
            delta: None,
        }
    }
}

fn fifth() -> f64 {
    0.2
}

fn one() -> f64 {
    1.0
}

fn more_than_one() -> f64 {
    1.05
}

fn three() -> f64 {
    3.0
}

fn five() -> f64 {
    5.0
}

fn two_three() -> (f64, f64) {
    (2.0, 3.0)
}

fn three_two() -> (f64, f64) {
    (3.0, 2.0)
}

/// The loss of one token, and its derivatives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Slope {
    pub(super) value: f64,
    /// By the log of the ratio.
    pub(super) by_ratio: f64,
    /// By the token's log-probability, apart from the ratio.
    pub(super) by_logp: f64,
}

/// The least log of VESPO's ratio.
const LEAST_LOG: f64 = -18.420680743952367;
/// The greatest.
const GREATEST_LOG: f64 = 20.0;

impl Surrogate {
    /// The loss of a token of log-probability `logp`, by the log of its ratio;
    /// `sequence` is the log of the ratio of its whole sequence.
    pub(super) fn token(self, logp: f64, log_ratio: f64, sequence: f64, advantage: f64) -> Slope {
        let ratio = log_ratio.exp();
        match self {
            Self::Clip { low, high, delta } => {
                let bound = delta.unwrap_or(f64::INFINITY);
                clip(ratio, advantage, low, high, bound)
            }
            Self::DualClip { low, high, cap } => {
                let slope = clip(ratio, advantage, low, high, f64::INFINITY);
                let most = -cap * advantage;
                if advantage < 0.0 && slope.value > most {
                    Slope {
                        value: most,
                        ..Slope::default()
                    }
                } else {
                    slope
                }
            }
            Self::Cispo { cap } => {
                let by_logp = -ratio.min(cap) * advantage;
                Slope {
                    value: by_logp * logp,
                    by_logp,
                    by_ratio: 0.0,
                }
            }
            Self::Sapo { positive, negative } => {
                let heat = if advantage > 0.0 { positive } else { negative };
                let soft = 1.0 / (1.0 + (-heat * (ratio - 1.0)).exp());
                Slope {
                    value: -4.0 / heat * soft * advantage,
                    by_ratio: -4.0 * soft * (1.0 - soft) * ratio * advantage,
                    by_logp: 0.0,
                }
            }
            Self::Vespo { .. } => {
                let by_logp = -self.phi(sequence, advantage) * advantage;
                Slope {
                    value: by_logp * logp,
                    by_logp,
                    by_ratio: 0.0,
                }
            }
        }
    }

    /// VESPO's weight of a sequence; 1 for the others.
    pub(super) fn phi(self, sequence: f64, advantage: f64) -> f64 {
        let Self::Vespo { positive, negative } = self else {
            return 1.0;
        };
        let (k, lambda) = if advantage >= 0.0 { positive } else { negative };
        let log = sequence.clamp(LEAST_LOG, GREATEST_LOG);
        (lambda + k * log - lambda * log.exp()).exp()
    }
}

fn clip(ratio: f64, advantage: f64, low: f64, high: f64, bound: f64) -> Slope {
    let (bounded, clipped) = (ratio.min(bound), ratio.clamp(1.0 - low, 1.0 + high));
    // A bound that is not reached passes the gradient on.
    let free = |limited: f64| {
        let slope = if limited == ratio { ratio } else { 0.0 };
        (limited * advantage, slope * advantage)
    };
    let ((one, one_slope), (other, other_slope)) = (free(bounded), free(clipped));
    let (value, slope) = match one.total_cmp(&other) {
        std::cmp::Ordering::Greater => (other, other_slope),
        _ => (one, one_slope),
    };
    Slope {
        value: -value,
        by_ratio: -slope,
        by_logp: 0.0,
    }
}

impl Slope {
    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            by_ratio: self.by_ratio * factor,
            by_logp: self.by_logp * factor,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            by_ratio: self.by_ratio + other.by_ratio,
            by_logp: self.by_logp + other.by_logp,
        }
    }
}
