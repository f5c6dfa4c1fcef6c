//! How the losses of tokens become one number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Row, Step, active};

/// The mean that the losses of tokens are taken into. Names in brackets are
/// TRL's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Aggregation {
    /// Over the tokens of the whole optimizer step (`dapo`): arXiv 2503.14476
    /// equation 12. The same for any number of micro-batches.
    #[default]
    Tokens,
    /// Over the tokens of each sequence, then over sequences (`grpo`): arXiv
    /// 2402.03300 equation 3. A token of a long sequence counts less.
    Sequences,
    /// Over the tokens of the micro-batch, then over micro-batches (`bnpo`).
    MicroBatchTokens,
    /// The sum over sequences and tokens, divided by sequences times a constant
    /// length (`dr_grpo`): arXiv 2503.20783, section 3.2.
    Constant {
        /// The longest completion that is sampled, in tokens.
        max_tokens: usize,
    },
    /// The sum over the tokens of each sequence, then the mean over sequences
    /// (`luspo`): arXiv 2602.05261.
    SequenceSums,
}

impl Aggregation {
    /// The factor of every token of the row with this mask.
    pub(super) fn weight(self, mask: &[bool], rows: &[Row<'_>], step: &Step) -> f64 {
        let count = |number: usize| number.max(1) as f64;
        let sequences = count(rows.len()) * count(step.micro_batches);
        match self {
            Self::Tokens => 1.0 / count(step.tokens),
            Self::Sequences => 1.0 / (count(active(mask)) * sequences),
            Self::MicroBatchTokens => {
                let tokens = rows.iter().map(|row| active(row.mask)).sum();
                1.0 / (count(tokens) * count(step.micro_batches))
            }
            Self::Constant { max_tokens } => 1.0 / (sequences * count(max_tokens)),
            Self::SequenceSums => 1.0 / sequences,
        }
    }
}
