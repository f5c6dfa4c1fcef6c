//! What is asked of rows that are to be kept, and what became of them.

use crate::batch::select::Selection;
use crate::rollout::FieldMap;
use crate::rollout::schema::SchemaChoice;

/// Which rows are kept, and how they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct KeepOptions {
    /// Least reward.
    pub min_reward: Option<f64>,
    /// Terms whose verdict must be `correct`.
    pub correct: Vec<String>,
    /// Terms whose number before the weight must be at least this, such as the share
    /// of a text that is in the wanted language.
    pub at_least: Vec<(String, f64)>,
    /// Only rollouts whose `finish_reason` is not `length`.
    pub finished: bool,
    /// Least and most `n_tokens`; a row without that number is then left out.
    pub tokens: (Option<u64>, Option<u64>),
    /// Writes preference pairs, in place of demonstrations: a row that may be kept
    /// and a row of the same prompt that earned less by at least this much, and that
    /// is not kept for its reward. `finished` and `tokens` hold for both.
    pub pairs: Option<f64>,
    /// Most rows, or pairs, of a prompt.
    pub per_prompt: Option<usize>,
    /// Which ones where there are more.
    pub choice: Choice,
    /// Leaves out what has been kept for the same prompt, letter by letter.
    pub deduplicate: bool,
    /// How a kept row is written.
    pub shape: Shape,
    /// Longest line in bytes.
    pub max_line_bytes: usize,
    /// Where the rollouts have their fields: those that were judged.
    pub fields: FieldMap,
    /// Whose fields rollouts beside the scores have, as the run took them.
    pub schema: SchemaChoice,
    /// Which of those rollouts were scored. A sample of so many rows is not found again.
    pub selection: Selection,
    /// Most rows of those rollouts that were scored.
    pub limit: Option<u64>,
}

impl Default for KeepOptions {
    fn default() -> Self {
        Self {
            min_reward: None,
            correct: Vec::new(),
            at_least: Vec::new(),
            finished: false,
            tokens: (None, None),
            pairs: None,
            per_prompt: None,
            choice: Choice::default(),
            deduplicate: false,
            shape: Shape::default(),
            max_line_bytes: 0,
            fields: FieldMap::default(),
            schema: SchemaChoice::Auto,
            selection: Selection::default(),
            limit: None,
        }
    }
}

/// Which rows of a prompt are kept where there are more than wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The highest rewards; of equal ones the shorter, then the earlier.
    #[default]
    Best,
    /// Any, drawn by this seed.
    Random(u64),
}

/// How a kept row is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// As the row's prompt is: a conversation of chat messages, a pair of a plain
    /// text, which a model without chat template can learn as well.
    #[default]
    AsPrompt,
    /// `messages`: the prompt's, and the assistant's.
    Messages,
    /// `prompt` and `completion`, as they were.
    Pair,
}

/// What became of the rows; every row counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// Rows read.
    pub rows: u64,
    /// Rows kept, or pairs made.
    pub kept: u64,
    /// Prompts with a kept row or a pair.
    pub prompts: u64,
    /// Lines that are no scored rollouts, and the first of them, with its fault.
    pub unusable: u64,
    /// What is wrong with the first unusable line.
    pub first_unusable: Option<String>,
    /// Rows without a reward.
    pub unscored: u64,
    /// What the first of them that is an error says of itself.
    pub first_error: Option<String>,
    /// Rows that earned too little.
    pub below_reward: u64,
    /// Rows that a named term did not find correct, or gave too low a number.
    pub incorrect: u64,
    /// Rows that were cut off.
    pub unfinished: u64,
    /// Rows that are too short, too long, or of unknown length.
    pub wrong_length: u64,
    /// Rows that repeat a kept one.
    pub duplicates: u64,
    /// Good rows of a prompt that had enough.
    pub surplus: u64,
    /// Good rows that no worse row of the same prompt was left for.
    pub unpaired: u64,
    /// Good rows in which nothing is asked: no prompt, or a blank message of the user.
    pub promptless: u64,
    /// Good rows whose completion is more than a text, where one is to be written.
    pub uncarried: u64,
}
