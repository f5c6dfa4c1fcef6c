//! Rewards whose reference is JSON: the numbers game and JSON Schema.

use serde_json::{Map, Value};

use super::judge::{Subject, judged_section, no_section, section, shift};
use super::score::RowError;
use super::spec::Reward;
use crate::rollout::{Pointer, Reference};
use crate::text::countdown::{self, CountdownOptions, Puzzle};
use crate::text::json::{self, JsonOptions, Schema};
use crate::verdict::Verdict;

/// Judges an expression by the puzzle of its row.
pub(super) fn countdown(
    reward: &Reward,
    options: &CountdownOptions,
    subject: &Subject<'_>,
) -> Result<Verdict, RowError> {
    let puzzle = puzzle(reward, subject)?;
    let judged = judged_section(reward, subject);
    let Some((text, offset)) = judged.and_then(|judged| section(judged, subject)) else {
        return Ok(no_section(subject));
    };
    let verdict = countdown::verify(&puzzle, &text, options);
    Ok(shift(verdict, offset))
}

/// The puzzle of the row: its reference, or where there is none, the columns
/// `numbers` (or `nums`) and `target`.
fn puzzle(reward: &Reward, subject: &Subject<'_>) -> Result<Puzzle, RowError> {
    let field = subject.fields.reference.to_string();
    let found = match &subject.rollout.reference {
        Some(Reference::One(text)) => Puzzle::parse(text),
        Some(Reference::Json(value)) => Puzzle::from_json(value),
        Some(Reference::AnyOf(_)) => {
            let problem = format!("field `{field}` is a list, expected an object");
            return Err(unusable(reward, problem, field));
        }
        None => {
            let columns = ["numbers", "nums", "target"]
                .into_iter()
                .filter_map(|name| {
                    let value = subject.rollout.lookup(&Pointer::field(name))?;
                    Some((name.to_owned(), value))
                });
            let columns: Map<String, Value> = columns.collect();
            if columns.is_empty() {
                let problem = format!(
                    "field `{field}` is missing, and so are `/numbers` and `/target`; reward `{}` \
                     needs it",
                    reward.name
                );
                return Err(unusable(reward, problem, field));
            }
            Puzzle::from_json(&Value::Object(columns))
        }
    };
    found.map_err(|error| unusable(reward, error.to_string(), field))
}

/// Judges JSON by the schema of the spec or of its row, if there is one.
pub(super) fn json(
    reward: &Reward,
    options: &JsonOptions,
    subject: &Subject<'_>,
) -> Result<Verdict, RowError> {
    let own = match &options.schema_from {
        Some(pointer) => Some(row_schema(reward, pointer, subject)?),
        None => None,
    };
    let judged = judged_section(reward, subject);
    let Some((text, offset)) = judged.and_then(|judged| section(judged, subject)) else {
        return Ok(no_section(subject));
    };
    let schema = own.as_ref().or(options.schema.as_ref());
    let verdict = json::verify(&text, schema, options);
    Ok(shift(verdict, offset))
}

fn row_schema(reward: &Reward, field: &str, subject: &Subject<'_>) -> Result<Schema, RowError> {
    let fault = |problem: String| unusable(reward, problem, field.to_owned());
    let pointer = Pointer::parse(field).map_err(|error| fault(error.to_string()))?;
    let Some(source) = subject.rollout.lookup(&pointer) else {
        let problem = format!(
            "field `{field}` is missing; reward `{}` needs it",
            reward.name
        );
        return Err(fault(problem));
    };
    Schema::try_from(source).map_err(|error| fault(format!("field `{field}`: {error}")))
}

fn unusable(reward: &Reward, problem: String, field: String) -> RowError {
    RowError {
        term: Some(reward.name.to_string()),
        ..RowError::data(problem).at(field)
    }
}
