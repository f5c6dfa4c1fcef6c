//! Tasks as stages see them: problems and demonstrations whose prompts are the
//! texts that the policy goes on from.

use super::{Chat, Problem, Task};
use crate::rollout::{Message, Text};
use crate::train::folder::{self, ChatTemplate};
use crate::train::stage::{self, Demonstrations, Problems};

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

    /// What the policy reads; the rollout's prompt is brought to say what stands
    /// directly before the answer, as formats look there for a begun `<think>`.
    fn put(&self, problem: Problem) -> Result<stage::Problem, String> {
        let Problem {
            mut rollout,
            prefill,
        } = problem;
        let messages = match (&rollout.prompt, &self.chat) {
            (Text::Plain(text), None) => {
                let prompt = format!("{text}{prefill}");
                rollout.prompt = Text::Plain(prompt.clone());
                return Ok(stage::Problem { prompt, rollout });
            }
            (Text::Plain(text), Some(_)) => vec![message("user", text)],
            (Text::Chat(messages), _) => messages.clone(),
        };
        let Some(chat) = &self.chat else {
            let name = self.task.name();
            return Err(format!(
                "task `{name}` has chat messages, and the model has no chat template; \
                 give plain prompts, or a model with a template"
            ));
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
        Ok(stage::Problem { prompt, rollout })
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
        self.put(self.task.problem(index))
    }
}

impl Demonstrations for Asked {
    fn count(&self) -> Option<u64> {
        self.task.count()
    }

    fn demonstration(&self, index: u64) -> Result<stage::Demonstration, String> {
        let shown = self.task.demonstration(index);
        let shown = shown.map_err(|error| error.to_string())?;
        Ok(stage::Demonstration {
            prompt: self.put(shown.problem)?.prompt,
            completion: shown.completion,
        })
    }
}
