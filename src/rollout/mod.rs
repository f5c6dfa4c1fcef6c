//! Rollouts: one sampled answer with everything it is judged by.
//!
//! A line of JSON comes in ([`Record`]), the fields that a spec names are taken
//! out of it ([`FieldMap`]), and a [`Rollout`] comes out or a [`RolloutError`]
//! that names the field. Files of other tools are read by a [`schema`]. Nothing here
//! reads files or scores.

mod fields;
mod grouping;
mod record;
pub mod schema;
mod text;

pub use fields::{FieldMap, Pointer, PointerError};
pub use grouping::Grouping;
#[cfg(feature = "train")]
pub(crate) use record::ELSEWHERE;
pub(crate) use record::has_long_number;
pub use record::{Record, RecordError, RolloutError};
#[cfg(feature = "serve")]
pub(crate) use text::LossyString;
pub use text::{Message, Text};

use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// One sampled answer with its context. Missing fields are `None` or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    /// Name of the rollout; readers default it to the line number.
    pub id: String,
    /// Name of the rollouts that share this prompt; readers default it to
    /// [`prompt_group`], and to the id where there is no prompt.
    pub group: String,
    /// What the group is from.
    pub grouping: Grouping,
    /// Position of the rollout within its group.
    pub sample_index: Option<u64>,
    /// Kind of task, for routing (`when = { task = "math" }`).
    pub task: Option<String>,
    /// Data set that the prompt is from, for routing.
    pub data_source: Option<String>,
    /// What the policy was asked.
    pub prompt: Text,
    /// What the policy answered.
    pub completion: Text,
    /// What the answer is judged by.
    pub reference: Option<Reference>,
    /// Unit tests of a code task: JSON, or JSON in a string, which keeps the digits of
    /// integers beyond 64 bits.
    pub tests: Option<Value>,
    /// Language that the answer should be in (BCP 47, e.g. `en`).
    pub language: Option<String>,
    /// Length of the completion in tokens.
    pub n_tokens: Option<u64>,
    /// Why sampling stopped: `stop`, `length`…
    pub finish_reason: Option<String>,
    /// All other fields, by name.
    pub extra: Map<String, Value>,
}

/// The gold answer: one text, several of which any may be met, or free JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// One gold answer. A JSON number keeps its exact digits.
    One(String),
    /// Several acceptable answers.
    AnyOf(Vec<String>),
    /// Anything else (objects, booleans), for verifiers that know its shape.
    Json(Value),
}

impl From<&str> for Reference {
    fn from(text: &str) -> Self {
        Self::One(text.to_owned())
    }
}

impl Rollout {
    /// The value at `pointer`, among native fields and [`Rollout::extra`]:
    /// `/task`, `/extra/model` and, for a free top-level field, `/model`.
    #[must_use]
    pub fn lookup(&self, pointer: &Pointer) -> Option<Value> {
        let (head, rest) = pointer.split_first();
        let text = |value: &Option<String>| value.clone().map(Value::String);
        let native = match head {
            "id" => Some(Value::String(self.id.clone())),
            "group" => Some(Value::String(self.group.clone())),
            "task" => text(&self.task),
            "data_source" => text(&self.data_source),
            "language" => text(&self.language),
            "finish_reason" => text(&self.finish_reason),
            "n_tokens" => self.n_tokens.map(Value::from),
            "sample_index" => self.sample_index.map(Value::from),
            "tests" => match &self.tests {
                // In a string they are what is in it.
                Some(Value::String(text)) if !rest.is_empty() => serde_json::from_str(text).ok(),
                tests => tests.clone(),
            },
            "extra" if !self.extra.contains_key("extra") => {
                return rest.find_in_map(&self.extra);
            }
            name => self.extra.get(name).cloned(),
        };
        native.and_then(|value| rest.find(&value).cloned())
    }
}

/// The default group name: the first 64 bits of the prompt's SHA-256, in
/// hexadecimal, so that equal prompts share a group in every file and run.
#[must_use]
pub fn prompt_group(prompt: &Text) -> String {
    let mut hash = Sha256::new();
    match prompt {
        Text::Plain(text) => hash.update(text.as_bytes()),
        Text::Chat(messages) => {
            for message in messages {
                // NUL separates the parts: `ab` + `c` is not `a` + `bc`.
                for part in [&message.role, &message.content] {
                    hash.update(part.as_bytes());
                    hash.update([0]);
                }
            }
        }
    }
    HEXLOWER.encode(&hash.finalize()[..8])
}
