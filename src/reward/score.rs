//! Scores: the total of a rollout, the value of every term, and why.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::verdict::{Detail, Outcome};

/// What a spec says of one rollout; one JSON line of the output.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The rollout's name.
    pub id: String,
    /// The name of its group.
    pub group: String,
    /// The total, or `None` where it could not be judged. Never NaN.
    pub reward: Option<f64>,
    /// Whether there is a reward, and if not, whose fault that is.
    pub status: Status,
    /// The terms that applied, in the spec's order.
    pub terms: Vec<Term>,
    /// What went wrong; with [`Status::Error`] only.
    pub error: Option<RowError>,
}

/// What became of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The reward is a number.
    Ok,
    /// The row is fine, but a reward that applies could not be judged, or none
    /// applies.
    Abstain,
    /// The row is unusable, or the machinery failed; [`Score::error`] says which.
    Error,
}

/// One reward of the spec, as it fell out for one rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The reward's name in the spec.
    pub name: Arc<str>,
    /// `weight * raw`, or `None` where it could not be judged.
    pub value: Option<f64>,
    /// The number before the weight.
    pub raw: Option<f64>,
    /// The verdict behind the number; `None` when a gate was closed before the
    /// verifier ran, and for measures, which have no verdict.
    pub outcome: Option<Outcome>,
    /// Why; a stable code.
    pub reason: Option<&'static str>,
    /// Evidence.
    pub detail: Detail,
}

/// Why a row has no reward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// Whose fault.
    pub kind: ErrorKind,
    /// What was wrong and what would be right.
    pub message: String,
    /// The field at fault, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// The spec's reward that met the error.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub term: Option<String>,
    /// The file that the row is from, where it is from a file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    /// The row's line in that file, 1-based.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The row: a bad line, a missing field, an unusable reference.
    Data,
    /// Ours: a sandbox, a disk, a bug.
    Machinery,
}

impl Score {
    /// The score of a row that could not be judged at all.
    #[must_use]
    pub fn error(id: &str, group: &str, error: RowError) -> Self {
        Self {
            id: id.to_owned(),
            group: group.to_owned(),
            reward: None,
            status: Status::Error,
            terms: Vec::new(),
            error: Some(error),
        }
    }

    /// The term of that name, if it applied.
    #[must_use]
    pub fn term(&self, name: &str) -> Option<&Term> {
        self.terms.iter().find(|term| &*term.name == name)
    }
}

impl RowError {
    /// An error of the data, not yet tied to a field, term or line.
    #[must_use]
    pub fn data(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Data,
            message: message.into(),
            field: None,
            term: None,
            file: None,
            line: None,
        }
    }

    /// The same error, tied to the field at fault (a JSON pointer).
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..self
        }
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("group", &self.group)?;
        map.serialize_entry("reward", &self.reward)?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("terms", &Terms(&self.terms))?;
        if let Some(error) = &self.error {
            map.serialize_entry("error", error)?;
        }
        map.end()
    }
}

/// The terms as one map, by name.
struct Terms<'s>(&'s [Term]);

impl Serialize for Terms<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|term| (&*term.name, term)))
    }
}

impl Serialize for Term {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("value", &self.value)?;
        map.serialize_entry("raw", &self.raw)?;
        map.serialize_entry("verdict", &self.outcome)?;
        map.serialize_entry("reason", &self.reason)?;
        if !self.detail.is_empty() {
            map.serialize_entry("detail", &self.detail)?;
        }
        map.end()
    }
}
