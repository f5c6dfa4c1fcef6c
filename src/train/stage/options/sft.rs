//! Supervised fine-tuning: its options.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::fault::{Faults, OptionFault};
use crate::train::optimizer::OptimizerOptions;

/// Supervised fine-tuning: the policy learns the completions of demonstrations,
/// by the mean negative log-probability of their tokens.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SftOptions {
    /// Name of the task that the demonstrations are from. Default: none where
    /// `stages` names any, else the recipe's `train`.
    pub task: Option<String>,
    /// Names of earlier `reject` stages whose kept completions are demonstrations
    /// too. Default none.
    pub stages: Vec<String>,
    /// How many of the task's demonstrations are used; needed for a task without
    /// an end, such as a generator. Default: all.
    pub demonstrations: Option<u64>,
    /// How often every demonstration is seen, in a new order each time. Default 1.
    pub epochs: u64,
    /// The stage ends after this many steps, whatever `epochs` says. Default:
    /// when the epochs are over.
    pub steps: Option<u64>,
    /// Demonstrations of one optimizer step. Default 16.
    pub batch_size: usize,
    /// Most tokens, prompts included, that pass through the policy at once; a
    /// batch is cut into as many parts as it takes, with the same gradient. A
    /// longer sequence passes alone. Default 16384.
    pub micro_batch_tokens: usize,
    /// The longest demonstration, prompt and completion, in tokens; a longer one
    /// is left out, and counted. Default: the policy's own bound.
    pub max_tokens: Option<usize>,
    /// Computes the activations of a layer a second time in the backward pass in
    /// place of keeping them: less memory, about a third more time. Default false.
    pub recompute: bool,
    /// The optimizer.
    pub optimizer: OptimizerOptions,
}

impl Default for SftOptions {
    fn default() -> Self {
        Self {
            task: None,
            stages: Vec::new(),
            demonstrations: None,
            epochs: 1,
            steps: None,
            batch_size: 16,
            micro_batch_tokens: 16_384,
            max_tokens: None,
            recompute: false,
            optimizer: OptimizerOptions {
                learning_rate: 2e-5,
                ..OptimizerOptions::default()
            },
        }
    }
}

impl SftOptions {
    /// Every option that is out of its range; empty when all are right.
    #[must_use]
    pub fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        faults.counted("epochs", self.epochs);
        faults.counted("batch_size", self.batch_size as u64);
        faults.counted("micro_batch_tokens", self.micro_batch_tokens as u64);
        let optional = [
            ("steps", self.steps),
            ("demonstrations", self.demonstrations),
            ("max_tokens", self.max_tokens.map(|tokens| tokens as u64)),
        ];
        for (field, count) in optional {
            faults.counted(field, count.unwrap_or(1));
        }
        let demonstrations = self.demonstrations.unwrap_or(1);
        let demonstrations = usize::try_from(demonstrations).unwrap_or(usize::MAX);
        faults.held("demonstrations", demonstrations);
        faults.below("optimizer", self.optimizer.validate());
        faults.list()
    }
}
