//! Settings: keys of a recipe that a person overrides from the command line.
//!
//! A setting is a comment line at the end of the recipe's text,
//! `#: set stages.reasoning.grpo.steps = 50`, so that the copy that a run keeps
//! of its recipe is the whole truth and can be run again, and so that a mistake
//! in a setting is shown with its line like any other. Stages are named by their
//! names, other tables by their keys; tables that are missing are made.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::reward::{Problem, Span};

/// What begins a line that sets a key.
const MARK: &str = "#: set ";

/// A setting that is not of the form `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no setting; write `KEY=VALUE`, for example `stages.reasoning.grpo.steps=50`")]
pub struct SetError(String);

/// The recipe's text with settings (`KEY=VALUE`) at its end. A value that is no
/// TOML is taken as a string.
///
/// # Errors
/// [`SetError`] for a setting without `=`, without a key, or on several lines.
pub fn with_settings<'s>(
    text: &str,
    settings: impl IntoIterator<Item = &'s str>,
) -> Result<String, SetError> {
    let mut text = text.to_owned();
    for setting in settings {
        let fault = || SetError(setting.to_owned());
        let (key, value) = setting.split_once('=').ok_or_else(fault)?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() || value.contains('\n') {
            return Err(fault());
        }
        let value = match value.parse::<toml::Value>() {
            Ok(_) => value.to_owned(),
            Err(_) => toml::Value::String(value.to_owned()).to_string(),
        };
        if !text.ends_with('\n') && !text.is_empty() {
            text.push('\n');
        }
        text += &format!("{MARK}{key} = {value}\n");
    }
    Ok(text)
}

/// One setting of a recipe's text.
pub(super) struct Setting {
    path: Vec<(String, Span)>,
    /// A TOML document `v=VALUE` whose value stands where it stands in the text.
    document: String,
    span: Span,
}

/// The settings of a text, in order.
pub(super) fn settings(text: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let begin = start;
        start += line.len();
        let line = line.trim_end();
        let Some((key, value)) = line
            .strip_prefix(MARK)
            .and_then(|setting| setting.split_once('='))
        else {
            continue;
        };
        let mut place = begin + MARK.len();
        let mut path = Vec::new();
        for part in key.split('.') {
            let indent = part.len() - part.trim_start().len();
            let name = part.trim();
            path.push((name.to_owned(), place + indent..place + indent + name.len()));
            place += part.len() + 1;
        }
        // White space up to where the value stands: spans then fit the text.
        let document = format!("{}v={value}", " ".repeat(place - 2));
        settings.push(Setting {
            path,
            document,
            span: begin..begin + line.len(),
        });
    }
    settings
}

/// Sets the keys of `root`.
pub(super) fn apply<'s>(
    root: &mut Spanned<DeTable<'s>>,
    settings: &'s [Setting],
    problems: &mut Vec<Problem>,
) {
    for setting in settings {
        let (mut parsed, errors) = DeTable::parse_recoverable(&setting.document);
        let value = parsed.get_mut().remove("v");
        let (Some(value), true) = (value, errors.is_empty()) else {
            problems.push(Problem {
                span: setting.span.clone(),
                title: "the setting's value is not TOML".to_owned(),
                label: "expected a number, a string in quotes, a list…".to_owned(),
                help: None,
            });
            continue;
        };
        if let Err(problem) = set(root.get_mut(), &setting.path, value) {
            problems.push(problem);
        }
    }
}

fn set<'s>(
    table: &mut DeTable<'s>,
    path: &'s [(String, Span)],
    value: Spanned<DeValue<'s>>,
) -> Result<(), Problem> {
    let Some(((name, span), rest)) = path.split_first() else {
        return Ok(());
    };
    let key = || Spanned::new(span.clone(), DeString::from(name.as_str()));
    if rest.is_empty() {
        table.remove(name.as_str());
        table.insert(key(), value);
        return Ok(());
    }
    if !table.contains_key(name.as_str()) {
        let made = DeValue::Table(DeTable::new());
        table.insert(key(), Spanned::new(span.clone(), made));
    }
    let problem = |span: &Span, title: String, label: &str, help: Option<String>| Problem {
        span: span.clone(),
        title,
        label: label.to_owned(),
        help,
    };
    let inner = table.get_mut(name.as_str()).map(Spanned::get_mut);
    match inner {
        Some(DeValue::Table(inner)) => set(inner, rest, value),
        Some(DeValue::Array(list)) => {
            let (wanted, place) = &rest[0];
            let names: Vec<String> = list.iter().filter_map(named).collect();
            let item = list
                .iter_mut()
                .find(|item| named(item).as_ref() == Some(wanted));
            match item.map(Spanned::get_mut) {
                Some(DeValue::Table(inner)) => set(inner, &rest[1..], value),
                _ => Err(problem(
                    place,
                    format!("`{name}` has no `{wanted}`"),
                    "no such name",
                    Some(format!("there are: `{}`", names.join("`, `"))),
                )),
            }
        }
        _ => Err(problem(
            span,
            format!("`{name}` is not a table"),
            "a value, which has no keys of its own",
            None,
        )),
    }
}

/// The `name` of a table in a list.
fn named(item: &Spanned<DeValue<'_>>) -> Option<String> {
    let table = item.get_ref().as_table()?;
    Some(table.get("name")?.get_ref().as_str()?.to_owned())
}
