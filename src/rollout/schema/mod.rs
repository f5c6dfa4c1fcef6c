//! Schemas: what other tools call the fields of a rollout.
//!
//! A [`Record`] of a trainer's or an evaluation tool's own file comes in, and its
//! rollouts come out ([`adapt`]), one per completion: some tools write all samples
//! of a prompt in one row. [`detect`] tells a schema by the names of a record's
//! fields. A pointer that a spec gives in `[input]` goes before any schema.
//!
//! Source of each schema: `tests/data/schemas/README.md`.

mod answers;
mod conversations;
mod detect;
mod lm_eval;
mod plan;
mod python_list;
mod traces;
mod truth;

pub use detect::{Ambiguous, Detected, detect};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use self::plan::{Plan, Source, laid_over};
use super::{FieldMap, Pointer, Record, Rollout, RolloutError};

/// Whose fields a file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Schema {
    /// goldstone's own.
    #[default]
    Native,
    /// A data set of TRL with completions: `prompt`, `completion` or `completions`,
    /// and `solution`, `answer` or `ground_truth`.
    Trl,
    /// What TRL's `log_completions` writes: `step`, `prompt`, `completion`, a column
    /// per reward, `advantage`.
    TrlLog,
    /// A data set of verl with `responses`: `data_source`, `prompt`, `reward_model`.
    Verl,
    /// What verl's `rollout_data_dir` and `validation_data_dir` get: `input`,
    /// `output`, `gts`, `score`, `step`.
    VerlDump,
    /// `results.jsonl` of verifiers before 0.4: `example_id`, `prompt`, `completion`,
    /// `answer`, `reward`.
    Verifiers,
    /// `traces.jsonl` of verifiers 0.4 and prime-rl: episodes of traces.
    Traces,
    /// OpenR1-Math and what is made like it: `problem`, `answer`, `generations`.
    Openr1,
    /// A data set of open-instruct with the assistant's answer as last message:
    /// `messages`, `ground_truth`, `dataset`.
    OpenInstruct,
    /// A data set of SkyRL with `responses`: `prompt`, `env_class`, `reward_spec`.
    Skyrl,
    /// What SkyRL's evaluation dumps: `input_prompt`, `output_response`, `env_extras`.
    SkyrlDump,
    /// `samples_*.jsonl` of lm-evaluation-harness, of tasks that generate text.
    LmEval,
    /// Preference pairs: `chosen` and `rejected`.
    Pairs,
    /// `prompt`, `response` and perhaps `label`, as slime and the response files of
    /// IFEval have them.
    Responses,
}

/// How the schema of a file is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SchemaChoice {
    /// By the fields of the first row.
    Auto,
    /// It is known.
    Named(Schema),
}

/// A name that no schema has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no schema; there are {}", names())]
pub struct UnknownSchema {
    /// The name.
    pub name: String,
}

impl Schema {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Native,
        Self::Trl,
        Self::TrlLog,
        Self::Verl,
        Self::VerlDump,
        Self::Verifiers,
        Self::Traces,
        Self::Openr1,
        Self::OpenInstruct,
        Self::Skyrl,
        Self::SkyrlDump,
        Self::LmEval,
        Self::Pairs,
        Self::Responses,
    ];

    /// Its name, e.g. `verl-dump`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Trl => "trl",
            Self::TrlLog => "trl-log",
            Self::Verl => "verl",
            Self::VerlDump => "verl-dump",
            Self::Verifiers => "verifiers",
            Self::Traces => "traces",
            Self::Openr1 => "openr1",
            Self::OpenInstruct => "open-instruct",
            Self::Skyrl => "skyrl",
            Self::SkyrlDump => "skyrl-dump",
            Self::LmEval => "lm-eval",
            Self::Pairs => "pairs",
            Self::Responses => "responses",
        }
    }

    /// What whoever scores such a file should know.
    #[must_use]
    pub fn caution(self) -> Option<&'static str> {
        match self {
            Self::LmEval => Some(
                "there is a row per filter, each with all responses; `--where filter=NAME` takes one",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Schema {
    type Err = UnknownSchema;

    fn from_str(name: &str) -> Result<Self, UnknownSchema> {
        let mut all = Self::ALL.into_iter();
        all.find(|schema| schema.name() == name)
            .ok_or_else(|| UnknownSchema {
                name: name.to_owned(),
            })
    }
}

impl fmt::Display for SchemaChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Named(schema) => schema.fmt(f),
        }
    }
}

impl FromStr for SchemaChoice {
    type Err = UnknownSchema;

    fn from_str(name: &str) -> Result<Self, UnknownSchema> {
        match name {
            "auto" => Ok(Self::Auto),
            name => Ok(Self::Named(name.parse()?)),
        }
    }
}

impl From<SchemaChoice> for String {
    fn from(choice: SchemaChoice) -> Self {
        choice.to_string()
    }
}

impl TryFrom<String> for SchemaChoice {
    type Error = UnknownSchema;

    fn try_from(name: String) -> Result<Self, UnknownSchema> {
        name.parse()
    }
}

fn names() -> String {
    let names: Vec<&str> = Schema::ALL.iter().map(|schema| schema.name()).collect();
    format!("`auto`, `{}`", names.join("`, `"))
}

/// One completion of a record.
#[derive(Clone, Debug)]
pub struct Adapted<'l> {
    /// The record with native fields; lists of completions have given way to the one.
    pub record: Record<'l>,
    /// Its name.
    pub id: String,
    /// The rollout, or why there is none.
    pub rollout: Result<Rollout, RolloutError>,
}

/// The rollouts of a record, one per completion and at least one: a record without
/// any has an error in place of a rollout.
///
/// The k-th completion of a list, from 0, has the sample index k and the id
/// `<id>/<k>`; `default_id` is the id of a record that has none. A field that
/// `fields` has elsewhere than by default is read from there. Where that is the
/// completion, the record is read as a native one.
#[must_use]
pub fn adapt<'l>(
    record: &Record<'l>,
    schema: Schema,
    fields: &FieldMap,
    default_id: &str,
) -> Vec<Adapted<'l>> {
    let source = Source { record, fields };
    let is_native = schema == Schema::Native || source.names_completion();
    let plan = match is_native {
        true => return vec![source.native(default_id)],
        false => read(&source, schema),
    };
    match plan {
        Ok(plan) => plan.carry_out(&source, default_id),
        Err(fault) => vec![Adapted {
            record: laid_over(record, &[], Vec::new()),
            id: source.base_id(None, default_id),
            rollout: Err(fault),
        }],
    }
}

fn read<'l>(source: &Source<'_, 'l>, schema: Schema) -> Result<Plan<'l>, RolloutError> {
    match schema {
        Schema::Native | Schema::Trl | Schema::TrlLog => answers::trl(source),
        Schema::Verl => answers::verl(source),
        Schema::VerlDump => answers::verl_dump(source),
        Schema::Verifiers => conversations::verifiers(source),
        Schema::Traces => traces::traces(source),
        Schema::Openr1 => answers::openr1(source),
        Schema::OpenInstruct => conversations::open_instruct(source),
        Schema::Skyrl => answers::skyrl(source),
        Schema::SkyrlDump => answers::skyrl_dump(source),
        Schema::LmEval => lm_eval::samples(source),
        Schema::Pairs => conversations::pairs(source),
        Schema::Responses => answers::responses(source),
    }
}

fn fault(name: &str, problem: impl Into<String>) -> RolloutError {
    RolloutError {
        field: Pointer::field(name).to_string(),
        problem: problem.into(),
    }
}
