//! The IFEval instructions of one rollout: its reference or its columns and the
//! judged section in, a verdict out.

use std::borrow::Cow;

use serde_json::Value;

use super::judge::{Subject, judged_section, no_section, section};
use super::score::RowError;
use super::spec::{INSTRUCTION_COLUMNS, Reward};
use crate::language::{self, Language};
use crate::rollout::Reference;
use crate::text::ifeval::{Asked, Detected, IfevalOptions, Instructions, verify};
use crate::verdict::{ReferenceError, Verdict};

/// Judges `subject` by its instructions. A row whose instructions cannot be used
/// is an error whatever its completion says.
pub(super) fn judge(
    reward: &Reward,
    options: &IfevalOptions,
    subject: &Subject<'_>,
) -> Result<Verdict, RowError> {
    let instructions = instructions(reward, subject)?;
    let judged = judged_section(reward, subject);
    let Some((text, _)) = judged.and_then(|judged| section(judged, subject)) else {
        return Ok(no_section(subject));
    };
    // The white space round a section is not the response's; a whole completion
    // is judged as it is.
    let response = if text.len() < subject.text.len() {
        text.trim()
    } else {
        &text
    };
    Ok(verify(&instructions, response, &detect, options))
}

/// Share of the words from which a language is that of the whole response.
const CLEAR_SHARE: f64 = 0.6;

/// The language of most words, where our scorer knows the language that is
/// asked for and is clear about the text's.
fn detect(asked: Asked<'_>) -> Detected {
    if !asked.text.contains(char::is_alphabetic) {
        return Detected::NoLanguage;
    }
    let Ok(wanted) = asked.language.parse::<Language>() else {
        return Detected::Unsure;
    };
    // Words in capitals would be taken for acronyms.
    let text = if asked.text.contains(char::is_lowercase) {
        Cow::Borrowed(asked.text)
    } else {
        Cow::Owned(asked.text.to_lowercase())
    };
    match language::detect(&text) {
        Some((found, share)) if share >= CLEAR_SHARE => {
            if found == wanted {
                Detected::Language(asked.language.to_owned())
            } else if found == wanted.base() {
                // Chinese, in characters that both scripts have.
                Detected::Unsure
            } else {
                Detected::Language(found.code().to_owned())
            }
        }
        _ => Detected::Unsure,
    }
}

/// The columns where there are any, else the reference: an object, or the text
/// of one.
fn instructions(reward: &Reward, subject: &Subject<'_>) -> Result<Instructions, RowError> {
    let extra = &subject.rollout.extra;
    let [ids, kwargs] = INSTRUCTION_COLUMNS;
    if let (Some(ids_value), Some(kwargs_value)) = (extra.get(ids), extra.get(kwargs)) {
        return Instructions::parse(ids_value, kwargs_value)
            .map_err(|error| unusable(reward, format!("/{ids}"), &error.to_string()));
    }
    let field = subject.fields.reference.to_string();
    let parsed = match &subject.rollout.reference {
        Some(Reference::Json(reference)) => Instructions::from_reference(reference),
        Some(Reference::One(text)) => serde_json::from_str::<Value>(text)
            .map_err(|_| ReferenceError::new(text, "is not the text of a JSON object"))
            .and_then(|reference| Instructions::from_reference(&reference)),
        Some(Reference::AnyOf(_)) => Err(ReferenceError::new("", "is a list of texts")),
        None => {
            let message = format!(
                "field `{field}` is missing, and so are the columns `{ids}` and `{kwargs}`; \
                 reward `{}` needs the one or the others",
                reward.name
            );
            return Err(unusable(reward, field, &message));
        }
    };
    parsed.map_err(|error| unusable(reward, field, &error.to_string()))
}

fn unusable(reward: &Reward, field: String, message: &str) -> RowError {
    RowError {
        term: Some(reward.name.to_string()),
        ..RowError::data(message).at(field)
    }
}
