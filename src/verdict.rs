//! What a verifier says: an outcome, the rule that decided, and the evidence.
//!
//! A [`Verdict`] judges; a [`Measure`] only counts. Every verifier is a pure function (completion section, reference, options)
//! to [`Verdict`]. A reference that cannot be used is not a verdict but a
//! [`ReferenceError`]: the row is unusable and earns no reward at all, never 0.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The judgement of one verifier on one completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Which of the four outcomes.
    pub outcome: Outcome,
    /// Why, as a stable snake_case code: the rule that decided or the fault
    /// that was found. Codes are part of the API. `None` where the outcome
    /// alone says everything (a completion in perfect format).
    pub reason: Option<&'static str>,
    /// The share of the task that was solved, in `[0, 1]`: 1 for
    /// [`Outcome::Correct`], 0 for the others, in between only for tasks with
    /// parts (k of n tests).
    pub credit: f64,
    /// What a person needs to check the verdict.
    pub detail: Detail,
}

/// The four outcomes; never mixed with errors, which are not verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Proved right.
    Correct,
    /// Proved wrong, or refused by a documented rule.
    Wrong,
    /// The completion commits to no answer that could be judged.
    NoAnswer,
    /// The engine cannot decide. Never a guess, and never paid silently.
    Unknown,
}

impl Outcome {
    /// The outcome's name in records and specs, e.g. `no_answer`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Correct => "correct",
            Outcome::Wrong => "wrong",
            Outcome::NoAnswer => "no_answer",
            Outcome::Unknown => "unknown",
        }
    }
}

/// Evidence: named JSON values in the order they were found.
///
/// Usual names: `answer` (the extracted answer in canonical form), `span`
/// (its byte range in the completion, `[start, end)`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    entries: Vec<(&'static str, Value)>,
}

impl Detail {
    /// Adds one named value; a later value of the same name replaces the earlier.
    pub fn insert(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.entries.iter_mut().find(|(key, _)| *key == name) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((name, value)),
        }
    }

    /// The value of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// All entries in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    /// Whether there is no evidence at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Serialize for Detail {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries.iter().map(|(key, value)| (*key, value)))
    }
}

impl Verdict {
    /// A right answer; `reason` names the rule that proved it.
    #[must_use]
    pub fn correct(reason: impl Into<Option<&'static str>>) -> Self {
        Self::new(Outcome::Correct, reason.into(), 1.0)
    }

    /// A wrong answer; `reason` names what is wrong.
    #[must_use]
    pub fn wrong(reason: &'static str) -> Self {
        Self::new(Outcome::Wrong, Some(reason), 0.0)
    }

    /// No answer that could be judged; `reason` names what is missing.
    #[must_use]
    pub fn no_answer(reason: &'static str) -> Self {
        Self::new(Outcome::NoAnswer, Some(reason), 0.0)
    }

    /// The engine cannot decide; `reason` names the gap or the limit.
    #[must_use]
    pub fn unknown(reason: &'static str) -> Self {
        Self::new(Outcome::Unknown, Some(reason), 0.0)
    }

    fn new(outcome: Outcome, reason: Option<&'static str>, credit: f64) -> Self {
        Self {
            outcome,
            reason,
            credit,
            detail: Detail::default(),
        }
    }

    /// The same verdict with one more piece of evidence.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.detail.insert(name, value);
        self
    }

    /// The same verdict with the byte range of the judged text.
    #[must_use]
    pub fn with_span(self, span: Range<usize>) -> Self {
        self.with("span", vec![span.start, span.end])
    }
}

/// What a measure says of a completion: a number that needs no right and wrong
/// (a length, a share, a penalty), or nothing where it cannot tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measure {
    /// The number, finite; `None` abstains.
    pub value: Option<f64>,
    /// Why, as a stable snake_case code; `None` where the number says it all.
    pub reason: Option<&'static str>,
    /// What a person needs to check the number.
    pub detail: Detail,
}

impl Measure {
    /// A number.
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self {
            value: Some(value),
            ..Self::default()
        }
    }

    /// The same measure with the reason of its number.
    #[must_use]
    pub fn because(self, reason: &'static str) -> Self {
        Self {
            reason: Some(reason),
            ..self
        }
    }

    /// No number; `reason` names what is missing.
    #[must_use]
    pub fn abstain(reason: &'static str) -> Self {
        Self {
            reason: Some(reason),
            ..Self::default()
        }
    }

    /// The same measure with one more piece of evidence.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.detail.insert(name, value);
        self
    }
}

/// A reference (gold answer) that cannot be used: the data is at fault, so the
/// row is an error and its reward is `null`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reference `{text}` {problem}")]
pub struct ReferenceError {
    /// The reference as given, shortened to 200 characters.
    pub text: String,
    /// What is wrong with it and what would be right; continues the sentence
    /// "reference `…` …".
    pub problem: String,
}

impl ReferenceError {
    /// An error about `text`, of which at most 200 characters are kept.
    pub fn new(text: &str, problem: impl Into<String>) -> Self {
        let mut kept: String = text.chars().take(200).collect();
        if kept.len() < text.len() {
            kept.push('…');
        }
        Self {
            text: kept,
            problem: problem.into(),
        }
    }
}
