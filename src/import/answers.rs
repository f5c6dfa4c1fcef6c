//! Data sets of questions with one final answer.

use serde_json::{Map, Value, json};

use super::ImportError;
use super::fields::{Fields, row};
use crate::boxed;

type Row = Result<Map<String, Value>, ImportError>;

/// The reference is what follows the last `####`.
pub(super) fn gsm8k(fields: &Fields<'_>) -> Row {
    let solution = fields.text(&["answer"])?;
    let Some((reasoning, answer)) = solution.rsplit_once("####") else {
        return Err(fields.error("`answer` has no `####`"));
    };
    let answer = answer.trim();
    if answer.is_empty() || answer.contains('\n') {
        return Err(fields.error("`answer` does not end with one line after `####`"));
    }
    Ok(row([
        ("id", json!(fields.name(&["id"]))),
        ("task", json!("gsm8k")),
        ("prompt", json!(fields.text(&["question"])?)),
        ("reference", json!(answer)),
        ("extra", json!({ "solution": reasoning.trim_end() })),
    ]))
}

/// The reference is `answer`, or what stands in the last box of the solution.
pub(super) fn math(fields: &Fields<'_>) -> Row {
    let reference = match fields.name(&["answer"]) {
        Some(answer) => answer,
        None => {
            let solution = fields.text(&["solution"])?;
            in_last_box(solution).ok_or_else(|| {
                fields.error("there is no `answer`, and `solution` has no closed \\boxed{…}")
            })?
        }
    };
    let extra = ["level", "subject", "type", "solution"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), fields.any(&[name])?.clone())));
    Ok(row([
        ("id", json!(fields.name(&["unique_id", "id"]))),
        ("task", json!("math")),
        ("prompt", json!(fields.text(&["problem"])?)),
        ("reference", json!(reference)),
        ("extra", Value::Object(extra.collect())),
    ]))
}

/// Answers are whole numbers from 0 to 999, in some files with leading zeros.
pub(super) fn aime(fields: &Fields<'_>) -> Row {
    let names = ["answer", "Answer", "expected_answer"];
    let answer = fields.name(&names).ok_or_else(|| fields.missing(&names))?;
    let number: Option<u32> = answer.trim().parse().ok().filter(|number| *number <= 999);
    let Some(number) = number else {
        return Err(fields.error(format!("`{answer}` is no answer from 0 to 999")));
    };
    let id = fields.name(&["id", "ID", "problem_idx", "url"]);
    // Numbers begin anew every year.
    let year = fields.name(&["year", "Year"]);
    let id = match (id, year) {
        (Some(id), Some(year)) if !id.contains(&year) => Some(format!("{year}-{id}")),
        (id, _) => id,
    };
    Ok(row([
        // An address has slashes, and would pass for a name with its data set.
        ("id", json!(id.filter(|id| !id.contains("://")))),
        ("task", json!("math")),
        (
            "prompt",
            json!(fields.text(&["problem", "Problem", "question", "Question"])?),
        ),
        ("reference", json!(number.to_string())),
        ("extra", json!({ "year": fields.any(&["year", "Year"]) })),
    ]))
}

fn in_last_box(solution: &str) -> Option<String> {
    let found = boxed::last(solution)?;
    let range = found.inside().or_else(|| found.token(solution))?;
    Some(solution[range].trim().to_owned())
}
