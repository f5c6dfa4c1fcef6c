//! Scored rows, read one by one: what two files are compared by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::batch::input::{InputError, Inputs};
use crate::batch::lines::{reader, too_long};
use crate::batch::reader::{Chunk, Line, Reader};
use crate::reward::Status;
use crate::verdict::Outcome;

/// The score of a row, as a scored file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RowScore {
    /// The rollout's name.
    #[serde(skip_serializing)]
    pub id: String,
    /// The total; `None` where there is none.
    pub reward: Option<f64>,
    /// Whether there is a reward.
    pub status: Status,
    /// The terms that applied, by name.
    pub terms: BTreeMap<String, RowTerm>,
}

/// One term of a row's score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RowTerm {
    /// The number before the weight.
    pub raw: Option<f64>,
    /// The verdict; measures have none.
    pub verdict: Option<Outcome>,
    /// Why.
    pub reason: Option<String>,
}

/// The rows of scored files, in order.
pub(super) struct Rows<'i> {
    inputs: &'i Inputs,
    reader: Reader<'i>,
    max_line_bytes: usize,
    chunk: Chunk,
    next: usize,
}

impl<'i> Rows<'i> {
    pub(super) fn new(inputs: &'i Inputs, max_line_bytes: usize) -> Self {
        Self {
            inputs,
            reader: reader(inputs, max_line_bytes),
            max_line_bytes,
            chunk: Chunk::default(),
            next: 0,
        }
    }

    /// The next row, or what is wrong with its line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Result<RowScore, String>>, InputError> {
        while self.next == self.chunk.rows() {
            let Some(chunk) = self.reader.chunk(usize::MAX)? else {
                return Ok(None);
            };
            self.chunk = chunk;
            self.next = 0;
        }
        let (line, at) = self.chunk.row(self.next);
        self.next += 1;
        let row = match line {
            Line::Text(text) => read(text),
            Line::TooLong { bytes } => Err(too_long(bytes, self.max_line_bytes).message),
        };
        let place = || format!("{}:{}", self.inputs.list()[at.input].name(), at.line);
        Ok(Some(
            row.map_err(|problem| format!("{}: {problem}", place())),
        ))
    }
}

fn read(text: &[u8]) -> Result<RowScore, String> {
    serde_json::from_slice(text)
        .map_err(|error| format!("no scored row, as `goldstone score` writes them: {error}"))
}
