//! Standard input and output, and the function calls of APPS and TACO that share
//! its form.

use super::json::Json;
use super::{BadTask, Fields, Tests, distinct_ids};
use crate::code::compare::{Compare, CompareMode};
use crate::code::oracle::Oracle;
use crate::code::task::{Call, Stdio, StdioCase};
use crate::code::value::Value;

/// `{"cases": [{"input": …, "output": …}]}`, or `{"inputs": […], "outputs": […]}`
/// with or without a function's name.
pub(super) fn read(fields: &Fields, fn_name: Option<String>) -> Result<Tests, BadTask> {
    let compare = compare(fields)?;
    if fields.get("cases").is_some() {
        let cases = fields.list("cases")?;
        distinct_ids(cases)?;
        let cases = cases
            .iter()
            .enumerate()
            .map(|(index, case)| read_case(index, case))
            .collect::<Result<_, _>>()?;
        return Ok(Tests::Stdio(Stdio { cases, compare }));
    }
    let (inputs, outputs) = (fields.list("inputs")?, fields.list("outputs")?);
    if inputs.len() != outputs.len() {
        return Err(BadTask::new(
            "outputs",
            format!("are {}, and inputs {}", outputs.len(), inputs.len()),
        ));
    }
    match fn_name {
        Some(name) => functional(name, inputs, outputs),
        None => {
            let cases = inputs
                .iter()
                .zip(outputs)
                .enumerate()
                .map(|(index, (input, output))| {
                    Ok(StdioCase {
                        input: lines(input, &format!("inputs[{index}]"))?,
                        output: lines(output, &format!("outputs[{index}]"))?,
                        group: None,
                    })
                })
                .collect::<Result<_, _>>()?;
            Ok(Tests::Stdio(Stdio { cases, compare }))
        }
    }
}

fn read_case(index: usize, case: &Json) -> Result<StdioCase, BadTask> {
    let text = |name: &str| {
        let field = format!("cases[{index}].{name}");
        match case.get(name) {
            None | Some(Json::Null) => Err(BadTask::new(field, "is missing")),
            Some(value) => lines(value, &field),
        }
    };
    Ok(StdioCase {
        input: text("input")?,
        output: text("output")?,
        group: match case.get("group") {
            None | Some(Json::Null) => None,
            Some(Json::String(group)) => Some(group.clone()),
            Some(_) => return Err(BadTask::new(format!("cases[{index}].group"), "is no text")),
        },
    })
}

/// A text, or a list of lines.
fn lines(value: &Json, field: &str) -> Result<String, BadTask> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Array(lines) => lines
            .iter()
            .map(|line| line.as_str())
            .collect::<Option<Vec<_>>>()
            .map(|lines| lines.join("\n"))
            .ok_or_else(|| BadTask::new(field, "is neither a text nor a list of lines")),
        _ => Err(BadTask::new(field, "is neither a text nor a list of lines")),
    }
}

/// APPS and TACO: each input a list of arguments; each output the result, which
/// some sets wrap in a list of one. All outputs of a task are wrapped, or none.
fn functional(name: String, inputs: &[Json], outputs: &[Json]) -> Result<Tests, BadTask> {
    // LiveCodeBench: one JSON value for each argument, a line each.
    if let Some(cases) = inputs
        .iter()
        .zip(outputs)
        .map(|(input, output)| super::livecodebench::call(input.as_str()?, output.as_str()?))
        .collect::<Option<Vec<_>>>()
    {
        return Ok(Tests::Calls {
            entry_point: super::identifier(Some(name))?,
            cases,
        });
    }
    let is_wrapped = outputs
        .iter()
        .all(|output| output.as_array().is_some_and(|items| items.len() == 1));
    let cases = inputs
        .iter()
        .zip(outputs)
        .enumerate()
        .map(|(index, (input, output))| {
            let Some(Value::List(args)) = input.python() else {
                return Err(BadTask::new(
                    format!("inputs[{index}]"),
                    "is no list of arguments",
                ));
            };
            let output = match output.as_array() {
                Some([only]) if is_wrapped => only,
                _ => output,
            };
            let expected = output
                .python()
                .ok_or_else(|| BadTask::new(format!("outputs[{index}]"), "cannot be read"))?;
            Ok(Call {
                args,
                oracle: Oracle::Json(expected),
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(Tests::Calls {
        entry_point: super::identifier(Some(name))?,
        cases,
    })
}

/// `compare`, or the `checker` of judges' data.
fn compare(fields: &Fields) -> Result<Compare, BadTask> {
    let compare: Compare = match (fields.get("compare"), fields.get("checker")) {
        (None | Some(Json::Null), None | Some(Json::Null)) => Compare::default(),
        (Some(value), None | Some(Json::Null)) => serde_json::from_value(value.rounded())
            .map_err(|error| BadTask::new("compare", error.to_string()))?,
        (None | Some(Json::Null), Some(Json::Object(checker))) => {
            judges_checker(&Fields { fields: checker })?
        }
        (None | Some(Json::Null), Some(_)) => return Err(BadTask::new("checker", "is no object")),
        _ => return Err(BadTask::new("compare", "stands beside a `checker`")),
    };
    let bad_number =
        |number: Option<f64>| number.is_some_and(|number| number.is_nan() || number < 0.0);
    if bad_number(compare.abs) || bad_number(compare.rel) {
        return Err(BadTask::new("compare", "has a tolerance below 0"));
    }
    let has_source = compare
        .checker
        .as_ref()
        .is_some_and(|source| source.contains("def check"));
    if (compare.mode == CompareMode::Checker) != compare.checker.is_some()
        || compare.checker.is_some() && !has_source
    {
        return Err(BadTask::new(
            "compare.checker",
            "goes with mode `checker` and defines `check(input, expected, output)`",
        ));
    }
    Ok(compare)
}

/// `{"kind": …, "float_tol": …, "case_sensitive": …, "code": …}`.
fn judges_checker(fields: &Fields) -> Result<Compare, BadTask> {
    let tolerance = fields.number("float_tol")?;
    let mode = match fields.text("kind")?.as_deref() {
        None | Some("tokens") => CompareMode::Tokens,
        Some("lines") => CompareMode::Lines,
        Some("unordered_lines") => CompareMode::UnorderedLines,
        Some("exact") => CompareMode::Exact,
        Some("custom") => CompareMode::Checker,
        Some(other) => {
            return Err(BadTask::new(
                "checker.kind",
                format!("`{other}` is none of tokens, lines, unordered_lines, exact, custom"),
            ));
        }
    };
    Ok(Compare {
        mode,
        abs: tolerance,
        rel: tolerance,
        ignore_case: fields.get("case_sensitive") == Some(&Json::Bool(false)),
        checker: fields.text("code")?,
    })
}
