//! Which word is in which language: words of one script in, a language each out.
//!
//! The likeliest sequence of languages under the model's scores, where staying
//! in a language is free and a change costs less at the end of a clause, a line
//! or a sentence than inside one (Viterbi 1967, with one state per language).
//! What a single word can say is bounded, so that a name does not make a span;
//! a span shorter than three words takes the language round it.

use super::model::{COLUMNS, Group, NAT, Scores};
use super::recent::Recent;
use super::words::Boundary;

/// Most that one word can say against a language, in units of the model.
const WORD_LIMIT: i32 = 6 * NAT;

/// Cost of a change of language before a word, by what stands there.
fn change(boundary: Boundary) -> i32 {
    match boundary {
        Boundary::None => 6 * NAT,
        Boundary::Clause => 4 * NAT,
        Boundary::Line => 3 * NAT,
        Boundary::Sentence => 5 * NAT / 2,
    }
}

/// What the target language is ahead by, at each word.
const TARGET_AHEAD: i32 = NAT / 4;

/// Words below which a span takes the language round it.
const MIN_SPAN: usize = 3;

/// One word as the search sees it.
pub(super) struct Observed<'w> {
    pub(super) word: &'w str,
    pub(super) boundary: Boundary,
}

/// What is kept of each step to find the way back.
#[derive(Clone, Copy)]
struct Step {
    /// Columns that were entered by a change.
    changed: u16,
    /// The column that was best before the word.
    best: u8,
}

/// The column of each word's language in the group.
pub(super) fn columns<'w>(
    group: &Group,
    words: impl Iterator<Item = Observed<'w>>,
    target: Option<usize>,
) -> Vec<u8> {
    let states = group.languages.len();
    let mut recent = Recent::new(group);
    let mut ways = [0_i32; COLUMNS];
    let mut steps: Vec<Step> = Vec::with_capacity(words.size_hint().0);
    for observed in words {
        let scores = recent.scores(observed.word);
        let said = bounded(&scores, states);
        let best = best_of(&ways, states);
        let top = ways[best];
        let fresh = -change(observed.boundary);
        let mut changed = 0;
        for state in 0..states {
            // Distances to the best way so far: they stay small however long the text.
            let stayed = ways[state] - top;
            let from = stayed.max(fresh);
            changed |= u16::from(fresh > stayed) << state;
            ways[state] = from + said[state];
        }
        if let Some(target) = target {
            ways[target] += TARGET_AHEAD;
        }
        steps.push(Step {
            changed,
            best: best as u8,
        });
    }
    let mut column = best_of(&ways, states) as u8;
    let mut columns = vec![0; steps.len()];
    for (place, step) in columns.iter_mut().zip(&steps).rev() {
        *place = column;
        if step.changed >> column & 1 == 1 {
            column = step.best;
        }
    }
    join_short_spans(&mut columns, target);
    columns
}

/// The scores as distances to the best, none further than the limit.
fn bounded(scores: &Scores, states: usize) -> [i32; COLUMNS] {
    let top = scores[..states].iter().copied().max().unwrap_or(0);
    let mut said = [0; COLUMNS];
    for (said, score) in said[..states].iter_mut().zip(scores) {
        *said = (i32::from(*score) - i32::from(top)).max(-WORD_LIMIT);
    }
    said
}

fn best_of(ways: &[i32; COLUMNS], states: usize) -> usize {
    let mut best = 0;
    for state in 1..states {
        if ways[state] > ways[best] {
            best = state;
        }
    }
    best
}

/// Gives spans of one or two words the language before them, or the one behind
/// them where that is the target or there is none before.
fn join_short_spans(columns: &mut [u8], target: Option<usize>) {
    let target = target.map(|target| target as u8);
    let mut start = 0;
    while start < columns.len() {
        let column = columns[start];
        let end = columns[start..]
            .iter()
            .position(|other| *other != column)
            .map_or(columns.len(), |length| start + length);
        if end - start < MIN_SPAN {
            let before = start.checked_sub(1).map(|place| columns[place]);
            let behind = columns.get(end).copied();
            let joined = match (before, behind) {
                (_, Some(behind)) if Some(behind) == target => behind,
                (Some(before), _) => before,
                // A text that begins in the target language has begun in it.
                (None, Some(_)) if Some(column) == target => column,
                (None, Some(behind)) => behind,
                (None, None) => column,
            };
            columns[start..end].fill(joined);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_spans_join() {
        for (given, target, expected) in [
            ([0, 0, 0, 1, 1, 0, 0], None, [0, 0, 0, 0, 0, 0, 0]),
            ([1, 1, 0, 0, 0, 0, 0], Some(0), [0, 0, 0, 0, 0, 0, 0]),
            ([1, 1, 1, 0, 0, 1, 1], Some(1), [1, 1, 1, 1, 1, 1, 1]),
            ([1, 1, 1, 0, 0, 0, 2], Some(1), [1, 1, 1, 0, 0, 0, 0]),
            ([0, 0, 1, 1, 1, 1, 1], Some(0), [0, 0, 1, 1, 1, 1, 1]),
            ([1, 1, 1, 0, 0, 0, 1], Some(0), [1, 1, 1, 0, 0, 0, 0]),
            ([1, 1, 1, 0, 0, 1, 1], Some(0), [1, 1, 1, 1, 1, 1, 1]),
        ] {
            let mut columns = given;
            join_short_spans(&mut columns, target);
            assert_eq!(columns, expected, "{given:?}");
        }
    }
}
