//! N-gram repetition penalty: a text in, a number in `[max_penalty, 0]` out.
//!
//! ```text
//! (1 - distinct n-grams / n-grams) * max_penalty
//! ```
//!
//! and 0 for a text of fewer than `ngram_size` units.
//!
//! *Source*: "Demystifying Long Chain-of-Thought Reasoning" (arXiv:2502.03373),
//! appendix C.2, as open-r1 and ms-swift compute it (lower-cased words between
//! white space, [`RepetitionUnit::Words`]) and TRL (token ids, which a rollout
//! does not carry). Deviation: none for `words`; the other units are ours, for
//! text without spaces.
//!
//! *How it can be gamed*: paraphrases, counters ("step 1", "step 2", …) and a
//! changed letter make n-grams distinct; a text without white space is one word
//! (use `uax29` or `characters` for Chinese, Japanese, Thai). Long texts repeat
//! n-grams honestly: the penalty favours short ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::{OptionError, penalty, unsigned_zero};
use crate::verdict::Measure;

/// What is counted, and what full repetition costs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RepetitionOptions {
    /// Units in one n-gram. Default 3.
    #[schemars(range(min = 1, max = 1000))]
    pub ngram_size: usize,
    /// The reward that full repetition comes near to; 0 or less. Default -1.
    #[schemars(range(max = 0))]
    pub max_penalty: f64,
    /// What a text is cut into. Default `words`.
    pub unit: RepetitionUnit,
}

/// What a text is cut into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepetitionUnit {
    /// Lower-cased words between white space, punctuation included.
    #[default]
    Words,
    /// Lower-cased words by UAX #29, without punctuation; every Han character
    /// is one.
    Uax29,
    /// Characters that are not white space, as they are.
    Characters,
}

/// The largest `ngram_size`; beyond it hardly any text repeats.
const MAX_NGRAM_SIZE: usize = 1000;

impl Default for RepetitionOptions {
    fn default() -> Self {
        Self {
            ngram_size: 3,
            max_penalty: -1.0,
            unit: RepetitionUnit::Words,
        }
    }
}

impl RepetitionOptions {
    /// # Errors
    /// `ngram_size` is 0 or above 1000, or `max_penalty` is above 0 or not finite.
    pub fn check(&self) -> Result<(), OptionError> {
        if !(1..=MAX_NGRAM_SIZE).contains(&self.ngram_size) {
            let problem = format!(
                "is {}; give a number from 1 to {MAX_NGRAM_SIZE}",
                self.ngram_size
            );
            return Err(OptionError::new("ngram_size", problem));
        }
        penalty("max_penalty", self.max_penalty)
    }
}

/// The penalty for the repeated n-grams of `text`, in `[max_penalty, 0]`.
///
/// Evidence: `ngrams`, `distinct`. The count is exact (n-grams are compared, not
/// hashed), and memory is linear in the text whatever `ngram_size` is.
///
/// ```
/// use goldstone::text::repetition::{RepetitionOptions, measure};
///
/// let options = RepetitionOptions { ngram_size: 2, ..RepetitionOptions::default() };
/// assert_eq!(measure("one two three four", &options).value, Some(0.0));
/// assert_eq!(measure("no no no No NO", &options).value, Some(-0.75));
/// assert_eq!(measure("short", &options).value, Some(0.0));
/// ```
#[must_use]
pub fn measure(text: &str, options: &RepetitionOptions) -> Measure {
    let size = options.ngram_size.max(1);
    let units = match options.unit {
        RepetitionUnit::Words => {
            let lower = text.to_lowercase();
            ranks_of(super::exact::tokens(&lower))
        }
        RepetitionUnit::Uax29 => {
            let lower = text.to_lowercase();
            ranks_of(lower.unicode_words())
        }
        RepetitionUnit::Characters => text
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(u32::from)
            .collect(),
    };
    if units.len() < size {
        return Measure::of(0.0).because("too_short");
    }
    let total = units.len() + 1 - size;
    let distinct = distinct_ngrams(units, size);
    let repeated = 1.0 - distinct as f64 / total as f64;
    Measure::of(unsigned_zero(repeated * options.max_penalty))
        .with("ngrams", total)
        .with("distinct", distinct)
}

/// A number per unit, equal exactly where the units are.
fn ranks_of<'t>(units: impl Iterator<Item = &'t str>) -> Vec<u32> {
    let mut known = std::collections::HashMap::new();
    units
        .map(|unit| {
            let next = known.len() as u32;
            *known.entry(unit).or_insert(next)
        })
        .collect()
}

/// How many different windows of `size` units there are; `size` is at least 1
/// and at most the number of units.
///
/// By doubling: a window of 2k units is the pair of its halves' ranks, and a
/// window of any other length a pair of overlapping ones.
fn distinct_ngrams(mut ranks: Vec<u32>, size: usize) -> usize {
    let mut width = 1;
    while width < size {
        let wider = (2 * width).min(size);
        let shift = wider - width;
        let pairs: Vec<u64> = ranks
            .iter()
            .zip(&ranks[shift..])
            .map(|(&left, &right)| (u64::from(left) << 32) | u64::from(right))
            .collect();
        let mut distinct = pairs.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if wider == size {
            return distinct.len();
        }
        ranks = pairs
            .iter()
            .map(|pair| distinct.partition_point(|other| other < pair) as u32)
            .collect();
        width = wider;
    }
    ranks.sort_unstable();
    ranks.dedup();
    ranks.len()
}
