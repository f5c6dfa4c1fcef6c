//! How completions are drawn.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::fault::{Faults, OptionFault};

/// How completions are drawn from a policy.
///
/// The filters are applied in the order of transformers: temperature, `top_k`,
/// `top_p`, `min_p`. Log-probabilities are those of the distribution at the
/// temperature before any filter, as the trainer computes them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SampleOptions {
    /// The logits are divided by it. 1 is the policy's own distribution; 0 takes
    /// the likeliest token each time. Default 1.
    pub temperature: f64,
    /// Only the likeliest tokens whose probabilities reach this sum are drawn, in
    /// (0, 1]: arXiv 1904.09751. Default 1: all.
    pub top_p: f64,
    /// Only this many of the likeliest tokens are drawn. Default 0: all.
    pub top_k: usize,
    /// Only tokens at least this likely, relative to the likeliest, are drawn, in
    /// [0, 1]: arXiv 2407.01082. Default 0: all.
    pub min_p: f64,
    /// The longest completion, in tokens, at most 2^30. Default 256.
    pub max_tokens: usize,
    /// Texts that end a completion; they are part of it. Default none.
    pub stop: Vec<String>,
    /// Tokens that end a completion, besides the model's own end tokens. Default
    /// none.
    pub stop_ids: Vec<u32>,
    /// Where the random numbers start. A run adds its own seed, stage and step.
    /// Default 0.
    pub seed: u64,
}

/// The longest completion that may be asked for: longer than any model's context.
const MOST_TOKENS: usize = 1 << 30;

impl Default for SampleOptions {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            max_tokens: 256,
            stop: Vec::new(),
            stop_ids: Vec::new(),
            seed: 0,
        }
    }
}

impl SampleOptions {
    /// Every option that is out of its range; empty when all are right.
    #[must_use]
    pub fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        faults.not_negative("temperature", self.temperature);
        faults.share("min_p", self.min_p);
        let top_p = self.top_p;
        faults.unless(
            top_p > 0.0 && top_p <= 1.0,
            "top_p",
            format_args!("is {top_p}; it must be above 0 and at most 1, which keeps all tokens"),
        );
        faults.counted("max_tokens", self.max_tokens as u64);
        let max_tokens = self.max_tokens;
        faults.unless(
            max_tokens <= MOST_TOKENS,
            "max_tokens",
            format_args!("is {max_tokens}; it must be at most {MOST_TOKENS}"),
        );
        let is_empty = self.stop.iter().any(String::is_empty);
        faults.unless(
            !is_empty,
            "stop",
            "has an empty text, which every text contains",
        );
        faults.list()
    }

    /// Whether tokens are left out of the distribution before one is drawn.
    #[must_use]
    pub fn filters(&self) -> bool {
        self.top_p < 1.0 || self.top_k > 0 || self.min_p > 0.0
    }
}
