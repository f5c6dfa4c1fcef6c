//! What trainers log of a loss, under TRL's names.

use super::{Level, LossOptions, Surrogate};

/// Means over the tokens that count, or over sequences where ratios are.
/// `None` where the loss has no such number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// `kl`: the estimate of the distance to the reference policy, in nats.
    pub kl: Option<f64>,
    /// `entropy`, in nats.
    pub entropy: Option<f64>,
    /// Shares of tokens whose ratio met a bound of the clip.
    pub clip: Option<ClipRatios>,
    /// `cispo_clip_ratio`: share of tokens over CISPO's cap.
    pub cispo_clip_ratio: Option<f64>,
    /// `vespo/phi_seq_mean`.
    pub phi: Option<f64>,
}

/// Shares of tokens that the clip keeps from learning, in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClipRatios {
    /// `clip_ratio/low_mean`: below `1 - low` with a negative advantage.
    pub low_mean: f64,
    /// `clip_ratio/low_min`: the least of any sequence.
    pub low_min: f64,
    /// `clip_ratio/high_mean`: above `1 + high` with a positive advantage.
    pub high_mean: f64,
    /// `clip_ratio/high_max`: the greatest of any sequence.
    pub high_max: f64,
    /// `clip_ratio/region_mean`: either.
    pub region_mean: f64,
}

/// The metrics of a micro-batch in the making.
#[derive(Default)]
pub(super) struct Tally {
    tokens: usize,
    kl: Option<f64>,
    entropy: Option<f64>,
    /// Ratios of the row that is being looked at.
    ratios: Vec<f64>,
    /// Per sequence: tokens, those below and those above the bounds.
    clipped: Vec<[f64; 3]>,
    phis: Vec<f64>,
}

impl Tally {
    pub(super) fn token(&mut self, log_ratio: f64, kl: Option<f64>, entropy: Option<f64>) {
        self.tokens += 1;
        self.ratios.push(log_ratio.exp());
        for (sum, number) in [(&mut self.kl, kl), (&mut self.entropy, entropy)] {
            if let Some(number) = number {
                *sum = Some(sum.unwrap_or(0.0) + number);
            }
        }
    }

    pub(super) fn row(&mut self, advantage: f64, phi: f64, options: &LossOptions) {
        let mut ratios = std::mem::take(&mut self.ratios);
        if options.level == Level::Sequence {
            // One ratio for all tokens.
            ratios.truncate(1);
        }
        let count = |is_clipped: &dyn Fn(f64) -> bool| {
            ratios.iter().filter(|ratio| is_clipped(**ratio)).count() as f64
        };
        let [low, high] = match options.surrogate {
            Surrogate::Clip { low, high, .. } | Surrogate::DualClip { low, high, .. } => {
                [1.0 - low, 1.0 + high]
            }
            Surrogate::Cispo { cap } => [0.0, cap],
            Surrogate::Sapo { .. } | Surrogate::Vespo { .. } => [0.0, f64::INFINITY],
        };
        let below = count(&|ratio| ratio < low && advantage < 0.0);
        let above = count(&|ratio| ratio > high && advantage > 0.0);
        self.clipped.push([ratios.len() as f64, below, above]);
        self.phis.push(phi);
    }

    pub(super) fn finish(self, options: &LossOptions) -> Metrics {
        let mean = |sum: Option<f64>| sum.map(|sum| sum / self.tokens.max(1) as f64);
        let total = |index: usize| self.clipped.iter().map(|row| row[index]).sum::<f64>();
        let share = |index: usize| total(index) / total(0).max(1.0);
        let of_row = |row: &[f64; 3], index: usize| row[index] / row[0].max(1.0);
        let phis = self.phis.iter().sum::<f64>() / self.phis.len().max(1) as f64;
        let (clip, cispo, phi) = match options.surrogate {
            Surrogate::Clip { .. } | Surrogate::DualClip { .. } => {
                let rows = |index: usize| self.clipped.iter().map(move |row| of_row(row, index));
                let ratios = ClipRatios {
                    low_mean: share(1),
                    low_min: rows(1).fold(f64::INFINITY, f64::min).min(1.0),
                    high_mean: share(2),
                    high_max: rows(2).fold(0.0, f64::max),
                    region_mean: share(1) + share(2),
                };
                (Some(ratios), None, None)
            }
            Surrogate::Cispo { .. } => (None, Some(share(2)), None),
            Surrogate::Vespo { .. } => (None, None, Some(phis)),
            Surrogate::Sapo { .. } => (None, None, None),
        };
        Metrics {
            kl: mean(self.kl),
            entropy: mean(self.entropy),
            clip,
            cispo_clip_ratio: cispo,
            phi,
        }
    }
}
