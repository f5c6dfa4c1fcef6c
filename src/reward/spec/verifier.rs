//! The verifiers as a spec writes them: `math = { … }` and its like.

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::ReadKind;
use super::reader::{Reader, Table};
use super::schema::keys;
use super::{INSTRUCTION_COLUMNS, Kind, MeasureKind, Payout, Problem, Span};
use crate::language::Target;
use crate::math::MathOptions;
use crate::math::gsm8k::Gsm8kOptions;
use crate::rollout::Pointer;
use crate::text::OptionError;
use crate::text::choice::ChoiceOptions;
use crate::text::countdown::CountdownOptions;
use crate::text::exact::ExactOptions;
use crate::text::ifeval::IfevalOptions;
use crate::text::json::JsonOptions;

/// What the spec language has to know of a verifier's options.
pub(super) trait VerifierOptions: for<'de> Deserialize<'de> + JsonSchema + Default {
    /// What is wrong with the options.
    fn usable(&self) -> Result<(), OptionError> {
        Ok(())
    }
}

impl<'s> Reader<'s> {
    /// Splits a kind's table into the payout and the verifier's own options.
    pub(super) fn judged<O: VerifierOptions>(
        &mut self,
        mut table: Table<'s>,
        kind: fn(O) -> Kind,
    ) -> ReadKind {
        let before = self.problems.len();
        let payout_keys = keys::<Payout>();
        let own = keys::<O>();
        let mut allowed = payout_keys.clone();
        allowed.extend(own.iter().cloned());
        self.check_keys(&mut table, allowed);
        let payout_keys: Vec<&str> = payout_keys.iter().map(String::as_str).collect();
        let (place, span) = (table.place.clone(), table.span.clone());
        let payout = Table {
            place: place.clone(),
            span: span.clone(),
            entries: table.drain(&payout_keys),
        };
        let payout = self.decode_checked(payout);
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let spans = table.spans(&own);
        let options: O = self.decode_checked(table);
        if self.problems.len() == before
            && let Err(error) = options.usable()
        {
            self.report_unusable(&error, &place, &spans, span);
        }
        ReadKind {
            payout,
            kind: kind(options),
            of: None,
        }
    }

    /// Notes an option that is not wise where it stands in `spans`.
    pub(super) fn warn(
        &mut self,
        doubt: &OptionError,
        place: &str,
        spans: &[(String, Span)],
        whole: Span,
    ) {
        let field = spans.iter().find(|(key, _)| key == doubt.field);
        self.warnings.push(Problem {
            span: field.map_or(whole, |(_, span)| span.clone()),
            title: format!("`{}` of {place} is doubtful", doubt.field),
            label: doubt.to_string(),
            help: None,
        });
    }

    /// Reports an option where it stands in `spans`, and at `whole` where it is
    /// missing.
    pub(super) fn report_unusable(
        &mut self,
        error: &OptionError,
        place: &str,
        spans: &[(String, Span)],
        whole: Span,
    ) {
        let field = spans.iter().find(|(key, _)| key == error.field);
        let span = field.map_or(whole, |(_, span)| span.clone());
        let title = format!("`{}` of {place} cannot be used", error.field);
        self.report(span, title, error.to_string(), None);
    }
}

/// The columns that a kind reads beside the native fields.
pub(super) fn columns(kind: &Kind) -> Vec<Pointer> {
    match kind {
        Kind::Countdown(_) => PUZZLE_COLUMNS.map(Pointer::field).to_vec(),
        Kind::Instructions(_) => INSTRUCTION_COLUMNS.map(Pointer::field).to_vec(),
        Kind::Json(options) => {
            let pointer = options.schema_from.as_deref();
            pointer
                .and_then(|pointer| Pointer::parse(pointer).ok())
                .into_iter()
                .collect()
        }
        Kind::Measure(MeasureKind::Language(options)) => match &options.target {
            Target::Column(column) => Pointer::parse(column).into_iter().collect(),
            Target::Constant(_) | Target::Prompt => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Where a puzzle stands in records that have no reference.
const PUZZLE_COLUMNS: [&str; 3] = ["numbers", "nums", "target"];

impl VerifierOptions for ChoiceOptions {}

impl VerifierOptions for IfevalOptions {}

impl VerifierOptions for CountdownOptions {
    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }
}

impl VerifierOptions for ExactOptions {
    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }
}

impl VerifierOptions for Gsm8kOptions {}

impl VerifierOptions for JsonOptions {
    fn usable(&self) -> Result<(), OptionError> {
        self.check()
    }
}

impl VerifierOptions for MathOptions {}

#[cfg(feature = "sandbox")]
impl VerifierOptions for super::CodeReward {}
