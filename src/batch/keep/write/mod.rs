//! Kept rows as training data: demonstrations and preference pairs, in the forms
//! that TRL, verl and our own `sft` stages read.
//!
//! Chat messages are written with all that they have: calls of tools and what those
//! returned, names, parts that are no text. A plain text cannot hold these: see
//! [`Talk::fits`].

mod messages;

use std::io::{self, Write};

use serde_json::{Value, json};

use self::messages::{
    is_blank, message, opening, put_before, role, text_alone, with_thinking, without_marker,
};
use super::Shape;
use crate::rollout::schema::Schema;
use crate::rollout::{FieldMap, Message, Pointer, Record, Rollout, Text};

/// The prompt and the completion of a row: texts, or messages as they stand.
pub(super) struct Talk {
    prompt: Side,
    completion: Side,
    /// What the assistant had begun to say at the end of the prompt, which the
    /// completion goes on with.
    begun: Option<String>,
    /// How much of the answer's text stands at the end of the prompt already: the
    /// marker of thinking that stood apart.
    opened: &'static str,
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
        let prompt = match &rollout.prompt {
            Text::Plain(text) => Side::Plain(text.clone()),
            Text::Chat(read) => Side::Chat(messages::whole(record, &fields.prompt, read)),
        };
        let completion = match &rollout.completion {
            Text::Plain(text) => Side::Plain(text.clone()),
            Text::Chat(read) => answered(record, &fields.completion, read),
        };
        let begun = begun(&prompt, &completion, rollout);
        let opened = match &rollout.completion {
            Text::Chat(read) if thinks_apart(read.first()) => opening(rollout.prompt.tail()),
            _ => "",
        };
        Self {
            prompt,
            completion,
            begun,
            opened,
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

    /// What tells two completions apart, and what follows the prompt where both are
    /// texts.
    pub(super) fn answer_text(&self) -> String {
        match self.completion.text() {
            Some(text) => match text.strip_prefix(self.opened) {
                Some(rest) => rest.to_owned(),
                None => text,
            },
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
                let asked = messages.len() - usize::from(self.begun.is_some());
                messages[..asked].to_vec()
            }
        }
    }

    /// The messages of the answer.
    fn answer(&self) -> Vec<Value> {
        let mut answer = match &self.completion {
            Side::Plain(text) => vec![message("assistant", text)],
            Side::Chat(messages) => messages.clone(),
        };
        if let (Some(begun), Some(first)) = (&self.begun, answer.first_mut()) {
            put_before(begun, first);
        }
        answer
    }
}

/// The messages of a completion up to the one that was judged: what others say after
/// it is no answer. Where nobody answers, the empty text was judged.
fn answered(record: &Record<'_>, pointer: &Pointer, read: &[Message]) -> Side {
    let judged = Text::answer_message(read);
    let Some(at) = judged.and_then(|judged| read.iter().position(|one| std::ptr::eq(one, judged)))
    else {
        return Side::Plain(String::new());
    };
    let assistant = &read[at].role;
    let mut answer = messages::whole(record, pointer, read);
    answer.truncate(at + 1);
    for (message, read) in answer.iter_mut().zip(read) {
        with_thinking(message, read);
        // Trainers know the assistant by no other name (`model`, `gpt`).
        if read.role == *assistant {
            message["role"] = json!("assistant");
        }
    }
    Side::Chat(answer)
}

/// The text of an assistant's message at the end of the prompt, as it was judged with
/// the completion. Calls and parts that are no text can be begun in no text.
fn begun(prompt: &Side, completion: &Side, rollout: &Rollout) -> Option<String> {
    let Side::Chat(asked) = prompt else {
        return None;
    };
    let last = asked.last().filter(|last| role(last) == "assistant")?;
    text_alone(last)?;
    let begun = rollout.prompt.tail();
    let first = match (completion, &rollout.completion) {
        (Side::Chat(answer), _) if role(&answer[0]) != "assistant" => return None,
        (Side::Chat(_), Text::Chat(read)) => read.first(),
        _ => None,
    };
    // Thinking that stands apart comes with a marker of its own.
    Some(
        if thinks_apart(first) {
            without_marker(begun)
        } else {
            begun
        }
        .to_owned(),
    )
}

/// Whether the first message of an answer has its thinking beside its content.
fn thinks_apart(first: Option<&Message>) -> bool {
    first.is_some_and(|first| first.reasoning.is_some())
}

impl Side {
    /// The text, where it is nothing but the text of one answer.
    fn text(&self) -> Option<String> {
        match self {
            Self::Plain(text) => Some(text.clone()),
            Self::Chat(messages) => match messages.as_slice() {
                [one] => text_alone(one),
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
