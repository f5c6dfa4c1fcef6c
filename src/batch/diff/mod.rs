//! Two scored files: which rows changed, how, and what that comes to.
//!
//! Rows are matched by id. While both files have the same ids in the same order
//! nothing is held but one row of each; a row that has not met its partner is held
//! until it does. Rows that share an id are matched in order.

mod rows;
mod tally;

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

pub use rows::{RowScore, RowTerm};
pub use tally::{Diff, Paired, TermDiff, Transition};

use super::input::{InputError, Inputs};
use rows::Rows;
use tally::Tally;

/// How two files are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct DiffOptions {
    /// Numbers that differ by no more than this are the same; 0 (the default) means
    /// that they must be equal.
    pub tolerance: f64,
    /// Ids that are kept of every transition, from the first on. Default 3.
    pub samples: usize,
    /// Longest line in bytes. Default 64 MiB.
    pub max_line_bytes: usize,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self {
            tolerance: 0.0,
            samples: 3,
            max_line_bytes: 64 << 20,
        }
    }
}

/// What changed in a row, by weight: the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It has a reward in one file and none in the other, or none for another cause.
    Status,
    /// The total.
    Reward,
    /// A term's verdict or number, though the total is the same; or which terms applied.
    Verdict,
    /// The reason of a term alone.
    Reason,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The rollout's name.
    pub id: String,
    /// What changed.
    pub kind: ChangeKind,
    /// The names of the terms that differ, in order.
    pub terms: Vec<String>,
    /// Its score in the first file.
    pub a: RowScore,
    /// Its score in the second file.
    pub b: RowScore,
}

/// Compares the scores of two files, or lists of files, and hands every row that
/// differs to `visit`, in the order in which the pairs are met.
///
/// # Errors
/// [`InputError`] when a file cannot be read on. A line that is no scored row is
/// counted, with the first one's fault.
pub fn diff(
    a: &Inputs,
    b: &Inputs,
    options: &DiffOptions,
    mut visit: impl FnMut(&Change),
) -> Result<Diff, InputError> {
    let mut sides = [a, b].map(|inputs| Side {
        rows: Rows::new(inputs, options.max_line_bytes),
        waiting: Waiting::default(),
        is_done: false,
    });
    let mut tally = Tally::new(options.samples);
    while sides.iter().any(|side| !side.is_done) {
        for index in 0..2 {
            let side = &mut sides[index];
            if side.is_done {
                continue;
            }
            let row = match side.rows.next()? {
                None => {
                    side.is_done = true;
                    continue;
                }
                Some(Ok(row)) => row,
                Some(Err(fault)) => {
                    tally.unusable(index, fault);
                    continue;
                }
            };
            tally.read(index);
            let Some(partner) = sides[1 - index].waiting.take(&row.id) else {
                sides[index].waiting.put(row);
                continue;
            };
            let (a, b) = match index {
                0 => (row, partner),
                _ => (partner, row),
            };
            tally.pair(&a, &b, options.tolerance);
            if let Some(change) = compare(a, b, options.tolerance) {
                tally.change(&change);
                visit(&change);
            }
        }
    }
    let [a, b] = sides;
    Ok(tally.finish(a.waiting.ids(), b.waiting.ids()))
}

/// One of the two.
struct Side<'i> {
    rows: Rows<'i>,
    waiting: Waiting,
    is_done: bool,
}

/// Rows that have not met their partner, with their numbers.
#[derive(Default)]
struct Waiting {
    rows: HashMap<String, VecDeque<(u64, RowScore)>>,
    put: u64,
}

impl Waiting {
    fn put(&mut self, row: RowScore) {
        self.put += 1;
        let number = self.put;
        let same = self.rows.entry(row.id.clone()).or_default();
        same.push_back((number, row));
    }

    fn take(&mut self, id: &str) -> Option<RowScore> {
        let same = self.rows.get_mut(id)?;
        let (_, row) = same.pop_front()?;
        if same.is_empty() {
            self.rows.remove(id);
        }
        Some(row)
    }

    /// What is left, in the order of the file.
    fn ids(self) -> Vec<String> {
        let mut left: Vec<(u64, String)> = self
            .rows
            .into_values()
            .flatten()
            .map(|(number, row)| (number, row.id))
            .collect();
        left.sort_unstable();
        left.into_iter().map(|(_, id)| id).collect()
    }
}

/// What differs between two scores of a row.
fn compare(a: RowScore, b: RowScore, tolerance: f64) -> Option<Change> {
    let same = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= tolerance,
        (a, b) => a.is_none() && b.is_none(),
    };
    let mut kind = match () {
        () if a.status != b.status => Some(ChangeKind::Status),
        () if !same(a.reward, b.reward) => Some(ChangeKind::Reward),
        () => None,
    };
    let mut names: Vec<&String> = a.terms.keys().chain(b.terms.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut terms = Vec::new();
    for name in names {
        let differs = match (a.terms.get(name), b.terms.get(name)) {
            (Some(a), Some(b)) if a.verdict == b.verdict && same(a.raw, b.raw) => {
                (a.reason != b.reason).then_some(ChangeKind::Reason)
            }
            _ => Some(ChangeKind::Verdict),
        };
        if let Some(differs) = differs {
            terms.push(name.clone());
            kind = Some(kind.map_or(differs, |kind| kind.min(differs)));
        }
    }
    kind.map(|kind| Change {
        id: a.id.clone(),
        kind,
        terms,
        a,
        b,
    })
}
