//! Scoring once more: whether a scored file is what its manifest says.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use serde_json::Value;

use super::container::Container;
use super::input::{Input, InputError, Inputs};
use super::judge::Judge;
use super::lines::reader;
use super::manifest::Manifest;
use super::reader::{Chunk, Line, Reader};
use super::run::{Batch, BatchError, BatchOptions, Control, Report};
use crate::rollout::Pointer;

/// Differences that are kept.
const SHOWN: usize = 3;
/// Fields of a row that are kept.
const FIELDS: usize = 8;
/// Characters of a value that are kept, and those of them before the first that differs.
const VALUE_CHARS: [usize; 2] = [80, 20];

/// What scoring once more has come to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Confirmed {
    /// Rows that were scored once more.
    pub rows: u64,
    /// Rows that differ from the file's, a file that is too short or too long among
    /// them; of Parquet, 1 where any byte differs.
    pub differ: u64,
    /// The first of them.
    pub first: Vec<Difference>,
    /// The run.
    pub report: Report,
}

/// A row that is another one now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Number of the row, 1-based.
    pub row: u64,
    /// Which side has the row; both but for a file that is too short or too long.
    pub sides: Sides,
    /// The first fields that differ.
    pub fields: Vec<FieldDifference>,
    /// How many more do.
    pub more: usize,
}

/// Who has a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// The file, and scoring once more.
    Both,
    /// The file alone.
    FileOnly,
    /// Scoring once more alone.
    NowOnly,
}

/// A field that is another one now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldDifference {
    /// JSON pointer of the field; empty where a row is no JSON object, or only its text
    /// differs.
    pub field: String,
    /// JSON in the file, cut around what differs; `None` where it has no such field.
    pub file: Option<String>,
    /// JSON that was scored, cut likewise.
    pub now: Option<String>,
}

/// Why a file could not be confirmed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfirmError {
    /// The file cannot be read.
    #[error(transparent)]
    Output(#[from] InputError),
    /// The run has failed.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// Scores the inputs of `manifest` once more and compares each row with that of the
/// file at `output`.
///
/// # Errors
/// [`ConfirmError`] when a file cannot be read on, or scoring fails.
pub fn confirm<J: Judge + ?Sized>(
    manifest: &Manifest,
    output: &Path,
    judge: &J,
    inputs: &Inputs,
    jobs: usize,
    control: &Control,
) -> Result<Confirmed, ConfirmError> {
    let is_parquet = manifest.options.container == Container::Parquet;
    let options = BatchOptions {
        columns: manifest.options.columns,
        container: match is_parquet {
            true => Container::Parquet,
            // Frames are compared by their rows.
            false => Container::Jsonl,
        },
        block_bytes: manifest.options.block_bytes,
        limit: manifest.options.limit,
        max_line_bytes: manifest.options.max_line_bytes,
        schema: manifest.options.schema,
        selection: manifest.options.selection.clone(),
        jobs,
        ..BatchOptions::default()
    };
    let batch = Batch {
        judge,
        inputs,
        options: &options,
        control,
    };
    let open = |source| InputError::Open {
        name: output.display().to_string(),
        source,
    };
    if is_parquet {
        let file = File::open(output).map_err(open)?;
        let mut bytes = Bytes {
            file: BufReader::new(file),
            differ: false,
        };
        let report = batch.run(&mut bytes)?;
        let mut rest = [0];
        let is_longer = bytes.file.read(&mut rest).map_err(open)? > 0;
        return Ok(Confirmed {
            rows: report.summary.rows,
            differ: u64::from(bytes.differ || is_longer),
            first: Vec::new(),
            report,
        });
    }
    let scored = Inputs::check(vec![Input::named(output)])?;
    let mut rows = Rows::new(&scored);
    let report = match batch.run(&mut rows) {
        Ok(report) => report,
        Err(error) => return Err(rows.fault.map_or(error.into(), ConfirmError::Output)),
    };
    rows.rest()?;
    Ok(Confirmed {
        rows: report.summary.rows,
        differ: rows.differ,
        first: rows.first,
        report,
    })
}

/// Compares what is written with the bytes of a file.
struct Bytes {
    file: BufReader<File>,
    differ: bool,
}

impl Write for Bytes {
    fn write(&mut self, now: &[u8]) -> io::Result<usize> {
        let mut then = Vec::with_capacity(now.len());
        let limit = now.len() as u64;
        (&mut self.file).take(limit).read_to_end(&mut then)?;
        self.differ |= then != now;
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compares what is written with the lines of a file.
struct Rows<'i> {
    reader: Reader<'i>,
    chunk: Chunk,
    next: usize,
    /// The beginning of a row that is not whole.
    partial: Vec<u8>,
    row: u64,
    differ: u64,
    first: Vec<Difference>,
    fault: Option<InputError>,
}

impl<'i> Rows<'i> {
    fn new(inputs: &'i Inputs) -> Self {
        Self {
            reader: reader(inputs, usize::MAX),
            chunk: Chunk::default(),
            next: 0,
            partial: Vec::new(),
            row: 0,
            differ: 0,
            first: Vec::new(),
            fault: None,
        }
    }

    /// Compares a row with the file's next.
    fn compare(&mut self, now: Option<&[u8]>) -> Result<bool, InputError> {
        while self.next == self.chunk.rows() {
            match self.reader.chunk(usize::MAX)? {
                Some(chunk) => self.chunk = chunk,
                None => break,
            }
            self.next = 0;
        }
        let then = match self.next < self.chunk.rows() {
            true => match self.chunk.row(self.next).0 {
                Line::Text(text) => Some(text),
                Line::TooLong { .. } => unreachable!("there is no limit"),
            },
            false => None,
        };
        if then.is_none() && now.is_none() {
            return Ok(false);
        }
        self.row += 1;
        if then != now {
            self.differ += 1;
            if self.first.len() < SHOWN {
                self.first.push(Difference::of(self.row, then, now));
            }
        }
        self.next += usize::from(then.is_some());
        Ok(true)
    }

    /// Counts what the file has beyond the last row.
    fn rest(&mut self) -> Result<(), InputError> {
        while self.compare(None)? {}
        Ok(())
    }
}

impl Write for Rows<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut rest = text;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let mut row = std::mem::take(&mut self.partial);
            row.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            if let Err(fault) = self.compare(Some(&row)) {
                self.fault = Some(fault);
                return Err(io::Error::other("the scored file cannot be read on"));
            }
        }
        self.partial.extend_from_slice(rest);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Difference {
    fn of(row: u64, file: Option<&[u8]>, now: Option<&[u8]>) -> Self {
        let sides = match (file, now) {
            (Some(_), None) => Sides::FileOnly,
            (None, Some(_)) => Sides::NowOnly,
            _ => Sides::Both,
        };
        let mut fields = Vec::new();
        if let (Some(file), Some(now)) = (file, now) {
            let parsed = |text| serde_json::from_slice::<Value>(text);
            if let (Ok(file), Ok(now)) = (parsed(file), parsed(now)) {
                compare("", Some(&file), Some(&now), &mut fields);
            }
            if fields.is_empty() {
                let text = |text| Some(String::from_utf8_lossy(text).into_owned());
                fields.push(FieldDifference::of("", text(file), text(now)));
            }
        }
        let more = fields.len().saturating_sub(FIELDS);
        fields.truncate(FIELDS);
        Self {
            row,
            sides,
            fields,
            more,
        }
    }
}

/// The values that differ, down to those without parts.
fn compare(
    field: &str,
    file: Option<&Value>,
    now: Option<&Value>,
    found: &mut Vec<FieldDifference>,
) {
    if file == now {
        return;
    }
    let (Some(Value::Object(a)), Some(Value::Object(b))) = (file, now) else {
        let text = |value: Option<&Value>| value.map(ToString::to_string);
        found.push(FieldDifference::of(field, text(file), text(now)));
        return;
    };
    let others = b.keys().filter(|name| !a.contains_key(*name));
    for name in a.keys().chain(others) {
        let below = format!("{field}{}", Pointer::field(name));
        compare(&below, a.get(name), b.get(name), found);
    }
}

impl FieldDifference {
    fn of(field: &str, file: Option<String>, now: Option<String>) -> Self {
        let same = match (&file, &now) {
            (Some(file), Some(now)) => {
                let pairs = file.chars().zip(now.chars());
                pairs.take_while(|(a, b)| a == b).count()
            }
            _ => 0,
        };
        let [most, before] = VALUE_CHARS;
        let skipped = same.saturating_sub(before);
        let cut = |text: String| {
            let count = text.chars().count();
            // A short one is shown whole.
            let skipped = if count <= most { 0 } else { skipped };
            let head = if skipped > 0 { "…" } else { "" };
            let tail = if count > skipped + most { "…" } else { "" };
            let middle: String = text.chars().skip(skipped).take(most).collect();
            format!("{head}{middle}{tail}")
        };
        Self {
            field: field.to_owned(),
            file: file.map(cut),
            now: now.map(cut),
        }
    }
}
