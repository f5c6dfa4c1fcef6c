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
    // Single precision is enough for a draw, and for a sum of what is below 1.
    let weight = |logit: &f32| f64::from((log_weight(*logit) as f32).exp());
    let weights: Vec<f64> = logits.iter().map(weight).collect();
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
    if options.top_k > 0 && options.top_k < kept.len() {
        let mut sorted = kept.clone();
        let place = options.top_k - 1;
        let (_, least, _) = sorted.select_nth_unstable_by(place, |one, other| other.total_cmp(one));
        let least = *least;
        drop_unless(&mut kept, |_, weight| weight >= least);
    }
    if options.top_p < 1.0 {
        let is_kept = nucleus(&kept, options.top_p);
        drop_unless(&mut kept, |token, _| is_kept[token]);
    }
    if options.min_p > 0.0 {
        // The likeliest token's weight is 1.
        drop_unless(&mut kept, |_, weight| weight >= options.min_p);
    }
    kept
}

/// Which of the likeliest tokens reach `share` of the sum of all; at least one.
/// Of tokens that are as likely the last come first, as in transformers.
fn nucleus(weights: &[f64], share: f64) -> Vec<bool> {
    let enough = share * weights.iter().sum::<f64>();
    let by_weight = |one: &usize, other: &usize| {
        weights[*other]
            .total_cmp(&weights[*one])
            .then(other.cmp(one))
    };
    let mut order: Vec<usize> = (0..weights.len()).collect();
    let mut is_kept = vec![false; weights.len()];
    // Most often a few tokens are enough: larger and larger heads are sorted.
    let (mut begin, mut size, mut reached) = (0, 64, 0.0);
    while begin < order.len() {
        let rest = &mut order[begin..];
        let size_now = size.min(rest.len());
        if size_now < rest.len() {
            rest.select_nth_unstable_by(size_now, by_weight);
        }
        let head = &mut rest[..size_now];
        head.sort_unstable_by(by_weight);
        for token in head {
            is_kept[*token] = true;
            reached += weights[*token];
            if reached >= enough {
                return is_kept;
            }
        }
        begin += size_now;
        size *= 8;
    }
    is_kept
}

fn drop_unless(weights: &mut [f64], is_kept: impl Fn(usize, f64) -> bool) {
    for (token, weight) in weights.iter_mut().enumerate() {
        if !is_kept(token, *weight) {
            *weight = 0.0;
        }
    }
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
