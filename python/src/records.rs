//! Rows of Python as the JSON texts that the engine scores.
//!
//! Fields that the spec never looks at are written as `null`: they decide nothing, may
//! be of any class, and need not be turned into text. A row with a field that is of no
//! use keeps its place and gets a score that says so.

use std::collections::HashSet;

use goldstone::reward::{RowError, Score};
use goldstone::rollout::FieldMap;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};

use crate::errors::class_name;
use crate::json::{self, Fault, Place};

/// The top-level fields that a spec looks at.
pub(crate) struct Fields {
    heads: HashSet<String>,
    id: String,
    group: String,
}

impl Fields {
    pub(crate) fn of(fields: &FieldMap) -> Self {
        Self {
            heads: fields.heads().into_iter().map(str::to_owned).collect(),
            id: fields.id.to_string()[1..].to_owned(),
            group: fields.group.to_string()[1..].to_owned(),
        }
    }

    pub(crate) fn are_read(&self, name: &str) -> bool {
        self.heads.contains(name)
    }
}

/// Rows on their way to the engine.
pub(crate) struct Records<'f> {
    fields: &'f Fields,
    texts: Vec<Vec<u8>>,
    /// Rows that were not written, with the scores that they have.
    unusable: Vec<(usize, Score)>,
}

/// One field of a row.
type Entry<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

impl<'f> Records<'f> {
    pub(crate) fn new(fields: &'f Fields) -> Self {
        Self {
            fields,
            texts: Vec::new(),
            unusable: Vec::new(),
        }
    }

    /// Adds a row that is a mapping.
    pub(crate) fn push_row(&mut self, row: &Bound<'_, PyAny>) -> PyResult<()> {
        let items = match row.cast::<PyDict>() {
            Ok(row) => row.items(),
            Err(_) => match row.cast::<PyMapping>() {
                Ok(row) => row.items()?,
                Err(_) => return Err(self.no_row(row)),
            },
        };
        let entries: Vec<Entry<'_>> = items
            .iter()
            .map(|entry| entry.extract())
            .collect::<PyResult<_>>()?;
        self.push_entries(&entries)
    }

    /// Adds a row for each position of the columns.
    pub(crate) fn push_columns(&mut self, columns: &Bound<'_, PyMapping>) -> PyResult<()> {
        let mut lists = Vec::new();
        let mut rows = None;
        for entry in columns.items()?.iter() {
            let (name, column): Entry<'_> = entry.extract()?;
            let list = items_of(&name, &column)?;
            match rows {
                None => rows = Some((name.clone(), list.len())),
                Some((ref first, rows)) if rows != list.len() => {
                    return Err(PyValueError::new_err(format!(
                        "columns differ in length: `{first}` has {rows} rows, `{name}` {}",
                        list.len()
                    )));
                }
                Some(_) => {}
            }
            lists.push((name, list));
        }
        for row in 0..rows.map_or(0, |(_, rows)| rows) {
            let entries: Vec<Entry<'_>> = lists
                .iter()
                .map(|(name, list)| Ok((name.clone(), list.get_item(row)?)))
                .collect::<PyResult<_>>()?;
            self.push_entries(&entries)?;
        }
        Ok(())
    }

    /// Adds a row that is JSON text.
    pub(crate) fn push_text(&mut self, row: &Bound<'_, PyAny>) -> PyResult<()> {
        let text = match row.cast::<PyString>() {
            Ok(text) => text.to_str()?.as_bytes().to_vec(),
            Err(_) => row.extract::<Vec<u8>>().map_err(|_| {
                PyTypeError::new_err(format!(
                    "row {} is of the class `{}`; rows of JSON are `str` or `bytes`",
                    self.texts.len(),
                    class_name(row)
                ))
            })?,
        };
        self.texts.push(text);
        Ok(())
    }

    /// Adds a row that is written already.
    pub(crate) fn push_written(&mut self, row: Vec<u8>) {
        self.texts.push(row);
    }

    /// Adds a row that is of no use because the field `name` has bytes; what is written
    /// of it says how it is called.
    pub(crate) fn push_bytes(&mut self, name: &str, row: &[u8]) {
        let row: serde_json::Value = serde_json::from_slice(row).unwrap_or_default();
        let text = |name: &str| Some(row.get(name)?.as_str()?.to_owned());
        let id = text(&self.fields.id).unwrap_or_else(|| (self.texts.len() + 1).to_string());
        let group = text(&self.fields.group).unwrap_or_default();
        let place = Place::bytes();
        let pointer = place.pointer(name);
        let message = format!("field `{pointer}` {}", place.problem);
        let score = Score::error(&id, &group, RowError::data(message).at(pointer));
        self.unusable.push((self.texts.len(), score));
        self.texts.push(b"{}".to_vec());
    }

    pub(crate) fn fields(&self) -> &'f Fields {
        self.fields
    }

    /// The texts to score, and the scores to put in the places of some.
    pub(crate) fn into_parts(self) -> (Vec<Vec<u8>>, Vec<(usize, Score)>) {
        (self.texts, self.unusable)
    }

    fn push_entries(&mut self, entries: &[Entry<'_>]) -> PyResult<()> {
        let mut text = Vec::with_capacity(512);
        match self.write(entries, &mut text) {
            Ok(()) => {}
            Err((_, Fault::Raised(error))) => return Err(error),
            Err((name, Fault::Value(place))) => {
                let score = self.unusable_score(entries, &name, &place);
                self.unusable.push((self.texts.len(), score));
                // Whatever comes of it gives way to that score.
                text = b"{}".to_vec();
            }
        }
        self.texts.push(text);
        Ok(())
    }

    fn write(&self, entries: &[Entry<'_>], out: &mut Vec<u8>) -> Result<(), (String, Fault)> {
        out.push(b'{');
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let Ok(name) = key.cast::<PyString>() else {
                let problem = format!(
                    "row {} has a field whose name is of the class `{}`; names are strings",
                    self.texts.len(),
                    class_name(key)
                );
                let error = PyTypeError::new_err(problem);
                return Err((String::new(), Fault::Raised(error)));
            };
            json::write_text(name, out).map_err(|fault| (String::new(), fault))?;
            out.push(b':');
            match name.to_str() {
                Ok(name) if self.fields.are_read(name) => {
                    json::write(value, out).map_err(|fault| (name.to_owned(), fault))?;
                }
                _ => out.extend(b"null"),
            }
        }
        out.push(b'}');
        Ok(())
    }

    /// The score of a row with a field that cannot be written; it has the row's names
    /// as far as those can be read.
    fn unusable_score(&self, entries: &[Entry<'_>], name: &str, place: &Place) -> Score {
        let text = |wanted: &str| {
            let entry = entries
                .iter()
                .find(|(key, _)| key.eq(wanted).unwrap_or(false));
            let (_, value) = entry?;
            let text = value.cast::<PyString>().ok()?.to_str().ok()?;
            Some(text.to_owned())
        };
        let id = text(&self.fields.id).unwrap_or_else(|| (self.texts.len() + 1).to_string());
        let group = text(&self.fields.group).unwrap_or_default();
        let pointer = place.pointer(name);
        let message = format!("field `{pointer}` {}", place.problem);
        Score::error(&id, &group, RowError::data(message).at(pointer))
    }

    fn no_row(&self, row: &Bound<'_, PyAny>) -> PyErr {
        PyTypeError::new_err(format!(
            "row {} is of the class `{}`; a rollout is a mapping with `completion` and what the spec needs",
            self.texts.len(),
            class_name(row)
        ))
    }
}

/// A column as a list.
fn items_of<'py>(
    name: &Bound<'py, PyAny>,
    column: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    if let Ok(list) = column.cast::<PyList>() {
        return Ok(list.clone());
    }
    let refused = || {
        PyTypeError::new_err(format!(
            "the column `{name}` is of the class `{}`; a column is a list or an array",
            class_name(column)
        ))
    };
    if column.is_instance_of::<PyString>() || column.is_instance_of::<PyMapping>() {
        return Err(refused());
    }
    // Arrays give plain numbers in one go.
    let items = match column.getattr_opt("tolist")? {
        Some(method) => method.call0()?,
        None => column.clone(),
    };
    match items.cast::<PyList>() {
        Ok(list) => Ok(list.clone()),
        Err(_) => {
            let list = PyList::empty(column.py());
            for item in items.try_iter().map_err(|_| refused())? {
                list.append(item?)?;
            }
            Ok(list)
        }
    }
}
