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
        let render = |opened: bool| {
            let text = chat.render(&turns, opened);
            text.map_err(|error| format!("problem `{}`: {error}", rollout.id))
        };
        let mut prompt = render(true)?;
        // What the template writes for the assistant, such as a begun `<think>`.
        let closed = render(false)?;
        let begun = prompt.strip_prefix(&closed).unwrap_or_default();
        let begun = format!("{begun}{prefill}");
        prompt.push_str(&prefill);
        let mut messages = messages;
        messages.push(message("assistant", &begun));
        rollout.prompt = Text::Chat(messages);
        Ok(stage::Problem { prompt, rollout })
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
