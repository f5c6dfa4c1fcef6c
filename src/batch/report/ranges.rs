//! Whole numbers by ranges that grow with them: lengths and times against verdicts.
//!
//! A range is what has the same leading bits, as in an HDR histogram; how many
//! bits is chosen at the end, so that the ranges are few and no number had to be
//! kept.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::statistics::wilson;
use crate::verdict::Outcome;

/// Bits below the leading one that are told apart.
const FINEST: u32 = 3;
/// Most ranges that are shown, where coarser ones are to be had.
const MOST_RANGES: usize = 12;

/// Rows by verdict: of the reward that says "solved".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Rows in all.
    pub rows: u64,
    /// Found correct.
    pub correct: u64,
    /// Found wrong.
    pub wrong: u64,
    /// Without an answer.
    pub no_answer: u64,
    /// Without one of these verdicts.
    pub unjudged: u64,
}

/// Rows whose number lies in a range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    /// The least number.
    pub from: u64,
    /// The first number above.
    pub to: u64,
    /// The rows.
    #[serde(flatten)]
    pub verdicts: Verdicts,
    /// The share of the judged ones that is correct.
    pub share: Option<f64>,
    /// The lower end of its 95 % interval (Wilson's, rows taken as independent).
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// Ranges in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    by_start: BTreeMap<u64, Verdicts>,
}

impl Verdicts {
    pub(super) fn add(&mut self, outcome: Option<Outcome>) {
        self.rows += 1;
        match outcome {
            Some(Outcome::Correct) => self.correct += 1,
            Some(Outcome::Wrong) => self.wrong += 1,
            Some(Outcome::NoAnswer) => self.no_answer += 1,
            Some(Outcome::Unknown) | None => self.unjudged += 1,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.correct += other.correct;
        self.wrong += other.wrong;
        self.no_answer += other.no_answer;
        self.unjudged += other.unjudged;
    }

    /// Rows that were judged.
    pub(super) fn judged(&self) -> u64 {
        self.correct + self.wrong + self.no_answer
    }

    /// The share of the judged rows that is correct, with Wilson's interval.
    pub(super) fn share(&self) -> Option<(f64, f64, f64)> {
        let judged = self.judged() as f64;
        let share = (judged > 0.0).then(|| self.correct as f64 / judged)?;
        let (low, high) = wilson(share, judged);
        Some((share, low, high))
    }
}

impl Ranges {
    pub(super) fn add(&mut self, number: u64, outcome: Option<Outcome>) {
        let start = start(number, FINEST);
        self.by_start.entry(start).or_default().add(outcome);
    }

    /// Rows in all.
    pub(super) fn rows(&self) -> u64 {
        self.by_start.values().map(|verdicts| verdicts.rows).sum()
    }

    /// From the first range with rows to the last.
    pub(super) fn finish(&self) -> Vec<Range> {
        let ranges = |bits| self.with(bits);
        (0..=FINEST)
            .rev()
            .map(ranges)
            .find(|ranges| ranges.len() <= MOST_RANGES)
            .unwrap_or_else(|| self.with(0))
    }

    fn with(&self, bits: u32) -> Vec<Range> {
        let mut merged: BTreeMap<u64, Verdicts> = BTreeMap::new();
        for (number, verdicts) in &self.by_start {
            let range = merged.entry(start(*number, bits)).or_default();
            range.merge(verdicts);
        }
        let mut ranges = Vec::new();
        let Some((&last, mut from)) = merged
            .last_key_value()
            .map(|(last, _)| last)
            .zip(merged.first_key_value().map(|(first, _)| *first))
        else {
            return ranges;
        };
        while from <= last {
            let to = from.saturating_add(width(from, bits));
            let verdicts = merged.get(&from).copied().unwrap_or_default();
            let share = verdicts.share();
            ranges.push(Range {
                from,
                to,
                verdicts,
                share: share.map(|(share, ..)| share),
                low: share.map(|(_, low, _)| low),
                high: share.map(|(.., high)| high),
            });
            if to == u64::MAX {
                break;
            }
            from = to;
        }
        ranges
    }
}

/// The least number of the range that `number` is in.
fn start(number: u64, bits: u32) -> u64 {
    number - number % width(number, bits)
}

fn width(number: u64, bits: u32) -> u64 {
    1 << number.max(1).ilog2().saturating_sub(bits)
}

#[cfg(test)]
mod tests {
    use super::{Ranges, start, width};
    use crate::verdict::Outcome;

    #[test]
    fn ranges_begin_where_leading_bits_change() {
        let starts = [0, 1, 7, 15, 16, 17, 18, 100, 1000].map(|number| start(number, 3));
        assert_eq!(starts, [0, 1, 7, 15, 16, 16, 18, 96, 960]);
        assert_eq!(width(100, 3), 8);
        assert_eq!(start(u64::MAX, 0), 1 << 63);
    }

    #[test]
    fn ranges_are_few_and_count_all() {
        let mut ranges = Ranges::default();
        for number in 0..2000 {
            let outcome = (number % 3 == 0).then_some(Outcome::Correct);
            ranges.add(number, outcome.or(Some(Outcome::Wrong)));
        }
        let found = ranges.finish();
        assert!(found.len() <= 12, "{found:?}");
        assert_eq!((found[0].from, found[0].to), (0, 1));
        assert_eq!(found[0].share, Some(1.0));
        assert_eq!(
            found.iter().map(|range| range.verdicts.rows).sum::<u64>(),
            2000
        );
        assert!(found.windows(2).all(|pair| pair[0].to == pair[1].from));
    }

    #[test]
    fn a_range_without_rows_is_shown_between_others() {
        let mut ranges = Ranges::default();
        for number in [100, 101, 125] {
            ranges.add(number, Some(Outcome::NoAnswer));
        }
        ranges.add(100, None);
        let found: Vec<(u64, u64, u64)> = ranges
            .finish()
            .iter()
            .map(|range| (range.from, range.verdicts.rows, range.verdicts.unjudged))
            .collect();
        assert_eq!(found, [(96, 3, 1), (104, 0, 0), (112, 0, 0), (120, 1, 0)]);
    }
}
