//! A scored row as the survey sees it: just scored, or read back from a file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::batch::summary::Seen;
use crate::reward::Score;
use crate::rollout::Rollout;

/// One scored row.
pub(in crate::batch) struct SurveyedRow<'r> {
    pub(in crate::batch) id: &'r str,
    pub(in crate::batch) seen: &'r Seen<'r>,
    /// The rollout, where the line is one.
    pub(in crate::batch) rollout: Option<&'r Rollout>,
    pub(in crate::batch) evidence: Evidence<'r>,
    /// How long scoring took, where that was measured.
    pub(in crate::batch) seconds: Option<f64>,
}

/// Where the values and details of terms are.
pub(in crate::batch) enum Evidence<'r> {
    Score(&'r Score),
    Line(&'r ScoredLine),
}

/// What a written row says of its terms, beyond what is counted.
#[derive(Default, Deserialize)]
pub(in crate::batch) struct ScoredLine {
    terms: BTreeMap<String, LineTerm>,
}

#[derive(Deserialize)]
struct LineTerm {
    value: Box<RawValue>,
    #[serde(default)]
    detail: Map<String, Value>,
}

impl Evidence<'_> {
    /// A term's value: its number times its weight.
    pub(super) fn value(&self, term: &str) -> Option<f64> {
        match self {
            Self::Score(score) => score.term(term)?.value,
            Self::Line(line) => line.terms.get(term)?.value.get().parse().ok(),
        }
    }

    /// One piece of a term's evidence.
    pub(super) fn detail(&self, term: &str, name: &str) -> Option<&Value> {
        match self {
            Self::Score(score) => score.term(term)?.detail.value(name),
            Self::Line(line) => line.terms.get(term)?.detail.get(name),
        }
    }

    /// All of a term's evidence, by name: a line has it in no order of ours.
    pub(super) fn details(&self, term: &str) -> Vec<(&str, &Value)> {
        let mut details: Vec<(&str, &Value)> = match self {
            Self::Score(score) => {
                let term = score.term(term).into_iter();
                term.flat_map(|term| term.detail.iter()).collect()
            }
            Self::Line(line) => {
                let details = line.terms.get(term).into_iter();
                let details = details.flat_map(|term| &term.detail);
                details
                    .map(|(name, value)| (name.as_str(), value))
                    .collect()
            }
        };
        details.sort_unstable_by_key(|(name, _)| *name);
        details
    }
}
