//! The `[tasks.NAME]` tables of a recipe.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::addition::AdditionOptions;
use super::countdown::CountdownOptions;
use super::part::Part;
use crate::rollout::Pointer;
use crate::train::fault::{Faults, OptionFault};

/// Where problems come from, and how they are put to the policy. Exactly one of
/// `generator` and `file` is given.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskOptions {
    /// Problems made by a program, without end: `{ addition = { … } }` or
    /// `{ countdown = { … } }`.
    pub generator: Option<Generator>,
    /// Problems from a file of JSON lines; a relative path is relative to the recipe.
    pub file: Option<PathBuf>,
    /// Where the fields stand in a record of `file`, as JSON pointers.
    pub fields: Fields,
    /// The part to take: `all`, `train` or `held_out`. Default `all`.
    pub part: Part,
    /// Share of the problems that `held_out` takes and `train` leaves, from 0 to 1. Default 0.1.
    #[schemars(range(min = 0, max = 1))]
    pub held_out: f64,
    /// Take only the first N problems. Default all; a generator then never ends.
    #[schemars(range(min = 1))]
    pub count: Option<u64>,
    /// Draws the problems of a generator; the recipe's `seed` if absent.
    pub seed: Option<u64>,
    /// A system message put before every problem; makes chat messages of plain prompts.
    pub system: Option<String>,
    /// A text with `{prompt}` in it, round every plain prompt.
    pub template: Option<String>,
    /// What the answer begins with, written for the policy, such as `<think>\n`.
    pub prefill: Option<String>,
    /// Whether the model's chat template is applied: `auto` (where there are chat
    /// messages, or the model has a template) or `never`. Default `auto`.
    pub chat: Chat,
    /// The `task` of every rollout, for a spec's `when`; the record's own if absent.
    pub task: Option<String>,
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self {
            generator: None,
            file: None,
            fields: Fields::default(),
            part: Part::All,
            held_out: 0.1,
            count: None,
            seed: None,
            system: None,
            template: None,
            prefill: None,
            chat: Chat::Auto,
            task: None,
        }
    }
}

/// A program that makes problems.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Generator {
    /// Sums of two numbers.
    Addition(AdditionOptions),
    /// The numbers game.
    Countdown(CountdownOptions),
}

/// Whether the model's chat template is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Chat {
    /// To chat messages always, to plain prompts where the model has a template.
    #[default]
    Auto,
    /// Never: plain prompts reach the policy as they are.
    Never,
}

/// Where a record of a file has its fields, as JSON pointers (RFC 6901).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// The problem: a string, or chat messages. Default `/prompt`.
    pub prompt: Option<String>,
    /// The gold answer. Default `/reference`.
    pub reference: Option<String>,
    /// A demonstration, for `sft`. Default `/completion`.
    pub completion: Option<String>,
    /// A whole conversation whose last message is the demonstration. Default
    /// `/messages`, where a record has no prompt.
    pub messages: Option<String>,
    /// The problem's name. Default `/id`, else the line number.
    pub id: Option<String>,
    /// Unit tests of a code task. Default `/tests`.
    pub tests: Option<String>,
    /// The kind of task, for a spec's `when`. Default `/task`.
    pub task: Option<String>,
    /// The data set, for a spec's `when`. Default `/data_source`.
    pub data_source: Option<String>,
    /// The language that the answer should be in. Default `/language`.
    pub language: Option<String>,
    /// Other columns that the spec reads, as pointers. Default `["/extra"]`.
    pub columns: Option<Vec<String>>,
}

/// The most problems of a generator with an end: their order takes 8 bytes each.
const MOST_MADE: u64 = 1 << 28;

impl TaskOptions {
    /// Every option that is out of its range or contradicts another; empty when
    /// all are right.
    #[must_use]
    pub fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        match (&self.generator, &self.file) {
            (Some(_), Some(_)) => {
                faults.unless(
                    false,
                    "generator",
                    "stands beside `file`; a task has one source",
                );
            }
            (None, None) => faults.unless(
                false,
                "file",
                "is missing; name a file of JSON lines, or give a `generator`",
            ),
            _ => {}
        }
        faults.share("held_out", self.held_out);
        let share = self.held_out;
        faults.unless(
            self.part != Part::HeldOut || share > 0.0,
            "held_out",
            "is 0, and the task takes what is held out; it must be above 0",
        );
        faults.unless(
            self.part != Part::Train || share < 1.0,
            "held_out",
            "is 1, and the task takes what is left; it must be below 1",
        );
        faults.counted("count", self.count.unwrap_or(1));
        let is_made = self.generator.is_some();
        let count = self.count.filter(|_| is_made).unwrap_or(1);
        faults.unless(
            count <= MOST_MADE,
            "count",
            format_args!(
                "is {count}; a generator is asked for at most {MOST_MADE}, or without end"
            ),
        );
        let template = self.template.as_deref().unwrap_or("{prompt}");
        faults.unless(
            template.contains("{prompt}"),
            "template",
            "has no `{prompt}`; write it where the problem belongs",
        );
        faults.unless(
            self.chat != Chat::Never || self.system.is_none(),
            "chat",
            "is `never`, and `system` makes a chat; remove one of them",
        );
        match &self.generator {
            Some(Generator::Addition(options)) => {
                faults.below("generator.addition", options.validate());
            }
            Some(Generator::Countdown(options)) => {
                faults.below("generator.countdown", options.validate());
            }
            None => {}
        }
        faults.below("fields", self.fields.validate());
        faults.list()
    }
}

impl Fields {
    fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        let single = [
            ("prompt", &self.prompt),
            ("reference", &self.reference),
            ("completion", &self.completion),
            ("messages", &self.messages),
            ("id", &self.id),
            ("tests", &self.tests),
            ("task", &self.task),
            ("data_source", &self.data_source),
            ("language", &self.language),
        ];
        let columns = self.columns.iter().flatten().map(|text| ("columns", text));
        let given = single
            .into_iter()
            .filter_map(|(key, text)| Some((key, text.as_ref()?)));
        for (key, text) in given.chain(columns) {
            faults.unless(
                Pointer::parse(text).is_ok(),
                key,
                format_args!("is `{text}`, which is not a JSON pointer; write `/{text}`"),
            );
        }
        faults.list()
    }
}
