//! The forms in which data sets write tests, as JSON; `docs/code.md` shows each.
//!
//! A form says what it is by `type`; without one, its fields tell. Whatever is
//! missing, contradictory or empty is an error that names the field.

mod json;

mod calls;

mod evalplus;

mod stdio;

mod livecodebench;

mod pickle;

use json::{Json, Members, member};

use super::task::{BadTask, Program, Task, Tests};

/// Reads the tests of a row that was read before.
pub(super) fn read(value: &serde_json::Value) -> Result<Task, BadTask> {
    match value {
        serde_json::Value::String(text) => read_text(text),
        value => form(&Json::of(value).map_err(no_json)?),
    }
}

/// Reads tests as they are written, or as they are written in a string.
pub(super) fn read_text(text: &str) -> Result<Task, BadTask> {
    match Json::parse(text).map_err(no_json)? {
        Json::String(text) => match Json::parse(&text).map_err(no_json)? {
            Json::String(_) => Err(BadTask::new("tests", "are JSON in JSON in JSON")),
            value => form(&value),
        },
        value => form(&value),
    }
}

fn no_json(fault: json::Fault) -> BadTask {
    BadTask::new("tests", format!("are no JSON: {fault}"))
}

fn form(value: &Json) -> Result<Task, BadTask> {
    match value {
        Json::Array(items) => Ok(task(list(items)?)),
        Json::Object(fields) => object(&Fields { fields }),
        _ => Err(BadTask::new("tests", "are neither an object nor a list")),
    }
}

fn task(tests: Tests) -> Task {
    Task {
        tests,
        prelude: None,
        guest: None,
        objects: false,
        reference: None,
    }
}

/// A list is one of assertions, or of cases of input and output.
fn list(items: &[Json]) -> Result<Tests, BadTask> {
    match items.first() {
        None => Err(BadTask::new("tests", "are empty")),
        Some(Json::String(_)) => asserts(items, None, String::new()),
        Some(_) => livecodebench::cases(items, None),
    }
}

fn object(fields: &Fields) -> Result<Task, BadTask> {
    let kind = match fields.text("type")? {
        Some(kind) => kind,
        None => fields.kind()?.to_owned(),
    };
    let entry_point = fields.text("entry_point")?.or(fields.text("fn_name")?);
    let setup = fields.text("setup")?.unwrap_or_default();
    let code = || fields.required_text("code");
    let tests = match kind.as_str() {
        "check" => {
            let code = code()?;
            if !code.contains("def check") {
                return Err(BadTask::new("code", "defines no `check`"));
            }
            Tests::Check(Program {
                entry_point: identifier(entry_point)?,
                setup,
                code,
                asserts: Vec::new(),
            })
        }
        "asserts" => asserts(fields.list("asserts")?, entry_point, setup)?,
        "calls" => calls::read(fields, &identifier(entry_point)?)?,
        "stdio" => stdio::read(fields, entry_point)?,
        "livecodebench" => livecodebench::read(fields, entry_point)?,
        "unittest" => {
            let code = code()?;
            if !code.contains("test") {
                return Err(BadTask::new("code", "has no tests"));
            }
            let module = fields.text("module")?.unwrap_or("solution".to_owned());
            Tests::Unittest {
                code,
                module: identifier(Some(module))?,
            }
        }
        other => {
            return Err(BadTask::new(
                "type",
                format!(
                    "`{other}` is none of check, asserts, calls, stdio, livecodebench, unittest"
                ),
            ));
        }
    };
    Ok(Task {
        tests,
        prelude: fields.text("prelude")?,
        guest: fields.text("guest")?,
        objects: match fields.get("objects") {
            None | Some(Json::Null) => false,
            Some(Json::Bool(objects)) => *objects,
            Some(_) => return Err(BadTask::new("objects", "is neither true nor false")),
        },
        reference: match fields.text("reference_solution")? {
            None => fields.text("canonical_solution")?,
            reference => reference,
        },
    })
}

fn asserts(items: &[Json], entry_point: Option<String>, setup: String) -> Result<Tests, BadTask> {
    let mut asserts = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let field = || format!("asserts[{index}]");
        let text = item
            .as_str()
            .ok_or_else(|| BadTask::new(field(), "is no text"))?;
        if !text.contains("assert") {
            return Err(BadTask::new(field(), "asserts nothing"));
        }
        asserts.push(text.to_owned());
    }
    if asserts.is_empty() {
        return Err(BadTask::new("asserts", "are empty"));
    }
    let entry_point = match entry_point {
        Some(name) => name,
        None => called(&asserts)
            .ok_or_else(|| BadTask::new("entry_point", "is missing, and the assertions differ"))?,
    };
    Ok(Tests::Asserts(Program {
        entry_point: identifier(Some(entry_point))?,
        setup,
        code: String::new(),
        asserts,
    }))
}

/// The one function that all assertions begin by calling.
fn called(asserts: &[String]) -> Option<String> {
    let mut names = asserts.iter().map(|text| {
        let rest = text.trim_start().strip_prefix("assert")?;
        let rest = rest.trim_start_matches([' ', '(']);
        let rest = rest.strip_prefix("not ").unwrap_or(rest);
        let end = rest.find('(')?;
        let name = &rest[..end];
        let is_built_in = [
            "abs",
            "all",
            "any",
            "dict",
            "float",
            "frozenset",
            "int",
            "isinstance",
            "len",
            "list",
            "max",
            "min",
            "round",
            "set",
            "sorted",
            "str",
            "sum",
            "tuple",
            "type",
        ]
        .contains(&name);
        (!is_built_in && is_identifier(name)).then_some(name)
    });
    let first = names.next()??;
    names
        .all(|name| name == Some(first))
        .then(|| first.to_owned())
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|sign: char| sign.is_ascii_digit())
        && name
            .chars()
            .all(|sign| sign.is_alphanumeric() || sign == '_')
}

fn identifier(name: Option<String>) -> Result<String, BadTask> {
    let name = name.ok_or_else(|| BadTask::new("entry_point", "is missing"))?;
    if is_identifier(&name) {
        Ok(name)
    } else {
        Err(BadTask::new("entry_point", format!("`{name}` is no name")))
    }
}

/// The fields of a form.
struct Fields<'j> {
    fields: &'j Members,
}

impl<'j> Fields<'j> {
    fn get(&self, name: &str) -> Option<&'j Json> {
        member(self.fields, name)
    }

    /// A text, or `None` where it is absent or null.
    fn text(&self, name: &str) -> Result<Option<String>, BadTask> {
        match self.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(BadTask::new(name, "is no text")),
        }
    }

    fn required_text(&self, name: &str) -> Result<String, BadTask> {
        match self.text(name)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            Some(_) => Err(BadTask::new(name, "is empty")),
            None => Err(BadTask::new(name, "is missing")),
        }
    }

    /// A list that is not empty.
    fn list(&self, name: &str) -> Result<&'j [Json], BadTask> {
        match self.get(name) {
            Some(Json::Array(items)) if !items.is_empty() => Ok(items),
            Some(Json::Array(_)) => Err(BadTask::new(name, "are empty")),
            Some(_) => Err(BadTask::new(name, "are no list")),
            None => Err(BadTask::new(name, "are missing")),
        }
    }

    fn number(&self, name: &str) -> Result<Option<f64>, BadTask> {
        match self.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => value
                .as_f64()
                .filter(|number| *number >= 0.0)
                .map(Some)
                .ok_or_else(|| BadTask::new(name, "is no number from 0 up")),
        }
    }

    /// What a form without a `type` is.
    fn kind(&self) -> Result<&'static str, BadTask> {
        let has = |name| self.get(name).is_some();
        let cases = self.get("cases").and_then(Json::as_array);
        let first = cases.and_then(<[Json]>::first);
        let first_has = |name| first.is_some_and(|case| case.get(name).is_some());
        if has("encoded") || has("private_test_cases") || has("public_test_cases") {
            Ok("livecodebench")
        } else if has("inputs") || first_has("input") {
            Ok("stdio")
        } else if first_has("args") {
            Ok("calls")
        } else if has("asserts") {
            Ok("asserts")
        } else if has("code") && has("module") {
            Ok("unittest")
        } else if has("code") {
            Ok("check")
        } else {
            Err(BadTask::new(
                "type",
                "is missing, and the fields do not tell",
            ))
        }
    }
}

/// Ids that cases may carry must differ.
fn distinct_ids(cases: &[Json]) -> Result<(), BadTask> {
    let mut ids = std::collections::HashSet::new();
    for (index, case) in cases.iter().enumerate() {
        if let Some(id) = case.get("id").filter(|id| **id != Json::Null)
            && !ids.insert(id)
        {
            return Err(BadTask::new(
                format!("cases[{index}].id"),
                format!("{} is the id of another case too", id.rounded()),
            ));
        }
    }
    Ok(())
}
