//! Single lines: inputs in, numbered lines and rollouts out, without scoring.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::input::{InputError, Inputs};
use super::judge::{place, read_rollouts};
use super::reader::{Line, ReadLimits, Reader};
use super::schemas::Schemas;
use super::select::Selector;
use crate::reward::RowError;
use crate::rollout::schema::{Schema, SchemaChoice};
use crate::rollout::{FieldMap, Rollout};

/// Rows read ahead of the caller.
const CHUNK_ROWS: usize = 64;
/// Bytes read ahead of the caller.
const CHUNK_BYTES: usize = 256 * 1024;

/// One row of the inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputLine<'l> {
    /// Number among all rows, 1-based; that of the output row.
    pub row: u64,
    /// Path of the input as given.
    pub file: String,
    /// Line in it, 1-based.
    pub line: u64,
    /// The bytes without the line end, or why they are not at hand.
    pub text: Result<&'l [u8], RowError>,
}

/// Which row [`find`] looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The row of that number, 1-based: line N of the output.
    Row(u64),
    /// The first row of that id.
    Id(String),
}

/// A row that was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// Number among all rows, 1-based.
    pub row: u64,
    /// Path of the input as given.
    pub file: String,
    /// Line in it, 1-based.
    pub line: u64,
    /// The rollout, or why the line is none.
    pub rollout: Result<Rollout, RowError>,
}

/// Hands every row of the inputs to `visit`, in order, until that breaks.
///
/// # Errors
/// [`InputError`] when an input cannot be read on.
pub fn each_line(
    inputs: &Inputs,
    max_line_bytes: usize,
    mut visit: impl FnMut(InputLine<'_>) -> ControlFlow<()>,
) -> Result<(), InputError> {
    let mut row = 0;
    let mut reader = reader(inputs, max_line_bytes);
    while let Some(chunk) = reader.chunk(usize::MAX)? {
        for index in 0..chunk.rows() {
            let (line, at) = chunk.row(index);
            row += 1;
            let text = match line {
                Line::Text(text) => Ok(text),
                Line::TooLong { bytes } => Err(too_long(bytes, max_line_bytes)),
            };
            if visit(InputLine {
                row,
                file: inputs.list()[at.input].name(),
                line: at.line,
                text,
            })
            .is_break()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The wanted row, or `None` when the inputs have no such row.
///
/// # Errors
/// [`InputError`] when an input cannot be read on before the row is found.
pub fn find(
    inputs: &Inputs,
    fields: &FieldMap,
    schema: SchemaChoice,
    wanted: &Wanted,
    max_line_bytes: usize,
) -> Result<Option<Found>, InputError> {
    let mut row = 0;
    let schemas = Arc::new(Schemas::new(schema, fields));
    let reader = reader(inputs, max_line_bytes);
    let mut reader = reader.selecting(&schemas, Selector::default());
    while let Some(chunk) = reader.chunk(usize::MAX)? {
        for index in 0..chunk.rows() {
            let (line, at) = chunk.row(index);
            // A native line is one row: others than the wanted one need no reading.
            if at.schema == Schema::Native
                && matches!(wanted, Wanted::Row(number) if *number != row + 1)
            {
                row += 1;
                continue;
            }
            let place = place(inputs, at);
            for read in read_rollouts(line, at.schema, fields, &place, max_line_bytes) {
                row += 1;
                let id = match &read {
                    Ok((_, rollout)) => &rollout.id,
                    Err(judged) => &judged.score.id,
                };
                let is_wanted = match wanted {
                    Wanted::Row(number) => *number == row,
                    Wanted::Id(name) => name == id,
                };
                if !is_wanted {
                    continue;
                }
                let rollout = match read {
                    Ok((_, rollout)) => Ok(rollout),
                    Err(judged) => Err(judged
                        .score
                        .error
                        .expect("a line without a rollout has an error")),
                };
                return Ok(Some(Found {
                    row,
                    file: inputs.list()[at.input].name(),
                    line: at.line,
                    rollout,
                }));
            }
        }
    }
    Ok(None)
}

/// The rollouts of a group but for that of one row, 1-based.
///
/// # Errors
/// [`InputError`] when an input cannot be read on.
pub fn rest_of_group(
    inputs: &Inputs,
    fields: &FieldMap,
    schema: SchemaChoice,
    group: &str,
    but: u64,
    max_line_bytes: usize,
) -> Result<Vec<Rollout>, InputError> {
    let mut row = 0;
    let mut rest = Vec::new();
    let schemas = Arc::new(Schemas::new(schema, fields));
    let reader = reader(inputs, max_line_bytes);
    let mut reader = reader.selecting(&schemas, Selector::default());
    while let Some(chunk) = reader.chunk(usize::MAX)? {
        for index in 0..chunk.rows() {
            let (line, at) = chunk.row(index);
            let place = place(inputs, at);
            for read in read_rollouts(line, at.schema, fields, &place, max_line_bytes) {
                row += 1;
                if let Ok((_, rollout)) = read
                    && rollout.group == group
                    && row != but
                {
                    rest.push(rollout);
                }
            }
        }
    }
    Ok(rest)
}

/// What is said of a line that was skipped for its length.
pub(super) fn too_long(bytes: u64, limit: usize) -> RowError {
    RowError::data(format!(
        "the line has {bytes} bytes, over the limit of {limit} (`--max-line-mb` raises it)"
    ))
}

/// Reads rows for a caller that takes them one by one.
pub(super) fn reader(inputs: &Inputs, line_bytes: usize) -> Reader<'_> {
    let limits = ReadLimits {
        line_bytes,
        chunk_rows: CHUNK_ROWS,
        chunk_bytes: CHUNK_BYTES,
        rows: u64::MAX,
    };
    Reader::new(inputs, limits, Arc::new(AtomicU64::new(0)))
}
