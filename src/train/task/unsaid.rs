//! What a row has besides the texts of its messages, and no prompt here says.
//!
//! Prompts are made of roles and texts. A row whose calls, names, thinking, tools or
//! pictures a chat template could show would ask another thing than its file does:
//! it is named, for its reader to refuse.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::rollout::{Pointer, Record};

/// Fields of messages that chat templates show, besides `role` and `content`.
const FIELDS: [&str; 8] = [
    "tool_calls",
    "function_call",
    "tool_call_id",
    "tool_plan",
    "name",
    "reasoning_content",
    "reasoning",
    "thinking",
];
/// Fields of messages that call something.
const CALLS: [&str; 2] = ["tool_calls", "function_call"];
/// Types of parts that are texts, as JSON.
const TEXTS: [&str; 3] = ["\"text\"", "\"input_text\"", "\"output_text\""];
/// Columns that stand beside messages and belong to the prompt.
const COLUMNS: [&str; 7] = [
    "tools",
    "functions",
    "chat_template_kwargs",
    "images",
    "image",
    "videos",
    "audios",
];

type Fields<'r> = BTreeMap<String, &'r RawValue>;

/// What the first `most` messages at `place` have that is not said, or columns beside
/// them: "`/prompt/1` has `tool_calls`".
pub(super) fn of_prompt(record: &Record<'_>, place: &Pointer, most: usize) -> Option<String> {
    let columns = record.columns();
    let mut columns = columns.filter(|(name, raw)| COLUMNS.contains(name) && !is_empty(raw));
    if let Some((name, _)) = columns.next() {
        return Some(format!("the row has `{name}`"));
    }
    let raw = record.raw_at(place)?;
    let messages = messages(raw.get())?;
    let mut messages = messages.iter().enumerate().take(most);
    messages.find_map(|(index, message)| {
        let field = FIELDS.iter().find(|name| has(message, name));
        let what = match field {
            Some(field) => format!("`{field}`"),
            None => other_part(message)?,
        };
        Some(format!("`{place}/{index}` has {what}"))
    })
}

/// What the last message at `place` has that is no text to learn: calls in the place
/// of a text, or parts of another type.
pub(super) fn of_answer(record: &Record<'_>, place: &Pointer) -> Option<String> {
    let raw = record.raw_at(place)?;
    let messages = messages(raw.get())?;
    let last = messages.last()?;
    if let Some(part) = other_part(last) {
        return Some(part);
    }
    let says = last.get("content").is_some_and(|raw| !is_empty(raw.get()));
    let calls = CALLS.iter().find(|name| has(last, name));
    calls
        .filter(|_| !says)
        .map(|name| format!("`{name}` alone"))
}

fn messages(raw: &str) -> Option<Vec<Fields<'_>>> {
    serde_json::from_str(raw).ok()
}

fn has(message: &Fields<'_>, name: &str) -> bool {
    message.get(name).is_some_and(|raw| !is_empty(raw.get()))
}

/// A part of a message's content that is no text.
fn other_part(message: &Fields<'_>) -> Option<String> {
    let parts: Vec<Fields<'_>> = serde_json::from_str(message.get("content")?.get()).ok()?;
    parts.iter().find_map(|part| match part.get("type") {
        Some(kind) if TEXTS.contains(&kind.get()) => None,
        Some(kind) if kind.get() != "null" => {
            Some(format!("a part of type {}", kind.get().replace('"', "`")))
        }
        _ => match part.get("text") {
            Some(text) if text.get() != "null" => None,
            _ => Some("a part without `text`".to_owned()),
        },
    })
}

/// Whether a value says nothing: tables of columns write `null` and empty lists where
/// a row has none.
fn is_empty(raw: &str) -> bool {
    match serde_json::from_str(raw) {
        Ok(Value::Null) => true,
        Ok(Value::String(text)) => text.is_empty(),
        Ok(Value::Array(list)) => list.is_empty(),
        Ok(Value::Object(fields)) => fields.is_empty(),
        _ => false,
    }
}
