//! The reward spec: a TOML text in, checked settings out.
//!
//! Every mistake is reported before the first row, with line, column, caret and
//! the likely fix. Tables are externally tagged (`math = { … }`) because
//! internally tagged enums lose the spans that those reports need.

mod check;
#[cfg(feature = "sandbox")]
mod code;
mod diagnostic;
mod kinds;
mod measure;
mod pay;
mod read;
mod reader;
mod schema;
mod tables;
mod verifier;
mod wording;

#[cfg(feature = "sandbox")]
pub use code::{Against, CodeReward, EfficiencyOptions};
pub use diagnostic::{Colour, SpecError};
pub(crate) use diagnostic::{Problem, nearest};
pub(crate) use kinds::KINDS;
pub(crate) use measure::MeasureKind;
pub(crate) use read::read;
#[cfg(feature = "train")]
pub(crate) use reader::{Reader, Table};
pub use schema::json_schema;
pub(crate) use tables::Mode;
pub use tables::{FormatReward, FormatScore, NullOr, Payout, Section};

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::format::Format;
use crate::math::MathOptions;
use crate::math::gsm8k::Gsm8kOptions;
use crate::rollout::{FieldMap, Pointer};
use crate::text::choice::ChoiceOptions;
use crate::text::countdown::CountdownOptions;
use crate::text::exact::ExactOptions;
use crate::text::ifeval::IfevalOptions;
use crate::text::json::JsonOptions;

/// A checked spec. Names are resolved, gates are free of cycles.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) description: String,
    /// What works, and is still not wise; rendered.
    pub(crate) warnings: Vec<String>,
    pub(crate) fields: FieldMap,
    pub(crate) format: Arc<Format>,
    pub(crate) combine: Combine,
    /// In the spec's order.
    pub(crate) rewards: Vec<Reward>,
}

/// One `[rewards.NAME]` table.
#[derive(Clone, Debug)]
pub(crate) struct Reward {
    pub(crate) name: Arc<str>,
    pub(crate) weight: f64,
    pub(crate) when: Vec<Condition>,
    pub(crate) unless: Vec<Condition>,
    /// Indices of the rewards that must be earned.
    pub(crate) needs: Vec<usize>,
    /// Index of the reward whose value multiplies this one's.
    pub(crate) scale_by: Option<usize>,
    /// Index of the reward whose verdict a measure looks at.
    pub(crate) of: Option<usize>,
    pub(crate) clip: Option<Clip>,
    /// What verdicts pay; of a measure, the section that it reads and the range
    /// of its number, from `wrong` to `correct`.
    pub(crate) payout: Payout,
    /// Whether what cannot be decided, and is not priced, pays as what is wrong.
    pub(crate) unknown_is_wrong: bool,
    pub(crate) kind: Kind,
}

impl Reward {
    /// Indices of the rewards that come before this one.
    pub(crate) fn waits_for(&self) -> impl Iterator<Item = usize> {
        let needs = self.needs.iter().chain(&self.scale_by).chain(&self.of);
        needs.copied()
    }
}

/// What a reward judges, with its options.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Format(FormatReward),
    Exact(ExactOptions),
    Choice(ChoiceOptions),
    Gsm8k(Gsm8kOptions),
    Instructions(IfevalOptions),
    Math(MathOptions),
    Countdown(CountdownOptions),
    Json(JsonOptions),
    #[cfg(feature = "sandbox")]
    Code(CodeReward),
    /// A number without right and wrong.
    Measure(MeasureKind),
}

impl Kind {
    /// Whether the kind judges the answer against a reference or tests.
    pub(crate) fn is_verifier(&self) -> bool {
        match self {
            Kind::Format(_) | Kind::Measure(_) => false,
            // Any JSON is a matter of form.
            Kind::Json(options) => options.has_schema(),
            _ => true,
        }
    }

    /// The optional field of a rollout that the kind looks at, if it looks at one.
    pub(super) fn native_field(&self) -> Option<&'static str> {
        match self {
            #[cfg(feature = "sandbox")]
            Kind::Code(_) => Some("tests"),
            Kind::Measure(kind) => kind.native_field(),
            _ => None,
        }
    }

    /// Whether its verdicts name the answer that they judge.
    pub(crate) fn names_answers(&self) -> bool {
        matches!(
            self,
            Kind::Exact(_) | Kind::Choice(_) | Kind::Gsm8k(_) | Kind::Math(_)
        )
    }

    /// Whether the kind compares the rollouts of a group.
    pub(crate) fn needs_group(&self) -> bool {
        matches!(self, Kind::Measure(kind) if kind.needs_group())
    }
}

/// What the data set of IFEval calls the instructions and their arguments.
pub(crate) const INSTRUCTION_COLUMNS: [&str; 2] = ["instruction_id_list", "kwargs"];

/// A field and the values of which it must have one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    pub(crate) pointer: Pointer,
    pub(crate) any_of: Vec<Value>,
}

/// A closed interval that a value is moved into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Clip {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// How terms become the total.
#[derive(Clone, Debug)]
pub(crate) struct Combine {
    pub(crate) rule: Rule,
    pub(crate) on_error: NullOr,
    pub(crate) clip: Option<Clip>,
}

/// The `[combine] mode`, with what it needs.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// The weighted sum.
    Sum,
    /// `closed` unless every gate is earned, then the weighted sum.
    Gate { gates: Vec<usize>, closed: f64 },
    /// The first row whose verdicts all hold, else `otherwise`.
    Table {
        rows: Vec<TableRow>,
        otherwise: NullOr,
    },
}

/// One row of a `[combine] table`.
#[derive(Clone, Debug)]
pub(crate) struct TableRow {
    /// Reward index and the outcome names it must have one of.
    pub(crate) verdicts: Vec<(usize, Vec<String>)>,
    pub(crate) reward: f64,
}

/// The text of a spec, and where it is from.
#[derive(Clone, Copy)]
pub struct SpecSource<'s> {
    /// The TOML text.
    pub text: &'s str,
    /// Its file, or another name for error messages.
    pub origin: &'s str,
    /// The texts of the grammar files that the spec may name, by the path as
    /// the spec writes it. `Err` says why one could not be read.
    pub grammar: &'s dyn Fn(&str) -> Result<String, String>,
}

/// A place in the spec's text, in bytes.
pub(crate) type Span = Range<usize>;
