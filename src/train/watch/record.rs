//! What a run says of itself: the records that watchers are told.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Ending;

/// A run: what it trains, and by which recipe. It is the content of `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunInfo {
    /// The version of goldstone.
    pub version: String,
    /// The run's name, usually the recipe's.
    pub name: String,
    /// SHA-256 of the recipe with what the command line changed, in hexadecimal.
    pub recipe_sha256: String,
    /// The model in a few words: `qwen2, 4 layers of 128`.
    pub model: String,
    /// Numbers in the model.
    pub parameters: u64,
    /// How many of them are trained.
    pub trainable: u64,
    /// What it is trained on: `cpu, 2 threads`.
    pub device: String,
    /// The seed of all that is random.
    pub seed: u64,
    /// The stages, in order.
    pub stages: Vec<StageInfo>,
    /// The metric of an evaluation that says how good the policy is; the best
    /// policy is kept by it, and reports begin with it.
    pub headline: Option<String>,
    /// Seconds since 1970 when the run began first.
    pub began: f64,
    /// How the run ended, once it has.
    pub ending: Option<Ending>,
    /// What stopped a run that failed, as it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What was said to whoever watched, in order: updates that were left out, another
    /// device than the run was begun on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The files besides the recipe that the run is made from.
    pub inputs: Vec<InputFile>,
    /// The run's folder. Not in the file: folders get moved.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The recipe, in TOML. Not in the file: it is in `recipe.toml`.
    #[serde(skip)]
    pub recipe: String,
    /// The last step of an earlier run that this one goes on after.
    #[serde(skip)]
    pub resumed_at: Option<u64>,
}

/// A file that a run reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// As the recipe names it.
    pub path: String,
    /// SHA-256 of its content, in hexadecimal; of a spec with that of its grammars.
    pub sha256: String,
}

impl InputFile {
    pub(in crate::train) fn new(path: &Path, sha256: String) -> Self {
        Self {
            path: path.to_string_lossy().into_owned(),
            sha256,
        }
    }
}

/// A stage of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageInfo {
    /// Its name in the recipe.
    pub name: String,
    /// What it does: `sft`, `grpo`, `reject`, `evaluate`.
    pub kind: String,
    /// The optimizer steps that it will make.
    pub steps: u64,
}

/// One optimizer step, or one evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// The stage's name.
    pub stage: String,
    /// What the metrics are of.
    pub kind: Kind,
    /// Optimizer steps since the run began; an evaluation has that of the policy
    /// that it judged.
    pub step: u64,
    /// Optimizer steps since the stage began.
    pub stage_step: u64,
    /// Optimizer steps of the whole stage.
    pub stage_steps: u64,
    /// Seconds since 1970.
    pub time: f64,
    /// The metrics under TRL's names, without the prefix `eval_`. A number that
    /// is not finite is written as `null`.
    pub metrics: Vec<(String, f64)>,
}

/// What metrics are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An optimizer step.
    Train,
    /// An evaluation on held-out problems.
    Evaluation,
}

/// A completion that was sampled, and what it earned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionRecord {
    /// Optimizer steps since the run began.
    pub step: u64,
    /// The stage's name.
    pub stage: String,
    /// The completions of one prompt in one step have the same number.
    pub group: u64,
    /// The prompt.
    pub prompt: String,
    /// What the policy wrote.
    pub completion: String,
    /// The reward; `None` when it could not be judged.
    pub reward: Option<f64>,
    /// The terms of the reward by their names in the spec.
    pub terms: Vec<(String, Option<f64>)>,
    /// Why the reward is what it is, in a few words.
    pub reason: Option<String>,
    /// How much better than its group it is.
    pub advantage: Option<f64>,
    /// Why sampling stopped: `stop`, `length`.
    pub finish: String,
    /// Tokens of the completion.
    pub n_tokens: u64,
}

impl StepRecord {
    /// A metric by its name.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics
            .iter()
            .find(|(known, _)| known == name)
            .map(|&(_, value)| value)
    }
}
