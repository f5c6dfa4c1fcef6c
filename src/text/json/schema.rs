//! A compiled JSON Schema.

use std::sync::Arc;

use jsonschema::{PatternOptions, Validator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{cycle, shortened};

/// A JSON Schema that values can be judged by. It is compiled and checked once,
/// against its own meta-schema too.
///
/// Draft 2020-12 unless `$schema` names draft 4, 6, 7 or 2019-09. `format` is
/// asserted, and an unknown one refused. `pattern` is matched in linear time, so
/// look-around and back-references are refused. `$ref` must be a JSON pointer into
/// the schema itself, and must not come back to itself: nothing is ever fetched,
/// and a recursive schema would let the judged value decide how long it takes.
/// Nested `$id`, anchors, `$dynamicRef` and own meta-schemas are refused.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Schema {
    source: Value,
    validator: Arc<Validator>,
}

/// A JSON Schema that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a usable JSON Schema: {0}")]
pub struct SchemaError(String);

/// Where a value breaks a schema.
pub(super) struct SchemaFault {
    /// JSON pointer into the value.
    pub(super) path: String,
    /// JSON pointer into the schema.
    pub(super) rule: String,
}

/// Bytes that one compiled `pattern` may take.
const PATTERN_BYTES: usize = 1 << 20;

/// Values inside a schema; it is compiled and walked recursively.
const DEEPEST: usize = 64;

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// [`SchemaError`] when it is not a valid schema, or asks for something that
    /// is refused.
    pub fn compile(source: &Value) -> Result<Self, SchemaError> {
        if depth(source) > DEEPEST {
            let problem = format!("it is nested more than {DEEPEST} deep");
            return Err(SchemaError(problem));
        }
        if let Some(problem) = cycle::fault(source) {
            return Err(SchemaError(problem));
        }
        let patterns = PatternOptions::regex()
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES);
        let validator = jsonschema::options()
            .with_pattern_options(patterns)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .offline()
            .build(source)
            .map_err(|error| {
                let place = error.instance_path().to_string();
                let message = shortened(&error.to_string());
                SchemaError(match place.as_str() {
                    "" => message,
                    _ => format!("at `{place}`: {message}"),
                })
            })?;
        Ok(Self {
            source: source.clone(),
            validator: Arc::new(validator),
        })
    }

    /// The first place where `value` breaks the schema.
    pub(super) fn first_fault(&self, value: &Value) -> Option<SchemaFault> {
        // The plain answer is several times cheaper than the first error.
        if self.validator.is_valid(value) {
            return None;
        }
        let error = self.validator.validate(value).err();
        Some(SchemaFault {
            path: error
                .as_ref()
                .map(|error| error.instance_path().to_string())
                .unwrap_or_default(),
            rule: error
                .as_ref()
                .map(|error| error.schema_path().to_string())
                .unwrap_or_default(),
        })
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl TryFrom<Value> for Schema {
    type Error = SchemaError;

    /// A schema as JSON, or as a string that holds its JSON text.
    fn try_from(source: Value) -> Result<Self, SchemaError> {
        match source {
            Value::String(text) => match serde_json::from_str(&text) {
                Ok(source) => Self::compile(&source),
                Err(error) => Err(SchemaError(format!("its text is not JSON: {error}"))),
            },
            source => Self::compile(&source),
        }
    }
}

impl From<Schema> for Value {
    fn from(schema: Schema) -> Self {
        schema.source
    }
}

/// How deep lists and objects stand inside each other, by an explicit stack.
fn depth(value: &Value) -> usize {
    let mut rest = vec![(value, 0)];
    let mut deepest = 0;
    while let Some((value, above)) = rest.pop() {
        let own = match value {
            Value::Array(_) | Value::Object(_) => above + 1,
            _ => above,
        };
        deepest = deepest.max(own);
        match value {
            Value::Array(items) => rest.extend(items.iter().map(|item| (item, own))),
            Value::Object(map) => rest.extend(map.values().map(|item| (item, own))),
            _ => {}
        }
    }
    deepest
}
