//! Recipes: what `goldstone train` does, as a TOML text.
//!
//! A recipe names a model, tasks, a reward and stages. Reading one reports every
//! mistake at once, with line, column, caret and the likely fix, before anything
//! is trained. The same reader serves reward specs; see there for why tables are
//! externally tagged.

mod check;
mod copied;
mod model;
mod prepare;
mod read;
mod schema;
mod set;
mod shipped;
mod specs;

pub use model::{Architecture, ModelOptions, RandomModel, TokenizerOptions};
pub use prepare::{FolderStore, Prepared, Words, load_kept};
pub use read::is_recipe;
pub use schema::{json_schema, key_tables};
pub use set::{SetError, with_settings};
pub use shipped::{LoadError, description, load, outline, shipped, sketch};

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::reward::{Colour, Scorer, SpecError};
use crate::train::run::CheckpointOptions;
use crate::train::stage::{EvaluationOptions, GrpoOptions, RejectOptions, SftOptions};
use crate::train::task::TaskOptions;

/// The task that stages train on where they name none.
pub const DEFAULT_TASK: &str = "train";

/// The task that evaluations ask where they name none.
pub const DEFAULT_HELD_OUT: &str = "held-out";

/// A checked recipe: every name is resolved, every option in its range.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The recipe's name; runs are kept under it.
    pub name: String,
    /// Whether its text says the name; else it is that of the file.
    pub is_named: bool,
    /// What it is for, in a sentence; may be empty.
    pub description: String,
    /// Everything random begins here.
    pub seed: u64,
    /// Where the policy comes from.
    pub model: ModelOptions,
    /// Where problems come from, by name.
    pub tasks: BTreeMap<String, TaskOptions>,
    /// The reward spec of stages that name none.
    pub spec: Option<String>,
    /// Evaluation on held-out problems, if any.
    pub evaluation: Option<EvaluationOptions>,
    /// When the run saves itself.
    pub checkpoints: CheckpointOptions,
    /// What is done, in order; at least one.
    pub stages: Vec<Stage>,
    /// Every spec that a stage or the evaluation uses, compiled, by its name in
    /// the recipe; none where files are not looked at ([`Files::Unused`]).
    pub scorers: BTreeMap<String, Scorer>,
    /// The text that the recipe was read from, settings included; of a run's copy
    /// without the line that names its folder.
    pub text: String,
    /// What relative paths are relative to.
    pub folder: PathBuf,
    /// What a run needs and is not there, files and folders first; empty unless they
    /// were let pass ([`Files::MayBeMissing`]).
    pub missing: Vec<String>,
}

/// Whether the files that a recipe names must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Files {
    /// One that is not is a mistake.
    #[default]
    MustExist,
    /// One that is not is only noted: the plan is wanted, not the run.
    MayBeMissing,
    /// None is looked at: one of its tasks is wanted, and no run.
    Unused,
}

/// One stage of a recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Its name, once in a recipe.
    pub name: String,
    /// What it does.
    pub options: StageOptions,
}

/// What a stage does.
#[derive(Clone, Debug, PartialEq)]
pub enum StageOptions {
    /// Learns from demonstrations.
    Sft(Box<SftOptions>),
    /// Learns from rewards.
    Grpo(Box<GrpoOptions>),
    /// Keeps good completions as demonstrations.
    Reject(Box<RejectOptions>),
}

/// The text of a recipe, and where it is from.
#[derive(Clone, Copy, Debug)]
pub struct RecipeSource<'s> {
    /// The TOML text.
    pub text: &'s str,
    /// Its file, or another name for messages.
    pub origin: &'s str,
    /// What relative paths in it are relative to.
    pub folder: &'s Path,
    /// Whether the files that it names must be there.
    pub files: Files,
}

/// A recipe that cannot be used; all its mistakes at once.
///
/// `Display` gives the plain rendering of [`RecipeError::render`].
#[derive(Clone, Debug)]
pub struct RecipeError(SpecError);

impl RecipeError {
    /// Number of mistakes found, at least 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// All mistakes in the order of the text, each with its line, a caret and a
    /// help line, followed by their number.
    #[must_use]
    pub fn render(&self, colour: Colour) -> String {
        self.0.render(colour)
    }
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for RecipeError {}

impl Recipe {
    /// Reads and checks a recipe.
    ///
    /// # Errors
    /// [`RecipeError`] with every mistake of the recipe.
    pub fn read(source: RecipeSource<'_>) -> Result<Self, RecipeError> {
        read::read(source)
    }

    /// The scorer of a stage or evaluation that names `spec`, or none.
    #[must_use]
    pub fn scorer(&self, spec: Option<&str>) -> Option<&Scorer> {
        self.scorers.get(spec.or(self.spec.as_deref())?)
    }

    /// The stage of that name.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == name)
    }
}

impl StageOptions {
    /// The key under which a recipe has it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sft(_) => "sft",
            Self::Grpo(_) => "grpo",
            Self::Reject(_) => "reject",
        }
    }

    /// The task that the stage trains on or samples from; none for a stage that
    /// learns what others have kept.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        match self {
            Self::Sft(options) if options.task.is_none() && !options.stages.is_empty() => None,
            Self::Sft(options) => Some(options.task.as_deref().unwrap_or(DEFAULT_TASK)),
            Self::Grpo(options) => Some(options.task.as_deref().unwrap_or(DEFAULT_TASK)),
            Self::Reject(options) => Some(options.task.as_deref().unwrap_or(DEFAULT_TASK)),
        }
    }

    /// The spec that the stage names, if it names one.
    #[must_use]
    pub fn spec(&self) -> Option<&str> {
        match self {
            Self::Sft(_) => None,
            Self::Grpo(options) => options.spec.as_deref(),
            Self::Reject(options) => options.spec.as_deref(),
        }
    }

    /// Whether the stage pays completions.
    #[must_use]
    pub fn needs_reward(&self) -> bool {
        !matches!(self, Self::Sft(_))
    }
}
