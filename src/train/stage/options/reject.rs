//! Rejection sampling: its options.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::fault::{Faults, OptionFault};
use crate::train::sample::SampleOptions;

/// Rejection sampling: the policy answers, the answers are scored, and the good
/// ones become demonstrations for a later `sft` stage: DeepSeek-R1, arXiv
/// 2501.12948, section 2.3.3.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RejectOptions {
    /// Name of the task that the prompts are from. Default: the recipe's `train`.
    pub task: Option<String>,
    /// Reward spec of this stage, by name or file. Default: the recipe's.
    pub spec: Option<String>,
    /// How many prompts are answered, drawn from the task by the run's seed.
    /// Default: all of the task.
    pub prompts: Option<u64>,
    /// Prompts that are answered at a time. Default 32.
    pub prompts_per_step: usize,
    /// Completions of each prompt. Default 8.
    pub samples: usize,
    /// Only completions with at least this reward are kept. Default: any that has
    /// a reward.
    pub min_reward: Option<f64>,
    /// Only completions that a verifier of the spec found correct are kept.
    /// Default true.
    pub correct_only: bool,
    /// Only completions that ended by themselves are kept. Default true.
    pub finished_only: bool,
    /// Most completions that are kept of each prompt. Default: all.
    pub keep: Option<usize>,
    /// Which ones, where there are more. Default `best`.
    pub order: Order,
    /// Leaves out completions whose text was kept for the same prompt before.
    /// Default true.
    pub deduplicate: bool,
    /// The share of completions in one step that may be impossible to score, because
    /// their rows are unusable; beyond it the run ends with an error. Failures of the
    /// machinery always end it. Default 0.5.
    pub max_unscorable: f64,
    /// How completions are drawn.
    pub sampling: SampleOptions,
}

/// Which completions of a prompt are kept where there are more than wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Those with the highest rewards; of equal ones the shorter, then the
    /// earlier.
    #[default]
    Best,
    /// Drawn by the run's seed.
    Random,
}

impl Default for RejectOptions {
    fn default() -> Self {
        Self {
            task: None,
            spec: None,
            prompts: None,
            prompts_per_step: 32,
            samples: 8,
            min_reward: None,
            correct_only: true,
            finished_only: true,
            keep: None,
            order: Order::Best,
            deduplicate: true,
            max_unscorable: 0.5,
            sampling: SampleOptions::default(),
        }
    }
}

impl RejectOptions {
    /// Every option that is out of its range; empty when all are right.
    #[must_use]
    pub fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        faults.counted("prompts", self.prompts.unwrap_or(1));
        faults.counted("prompts_per_step", self.prompts_per_step as u64);
        faults.counted("samples", self.samples as u64);
        let prompts = ("prompts_per_step", self.prompts_per_step);
        faults.at_once(("samples", self.samples), prompts);
        faults.counted("keep", self.keep.unwrap_or(1) as u64);
        let least = self.min_reward.unwrap_or(0.0);
        faults.unless(
            least.is_finite(),
            "min_reward",
            format_args!("is {least}; it must be a finite number"),
        );
        faults.share("max_unscorable", self.max_unscorable);
        // A temperature below 0 is another mistake.
        faults.unless(
            self.sampling.temperature != 0.0 || self.samples == 1,
            "sampling.temperature",
            "is 0, which gives every sample the same text; set it above 0, or `samples` to 1",
        );
        faults.below("sampling", self.sampling.validate());
        faults.list()
    }
}
