//! The completions of a report: as many as a page can carry.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::train::watch::{COMPLETIONS_WRITTEN, CompletionRecord};

/// Most completions on the page.
const MOST: usize = 1000;
/// Most characters of all of them.
const MOST_CHARACTERS: usize = 3_000_000;
/// Most characters of one completion.
const LONGEST: usize = 6000;
/// Most characters of a prompt: its end, where the problem stands.
const LONGEST_PROMPT: usize = 2000;

/// A completion as the page reads it.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'r> {
    step: u64,
    stage: &'r str,
    prompt: String,
    completion: String,
    /// Characters that were left out.
    cut: usize,
    reward: Option<f64>,
    terms: &'r [(String, Option<f64>)],
    advantage: Option<f64>,
    reason: Option<&'r str>,
    finish: &'r str,
    n_tokens: u64,
}

/// All completions when they are few, else those of steps spread evenly over the
/// run, the last among them; in order.
pub(super) fn shown(all: &[CompletionRecord]) -> Vec<Shown<'_>> {
    let characters: usize = all.iter().map(length).sum();
    let fitting = (MOST as f64 / all.len() as f64)
        .min(MOST_CHARACTERS as f64 / characters as f64)
        .min(1.0);
    let steps: BTreeSet<u64> = all.iter().map(|record| record.step).collect();
    // Counted from the end, so that the last step is kept.
    let mut sum = 1.0 - fitting;
    let kept: BTreeSet<u64> = steps
        .into_iter()
        .rev()
        .filter(|_| {
            sum += fitting;
            let is_kept = sum >= 1.0;
            sum -= f64::from(u8::from(is_kept));
            is_kept
        })
        .collect();
    let kept = all.iter().filter(|record| kept.contains(&record.step));
    kept.take(2 * MOST).map(one).collect()
}

/// What is said about the selection: what of it the file has, and what of the run the
/// file has.
pub(super) fn note(all: &[CompletionRecord], shown: usize) -> String {
    let of_file = match shown == all.len() {
        true => format!("All {shown} of completions.jsonl"),
        false => format!("{shown} of completions.jsonl, from steps spread evenly over the run"),
    };
    let mut counts: BTreeMap<(u64, &str), usize> = BTreeMap::new();
    for record in all {
        *counts.entry((record.step, &record.stage)).or_default() += 1;
    }
    match counts.values().any(|count| *count > COMPLETIONS_WRITTEN) {
        // A program has chosen otherwise.
        true => format!("{of_file}."),
        false => format!(
            "{of_file}, which has the first {COMPLETIONS_WRITTEN} of every step and evaluation."
        ),
    }
}

fn length(record: &CompletionRecord) -> usize {
    record.completion.len().min(LONGEST) + record.prompt.len().min(LONGEST_PROMPT)
}

fn one(record: &CompletionRecord) -> Shown<'_> {
    let count = record.completion.chars().count();
    let prompt_count = record.prompt.chars().count();
    let from = prompt_count.saturating_sub(LONGEST_PROMPT);
    Shown {
        step: record.step,
        stage: &record.stage,
        prompt: record.prompt.chars().skip(from).collect(),
        completion: record.completion.chars().take(LONGEST).collect(),
        cut: count.saturating_sub(LONGEST),
        reward: record.reward,
        terms: &record.terms,
        advantage: record.advantage,
        reason: record.reason.as_deref(),
        finish: &record.finish,
        n_tokens: record.n_tokens,
    }
}
