//! Completions as rows of the loss.

use std::ops::Range;

use crate::train::error::TrainError;
use crate::train::policy::{Policy, TokenBatch};
use crate::train::sample::{Completion, Finish};
use crate::train::stage::GrpoOptions;
use crate::train::stage::answer::Answered;
use crate::train::stage::learner::parts;

/// One completion with all that its loss is computed from.
pub(super) struct Row<'a> {
    /// Its prompt's number among those of the step.
    pub(super) group: usize,
    pub(super) prompt: &'a [u32],
    pub(super) completion: &'a Completion,
    /// The log-probabilities at which it was sampled.
    pub(super) sampled: Vec<f64>,
    /// The policy's, before the first update; missing where there is one update
    /// only, in which the ratio is 1.
    pub(super) old: Option<Vec<f64>>,
    /// The reference policy's.
    pub(super) reference: Option<Vec<f64>>,
    /// The tokens that count.
    pub(super) mask: Vec<bool>,
    /// `None` where it could not be judged.
    pub(super) reward: Option<f64>,
    pub(super) advantage: f64,
}

impl Row<'_> {
    /// Tokens of prompt and completion.
    pub(super) fn length(&self) -> usize {
        self.prompt.len() + self.completion.tokens.len()
    }

    /// Tokens that count.
    pub(super) fn active(&self) -> usize {
        self.mask.iter().filter(|active| **active).count()
    }
}

/// The rows of all completions, group after group; advantages are still 0.
pub(super) fn rows<'a>(answered: &'a [Answered], options: &GrpoOptions) -> Vec<Row<'a>> {
    let of_group = |(group, answered): (usize, &'a Answered)| {
        let pairs = answered.completions.iter().zip(&answered.scores);
        pairs.map(move |(completion, score)| {
            let is_cut = completion.finish == Finish::Length;
            let counts = !(is_cut && options.mask_truncated);
            Row {
                group,
                prompt: &answered.prompt,
                completion,
                sampled: widen(&completion.logps),
                old: None,
                reference: None,
                mask: vec![counts; completion.tokens.len()],
                reward: score.reward,
                advantage: 0.0,
            }
        })
    };
    answered.iter().enumerate().flat_map(of_group).collect()
}

/// The rows of each update: whole groups, shared as evenly as they can be.
pub(super) fn minibatches(rows: &[Row<'_>], parts: usize) -> Vec<Range<usize>> {
    let groups = rows.last().map_or(0, |row| row.group + 1);
    let first_of = |group: usize| {
        let first = rows.iter().position(|row| row.group >= group);
        first.unwrap_or(rows.len())
    };
    let parts = parts.min(groups).max(1);
    (0..parts)
        .map(|part| first_of(groups * part / parts)..first_of(groups * (part + 1) / parts))
        .collect()
}

/// The log-probabilities of every row's tokens under a policy, without gradient.
pub(super) fn log_probabilities(
    policy: &Policy,
    rows: &[Row<'_>],
    most_tokens: usize,
    temperature: f64,
) -> Result<Vec<Vec<f64>>, TrainError> {
    let lengths: Vec<usize> = rows.iter().map(Row::length).collect();
    let mut all = Vec::with_capacity(rows.len());
    for part in parts(&lengths, most_tokens) {
        let part = &rows[part];
        let scores = policy.score(&batch(part.iter()), temperature)?;
        all.extend(by_row(&scores.logps, part.iter()));
    }
    Ok(all)
}

/// Rows as the policy takes them.
pub(super) fn batch<'r, 'a: 'r>(rows: impl Iterator<Item = &'r Row<'a>>) -> TokenBatch {
    let mut batch = TokenBatch::new();
    for row in rows {
        batch.push(row.prompt, &row.completion.tokens);
    }
    batch
}

/// Numbers of all tokens as one list per row.
pub(super) fn by_row<'r, 'a: 'r>(
    numbers: &[f32],
    rows: impl Iterator<Item = &'r Row<'a>>,
) -> Vec<Vec<f64>> {
    let mut rest = numbers;
    rows.map(|row| {
        let (own, later) = rest.split_at(row.completion.tokens.len());
        rest = later;
        widen(own)
    })
    .collect()
}

fn widen(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|number| f64::from(*number)).collect()
}
