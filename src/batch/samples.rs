//! Several samples per prompt: verdicts by group in, pass@k and maj@k out.
//!
//! Source: pass@k is the unbiased estimator of Chen et al. 2021,
//! arXiv:2107.03374, section 2.1: `1 - C(n-c, k) / C(n, k)` for a group of `n`
//! samples of which `c` are correct, averaged over the groups with `n >= k`.
//! Samples without a verdict (`unknown`, errors, closed gates) are left out of
//! `n` and counted, because they are neither right nor wrong.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use super::counted::CountedTerm;
use crate::statistics::pass_at;
use crate::verdict::Outcome;

/// Most groups that are told apart; beyond, group numbers are left out. About
/// 60 bytes each.
pub const MAX_GROUPS: usize = 250_000;
/// Most different answers that are told apart; beyond, maj@k is left out.
/// About 50 bytes each.
pub const MAX_ANSWERS: usize = 2_000_000;

/// What several samples per prompt say.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Samples {
    /// The rewards whose verdict says "solved"; a row counts by the first of
    /// them that applies to it.
    pub rewards: Vec<String>,
    /// Groups with at least one judged sample; `None` when there were more than
    /// [`MAX_GROUPS`] and the numbers below are left out.
    pub groups: Option<u64>,
    /// Judged samples in the largest group.
    pub largest: u64,
    /// Samples that have no verdict and count nowhere here.
    pub unjudged: u64,
    /// For k = 1, 2, 4… up to the largest group.
    pub pass_at: Vec<PassAt>,
    /// maj@k for the largest k. `None` when no reward extracts answers, or when there
    /// were too many.
    pub majority: Option<MajorityAt>,
}

/// The share of groups whose most frequent answer is correct, over the groups that
/// have `k` judged samples, all by rewards that extract answers; answers that tie share
/// the group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MajorityAt {
    /// How many samples vote.
    pub k: u64,
    /// The mean over the groups, in `[0, 1]`.
    pub value: f64,
    /// How many groups have `k` samples.
    pub groups: u64,
}

/// The chance that at least one of `k` samples is correct.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PassAt {
    /// How many samples are drawn.
    pub k: u64,
    /// The mean over the groups, in `[0, 1]`.
    pub value: f64,
    /// How many groups have `k` samples.
    pub groups: u64,
}

/// The judged samples of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct GroupVotes {
    pub(super) judged: u64,
    pub(super) correct: u64,
    /// Whether verdicts on all of them name the answer that they judge.
    pub(super) can_vote: bool,
    /// Of every different answer its votes, and how many of them are correct.
    pub(super) answers: Vec<(u64, u64)>,
}

/// Groups in the making. Names are kept as 64-bit hashes: two of 250 000
/// groups share one with a chance of 2e-9.
#[derive(Default)]
pub(super) struct SampleTallies {
    /// Positions of the rewards that say "solved" and name no answer.
    nameless: Vec<usize>,
    groups: HashMap<u64, Group>,
    answers: HashMap<(u64, u64), Answer>,
    unjudged: u64,
    has_too_many_groups: bool,
    has_too_many_answers: bool,
}

#[derive(Clone, Copy, Default)]
struct Group {
    judged: u64,
    correct: u64,
    /// Judged samples that name no answer, whatever they say.
    nameless: u64,
}

#[derive(Clone, Copy, Default)]
struct Answer {
    votes: u64,
    correct: u64,
}

impl Group {
    fn can_vote(&self) -> bool {
        self.nameless == 0
    }
}

impl SampleTallies {
    /// `nameless` are the positions of the rewards that say "solved" and name no answer.
    pub(super) fn new(nameless: Vec<usize>) -> Self {
        Self {
            nameless,
            ..Self::default()
        }
    }

    /// Counts a row of the group of that hash; `term` is the reward that says "solved", if any
    /// applied.
    pub(super) fn add(&mut self, key: u64, term: Option<&CountedTerm>) {
        if self.has_too_many_groups {
            return;
        }
        let is_correct = match term.and_then(|term| term.outcome) {
            Some(Outcome::Correct) => true,
            Some(Outcome::Wrong | Outcome::NoAnswer) => false,
            Some(Outcome::Unknown) | None => {
                self.unjudged += 1;
                return;
            }
        };
        if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&key) {
            *self = Self {
                has_too_many_groups: true,
                ..Self::default()
            };
            return;
        }
        let group = self.groups.entry(key).or_default();
        group.judged += 1;
        group.correct += u64::from(is_correct);
        group.nameless += u64::from(term.is_some_and(|term| self.nameless.contains(&term.index)));
        let answer = term.and_then(|term| term.answer);
        if let (Some(answer), false) = (answer, self.has_too_many_answers) {
            let answer = self.answers.entry((key, answer)).or_default();
            answer.votes += 1;
            answer.correct += u64::from(is_correct);
            if self.answers.len() > MAX_ANSWERS {
                self.has_too_many_answers = true;
                self.answers = HashMap::new();
            }
        }
    }

    /// The numbers, or `None` when no group has two samples.
    pub(super) fn finish(&self, rewards: &[String]) -> Option<Samples> {
        let mut samples = Samples {
            rewards: rewards.to_owned(),
            groups: None,
            largest: 0,
            unjudged: self.unjudged,
            pass_at: Vec::new(),
            majority: None,
        };
        if self.has_too_many_groups {
            return Some(samples);
        }
        samples.groups = Some(self.groups.len() as u64);
        samples.largest = self
            .groups
            .values()
            .map(|group| group.judged)
            .max()
            .unwrap_or(0);
        if samples.largest < 2 {
            return None;
        }
        // Sorted, because a sum of floats depends on its order.
        let mut groups: Vec<(u64, Group)> = self
            .groups
            .iter()
            .map(|(key, group)| (*key, *group))
            .collect();
        groups.sort_unstable_by_key(|(key, _)| *key);
        let powers = (0..u64::BITS).map(|power| 1_u64 << power);
        for k in powers.take_while(|k| *k <= samples.largest) {
            let of_k = groups.iter().filter(|(_, group)| group.judged >= k);
            let values: Vec<f64> = of_k
                .filter_map(|(_, group)| {
                    pass_at(k as usize, group.judged as usize, group.correct as usize)
                })
                .collect();
            let groups = values.len() as u64;
            let value = values.iter().sum::<f64>() / groups as f64;
            samples.pass_at.push(PassAt { k, value, groups });
        }
        samples.majority = self.majority(&groups);
        Some(samples)
    }

    /// Every group with its answers, which are left out where there were too
    /// many of them; `None` with too many groups. The order is the same for the
    /// same rows.
    pub(super) fn votes(&self) -> Option<Vec<GroupVotes>> {
        if self.has_too_many_groups {
            return None;
        }
        let mut keys: Vec<u64> = self.groups.keys().copied().collect();
        keys.sort_unstable();
        let mut answers: Vec<_> = self.answers.iter().collect();
        answers.sort_unstable_by_key(|(key, _)| **key);
        let mut answers = answers.into_iter().peekable();
        let votes = keys.into_iter().map(|key| {
            let group = self.groups[&key];
            let mut votes = GroupVotes {
                judged: group.judged,
                correct: group.correct,
                can_vote: group.can_vote(),
                answers: Vec::new(),
            };
            while let Some((_, answer)) = answers.next_if(|((group, _), _)| *group == key) {
                votes.answers.push((answer.votes, answer.correct));
            }
            votes
        });
        Some(votes.collect())
    }

    /// maj@k over the groups that can vote, where none of them has more samples than `k`.
    fn majority(&self, groups: &[(u64, Group)]) -> Option<MajorityAt> {
        let voters = || groups.iter().filter(|(_, group)| group.can_vote());
        let k = voters().map(|(_, group)| group.judged).max()?;
        if k < 2 || self.answers.is_empty() {
            return None;
        }
        let mut best: HashMap<u64, (u64, f64, f64)> = HashMap::new();
        let mut answers: Vec<_> = self.answers.iter().collect();
        answers.sort_unstable_by_key(|(key, _)| **key);
        for ((group, _), answer) in answers {
            // The most votes so far, the shares of the answers that have as
            // many, and how many such answers there are.
            let entry = best.entry(*group).or_insert((0, 0.0, 0.0));
            if answer.votes > entry.0 {
                *entry = (answer.votes, 0.0, 0.0);
            }
            if answer.votes == entry.0 {
                // One answer has one verdict, unless the samples differ in
                // more than their answer.
                entry.1 += answer.correct as f64 / answer.votes as f64;
                entry.2 += 1.0;
            }
        }
        let voting: Vec<f64> = voters()
            .filter(|(_, group)| group.judged >= k)
            .map(|(key, _)| best.get(key).map_or(0.0, |(_, shares, tied)| shares / tied))
            .collect();
        Some(MajorityAt {
            k,
            value: voting.iter().sum::<f64>() / voting.len() as f64,
            groups: voting.len() as u64,
        })
    }
}

pub(super) fn hash(text: &str) -> u64 {
    // Fixed keys: the same input gives the same sums in every run.
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
