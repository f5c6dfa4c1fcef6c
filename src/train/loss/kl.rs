//! The distance to the reference policy, estimated from the sampled tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::surrogate::Slope;

/// A penalty on the distance to the reference policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kl {
    /// `β`, its factor in the loss; above 0.
    pub coefficient: f64,
    /// How the distance is estimated.
    pub estimator: KlEstimator,
    /// Whether the estimate is multiplied by the probability ratio, which makes
    /// it unbiased off the policy: DeepSeek-V3.2, arXiv 2512.02556. TRL's default.
    pub bias_corrected: bool,
}

/// An estimate of the KL divergence of policy and reference from one token, by
/// `x = log π_ref - log π`: Schulman, "Approximating KL divergence", 2020.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KlEstimator {
    /// `-x`: unbiased, of high variance.
    K1,
    /// `x² / 2`: biased, of low variance.
    K2,
    /// `exp(x) - x - 1`: unbiased and never negative; GRPO's.
    #[default]
    K3,
}

/// Beyond it a log-ratio is cut, so that its exponential is finite.
const LARGEST_LOG: f64 = 20.0;

impl KlEstimator {
    /// The estimate from one token, by `log π_ref - log π`.
    #[must_use]
    pub fn estimate(self, difference: f64) -> f64 {
        self.at(difference).0
    }

    /// The estimate and its derivative.
    fn at(self, difference: f64) -> (f64, f64) {
        let x = difference.clamp(-LARGEST_LOG, LARGEST_LOG);
        match self {
            Self::K1 => (-x, -1.0),
            Self::K2 => (x * x / 2.0, x),
            Self::K3 => (x.exp() - x - 1.0, x.exp() - 1.0),
        }
    }
}

impl Kl {
    /// The estimate for one token, without the factor.
    pub(super) fn token(self, logp: f64, reference: f64, log_ratio: f64) -> Slope {
        let (value, by_x) = self.estimator.at(reference - logp);
        match self.bias_corrected {
            false => Slope {
                value,
                by_ratio: 0.0,
                by_logp: -by_x,
            },
            true => {
                let ratio = log_ratio.exp();
                Slope {
                    value: value * ratio,
                    by_ratio: value * ratio,
                    by_logp: -by_x * ratio,
                }
            }
        }
    }
}
