//! The policy switches of the math verifier; every one is part of the verdict's
//! meaning and none loosens exactness.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How answers are found, read and compared.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct MathOptions {
    /// Where the answer may stand.
    pub extract: Extract,
    /// What a percent sign means.
    pub percent: Percent,
    /// Whether a unit may be missing.
    pub units: Units,
    /// Whether `12,5` may be read as 12.5 when the reference is a decimal.
    pub decimal_comma: DecimalComma,
    /// The longest answer that is parsed, in bytes; a longer one is `unknown`
    /// with reason `limit`, unless it is nothing but digits.
    pub max_answer_bytes: usize,
    /// The most bits a numerator or denominator may have; a larger value is
    /// `unknown` with reason `limit`, decided before it is computed.
    pub max_bits: u64,
}

impl Default for MathOptions {
    fn default() -> Self {
        Self {
            extract: Extract::Auto,
            percent: Percent::Value,
            units: Units::ExtraInAnswer,
            decimal_comma: DecimalComma::WhenReferenceIsDecimal,
            max_answer_bytes: 4096,
            max_bits: 1 << 16,
        }
    }
}

/// Where the answer may stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extract {
    /// The last box, else the last `<answer>`, else the last `####`, else the
    /// last "answer is", else a text that is nothing but one expression. Two
    /// of them that differ are a `conflict`.
    #[default]
    Auto,
    /// Only the last `\boxed{…}` or `\fbox{…}`.
    Boxed,
    /// Only the last `<answer>…</answer>` (or a box inside it).
    AnswerTag,
    /// Only the rest of the line after the last `####`.
    Hash,
    /// Only what follows the last "answer is", "Answer:", `答案是`, …
    Phrase,
    /// The whole text, trimmed.
    Whole,
}

/// What a percent sign means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Percent {
    /// `10%` is 1/10 and nothing else.
    #[default]
    Value,
    /// As `value`; a reference in percent also accepts the bare number, so that
    /// `28%` accepts 28 and 0.28. Pays for an ambiguity.
    BareIfReferencePercent,
}

/// Whether a unit may be missing. Units that are both there must agree in
/// dimension, and the values after exact conversion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// Both have a unit or neither has one.
    Strict,
    /// A reference without a unit accepts an answer with one.
    #[default]
    ExtraInAnswer,
    /// As `extra_in_answer`, and a reference with a unit accepts a bare number.
    Optional,
}

/// Whether a comma may be a decimal point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecimalComma {
    /// Never: `12,5` is a list.
    Never,
    /// Only where the reference is a plain decimal such as `12.5` and the comma
    /// can't separate thousands.
    #[default]
    WhenReferenceIsDecimal,
}
