//! Chat messages as they stand in a record, and what is told and changed of them.

use serde_json::{Value, json};

use crate::rollout::{Message, Pointer, Record};

/// What thinking is called where a server has parsed it away from the content.
const THINKING: [&str; 3] = ["reasoning_content", "reasoning", "thinking"];

/// What opens thinking in a text.
const MARKER: &str = "<think>";

/// The same as it is written.
const OPENING: &str = "<think>\n";

/// Where a message calls tools.
const CALLS: [&str; 2] = ["tool_calls", "function_call"];

/// The messages as they stand in the record, with a text where a text is in parts:
/// a column of a table has one type. Where they are no JSON to the letter, they have
/// what a rollout has of them.
pub(super) fn whole(record: &Record<'_>, pointer: &Pointer, messages: &[Message]) -> Vec<Value> {
    let raw = record.raw_at(pointer);
    let found = raw.and_then(|raw| serde_json::from_str::<Vec<Value>>(&halved(raw.get())).ok());
    match found {
        Some(mut found) if found.len() == messages.len() => {
            for (message, read) in found.iter_mut().zip(messages) {
                let parts = message.get("content").and_then(Value::as_array);
                if parts.is_some_and(|parts| parts.iter().all(is_plain_text)) {
                    message["content"] = json!(read.content);
                }
            }
            found
        }
        _ => messages
            .iter()
            .map(|read| {
                let mut read_again = message(&read.role, &read.content);
                if let Some(reasoning) = &read.reasoning {
                    read_again["reasoning_content"] = json!(reasoning);
                }
                read_again
            })
            .collect(),
    }
}

pub(super) fn message(role: &str, content: &str) -> Value {
    json!({ "role": role, "content": content })
}

pub(super) fn role(message: &Value) -> &str {
    message.get("role").and_then(Value::as_str).unwrap_or("")
}

/// Whether a message says nothing at all.
pub(super) fn is_blank(message: &Value) -> bool {
    match message.get("content") {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(parts)) => parts.iter().all(|part| {
            let text = part.get("text").and_then(Value::as_str);
            text.is_some_and(|text| text.trim().is_empty())
        }),
        Some(_) => false,
    }
}

/// The text of a message that calls nothing and has no part that is no text.
pub(super) fn text_alone(message: &Value) -> Option<String> {
    if CALLS.iter().any(|name| says(message.get(name))) {
        return None;
    }
    match message.get("content") {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(parts)) => parts.iter().map(text_of).collect(),
        Some(_) => None,
    }
}

/// Whether there is something in a field.
fn says(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    }
}

/// The text of a part of a message's content that is one.
fn text_of(part: &Value) -> Option<&str> {
    let is_text = part.get("type").is_none_or(|kind| kind == "text");
    part.get("text").filter(|_| is_text)?.as_str()
}

/// Whether a part has a text, and nothing that a plain text would lose.
fn is_plain_text(part: &Value) -> bool {
    let names = part.as_object().map(|part| part.keys());
    text_of(part).is_some()
        && names.is_some_and(|mut names| names.all(|name| name == "type" || name == "text"))
}

/// Thinking that stands apart from the content is put before it in tags, where a
/// policy writes it: the thinking that was judged, whichever fields there are.
pub(super) fn with_thinking(message: &mut Value, read: &Message) {
    if let Some(fields) = message.as_object_mut() {
        for name in THINKING {
            fields.remove(name);
        }
    }
    if let Some(thinking) = &read.reasoning {
        put_before(&format!("{OPENING}{thinking}\n</think>\n\n"), message);
    }
}

/// A beginning of an answer without the marker of thinking that it ends with.
pub(super) fn without_marker(begun: &str) -> &str {
    begun.trim_end().strip_suffix(MARKER).unwrap_or(begun)
}

/// What of written thinking a prompt that ends so has opened already.
pub(super) fn opening(prompt: &str) -> &'static str {
    match prompt.trim_end().strip_suffix(MARKER) {
        None => "",
        Some(_) if prompt.ends_with(MARKER) => MARKER,
        Some(_) => OPENING,
    }
}

/// Puts a text before what a message says.
pub(super) fn put_before(text: &str, message: &mut Value) {
    let content = match message.get_mut("content").map(Value::take) {
        Some(Value::String(said)) => json!(format!("{text}{said}")),
        Some(Value::Array(mut parts)) => {
            parts.insert(0, json!({ "type": "text", "text": text }));
            Value::Array(parts)
        }
        _ => json!(text),
    };
    message["content"] = content;
}

/// JSON in which half an emoji (`\ud83d` without its partner) is U+FFFD.
fn halved(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let high = unit(escape).filter(|unit| (0xd800..0xdc00).contains(unit));
        let low = |text: &str| unit(text).is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
        let (taken, is_half) = match high {
            Some(_) if escape.get(6..).is_some_and(low) => (12, false),
            Some(_) => (6, true),
            None if low(escape) => (6, true),
            None => (escape.chars().take(2).map(char::len_utf8).sum(), false),
        };
        let (taken, after) = escape.split_at(taken);
        out.push_str(if is_half { "\\ufffd" } else { taken });
        rest = after;
    }
    out + rest
}

/// The code unit of an escape (`\u0041`) that the text begins with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}
