//! The tables of a spec as serde and JSON Schema see them.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::measure::Measured;
use crate::format::FormatOptions;
use crate::language::LanguageOptions;
use crate::math::MathOptions;
use crate::math::gsm8k::Gsm8kOptions;
use crate::text::choice::ChoiceOptions;
use crate::text::cosine::CosineOptions;
use crate::text::countdown::CountdownOptions;
use crate::text::exact::ExactOptions;
use crate::text::group_length::GroupLengthOptions;
use crate::text::ifeval::IfevalOptions;
use crate::text::json::JsonOptions;
use crate::text::overlong::OverlongOptions;
use crate::text::repetition::RepetitionOptions;
use crate::text::steps::StepsOptions;
use crate::text::stop::StopOptions;
use crate::text::tags::TagsOptions;

/// A reward spec: which rewards a rollout earns and how they add up.
#[derive(JsonSchema)]
#[schemars(rename = "goldstone reward spec", deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "the schema is generated from it; reading goes table by table"
)]
pub(crate) struct SpecTable {
    /// Version of the spec language: 1.
    #[schemars(range(min = 1, max = 1))]
    pub(crate) version: u32,
    /// Name of the spec; the file's name without `.toml` if absent.
    pub(crate) name: Option<String>,
    /// What the spec is for, in a sentence.
    pub(crate) description: Option<String>,
    /// Where the fields are in a record.
    pub(crate) input: Option<InputTable>,
    /// How a completion is parsed into sections.
    pub(crate) format: Option<FormatOptions>,
    /// How the rewards become one number.
    pub(crate) combine: Option<CombineTable>,
    /// The rewards, by name, in the order in which they are reported.
    pub(crate) rewards: BTreeMap<String, RewardSchema>,
}

/// `[input]`: where a record has its fields, as JSON pointers (RFC 6901).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InputTable {
    /// Name of the rollout. Default `/id`, else the line number.
    #[schemars(with = "Option<String>")]
    pub(crate) id: Option<Spanned<String>>,
    /// Name of the group of one prompt. Default `/group`, else the prompt's hash.
    #[schemars(with = "Option<String>")]
    pub(crate) group: Option<Spanned<String>>,
    /// Position in the group. Default `/sample_index`.
    #[schemars(with = "Option<String>")]
    pub(crate) sample_index: Option<Spanned<String>>,
    /// Kind of task, for `when`. Default `/task`.
    #[schemars(with = "Option<String>")]
    pub(crate) task: Option<Spanned<String>>,
    /// Data set, for `when`. Default `/data_source`.
    #[schemars(with = "Option<String>")]
    pub(crate) data_source: Option<Spanned<String>>,
    /// Prompt: a string or chat messages. Default `/prompt`.
    #[schemars(with = "Option<String>")]
    pub(crate) prompt: Option<Spanned<String>>,
    /// Completion: a string or chat messages. Default `/completion`.
    #[schemars(with = "Option<String>")]
    pub(crate) completion: Option<Spanned<String>>,
    /// Gold answer. Default `/reference`.
    #[schemars(with = "Option<String>")]
    pub(crate) reference: Option<Spanned<String>>,
    /// Unit tests. Default `/tests`.
    #[schemars(with = "Option<String>")]
    pub(crate) tests: Option<Spanned<String>>,
    /// Target language. Default `/language`.
    #[schemars(with = "Option<String>")]
    pub(crate) language: Option<Spanned<String>>,
    /// Length in tokens. Default `/n_tokens`.
    #[schemars(with = "Option<String>")]
    pub(crate) n_tokens: Option<Spanned<String>>,
    /// Why sampling stopped. Default `/finish_reason`.
    #[schemars(with = "Option<String>")]
    pub(crate) finish_reason: Option<Spanned<String>>,
}

/// `[combine]`: how the rewards become one number.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CombineTable {
    /// `sum` (default): the weighted sum. `gate`: `closed` unless every reward
    /// in `gate` is earned, then the weighted sum. `table`: looked up by verdicts.
    pub(crate) mode: Mode,
    /// With `mode = "gate"`: the rewards that must be earned.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) gate: Option<Spanned<Vec<Spanned<String>>>>,
    /// With `mode = "gate"`: the total while a gate is closed. Default 0, or
    /// the least total that the rewards can come to if that is below 0.
    #[schemars(with = "Option<f64>")]
    pub(crate) closed: Option<Spanned<f64>>,
    /// With `mode = "table"`: rows, of which the first that holds pays.
    #[schemars(with = "Option<Vec<RowTable>>")]
    pub(crate) table: Option<Spanned<Vec<RowTable>>>,
    /// With `mode = "table"`: the total where no row holds. Required.
    #[schemars(with = "Option<NullOr>")]
    pub(crate) otherwise: Option<Spanned<NullOr>>,
    /// Interval `[low, high]` that the total is moved into.
    #[schemars(with = "Option<[f64; 2]>")]
    pub(crate) clip: Option<Spanned<Vec<f64>>>,
    /// The reward of a row that is unusable: `"null"` (default) or a number.
    /// The row's status stays `error` either way.
    pub(crate) on_error: NullOr,
}

/// How terms become the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// The weighted sum.
    #[default]
    Sum,
    /// The weighted sum behind gates.
    Gate,
    /// Looked up by verdicts.
    Table,
}

/// One row of `[combine] table`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowTable {
    /// Reward name to verdict: `correct`, `wrong`, `no_answer`, `unknown`,
    /// `gated`, or a list of them. All must hold.
    #[schemars(with = "BTreeMap<String, Verdicts>")]
    pub(crate) verdicts: BTreeMap<Spanned<String>, Spanned<Verdicts>>,
    /// The total.
    #[schemars(with = "f64")]
    pub(crate) reward: Spanned<f64>,
}

/// One verdict name or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Verdicts {
    One(String),
    Several(Vec<String>),
}

/// What every `[rewards.NAME]` table may have beside its kind.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RewardTable {
    /// Factor of the reward in the sum. Default 1.
    #[schemars(with = "Option<f64>")]
    pub(crate) weight: Option<Spanned<f64>>,
    /// The reward applies only to rows with these values:
    /// `{ task = "math" }`, `{ task = ["math", "gsm8k"] }`,
    /// `{ "/extra/level" = 5 }`. All conditions must hold.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub(crate) when: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
    /// The reward does not apply to rows where one of these holds.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub(crate) unless: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
    /// Rewards that must be earned; otherwise this one is not run, and pays 0
    /// or what being wrong would cost.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) needs: Vec<Spanned<String>>,
    /// A reward whose value (before its weight) multiplies this one's.
    #[schemars(with = "Option<String>")]
    pub(crate) scale_by: Option<Spanned<String>>,
    /// Interval `[low, high]` that the value (before the weight) is moved into.
    #[schemars(with = "Option<[f64; 2]>")]
    pub(crate) clip: Option<Spanned<Vec<f64>>>,
}

/// `[rewards.NAME]`: exactly one kind, and what every reward may have.
#[derive(JsonSchema)]
#[schemars(extend("oneOf" = kind_alternatives()))]
#[allow(dead_code, reason = "only the schema is generated from it")]
pub(crate) struct RewardSchema {
    #[serde(flatten)]
    pub(crate) common: RewardTable,
    /// Whether the completion has the form that `[format]` asks for.
    pub(crate) format: Option<FormatReward>,
    /// Exact match after normalisation, or token F1.
    pub(crate) exact: Option<Judged<ExactOptions>>,
    /// One letter of a multiple choice.
    pub(crate) choice: Option<Judged<ChoiceOptions>>,
    /// The final number of a GSM8K-style solution.
    pub(crate) gsm8k: Option<Judged<Gsm8kOptions>>,
    /// The verifiable instructions of IFEval.
    pub(crate) instructions: Option<Judged<IfevalOptions>>,
    /// A mathematical answer, compared exactly.
    pub(crate) math: Option<Judged<MathOptions>>,
    /// An expression of given numbers that comes to a target.
    pub(crate) countdown: Option<Judged<CountdownOptions>>,
    /// One JSON value, by a schema if there is one.
    pub(crate) json: Option<Judged<JsonOptions>>,
    /// Unit tests of a program, run in a sandbox.
    #[cfg(feature = "sandbox")]
    pub(crate) code: Option<Judged<super::CodeReward>>,
    /// Short if right, long if wrong, along a cosine. Looks at another reward.
    pub(crate) cosine: Option<Measured<CosineOptions>>,
    /// Little fuel among the programs that pass. Against a group it needs whole
    /// groups.
    #[cfg(feature = "sandbox")]
    pub(crate) efficiency: Option<Measured<super::EfficiencyOptions>>,
    /// Short among the right answers of a group (Kimi k1.5). Needs whole groups.
    pub(crate) group_length: Option<Measured<GroupLengthOptions>>,
    /// The share of words in the target language.
    pub(crate) language: Option<Measured<LanguageOptions>>,
    /// A penalty for completions near or over the length limit (DAPO).
    pub(crate) overlong: Option<Measured<OverlongOptions>>,
    /// What a judge or a reward model behind HTTP says.
    #[cfg(feature = "remote")]
    pub(crate) remote: Option<Measured<crate::reward::remote::RemoteOptions>>,
    /// A penalty for repeated n-grams.
    pub(crate) repetition: Option<Measured<RepetitionOptions>>,
    /// Marks of step-by-step writing. Easily gamed.
    pub(crate) steps: Option<Measured<StepsOptions>>,
    /// A penalty for completions that were cut off.
    pub(crate) stop: Option<Measured<StopOptions>>,
    /// The share of given tags that stand exactly once.
    pub(crate) tags: Option<Measured<TagsOptions>>,
}

fn kind_alternatives() -> serde_json::Value {
    super::KINDS
        .iter()
        .map(|kind| serde_json::json!({ "required": [kind] }))
        .collect()
}

/// A kind's own options beside the payout.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only the schema is generated from it")]
pub(crate) struct Judged<O> {
    #[serde(flatten)]
    pub(crate) payout: Payout,
    #[serde(flatten)]
    pub(crate) options: O,
}

/// Which text is judged, and what each verdict pays.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Payout {
    /// The section that is judged.
    pub section: Section,
    /// Pay for `correct`; partial credit lies between `wrong` and this.
    pub correct: f64,
    /// Pay for `wrong`.
    pub wrong: f64,
    /// Pay for `no_answer`. Default: what `wrong` pays, so that not answering
    /// never beats a wrong answer.
    pub no_answer: Option<f64>,
    /// Pay for `unknown`: `"null"` (default) or a number.
    pub unknown: NullOr,
}

impl Default for Payout {
    fn default() -> Self {
        Self {
            section: Section::Answer,
            correct: 1.0,
            wrong: 0.0,
            no_answer: None,
            unknown: NullOr::NULL,
        }
    }
}

impl Payout {
    /// Pay for `no_answer`.
    #[must_use]
    pub fn no_answer(&self) -> f64 {
        self.no_answer.unwrap_or(self.wrong)
    }

    /// Pay behind a closed gate: 0, or less where a judged failure would cost
    /// more, so that closing the gate never beats being wrong.
    #[must_use]
    pub fn gated(&self) -> f64 {
        self.wrong.min(self.no_answer()).min(0.0)
    }
}

/// A part of the completion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// The answer section of a completion in valid format; nothing otherwise.
    #[default]
    Answer,
    /// The thinking of a completion in valid format; nothing otherwise.
    Think,
    /// Everything after the thinking, whether or not the format is valid.
    Response,
    /// The whole completion.
    Text,
}

/// `format = { … }`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FormatReward {
    /// `binary` (default) or `graded`: partial credit for the tags that are there.
    pub score: FormatScore,
    /// Pay for valid format.
    pub correct: f64,
    /// Pay for invalid format; with `graded`, of one that has no tag at all.
    pub wrong: f64,
}

impl Default for FormatReward {
    fn default() -> Self {
        Self {
            score: FormatScore::Binary,
            correct: 1.0,
            wrong: 0.0,
        }
    }
}

/// How an invalid format pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormatScore {
    /// Valid or not.
    #[default]
    Binary,
    /// By the share of tags that stand once and in order.
    Graded,
}

/// A number, or the word `"null"`: TOML has no null of its own.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct NullOr(pub Option<f64>);

impl NullOr {
    /// No reward.
    pub const NULL: Self = Self(None);
}

impl<'de> Deserialize<'de> for NullOr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = NullOr;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number or \"null\"")
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<NullOr, E> {
                match word {
                    "null" => Ok(NullOr::NULL),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
            fn visit_f64<E>(self, number: f64) -> Result<NullOr, E> {
                Ok(NullOr(Some(number)))
            }
            fn visit_i64<E>(self, number: i64) -> Result<NullOr, E> {
                Ok(NullOr(Some(number as f64)))
            }
        }
        deserializer.deserialize_any(Word)
    }
}

impl Serialize for NullOr {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(number) => serializer.serialize_f64(number),
            None => serializer.serialize_str("null"),
        }
    }
}

impl JsonSchema for NullOr {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NumberOrNull".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "anyOf": [{ "type": "number" }, { "const": "null" }] })
    }
}
