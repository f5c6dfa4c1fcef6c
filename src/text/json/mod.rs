//! JSON validity and JSON Schema: a text in, a verdict out.
//!
//! *Accepts*: a text that is exactly one JSON value (RFC 8259), and where there
//! is a schema, one that meets it (JSON Schema draft 2020-12, or the older draft
//! that its `$schema` names). White space around the value does not count; with
//! [`Fence::Optional`] neither does one Markdown fence around it.
//!
//! *Rejects*: text before or after the value, comments, trailing commas, `NaN`,
//! single quotes, an object that names a key twice (RFC 8259 leaves its meaning
//! open, so reader and judge could differ), a value that breaks the schema.
//!
//! *Unknown*: a text over [`JsonOptions::max_bytes`], nesting over
//! [`JsonOptions::max_depth`], a number beyond a double (`1e400`), and under a
//! schema one that a double cannot hold (an integer beyond 64 bits, over 17
//! significant digits): rounded it might meet a `const` or a bound that it does
//! not.
//!
//! *Known gaps*: what a schema may say is told in [`Schema`].
//!
//! *How it can be gamed*: without a schema `0`, `""` and `{}` are valid; a schema
//! without `required` accepts `{}`, and one with a misspelt keyword accepts
//! everything, because JSON Schema ignores words that it does not know. Values
//! can be empty (`minLength`, `minItems`). Pay for the content by a reward of its
//! own.
//!
//! *Source*: RFC 8259; RFC 7493 (I-JSON) for keys and numbers; JSON Schema
//! 2020-12, through the `jsonschema` crate, chosen over `boon` because it is
//! kept up, has a linear regex engine and can be built without any retriever.
//!
//! Reason codes: `valid_json`, `meets_schema` (correct); `not_json`,
//! `trailing_text`, `duplicate_key`, `breaks_schema` (wrong); `empty_answer` (no
//! answer); `too_long`, `too_deep`, `number_out_of_range` (unknown).

mod cycle;
mod number;
mod schema;
mod value;

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use schema::{Schema, SchemaError};

use super::OptionError;
use crate::verdict::Verdict;
use value::Fault;

/// What may stand round the value, and how large it may be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JsonOptions {
    /// The JSON Schema that the value must meet. Default: none, any JSON will do.
    #[schemars(with = "Option<serde_json::Value>")]
    pub schema: Option<Schema>,
    /// JSON pointer to the field of the record that has the row's own schema, as
    /// JSON or as a JSON text, for example `/extra/schema`. Default: none.
    #[schemars(with = "Option<String>", regex(pattern = "^/"))]
    pub schema_from: Option<String>,
    /// Whether a Markdown fence may stand round the value. Default `none`.
    pub fence: Fence,
    /// What an object that names a key twice is. Default `reject`.
    pub duplicate_keys: DuplicateKeys,
    /// Bytes that are read; a longer text is `unknown`. Default 1 MiB.
    #[schemars(range(min = 1, max = 67_108_864))]
    pub max_bytes: u64,
    /// Lists and objects inside each other; a deeper value is `unknown`.
    /// Default 64.
    #[schemars(range(min = 1, max = 120))]
    pub max_depth: u32,
}

/// Whether a Markdown fence may stand round the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fence {
    /// The text is the bare value.
    #[default]
    None,
    /// The text may be one fence (three backticks, then `json` or nothing) with
    /// nothing before or after it.
    Optional,
}

/// The one JSON value that `text` is; `None` for what is none, and for one in which a key
/// is there twice.
#[cfg(feature = "remote")]
pub(crate) fn without_twins(text: &str) -> Option<serde_json::Value> {
    value::read(text, DuplicateKeys::Reject, DEEPEST as usize).ok()
}

/// What an object that names a key twice is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKeys {
    /// Wrong, as I-JSON has it.
    #[default]
    Reject,
    /// Allowed; the last value counts, as in Python and JavaScript.
    Last,
}

/// `serde_json` stops at 128, and the verifier must be the first to say so.
const DEEPEST: u32 = 120;

/// 64 MiB.
const LONGEST: u64 = 64 << 20;

impl Default for JsonOptions {
    fn default() -> Self {
        Self {
            schema: None,
            schema_from: None,
            fence: Fence::None,
            duplicate_keys: DuplicateKeys::Reject,
            max_bytes: 1 << 20,
            max_depth: 64,
        }
    }
}

impl JsonOptions {
    /// Whether the answer is judged by a schema.
    #[must_use]
    pub fn has_schema(&self) -> bool {
        self.schema.is_some() || self.schema_from.is_some()
    }

    /// # Errors
    /// A limit is 0 or above what can be read, `schema_from` is no JSON pointer,
    /// or there are two schemas.
    pub fn check(&self) -> Result<(), OptionError> {
        if let Some(pointer) = &self.schema_from {
            let problem = if self.schema.is_some() {
                "is a second schema beside `schema`; keep one of them".to_owned()
            } else if !pointer.starts_with('/') {
                format!("is not a JSON pointer; write `/{pointer}`")
            } else {
                String::new()
            };
            if !problem.is_empty() {
                return Err(OptionError::new("schema_from", problem));
            }
        }
        if !(1..=LONGEST).contains(&self.max_bytes) {
            let problem = format!("is {}; give from 1 to {LONGEST}", self.max_bytes);
            return Err(OptionError::new("max_bytes", problem));
        }
        if !(1..=DEEPEST).contains(&self.max_depth) {
            let problem = format!("is {}; give from 1 to {DEEPEST}", self.max_depth);
            return Err(OptionError::new("max_depth", problem));
        }
        Ok(())
    }
}

/// Judges `answer` by `schema`; without one, any JSON value is correct.
///
/// [`JsonOptions::schema`] and `schema_from` are not looked at: the caller says
/// which schema counts, the spec's or the row's. Evidence: `span` (the value, or
/// the character where it stops being JSON, with `message`), `path` (JSON pointer
/// to the first fault in the value) and `rule` (JSON pointer into the schema).
///
/// ```
/// use goldstone::text::json::{JsonOptions, Schema, verify};
/// use goldstone::verdict::Outcome;
/// use serde_json::json;
///
/// let options = JsonOptions::default();
/// let schema = Schema::compile(&json!({
///     "type": "object", "properties": { "age": { "type": "integer" } }, "required": ["age"],
/// }))?;
/// let judge = |answer| verify(answer, Some(&schema), &options);
/// assert_eq!(judge(r#"{"age": 7}"#).outcome, Outcome::Correct);
/// assert_eq!(judge(r#"{"age": "7"}"#).reason, Some("breaks_schema"));
/// assert_eq!(judge(r#"{"age": 7} and so on"#).reason, Some("trailing_text"));
/// assert_eq!(judge(r#"{"age": "7", "age": 7}"#).reason, Some("duplicate_key"));
/// # Ok::<(), goldstone::text::json::SchemaError>(())
/// ```
#[must_use]
pub fn verify(answer: &str, schema: Option<&Schema>, options: &JsonOptions) -> Verdict {
    if answer.len() as u64 > options.max_bytes {
        return Verdict::unknown("too_long").with("bytes", answer.len());
    }
    let span = match options.fence {
        Fence::None => trimmed(answer, 0..answer.len()),
        Fence::Optional => inside_fence(answer),
    };
    let text = &answer[span.clone()];
    if text.is_empty() {
        return Verdict::no_answer("empty_answer");
    }
    let duplicates = options.duplicate_keys;
    let value = match value::read(text, duplicates, options.max_depth as usize) {
        Ok(value) => value,
        Err(Fault::TooDeep) => return Verdict::unknown("too_deep").with_span(span),
        Err(Fault::Number) => return Verdict::unknown("number_out_of_range").with_span(span),
        Err(Fault::DuplicateKey(key)) => {
            return Verdict::wrong("duplicate_key")
                .with("key", key)
                .with_span(span);
        }
        Err(Fault::TrailingText(byte)) => {
            return Verdict::wrong("trailing_text").with_span(character(answer, span.start + byte));
        }
        Err(Fault::Syntax { message, byte }) => {
            return Verdict::wrong("not_json")
                .with("message", message)
                .with_span(character(answer, span.start + byte));
        }
    };
    let Some(schema) = schema else {
        return Verdict::correct("valid_json").with_span(span);
    };
    if let Some(number) = number::beyond_double(text) {
        return Verdict::unknown("number_out_of_range")
            .with("number", shortened(number))
            .with_span(span);
    }
    match schema.first_fault(&value) {
        None => Verdict::correct("meets_schema").with_span(span),
        Some(fault) => Verdict::wrong("breaks_schema")
            .with("path", shortened(&fault.path))
            .with("rule", shortened(&fault.rule))
            .with_span(span),
    }
}

/// The part of `range` without JSON's white space at its ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start_matches(is_space).len());
    start..start + part.trim_matches(is_space).len()
}

/// What stands in the fence that is the whole text, or all of it.
fn inside_fence(text: &str) -> Range<usize> {
    let whole = trimmed(text, 0..text.len());
    let fenced = || {
        let part = &text[whole.clone()];
        let body = part.strip_prefix("```")?.strip_suffix("```")?;
        let (label, rest) = body.split_once('\n')?;
        let is_json = matches!(label.trim(), "" | "json" | "JSON");
        // The closing fence stands on a line of its own.
        let ends_line = rest.trim_end_matches([' ', '\t']).ends_with('\n');
        let start = whole.start + 3 + label.len() + 1;
        (is_json && ends_line).then(|| trimmed(text, start..start + rest.len()))
    };
    fenced().unwrap_or(whole)
}

/// The character that the byte is in; empty at the end of the text.
fn character(text: &str, byte: usize) -> Range<usize> {
    let start = text.floor_char_boundary(byte);
    let length = text[start..].chars().next().map_or(0, char::len_utf8);
    start..start + length
}

/// At most 200 characters.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
