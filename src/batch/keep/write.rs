//! Kept rows as training data: demonstrations and preference pairs, in the forms
//! that TRL, verl and our own `sft` stages read.
//!
//! Chat messages are written with all that they have: calls of tools and what those
//! returned, names, parts that are no text. A plain text cannot hold these: see
//! [`Talk::fits`].

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::Shape;
use crate::rollout::schema::Schema;
use crate::rollout::{FieldMap, Message, Pointer, Record, Rollout, Text};

/// What thinking is called where a server has parsed it away from the content.
const THINKING: [&str; 3] = ["reasoning_content", "reasoning", "thinking"];

/// The prompt and the completion of a row: texts, or messages as they stand.
pub(super) struct Talk {
    prompt: Side,
    completion: Side,
}

enum Side {
    Plain(String),
    Chat(Vec<Value>),
}

impl Talk {
    /// Of the rollout that was read from the record.
    pub(super) fn of(
        record: &Record<'_>,
        schema: Schema,
        fields: &FieldMap,
        rollout: &Rollout,
    ) -> Self {
        // What a schema has put in its place is where it is by default.
        let native = FieldMap::default();
        let is_elsewhere = !fields.completion.is_field("completion");
        let fields = match schema == Schema::Native || is_elsewhere {
            true => fields,
            false => &native,
        };
        let side = |pointer: &Pointer, text: &Text| match text {
            Text::Plain(text) => Side::Plain(text.clone()),
            Text::Chat(messages) => Side::Chat(whole(record, pointer, messages)),
        };
        Self {
            prompt: side(&fields.prompt, &rollout.prompt),
            completion: side(&fields.completion, &rollout.completion),
        }
    }

    /// Whether nothing was asked: there is no prompt, or the user's messages are blank.
    pub(super) fn asks_nothing(&self) -> bool {
        match &self.prompt {
            Side::Plain(text) => text.trim().is_empty(),
            Side::Chat(messages) => {
                let is_users = |message: &&Value| role(message) == "user";
                messages.is_empty()
                    || messages.iter().any(|message| is_users(&message))
                        && messages.iter().filter(is_users).all(is_blank)
            }
        }
    }

    /// Whether the form can carry all of the completion, in a row of a pair or alone.
    pub(super) fn fits(&self, shape: Shape, is_pair: bool) -> bool {
        let is_chat = matches!(self.prompt, Side::Chat(_));
        shape != Shape::Pair || is_pair && is_chat || self.completion.text().is_some()
    }

    /// What tells two completions apart.
    pub(super) fn answer_text(&self) -> String {
        match self.completion.text() {
            Some(text) => text,
            None => Value::Array(self.answer()).to_string(),
        }
    }

    /// What tells two prompts of a group apart.
    pub(super) fn prompt_text(&self) -> String {
        self.prompt.json().to_string()
    }

    fn is_conversation(&self, shape: Shape) -> bool {
        match shape {
            Shape::AsPrompt => {
                matches!(self.prompt, Side::Chat(_)) || self.completion.text().is_none()
            }
            Shape::Messages => true,
            Shape::Pair => false,
        }
    }

    /// The messages before the answer: a plain prompt is the user's, and what the
    /// assistant had begun in the prompt goes on in its answer.
    fn asked(&self) -> Vec<Value> {
        match &self.prompt {
            Side::Plain(text) => vec![message("user", text)],
            Side::Chat(messages) => {
                let asked = messages.len() - usize::from(self.begun().is_some());
                messages[..asked].to_vec()
            }
        }
    }

    /// The messages of the answer.
    fn answer(&self) -> Vec<Value> {
        let mut answer = match &self.completion {
            Side::Plain(text) => vec![message("assistant", text)],
            Side::Chat(messages) => messages.iter().cloned().map(with_thinking).collect(),
        };
        if let (Some(begun), Some(first)) = (self.begun(), answer.first_mut()) {
            put_before(begun, first);
        }
        answer
    }

    /// The text of an assistant's message at the end of the prompt, which the first
    /// message of the completion goes on with.
    fn begun(&self) -> Option<&str> {
        let Side::Chat(prompt) = &self.prompt else {
            return None;
        };
        let last = prompt.last().filter(|last| role(last) == "assistant")?;
        let goes_on = match &self.completion {
            Side::Plain(_) => true,
            Side::Chat(messages) => messages
                .first()
                .is_some_and(|first| role(first) == "assistant"),
        };
        match is_text_alone(last) && goes_on {
            true => last["content"].as_str(),
            false => None,
        }
    }
}

impl Side {
    /// The text, where it is nothing but the text of one answer.
    fn text(&self) -> Option<String> {
        match self {
            Self::Plain(text) => Some(text.clone()),
            Self::Chat(messages) => match messages.as_slice() {
                [one] if role(one) == "assistant" => {
                    let one = with_thinking(one.clone());
                    let text = one["content"].as_str().filter(|_| is_text_alone(&one));
                    text.map(str::to_owned)
                }
                _ => None,
            },
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Plain(text) => json!(text),
            Self::Chat(messages) => Value::Array(messages.clone()),
        }
    }
}

/// One demonstration.
pub(super) fn demonstration(
    out: &mut impl Write,
    rollout: &Rollout,
    talk: &Talk,
    reward: f64,
    shape: Shape,
) -> io::Result<()> {
    let mut row = match talk.is_conversation(shape) {
        true => json!({ "messages": ([talk.asked(), talk.answer()].concat()) }),
        false => json!({
            "prompt": talk.prompt.json(),
            "completion": talk.answer_text(),
        }),
    };
    row["id"] = json!(rollout.id);
    row["group"] = json!(rollout.group);
    row["reward"] = json!(reward);
    line(out, &row)
}

/// One answer of a preference.
pub(super) struct Answer {
    pub(super) rollout: Rollout,
    pub(super) talk: Talk,
    pub(super) reward: f64,
}

/// One preference: two answers to a prompt, the better one first, with their rewards.
pub(super) fn preference(
    out: &mut impl Write,
    chosen: &Answer,
    rejected: &Answer,
    shape: Shape,
) -> io::Result<()> {
    let both = [chosen, rejected];
    // TRL reads the answers as messages wherever the prompt is a conversation.
    let is_conversation = both.iter().any(|answer| answer.talk.is_conversation(shape))
        || matches!(chosen.talk.prompt, Side::Chat(_));
    let answer = |answer: &Answer| match is_conversation {
        // What the prompt had begun belongs to the answer.
        true => Value::Array(answer.talk.answer()),
        false => json!(answer.talk.answer_text()),
    };
    let prompt = match is_conversation {
        true => Value::Array(chosen.talk.asked()),
        false => chosen.talk.prompt.json(),
    };
    let row = json!({
        "prompt": prompt,
        "chosen": answer(chosen),
        "rejected": answer(rejected),
        "group": chosen.rollout.group,
        "chosen_id": chosen.rollout.id,
        "rejected_id": rejected.rollout.id,
        "chosen_reward": chosen.reward,
        "rejected_reward": rejected.reward,
    });
    line(out, &row)
}

fn line(out: &mut impl Write, row: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

/// The messages as they stand in the record. Where that is no JSON to the letter (half
/// an emoji), they have what a rollout has of them.
fn whole(record: &Record<'_>, pointer: &Pointer, messages: &[Message]) -> Vec<Value> {
    let raw = record.raw_at(pointer);
    let found = raw.and_then(|raw| serde_json::from_str::<Vec<Value>>(&halved(raw.get())).ok());
    match found {
        Some(found) if found.len() == messages.len() => found,
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

fn message(role: &str, content: &str) -> Value {
    json!({ "role": role, "content": content })
}

fn role(message: &Value) -> &str {
    message.get("role").and_then(Value::as_str).unwrap_or("")
}

/// Whether a message says nothing at all.
fn is_blank(message: &Value) -> bool {
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

/// Whether a message has a role and a text, and nothing else that says anything.
fn is_text_alone(message: &Value) -> bool {
    let Some(fields) = message.as_object() else {
        return false;
    };
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    let mut fields = fields.iter();
    fields.all(|(name, value)| match name.as_str() {
        "role" => true,
        "content" => value.is_string(),
        _ => is_empty(value),
    })
}

/// Thinking that stands apart from the content is put before it in tags, where a
/// policy writes it.
fn with_thinking(mut message: Value) -> Value {
    let Some(fields) = message.as_object_mut() else {
        return message;
    };
    let thinking = THINKING.map(|name| text_of(fields, name));
    // The last one that is there, as rollouts are read.
    let Some(thinking) = thinking.into_iter().flatten().next_back() else {
        return message;
    };
    for name in THINKING {
        fields.remove(name);
    }
    put_before(&format!("<think>\n{thinking}\n</think>\n\n"), &mut message);
    message
}

fn text_of(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(
            (parts.iter())
                .filter_map(|part| part.get("text")?.as_str())
                .collect(),
        ),
        _ => None,
    }
}

/// Puts a text before what a message says.
fn put_before(text: &str, message: &mut Value) {
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
