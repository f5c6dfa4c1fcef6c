//! One token from one row of logits.
//!
//! Filters follow transformers 4.57 (`generation/logits_process.py`): the logits
//! are divided by the temperature, then `top_k`, `top_p` and `min_p` each leave
//! tokens out of what the one before it kept. Ties with the last token that
//! `top_k` keeps are kept.

use super::SampleOptions;

/// A token that was drawn, and its log-probability before any filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    pub(super) token: u32,
    pub(super) logp: f32,
}

/// Draws the token that `uniform`, in [0, 1), falls on; the likeliest one at
/// temperature 0, the first of equals.
///
/// `None` where a logit is NaN or none is above negative infinity.
pub(super) fn draw(logits: &[f32], options: &SampleOptions, uniform: f64) -> Option<Draw> {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !greatest.is_finite() || logits.iter().any(|logit| logit.is_nan()) {
        return None;
    }
    let is_greedy = options.temperature == 0.0;
    let heat = if is_greedy { 1.0 } else { options.temperature };
    // Relative to the likeliest token, whose weight is 1.
    let log_weight = |logit: f32| (f64::from(logit) - f64::from(greatest)) / heat;
    let weights: Vec<f64> = logits
        .iter()
        .map(|logit| log_weight(*logit).exp())
        .collect();
    let total: f64 = weights.iter().sum();
    let token = if is_greedy {
        logits.iter().position(|logit| *logit == greatest)?
    } else if options.filters() {
        pick(&filtered(&weights, options), uniform)?
    } else {
        pick(&weights, uniform)?
    };
    Some(Draw {
        token: token as u32,
        logp: (log_weight(logits[token]) - total.ln()) as f32,
    })
}

/// The weights with those of the tokens that are left out set to 0.
fn filtered(weights: &[f64], options: &SampleOptions) -> Vec<f64> {
    let mut kept = weights.to_vec();
    // Tokens from the likeliest on.
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|one, other| weights[*other].total_cmp(&weights[*one]));
    if options.top_k > 0 && options.top_k < order.len() {
        let least = weights[order[options.top_k - 1]];
        order.retain(|token| weights[*token] >= least);
    }
    if options.top_p < 1.0 {
        let total: f64 = order.iter().map(|token| weights[*token]).sum();
        let mut reached = 0.0;
        let enough = order.iter().position(|token| {
            reached += weights[*token];
            reached >= options.top_p * total
        });
        order.truncate(enough.map_or(order.len(), |last| last + 1));
    }
    if options.min_p > 0.0 {
        // The likeliest token's weight is 1.
        order.retain(|token| weights[*token] >= options.min_p);
    }
    let mut is_kept = vec![false; weights.len()];
    for token in order {
        is_kept[token] = true;
    }
    for (weight, is_kept) in kept.iter_mut().zip(is_kept) {
        if !is_kept {
            *weight = 0.0;
        }
    }
    kept
}

/// The index that `uniform` of the sum of all weights falls on.
fn pick(weights: &[f64], uniform: f64) -> Option<usize> {
    let target = uniform * weights.iter().sum::<f64>();
    let mut reached = 0.0;
    let mut last = None;
    for (index, weight) in weights.iter().enumerate() {
        if *weight > 0.0 {
            reached += weight;
            last = Some(index);
            if reached > target {
                return last;
            }
        }
    }
    // Rounding may leave the sum just below the target.
    last
}

#[cfg(test)]
mod tests;
