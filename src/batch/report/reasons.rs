//! How often each verdict had which reason, and some rows of each.
//!
//! The rows are those whose numbers have the least hashes: a uniform sample that
//! does not depend on threads, and is the same when the rows are read again.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::sample::Sample;

/// Rows that are kept of a reason.
pub(super) const ROWS_PER_REASON: usize = 6;
/// Most verdicts with reasons that are told apart. Reasons are codes of ours, so
/// that only what others say could be more.
const MOST_REASONS: usize = 400;

/// What a reward, or the row as a whole, said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    /// The reward; `None` for the row.
    pub(super) reward: Option<String>,
    pub(super) verdict: &'static str,
    pub(super) reason: Option<String>,
}

/// How often something was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The reward; `None` for an error that is none of a reward's.
    pub reward: Option<String>,
    /// The verdict, or `measured`, `gated`, `not_judged`, `error`.
    pub verdict: &'static str,
    /// The reason's code; of an error the field at fault.
    pub reason: Option<String>,
    /// How many rows.
    pub rows: u64,
    /// Numbers of the rows that are shown, from 1; chosen by hash.
    pub shown: Vec<u64>,
}

#[derive(Default)]
pub(super) struct Reasons {
    said: BTreeMap<Said, Count>,
    samples: HashMap<u64, (usize, Sample)>,
}

#[derive(Default)]
struct Count {
    rows: u64,
    /// The least hashes, in order, with their rows.
    shown: Vec<(u64, u64)>,
}

impl Reasons {
    /// Counts what was said of a row; `sample` is called if the row is to be shown.
    pub(super) fn add(&mut self, row: u64, said: Vec<Said>, sample: impl FnOnce() -> Sample) {
        let hash = mixed(row);
        let mut held = 0;
        for said in said {
            if self.said.len() >= MOST_REASONS && !self.said.contains_key(&said) {
                continue;
            }
            let count = self.said.entry(said).or_default();
            count.rows += 1;
            let place = count.shown.partition_point(|(other, _)| *other < hash);
            if place >= ROWS_PER_REASON {
                continue;
            }
            count.shown.insert(place, (hash, row));
            held += 1;
            if count.shown.len() > ROWS_PER_REASON
                && let Some((_, gone)) = count.shown.pop()
                && let Some((holders, _)) = self.samples.get_mut(&gone)
            {
                *holders -= 1;
                if *holders == 0 {
                    self.samples.remove(&gone);
                }
            }
        }
        if held > 0 {
            self.samples.insert(row, (held, sample()));
        }
    }

    /// By reward in the order of `rewards`, the most frequent first.
    pub(super) fn finish(&self, rewards: &[impl AsRef<str>]) -> Vec<Reason> {
        let place = |reward: &Option<String>| {
            let reward = reward.as_deref();
            rewards
                .iter()
                .position(|name| Some(name.as_ref()) == reward)
        };
        let mut reasons: Vec<(Option<usize>, Reason)> = self
            .said
            .iter()
            .map(|(said, count)| {
                let reason = Reason {
                    reward: said.reward.clone(),
                    verdict: said.verdict,
                    reason: said.reason.clone(),
                    rows: count.rows,
                    shown: count.shown.iter().map(|(_, row)| *row).collect(),
                };
                (place(&said.reward), reason)
            })
            .collect();
        reasons.sort_by(|(a, m), (b, n)| a.cmp(b).then(n.rows.cmp(&m.rows)));
        reasons.into_iter().map(|(_, reason)| reason).collect()
    }

    pub(super) fn sample(&self, row: u64) -> Option<&Sample> {
        self.samples.get(&row).map(|(_, sample)| sample)
    }
}

/// SplitMix64's finaliser: neighbouring rows get unrelated hashes.
fn mixed(row: u64) -> u64 {
    let mut z = row.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
