//! The verifiers by themselves: what `verify_math`, `language` and `parse` give, as JSON
//! that the package's Python files turn into objects.

use std::borrow::Cow;
use std::fs;

use goldstone::format::{Format, FormatOptions, Section};
use goldstone::language::{Language, LanguageOptions, Shaping, measure};
use goldstone::math::{Gold, MathOptions, Scope, verify};
use pyo3::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::errors::Class;
use crate::fork::Inside;

/// Options from JSON; an unknown name or value is an error that lists what there is.
pub(crate) fn options<T: DeserializeOwned>(py: Python<'_>, json: &str) -> PyResult<T> {
    serde_json::from_str(json).map_err(|error| {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        Class::Option.error(py, text)
    })
}

/// Compares an answer with a reference, as `goldstone math` does.
#[pyfunction]
pub(crate) fn verify_math(
    py: Python<'_>,
    gold: &str,
    answer: &str,
    is_response: bool,
    options_json: &str,
) -> PyResult<Vec<u8>> {
    let options: MathOptions = options(py, options_json)?;
    let scope = match is_response {
        true => Scope::Response,
        false => Scope::Answer,
    };
    let judged = py.detach(|| {
        let _inside = Inside::enter();
        let gold = Gold::compile(gold, &options)?;
        let verdict = verify(&gold, answer, scope, &options);
        Ok((gold.canonical(), verdict))
    });
    let (gold, verdict) = judged.map_err(|error: goldstone::verdict::ReferenceError| {
        Class::Reference.error(py, error.to_string())
    })?;
    Ok(written(&json!({
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "credit": verdict.credit,
        "gold": gold,
        "detail": verdict.detail,
    })))
}

/// The share of a text's words that are in a language.
#[pyfunction]
pub(crate) fn language(
    py: Python<'_>,
    text: &str,
    target: &str,
    options_json: &str,
) -> PyResult<Vec<u8>> {
    let target: Language =
        target
            .parse()
            .map_err(|error: goldstone::language::UnknownLanguage| {
                Class::Option.error(py, error.to_string())
            })?;
    let options: LanguageOptions = options(py, options_json)?;
    options
        .check()
        .map_err(|error| Class::Option.error(py, error.to_string()))?;
    if options.shaping == Shaping::AllSame {
        let problem = "`all_same` compares the parts of a rollout; score one with a spec";
        return Err(Class::Option.error(py, problem));
    }
    let measured = py.detach(|| {
        let _inside = Inside::enter();
        measure(text, target, &options).into_measure(options.shaping)
    });
    Ok(written(&json!({
        "value": measured.value,
        "reason": measured.reason,
        "detail": measured.detail,
    })))
}

/// The sections of a completion by a format.
#[pyfunction]
pub(crate) fn parse(
    py: Python<'_>,
    text: &str,
    prompt: &str,
    options_json: &str,
) -> PyResult<Vec<u8>> {
    let options: FormatOptions = options(py, options_json)?;
    let grammar = match &options.grammar {
        None => None,
        Some(path) => Some(fs::read_to_string(path).map_err(|error| {
            Class::Option.error(py, format!("cannot read the grammar `{path}`: {error}"))
        })?),
    };
    let format = Format::compile(&options, grammar.as_deref())
        .map_err(|error| Class::Option.error(py, error.to_string()))?;
    let parsed = py.detach(|| {
        let _inside = Inside::enter();
        format.parse(text, prompt)
    });
    let section = |section: &Option<Section>| -> Value {
        let text = section.as_ref().map(|section| section.text(text));
        text.map_or(Value::Null, |text: Cow<'_, str>| text.into_owned().into())
    };
    let violation = parsed.violation.as_ref();
    Ok(written(&json!({
        "think": section(&parsed.think),
        "answer": section(&parsed.answer),
        "violation": violation.map(|violation| violation.code),
        "at": violation.map(|violation| violation.at),
        "tag_score": parsed.tag_score(),
    })))
}

pub(crate) fn written(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a value is JSON")
}
