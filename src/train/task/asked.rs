//! Tasks as stages see them: problems and demonstrations whose prompts are the
//! texts that the policy goes on from.

use super::{Chat, Problem, Task};
use crate::rollout::{Message, Text};
use crate::train::folder::{self, ChatTemplate};
use crate::train::stage::{self, Demonstrations, Framing, Problems};

/// A task put to a policy, by the chat template of its model if it has one.
pub struct Asked {
    task: Task,
    chat: Option<ChatTemplate>,
}

impl Asked {
    /// The task's problems for a model with this template, or none.
    #[must_use]
    pub fn new(task: Task, chat: Option<ChatTemplate>) -> Self {
        let chat = match task.options().chat {
            Chat::Auto => chat,
            Chat::Never => None,
        };
        Self { task, chat }
    }

    /// What the policy reads, and what of the answer is begun there; the rollout's
    /// prompt is brought to say the latter, as formats look there for a `<think>`.
    fn put(&self, problem: Problem) -> Result<(stage::Problem, String), String> {
        let Problem {
            mut rollout,
            prefill,
        } = problem;
        let messages = match (&rollout.prompt, &self.chat) {
            (Text::Plain(text), None) => {
                let prompt = format!("{text}{prefill}");
                rollout.prompt = Text::Plain(prompt.clone());
                let framing = Framing::Document;
                let put = stage::Problem {
                    prompt,
                    framing,
                    rollout,
                };
                return Ok((put, prefill));
            }
            (Text::Plain(text), Some(_)) => vec![message("user", text)],
            (Text::Chat(messages), _) => messages.clone(),
        };
        let Some(chat) = &self.chat else {
            let name = self.task.name();
            return Err(match self.task.options().chat {
                Chat::Auto => format!(
                    "task `{name}` has chat messages, and the model has no chat template; \
                     give plain prompts, or a model with a template"
                ),
                Chat::Never => format!(
                    "task `{name}` has chat messages, which need the model's chat template; \
                     leave `chat = \"never\"` or `--no-chat` out"
                ),
            });
        };
        let turns: Vec<folder::Message> = messages
            .iter()
            .map(|message| folder::Message {
                role: message.role.clone(),
                content: message.content.clone(),
            })
            .collect();
        let failed = |error| format!("problem `{}`: {error}", rollout.id);
        let mut prompt = chat.render(&turns, true).map_err(failed)?;
        let begun = format!("{}{prefill}", begun(chat, &turns, &prompt));
        prompt.push_str(&prefill);
        let mut messages = messages;
        if !begun.is_empty() {
            messages.push(message("assistant", &begun));
        }
        rollout.prompt = Text::Chat(messages);
        let framing = Framing::Chat;
        let put = stage::Problem {
            prompt,
            framing,
            rollout,
        };
        Ok((put, begun))
    }
}

/// What of a demonstration is left to say where `begun` is already written: a
/// `<think>` of the template would otherwise be learned a second time. White space
/// aside, since templates break lines where demonstrations may not.
fn rest<'c>(completion: &'c str, begun: &str) -> &'c str {
    if let Some(rest) = completion.strip_prefix(begun) {
        return rest;
    }
    let mut rest = completion;
    for wanted in begun.chars().filter(|c| !c.is_whitespace()) {
        match rest.trim_start().strip_prefix(wanted) {
            Some(after) => rest = after,
            None => return completion,
        }
    }
    match begun.ends_with(char::is_whitespace) {
        true => rest.trim_start(),
        false => rest,
    }
}

/// What a template writes into the assistant's turn, such as a begun `<think>`:
/// what `prompt` has beyond the turn's heading. An answer that the template
/// renders shows where the heading ends.
fn begun(chat: &ChatTemplate, turns: &[folder::Message], prompt: &str) -> String {
    const ANSWER: &str = "0a1b2c";
    let mut answered = turns.to_vec();
    answered.push(folder::Message {
        role: "assistant".to_owned(),
        content: ANSWER.to_owned(),
    });
    let whole = chat.render(&answered, false).unwrap_or_default();
    let heading = whole.rfind(ANSWER).map_or("", |at| &whole[..at]);
    let shared = prompt.char_indices().zip(heading.chars());
    let differs = shared.into_iter().find(|((_, a), b)| a != b);
    let end = differs.map_or(prompt.len().min(heading.len()), |((at, _), _)| at);
    // A template that cannot render answers tells nothing of where they begin.
    match heading.is_empty() {
        true => String::new(),
        false => prompt[end..].to_owned(),
    }
}

fn message(role: &str, content: &str) -> Message {
    Message {
        role: role.to_owned(),
        content: content.to_owned(),
        reasoning: None,
    }
}

impl Problems for Asked {
    fn count(&self) -> Option<u64> {
        self.task.count()
    }

    fn file_task(&self) -> Option<&str> {
        let is_file = self.task.options().file.is_some();
        is_file.then(|| self.task.name())
    }

    fn problem(&self, index: u64) -> Result<stage::Problem, String> {
        Ok(self.put(self.task.problem(index))?.0)
    }
}

impl Demonstrations for Asked {
    fn count(&self) -> Option<u64> {
        self.task.count()
    }

    fn place(&self, index: u64) -> String {
        self.task.place(index)
    }

    fn demonstration(&self, index: u64) -> Result<stage::Demonstration, String> {
        let shown = self.task.demonstration(index);
        let shown = shown.map_err(|error| error.to_string())?;
        let (problem, begun) = self.put(shown.problem)?;
        Ok(stage::Demonstration {
            completion: rest(&shown.completion, &begun).to_owned(),
            prompt: problem.prompt,
            framing: problem.framing,
            tokens: None,
        })
    }
}
