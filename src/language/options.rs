//! What a caller can set: the options of the score and their defaults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the language of a text is measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageOptions {
    /// Fewest words that give a score; a text with fewer abstains. Default 1.
    pub min_words: u32,
    /// Whether prose between the delimiters of code and formulas counts as
    /// prose. Default true: a policy that thinks in another language inside a
    /// code block is seen. With false, whatever is delimited is left out.
    pub strict_mask: bool,
    /// What names in Latin letters are in a text of another script. Default `neutral`.
    pub names: Names,
    /// Words that never count, in any case: terms, names, units.
    pub allow: Vec<String>,
    /// How the share of words becomes a number. Default `linear`.
    pub shaping: Shaping,
}

impl Default for LanguageOptions {
    fn default() -> Self {
        Self {
            min_words: 1,
            strict_mask: true,
            names: Names::Neutral,
            allow: Vec::new(),
            shaping: Shaping::Linear,
        }
    }
}

/// What one or two capitalised Latin words are inside a text of another script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// They count neither for nor against.
    #[default]
    Neutral,
    /// They are foreign words.
    Foreign,
}

/// How the share of words becomes a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shaping {
    /// The share itself (DeepSeek-R1, Eq. 7).
    #[default]
    Linear,
    /// 1 where the share is at least so much, else 0.
    Threshold(f64),
    /// 1 where the prompt, the thinking and the answer are in the target
    /// language (Magistral), else 0.
    AllSame,
}
