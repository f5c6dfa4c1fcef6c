//! Where prompts and demonstrations come from, as the stages see it.

use crate::rollout::Rollout;

/// What a policy is asked, and what its answer is judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The text that the policy goes on from: the chat template has been applied.
    pub prompt: String,
    /// Everything but the completion. Its `id` names the problem; `group`,
    /// `sample_index`, `completion`, `n_tokens` and `finish_reason` are filled in
    /// for each completion.
    pub rollout: Rollout,
}

/// A source of problems, in a fixed order.
pub trait Problems: Send + Sync {
    /// How many there are; `None` for a source without an end.
    fn count(&self) -> Option<u64>;

    /// The name of the task where its problems stand in a file: these may have any
    /// length, and are measured before training.
    fn file_task(&self) -> Option<&str> {
        None
    }

    /// The problem with this number, from 0 and below [`Problems::count`]; the
    /// same each time it is asked for.
    ///
    /// # Errors
    /// What is wrong with the source, in words that name it.
    fn problem(&self, index: u64) -> Result<Problem, String>;
}

/// A prompt with the completion that is to be learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demonstration {
    /// The text that the policy goes on from.
    pub prompt: String,
    /// What it should say, up to but without the end token, which is added.
    pub completion: String,
}

/// A source of demonstrations, in a fixed order.
pub trait Demonstrations: Send + Sync {
    /// How many there are; `None` for a source without an end.
    fn count(&self) -> Option<u64>;

    /// The demonstration with this number, from 0 and below
    /// [`Demonstrations::count`]; the same each time it is asked for.
    ///
    /// # Errors
    /// What is wrong with the source, in words that name it.
    fn demonstration(&self, index: u64) -> Result<Demonstration, String>;
}
