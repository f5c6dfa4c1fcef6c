//! The schemas of the inputs of a run: found once for each, whoever reads it.

use std::sync::{Arc, Mutex, PoisonError};

use super::input::{InputError, Inputs};
use super::reader::{Line, ReadLimits, Reader};
use super::select::Selector;
use crate::rollout::schema::{Detected, Schema, SchemaChoice, detect};
use crate::rollout::{FieldMap, Record};

/// Rows read at a time in search of the first that tells.
const LOOK_ROWS: usize = 16;

/// The schema of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputSchema {
    /// The input as it was named.
    pub name: String,
    /// Its schema, and the fields that tell.
    pub detected: Detected,
}

/// Finds and remembers schemas.
#[derive(Debug)]
pub(super) struct Schemas {
    choice: SchemaChoice,
    /// By the index of the input.
    found: Mutex<Vec<Option<Detected>>>,
}

impl Default for Schemas {
    /// All inputs have the native schema.
    fn default() -> Self {
        Self::new(SchemaChoice::Named(Schema::Native), &FieldMap::default())
    }
}

impl Schemas {
    /// A spec that says where the completion is knows the file: it is read as native,
    /// unless a schema is named.
    pub(super) fn new(choice: SchemaChoice, fields: &FieldMap) -> Self {
        let choice = match choice {
            SchemaChoice::Auto if !fields.completion.is_field("completion") => {
                SchemaChoice::Named(Schema::Native)
            }
            choice => choice,
        };
        Self {
            choice,
            found: Mutex::default(),
        }
    }

    /// The schema of an input, by one of its lines; `None` where the line does not
    /// tell, because it is no JSON object.
    pub(super) fn of(
        &self,
        input: usize,
        inputs: &Inputs,
        line: Option<&[u8]>,
    ) -> Result<Option<Schema>, InputError> {
        if let SchemaChoice::Named(schema) = self.choice {
            return Ok(Some(schema));
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some(detected)) = found.get(input) {
            return Ok(Some(detected.schema));
        }
        let Some(Ok(record)) = line.map(Record::parse) else {
            return Ok(None);
        };
        let detected = detect(&record).map_err(|source| InputError::Schema {
            name: inputs.list()[input].name(),
            source,
        })?;
        let schema = detected.schema;
        if found.len() <= input {
            found.resize(input + 1, None);
        }
        found[input] = Some(detected);
        Ok(Some(schema))
    }

    /// What was found so far, of inputs with another schema than the native one.
    pub(super) fn foreign(&self, inputs: &Inputs) -> Vec<InputSchema> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let named = found.iter().zip(inputs.list());
        named
            .filter_map(|(detected, input)| {
                let detected = detected.clone()?;
                (detected.schema != Schema::Native).then(|| InputSchema {
                    name: input.name(),
                    detected,
                })
            })
            .collect()
    }
}

/// The inputs that another tool wrote, by a look at the first rows of each; those of
/// streams are told when they are read.
///
/// # Errors
/// [`InputError::Schema`] where several schemas fit, and another where an input
/// cannot be read.
pub fn look(
    inputs: &Inputs,
    choice: SchemaChoice,
    fields: &FieldMap,
    max_line_bytes: usize,
) -> Result<Vec<InputSchema>, InputError> {
    let schemas = Schemas::new(choice, fields);
    if schemas.choice != SchemaChoice::Auto {
        return Ok(Vec::new());
    }
    for (index, input) in inputs.list().iter().enumerate() {
        if inputs.size(index).is_none() {
            continue;
        }
        let one = Inputs::check(vec![input.clone()])?;
        let limits = ReadLimits {
            line_bytes: max_line_bytes,
            chunk_rows: LOOK_ROWS,
            chunk_bytes: max_line_bytes,
            rows: u64::MAX,
        };
        let mut reader = Reader::new(&one, limits, Arc::default())
            .selecting(&Arc::default(), Selector::default());
        let mut schema = None;
        // What cannot be read is met again, and reported, by the run itself.
        while let (None, Ok(Some(chunk))) = (schema, reader.chunk(usize::MAX)) {
            for row in 0..chunk.rows() {
                let line = match chunk.row(row) {
                    (Line::Text(text), _) => Some(text),
                    (Line::TooLong { .. }, _) => None,
                };
                schema = schema.or(schemas.of(index, inputs, line)?);
            }
        }
    }
    Ok(schemas.foreign(inputs))
}
