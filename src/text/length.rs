//! How long a completion is: in tokens, as the sampler counted them, or in
//! characters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The unit of a length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LengthUnit {
    /// Tokens of the policy, from the rollout's `n_tokens`.
    #[default]
    Tokens,
    /// Unicode scalar values of the text, which Python's `len` counts.
    Characters,
}

impl LengthUnit {
    /// The length of a completion of `n_tokens` tokens and this `text`; `None`
    /// where it is to be counted in tokens and their number is not known.
    #[must_use]
    pub fn of(self, n_tokens: Option<u64>, text: &str) -> Option<u64> {
        match self {
            LengthUnit::Tokens => n_tokens,
            LengthUnit::Characters => Some(text.chars().count() as u64),
        }
    }
}
