//! Fields of a JSON object in a file, read by name and type.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::FolderError;

/// A JSON object and the file that it came from.
#[derive(Clone, Debug)]
pub(super) struct Document {
    path: PathBuf,
    /// Names of the objects round this one, each with a dot behind it.
    prefix: String,
    fields: Map<String, Value>,
}

impl Document {
    /// Parses a file's bytes, which must be an object.
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, FolderError> {
        let malformed = |why: String| FolderError::Malformed {
            path: path.to_owned(),
            wanted: "a JSON object",
            why,
        };
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self {
                path: path.to_owned(),
                prefix: String::new(),
                fields,
            }),
            Ok(other) => Err(malformed(format!("it holds {}", shown(&other)))),
            Err(error) => Err(malformed(error.to_string())),
        }
    }

    /// All fields.
    pub(super) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// A field's value; a field of `null` is none.
    pub(super) fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// A whole number of at least 1.
    pub(super) fn count(&self, field: &str) -> Result<Option<usize>, FolderError> {
        let Some(value) = self.value(field) else {
            return Ok(None);
        };
        match value.as_u64().and_then(|count| usize::try_from(count).ok()) {
            Some(count) if count > 0 => Ok(Some(count)),
            _ => Err(self.refuse(field, "a whole number of at least 1")),
        }
    }

    /// A whole number of at least 1 that must be there.
    pub(super) fn required_count(&self, field: &str) -> Result<usize, FolderError> {
        self.count(field)?
            .ok_or_else(|| self.refuse(field, "a whole number of at least 1"))
    }

    /// A number above zero.
    pub(super) fn positive(&self, field: &str) -> Result<Option<f64>, FolderError> {
        let Some(value) = self.value(field) else {
            return Ok(None);
        };
        match value.as_f64() {
            Some(number) if number.is_finite() && number > 0.0 => Ok(Some(number)),
            _ => Err(self.refuse(field, "a number above 0")),
        }
    }

    /// `true` or `false`; `default` where the field is missing.
    pub(super) fn flag(&self, field: &str, default: bool) -> Result<bool, FolderError> {
        match self.value(field) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.refuse(field, "`true` or `false`")),
        }
    }

    /// A text.
    pub(super) fn text(&self, field: &str) -> Result<Option<&str>, FolderError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.refuse(field, "a text")),
        }
    }

    /// An object inside this one.
    pub(super) fn object(&self, field: &str) -> Result<Option<Self>, FolderError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self {
                path: self.path.clone(),
                prefix: format!("{}{field}.", self.prefix),
                fields: fields.clone(),
            })),
            Some(_) => Err(self.refuse(field, "an object")),
        }
    }

    /// A token's number, or a list of them.
    pub(super) fn tokens(&self, field: &str) -> Result<Vec<u32>, FolderError> {
        let wanted = "a token's number or a list of them";
        let token = |value: &Value| {
            value
                .as_u64()
                .and_then(|token| u32::try_from(token).ok())
                .ok_or_else(|| self.refuse(field, wanted))
        };
        match self.value(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => list.iter().map(token).collect(),
            Some(value) => Ok(vec![token(value)?]),
        }
    }

    /// The error that a field's value is not what it must be.
    pub(super) fn refuse(&self, field: &str, wanted: impl Into<String>) -> FolderError {
        FolderError::Field {
            path: self.path.clone(),
            field: format!("{}{field}", self.prefix),
            found: self.fields.get(field).map_or("missing".into(), shown),
            wanted: wanted.into(),
        }
    }
}

/// A value as an error shows it: whole if it is short.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        None => format!("`{text}`"),
        Some((end, _)) => format!("`{}…`", &text[..end]),
    }
}
