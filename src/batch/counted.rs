//! What is counted of a scored row.
//!
//! The thread that scored the row takes it out and frees the row's texts where it
//! made them: the one thread that writes would free them in everyone else's memory,
//! and wait for the locks of that.

use std::borrow::Cow;
use std::sync::Arc;

use super::samples::hash;
use super::summary::Seen;
use crate::reward::{RowError, Score, Status};
use crate::verdict::Outcome;

/// The numbers of a row that the summary adds up.
pub(super) struct Counted {
    /// Hash of the group's name.
    pub(super) group: u64,
    pub(super) task: Option<String>,
    pub(super) status: Status,
    pub(super) reward: Option<f64>,
    /// Those of the spec's rewards.
    pub(super) terms: Vec<CountedTerm>,
    pub(super) error: Option<RowError>,
}

/// One reward's part of them.
pub(super) struct CountedTerm {
    /// Its position in the spec.
    pub(super) index: usize,
    pub(super) raw: Option<f64>,
    pub(super) outcome: Option<Outcome>,
    pub(super) reason: Option<Cow<'static, str>>,
    /// Hash of the extracted answer in canonical form.
    pub(super) answer: Option<u64>,
}

impl Counted {
    /// Of a score, by a spec with these rewards.
    pub(super) fn of(score: &Score, task: Option<String>, rewards: &[Arc<str>]) -> Self {
        let terms = score.terms.iter().filter_map(|term| {
            let answer = term.detail.value("answer");
            Some(CountedTerm {
                index: position(rewards, &term.name)?,
                raw: term.raw,
                outcome: term.outcome,
                reason: term.reason.map(Cow::Borrowed),
                answer: answer.map(|answer| hash(&answer.to_string())),
            })
        });
        Self {
            group: hash(&score.group),
            task,
            status: score.status,
            reward: score.reward,
            terms: terms.collect(),
            error: score.error.clone(),
        }
    }

    /// Of a row that was read back.
    pub(super) fn seen(seen: &Seen<'_>, rewards: &[Arc<str>]) -> Self {
        let terms = seen.terms.iter().filter_map(|term| {
            Some(CountedTerm {
                index: position(rewards, term.name)?,
                raw: term.raw,
                outcome: term.outcome,
                reason: term.reason.map(|reason| Cow::Owned(reason.to_owned())),
                answer: term.answer.as_deref().map(hash),
            })
        });
        Self {
            group: hash(seen.group),
            task: seen.task.map(str::to_owned),
            status: seen.status,
            reward: seen.reward,
            terms: terms.collect(),
            error: seen.error.cloned(),
        }
    }
}

fn position(rewards: &[Arc<str>], name: &str) -> Option<usize> {
    rewards.iter().position(|reward| **reward == *name)
}
