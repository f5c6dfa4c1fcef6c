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
    /// Whether a degree sign may be missing.
    pub degree_sign: DegreeSign,
    /// Whether the base of a number may be missing.
    pub base_suffix: BaseSuffix,
    /// Whether the order of a list without brackets counts.
    pub list_order: ListOrder,
    /// Whether single letters of different case differ.
    pub letter_case: LetterCase,
    /// Whether a decimal reference is rounded.
    pub rounding: Rounding,
    /// Whether an answer may leave arithmetic undone.
    pub unevaluated: Unevaluated,
    /// The weakest proof that makes an answer correct; what is proved less
    /// firmly is `unknown` with reason `weak_proof`.
    pub min_proof: MinProof,
    /// The longest answer that is parsed, in bytes; a longer one is `wrong`
    /// with reason `too_long`, unless it is nothing but digits.
    pub max_answer_bytes: usize,
    /// The most bits a numerator or denominator may have; a larger value is
    /// refused before it is computed: a plain number with an exponent is `wrong`
    /// with reason `too_long`, anything else `unknown` with reason `limit`.
    pub max_bits: u64,
    /// The most nodes of an expression; a larger one is `unknown` with reason
    /// `limit`.
    pub max_nodes: usize,
    /// The most work for the comparisons of one verification, in units of about
    /// one machine word; the one that uses it up may take twice as much. What
    /// needs more is `unknown` with reason `limit`. No clock decides.
    pub fuel: u64,
}

impl Default for MathOptions {
    fn default() -> Self {
        Self {
            extract: Extract::Auto,
            percent: Percent::Value,
            units: Units::Optional,
            decimal_comma: DecimalComma::WhenReferenceIsDecimal,
            degree_sign: DegreeSign::Optional,
            base_suffix: BaseSuffix::Required,
            list_order: ListOrder::Ignored,
            letter_case: LetterCase::Significant,
            rounding: Rounding::Exact,
            unevaluated: Unevaluated::Accept,
            min_proof: MinProof::Numeric,
            max_answer_bytes: 4096,
            max_bits: 1 << 16,
            max_nodes: 4096,
            fuel: 1_500_000,
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
    ExtraInAnswer,
    /// As `extra_in_answer`, and a reference with a unit accepts the bare number
    /// in that unit: `\$10` accepts 10, not 1000.
    #[default]
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

/// Whether a degree sign may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DegreeSign {
    /// `90^\circ` and 90 differ.
    Required,
    /// `90^\circ` and 90 are the same angle; `\pi/2` is, in either case.
    #[default]
    Optional,
}

/// Whether the base of a number may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaseSuffix {
    /// `204_5` accepts 54 and `204_5`, not 204.
    #[default]
    Required,
    /// `204_5` also accepts 204.
    Optional,
}

/// Whether the order of a list without brackets counts; that of a tuple always does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    /// `1, 2` and `2, 1` are the same answers.
    #[default]
    Ignored,
    /// `1, 2` and `2, 1` differ.
    Significant,
}

/// Whether single letters of different case differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LetterCase {
    /// `n` and `N` differ.
    #[default]
    Significant,
    /// A reference that is a letter of a multiple choice accepts the small one.
    ChoicesFolded,
}

/// Whether a decimal reference stands for a rounded value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// 3.14 is 157/50 and nothing else.
    #[default]
    Exact,
    /// A decimal reference accepts what lies within half a unit of its last
    /// digit: 3.14 accepts `\pi`. The data set declares that its decimals are
    /// rounded; never guessed.
    ReferenceDigits,
}

/// Whether an answer with the reference's value may leave arithmetic undone.
///
/// The question is not seen here: `123 \cdot 456` restates "compute 123 · 456"
/// and answers "write it as a product". Fractions, powers, products with powers,
/// factorials, binomials and sums with roots are final forms in either case, and
/// so is what the reference leaves undone itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unevaluated {
    /// `6 \cdot 7`, `40 + 2` and `142 \bmod 100` are 42.
    #[default]
    Accept,
    /// They are `unknown` with reason `unsolved`. For training on arithmetic,
    /// where an expression may be the question itself.
    Refuse,
}

/// The weakest proof that makes an answer correct.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MinProof {
    /// A proof that is never wrong.
    Exact,
    /// Also an identity of polynomials at secret random points, wrong with a
    /// probability below 2^-80.
    Probabilistic,
    /// Also agreement to at least 128 bits beyond the size of all literals,
    /// which no theorem makes a proof.
    #[default]
    Numeric,
}
