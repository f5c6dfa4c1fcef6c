//! The fields of a published row, with errors that say what was expected.

use serde_json::{Map, Value};

use super::{ImportError, Source};

/// A row and the data set that it should be of.
pub(super) struct Fields<'r> {
    pub(super) row: &'r Map<String, Value>,
    pub(super) source: Source,
}

impl<'r> Fields<'r> {
    /// The first of `names` that the row has and that is not `null`.
    pub(super) fn any(&self, names: &[&str]) -> Option<&'r Value> {
        let mut found = names.iter().filter_map(|name| self.row.get(*name));
        found.find(|value| !value.is_null())
    }

    /// The first of `names`, a text.
    pub(super) fn text(&self, names: &[&str]) -> Result<&'r str, ImportError> {
        let value = self.any(names).ok_or_else(|| self.missing(names))?;
        value
            .as_str()
            .ok_or_else(|| self.error(format!("`{}` is not a string", names[0])))
    }

    /// A name: a text, or a number as it stands.
    pub(super) fn name(&self, names: &[&str]) -> Option<String> {
        match self.any(names)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(super) fn missing(&self, names: &[&str]) -> ImportError {
        let has: Vec<&str> = self.row.keys().map(String::as_str).take(20).collect();
        let wanted = names.join("` or `");
        self.error(format!(
            "there is no `{wanted}` (the row has `{}`)",
            has.join("`, `")
        ))
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> ImportError {
        ImportError {
            problem: problem.into(),
            source_name: self.source.name(),
            shape: self.source.shape(),
        }
    }
}

/// A native row in the making.
pub(super) fn row(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
