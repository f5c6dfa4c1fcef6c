//! Kept rows as training data: demonstrations and preference pairs, in the forms
//! that TRL, verl and our own `sft` stages read.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Shape;
use crate::rollout::{Message, Rollout, Text};

/// One demonstration.
pub(super) fn demonstration(
    out: &mut impl Write,
    rollout: &Rollout,
    reward: f64,
    shape: Shape,
) -> io::Result<()> {
    let mut row = match is_talk(rollout, shape) {
        true => json!({ "messages": messages(rollout) }),
        false => json!({
            "prompt": as_json(&rollout.prompt),
            "completion": completion_text(&rollout.completion),
        }),
    };
    row["id"] = json!(rollout.id);
    row["group"] = json!(rollout.group);
    row["reward"] = json!(reward);
    line(out, &row)
}

/// One preference: two answers to a prompt, the better one first, with their rewards.
pub(super) fn preference(
    out: &mut impl Write,
    chosen: &(Rollout, f64),
    rejected: &(Rollout, f64),
    shape: Shape,
) -> io::Result<()> {
    let (rollout, _) = chosen;
    // TRL reads the answers as messages wherever the prompt is a conversation.
    let is_talk = is_talk(rollout, shape) || matches!(rollout.prompt, Text::Chat(_));
    let answer = |(rollout, _): &(Rollout, f64)| match is_talk {
        // What the prompt had begun belongs to the answer.
        true => json!([messages(rollout).pop()]),
        false => json!(completion_text(&rollout.completion)),
    };
    let prompt = match is_talk {
        true => {
            let mut asked = messages(rollout);
            asked.pop();
            Value::Array(asked)
        }
        false => as_json(&rollout.prompt),
    };
    let row = json!({
        "prompt": prompt,
        "chosen": answer(chosen),
        "rejected": answer(rejected),
        "group": rollout.group,
        "chosen_id": rollout.id,
        "rejected_id": rejected.0.id,
        "chosen_reward": chosen.1,
        "rejected_reward": rejected.1,
    });
    line(out, &row)
}

fn line(out: &mut impl Write, row: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

fn is_talk(rollout: &Rollout, shape: Shape) -> bool {
    match shape {
        Shape::AsPrompt => matches!(rollout.prompt, Text::Chat(_)),
        Shape::Messages => true,
        Shape::Pair => false,
    }
}

/// The conversation: a plain prompt is the user's, and what the assistant had
/// begun in the prompt goes on in its answer.
fn messages(rollout: &Rollout) -> Vec<Value> {
    let mut asked = match &rollout.prompt {
        Text::Plain(text) => vec![message("user", text)],
        Text::Chat(messages) => messages
            .iter()
            .map(|asked| message(&asked.role, &asked.content))
            .collect(),
    };
    let mut answer = completion_text(&rollout.completion);
    if let Text::Chat(messages) = &rollout.prompt
        && let Some(begun) = messages.last().filter(|last| last.role == "assistant")
    {
        asked.pop();
        answer = format!("{}{answer}", begun.content);
    }
    asked.push(message("assistant", &answer));
    asked
}

fn message(role: &str, content: &str) -> Value {
    json!({ "role": role, "content": content })
}

fn as_json(text: &Text) -> Value {
    match text {
        Text::Plain(text) => json!(text),
        Text::Chat(messages) => messages
            .iter()
            .map(|asked| message(&asked.role, &asked.content))
            .collect(),
    }
}

/// The text of a completion; thinking that stands apart is put before it in tags.
pub(super) fn completion_text(completion: &Text) -> String {
    let message = match completion {
        Text::Plain(text) => return text.clone(),
        Text::Chat(messages) => Text::answer_message(messages),
    };
    match message {
        Some(Message {
            reasoning: Some(reasoning),
            content,
            ..
        }) => format!("<think>\n{reasoning}\n</think>\n\n{content}"),
        Some(message) => message.content.clone(),
        None => String::new(),
    }
}
