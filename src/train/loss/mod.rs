//! The GRPO loss and its gradient by the log-probability of every token.
//!
//! The formulas are those of TRL 1.16.0's `GRPOTrainer._compute_loss`; the tests
//! compare loss, gradient and metrics with it on 384 configurations.

mod aggregation;
mod kl;
mod metrics;
mod surrogate;

pub use aggregation::Aggregation;
pub use kl::{Kl, KlEstimator};
pub use metrics::{ClipRatios, Metrics};
pub use surrogate::Surrogate;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use metrics::Tally;
use surrogate::Slope;

/// One completion of a micro-batch. All slices have one entry per token.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// Log-probabilities under the policy that is trained.
    pub logps: &'r [f64],
    /// The same when the completion was sampled; `None` in the first step after
    /// sampling, where the ratio is 1.
    pub old: Option<&'r [f64]>,
    /// The same under the reference policy; needed with a [`Kl`] term.
    pub reference: Option<&'r [f64]>,
    /// Entropies in nats; needed with [`LossOptions::top_entropy`].
    pub entropies: Option<&'r [f64]>,
    /// Weights against the mismatch of sampler and trainer; see
    /// [`importance`](crate::train::importance()).
    pub importance: Option<&'r [f64]>,
    /// The tokens that count.
    pub mask: &'r [bool],
    /// How much better the completion is than its group.
    pub advantage: f64,
}

/// The optimizer step that a micro-batch is part of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Tokens that count in the whole step, over all its micro-batches.
    pub tokens: usize,
    /// Micro-batches of the step.
    pub micro_batches: usize,
}

/// What a probability ratio is taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Every token by itself.
    #[default]
    Token,
    /// The geometric mean over the tokens of the sequence: GSPO.
    Sequence,
}

/// The loss of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossOptions {
    /// How ratio and advantage become the loss of a token.
    pub surrogate: Surrogate,
    /// What the ratio is taken over.
    pub level: Level,
    /// How the losses of tokens become one number.
    pub aggregation: Aggregation,
    /// The penalty on the distance to the reference policy, if any.
    pub kl: Option<Kl>,
    /// Only the tokens of this share with the highest entropies learn from the
    /// reward, in (0, 1]: arXiv 2506.01939. `None` for all.
    pub top_entropy: Option<f64>,
}

impl Default for LossOptions {
    /// DAPO's loss without a KL term, TRL's default.
    fn default() -> Self {
        Self {
            surrogate: Surrogate::default(),
            level: Level::Token,
            aggregation: Aggregation::Tokens,
            kl: None,
            top_entropy: None,
        }
    }
}

/// A loss, and what it says of the policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The micro-batch's part of the step's loss.
    pub value: f64,
    /// The derivative by every log-probability, one list per row; 0 outside the
    /// mask.
    pub gradient: Vec<Vec<f64>>,
    /// What trainers log.
    pub metrics: Metrics,
}

/// Rows that no loss can be computed from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// A list of a row has another length than its log-probabilities.
    #[error("row {row}: `{field}` has {found} entries, `logps` {expected}")]
    Length {
        /// Index of the row.
        row: usize,
        /// The list.
        field: &'static str,
        /// Its entries.
        found: usize,
        /// Those of the log-probabilities.
        expected: usize,
    },
    /// The options need a list that the row lacks.
    #[error("row {row}: `{field}` is missing; the loss's options need it")]
    Missing {
        /// Index of the row.
        row: usize,
        /// The list.
        field: &'static str,
    },
    /// A number of the row is infinite or NaN.
    #[error("row {row}: `{field}` has an entry that is not finite")]
    NotFinite {
        /// Index of the row.
        row: usize,
        /// The list, or the number.
        field: &'static str,
    },
}

/// The loss of one micro-batch, with its gradient.
///
/// # Errors
/// [`LossError`] for lists of different lengths, a list that the options need,
/// and numbers that are not finite.
pub fn loss(rows: &[Row<'_>], options: &LossOptions, step: &Step) -> Result<Loss, LossError> {
    for (index, row) in rows.iter().enumerate() {
        check(index, row, options)?;
    }
    let threshold = options.top_entropy.map(|share| entropy_above(rows, share));
    let mut tally = Tally::default();
    let mut value = 0.0;
    let mut gradient = Vec::with_capacity(rows.len());
    for row in rows {
        let weight = options.aggregation.weight(row.mask, rows, step);
        let (row_value, row_gradient) = row_loss(row, options, threshold, weight, &mut tally);
        value += row_value;
        gradient.push(row_gradient);
    }
    Ok(Loss {
        value,
        gradient,
        metrics: tally.finish(options),
    })
}

/// The loss of one row, every token with `weight`, and its gradient.
fn row_loss(
    row: &Row<'_>,
    options: &LossOptions,
    threshold: Option<f64>,
    weight: f64,
    tally: &mut Tally,
) -> (f64, Vec<f64>) {
    let active = active(row.mask).max(1) as f64;
    let log_ratios: Vec<f64> = (0..row.logps.len())
        .map(|t| row.old.map_or(0.0, |old| row.logps[t] - old[t]))
        .collect();
    let masked = || {
        log_ratios
            .iter()
            .zip(row.mask)
            .filter(|(_, active)| **active)
    };
    let mean = masked().map(|(log, _)| log).sum::<f64>() / active;
    let sequence = sequence_log(row, masked().map(|(log, _)| *log));
    let mut value = 0.0;
    let mut gradient = vec![0.0; row.logps.len()];
    // By the mean of the log-ratios, which every token of the row has a part in.
    let mut by_mean = 0.0;
    for t in (0..row.logps.len()).filter(|t| row.mask[*t]) {
        let log_ratio = match options.level {
            Level::Token => log_ratios[t],
            Level::Sequence => mean,
        };
        let mut slope = options
            .surrogate
            .token(row.logps[t], log_ratio, sequence, row.advantage);
        if let (Some(threshold), Some(entropies)) = (threshold, row.entropies)
            && entropies[t] < threshold
        {
            slope = Slope::default();
        }
        if let (Some(importance), false) = (row.importance, options.weighs_sequences()) {
            slope = slope.times(importance[t]);
        }
        let mut kl = None;
        if let (Some(term), Some(reference)) = (options.kl, row.reference) {
            let distance = term.token(row.logps[t], reference[t], log_ratio);
            slope = slope.plus(distance.times(term.coefficient));
            kl = Some(distance.value);
        }
        tally.token(log_ratio, kl, row.entropies.map(|entropies| entropies[t]));
        value += weight * slope.value;
        gradient[t] += weight * slope.by_logp;
        match options.level {
            Level::Token => gradient[t] += weight * slope.by_ratio,
            Level::Sequence => by_mean += weight * slope.by_ratio,
        }
    }
    for (slope, active_token) in gradient.iter_mut().zip(row.mask) {
        if *active_token {
            *slope += by_mean / active;
        }
    }
    let phi = options.surrogate.phi(sequence, row.advantage);
    tally.row(row.advantage, phi, options);
    (value, gradient)
}

impl LossOptions {
    /// Whether the weights against mismatch go into a ratio of whole sequences.
    fn weighs_sequences(&self) -> bool {
        matches!(self.surrogate, Surrogate::Vespo { .. })
    }
}

/// The log of the ratio of a whole sequence, with the weights against mismatch.
fn sequence_log(row: &Row<'_>, log_ratios: impl Iterator<Item = f64>) -> f64 {
    let policy: f64 = log_ratios.map(|log| log.clamp(-20.0, 20.0)).sum();
    let weights = row.importance.unwrap_or_default().iter();
    let sampler: f64 = weights
        .map(|weight| weight.ln().clamp(1e-8_f64.ln(), 20.0))
        .sum();
    policy + sampler
}

fn active(mask: &[bool]) -> usize {
    mask.iter().filter(|active| **active).count()
}

/// The entropy that the given share of all tokens reaches: a quantile with
/// linear interpolation.
fn entropy_above(rows: &[Row<'_>], share: f64) -> f64 {
    let of_row = |row: &Row<'_>| {
        let entropies = row.entropies.unwrap_or_default().to_vec();
        entropies.into_iter().zip(row.mask.to_vec())
    };
    let all = rows.iter().flat_map(of_row);
    let mut entropies: Vec<f64> = all
        .filter_map(|(entropy, active)| active.then_some(entropy))
        .collect();
    entropies.sort_by(f64::total_cmp);
    let Some(last) = entropies.len().checked_sub(1) else {
        return f64::NEG_INFINITY;
    };
    let place = (1.0 - share).clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    entropies[below] + (entropies[above] - entropies[below]) * (place - below as f64)
}

fn check(index: usize, row: &Row<'_>, options: &LossOptions) -> Result<(), LossError> {
    let lists = [
        ("logps", Some(row.logps), true),
        ("old", row.old, false),
        ("reference", row.reference, options.kl.is_some()),
        ("entropies", row.entropies, options.top_entropy.is_some()),
        ("importance", row.importance, false),
    ];
    let expected = row.logps.len();
    let length = |field, found| LossError::Length {
        row: index,
        field,
        found,
        expected,
    };
    if row.mask.len() != expected {
        return Err(length("mask", row.mask.len()));
    }
    for (field, list, is_needed) in lists {
        let Some(list) = list else {
            if is_needed {
                return Err(LossError::Missing { row: index, field });
            }
            continue;
        };
        if list.len() != expected {
            return Err(length(field, list.len()));
        }
        let mut counted = list.iter().zip(row.mask).filter(|(_, active)| **active);
        if counted.any(|(number, _)| !number.is_finite()) {
            return Err(LossError::NotFinite { row: index, field });
        }
    }
    if !row.advantage.is_finite() {
        return Err(LossError::NotFinite {
            row: index,
            field: "advantage",
        });
    }
    Ok(())
}
