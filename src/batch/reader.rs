//! Lines: inputs in, chunks of positioned lines out.
//!
//! - A byte order mark at the start of an input is skipped.
//! - A line ends with `\n`; a `\r` before it is not part of the line.
//! - A blank line (nothing but spaces and tabs) is no rollout and yields no
//!   row, but it counts as a line.
//! - A last line without `\n` is a line like any other, so a file that was cut
//!   while being written ends in an error row, or in a good row.
//! - A row of a Parquet file is a line of its own, in JSON.
//! - A line over the limit is skipped in constant memory and becomes a row that
//!   says so; it is not lost.
//! - Rows that were not asked for are passed over; see `select.rs`.
//! - The schema of an input is told by its first line that is a JSON object.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::input::{InputError, Inputs, LineEnd, Source};
use super::schemas::Schemas;
use super::select::{Selector, Take};
use crate::rollout::schema::Schema;

/// The UTF-8 byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Limits of the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReadLimits {
    /// Longest line in bytes.
    pub(super) line_bytes: usize,
    /// Most rows of a chunk.
    pub(super) chunk_rows: usize,
    /// A chunk is closed once it holds this many bytes.
    pub(super) chunk_bytes: usize,
    /// Most rows of the run.
    pub(super) rows: u64,
}

/// Lines that travel together. Of a resumed run, the first ones may be done.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    text: Vec<u8>,
    rows: Vec<(Content, Position)>,
    /// Lines at its beginning that are done.
    done_lines: usize,
    /// Completions of the first other line that are done.
    done_completions: usize,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Index of the input.
    pub(super) input: usize,
    /// Line in it, 1-based.
    pub(super) line: u64,
    /// Whose fields the input has.
    pub(super) schema: Schema,
}

#[derive(Clone, Debug)]
enum Content {
    Text(Range<usize>),
    TooLong { bytes: u64 },
}

/// A line of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'c> {
    /// Its bytes, without the line end.
    Text(&'c [u8]),
    /// It was over the limit; its length.
    TooLong {
        /// Length in bytes.
        bytes: u64,
    },
}

impl Chunk {
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// What is left of it after so many lines, and so many completions of the next.
    pub(super) fn rest(mut self, done_lines: usize, done_completions: usize) -> Option<Self> {
        self.done_lines = done_lines;
        self.done_completions = done_completions;
        (done_lines < self.rows.len()).then_some(self)
    }

    /// The lines that are not done.
    pub(super) fn open(&self) -> Range<usize> {
        self.done_lines..self.rows.len()
    }

    /// How many completions of a line are done.
    pub(super) fn done_of(&self, index: usize) -> usize {
        match index == self.done_lines {
            true => self.done_completions,
            false => 0,
        }
    }

    pub(super) fn row(&self, index: usize) -> (Line<'_>, Position) {
        let (content, position) = &self.rows[index];
        match content {
            Content::Text(range) => (Line::Text(&self.text[range.clone()]), *position),
            Content::TooLong { bytes } => (Line::TooLong { bytes: *bytes }, *position),
        }
    }
}

/// Reads chunk after chunk from all inputs.
pub(super) struct Reader<'i> {
    inputs: &'i Inputs,
    limits: ReadLimits,
    taken: Arc<AtomicU64>,
    source: Option<Source>,
    at: Position,
    rows_left: u64,
    failure: Option<InputError>,
    schemas: Arc<Schemas>,
    /// Whether the schema of the input is not known yet.
    is_new: bool,
    selector: Selector,
}

impl<'i> Reader<'i> {
    /// A reader that adds the bytes it takes in to `taken`.
    pub(super) fn new(inputs: &'i Inputs, limits: ReadLimits, taken: Arc<AtomicU64>) -> Self {
        let rows_left = limits.rows;
        let at = Position {
            input: 0,
            line: 0,
            schema: Schema::Native,
        };
        Self {
            inputs,
            limits,
            taken,
            source: None,
            at,
            rows_left,
            failure: None,
            schemas: Arc::default(),
            is_new: true,
            selector: Selector::default(),
        }
    }

    /// The same reader for inputs of other tools, and for a part of their rows.
    pub(super) fn selecting(self, schemas: &Arc<Schemas>, selector: Selector) -> Self {
        Self {
            schemas: Arc::clone(schemas),
            selector,
            ..self
        }
    }

    /// The same reader, for so many rows at most.
    pub(super) fn up_to(self, rows: u64) -> Self {
        Self {
            rows_left: rows,
            ..self
        }
    }

    /// The next chunk of at most `most` rows; `None` at the end. A chunk is empty
    /// where none of the rows was asked for.
    ///
    /// # Errors
    /// When an input cannot be read on. Lines before that have been handed out.
    pub(super) fn chunk(&mut self, most: usize) -> Result<Option<Chunk>, InputError> {
        let mut chunk = Chunk::default();
        let most = most.min(self.limits.chunk_rows);
        let mut passed_over = 0;
        while chunk.rows.len() < most && chunk.text.len().max(passed_over) < self.limits.chunk_bytes
        {
            if self.rows_left == 0 || self.failure.is_some() {
                break;
            }
            match self.step(&mut chunk, &mut passed_over) {
                Ok(true) => {}
                Ok(false) => break,
                // Kept for the next call: the rows before it come first.
                Err(error) => self.failure = Some(error),
            }
        }
        if chunk.rows.is_empty() {
            return match self.failure.take() {
                Some(error) => Err(error),
                None if passed_over > 0 => Ok(Some(chunk)),
                None => Ok(None),
            };
        }
        Ok(Some(chunk))
    }

    /// Takes one line; `false` when the chunk should go out as it is, because
    /// there is no more or because a slow input would hold it back.
    fn step(&mut self, chunk: &mut Chunk, passed_over: &mut usize) -> Result<bool, InputError> {
        let Some(source) = &mut self.source else {
            let Some(input) = self.inputs.list().get(self.at.input) else {
                return Ok(false);
            };
            self.source = Some(Source::open(input, &self.taken)?);
            self.at.line = 0;
            self.at.schema = Schema::Native;
            self.is_new = true;
            return Ok(true);
        };
        if source.is_drained() && !chunk.rows.is_empty() && self.at.line > 0 {
            return Ok(false);
        }
        let start = chunk.text.len();
        let found = source.take_line(self.limits.line_bytes, &mut chunk.text, self.at.line);
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                chunk.text.truncate(start);
                return Err(error);
            }
        };
        let content = match found {
            LineEnd::End => {
                self.source = None;
                self.at.input += 1;
                return Ok(true);
            }
            LineEnd::TooLong(bytes) => Content::TooLong { bytes },
            LineEnd::Line => Content::Text(trim(&chunk.text, start, self.at.line == 0)),
        };
        self.at.line += 1;
        if let Content::Text(range) = &content
            && chunk.text[range.clone()]
                .iter()
                .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
        {
            chunk.text.truncate(start);
            return Ok(true);
        }
        let line = match &content {
            Content::Text(range) => Some(&chunk.text[range.clone()]),
            Content::TooLong { .. } => None,
        };
        if self.is_new
            && let Some(schema) = self.schemas.of(self.at.input, self.inputs, line)?
        {
            self.at.schema = schema;
            self.is_new = false;
        }
        match self.selector.take(line, self.at) {
            Take::Row => chunk.rows.push((content, self.at)),
            taken => {
                // A line end at least: that something was read is what counts.
                *passed_over += chunk.text.len() - start + 1;
                chunk.text.truncate(start);
                if taken == Take::Nothing {
                    return Ok(true);
                }
            }
        }
        self.rows_left -= 1;
        Ok(true)
    }
}

/// The line that begins at `start`, without its `\r` and without the byte order
/// mark of a first line.
fn trim(text: &[u8], mut start: usize, is_first: bool) -> Range<usize> {
    let mut end = text.len();
    if text[start..].ends_with(b"\r") {
        end -= 1;
    }
    if is_first && text[start..end].starts_with(BOM) {
        start += BOM.len();
    }
    start..end
}
