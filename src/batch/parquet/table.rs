//! Rows as JSON lines in, batches of columns out.
//!
//! A row has the columns of its input and those of its score: `id`, `group`,
//! `reward`, `status`, four for every reward of the spec, and as JSON text
//! `detail`, `error` and `misfit`. A rollout without a score has `misfit` alone
//! beside its own columns, and an example to learn from nothing.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::columns::{Column, Kind, fits, infer, is_doubtful};
use super::fold::{KEY, MISFIT, Notes, TEXTS, term_columns};
use super::text::json;
use crate::batch::SCORE_FIELDS;
use crate::batch::container::RowKind;
use crate::rollout::Record;

/// What a table has beside the columns of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// A score, by these rewards, and misfits.
    Score { rewards: Vec<String> },
    /// What a column cannot hold.
    Misfits,
    /// Nothing: what a column cannot hold is an error.
    Nothing,
}

impl Beside {
    pub(super) fn of(kind: RowKind) -> Self {
        match kind {
            RowKind::Rollouts => Self::Misfits,
            RowKind::Examples => Self::Nothing,
        }
    }

    fn rewards(&self) -> &[String] {
        match self {
            Self::Score { rewards } => rewards,
            Self::Misfits | Self::Nothing => &[],
        }
    }

    /// The columns' names, and those of the fields that they stand for.
    pub(super) fn names(&self) -> HashSet<String> {
        let terms = self.rewards().iter().flat_map(|name| term_columns(name));
        match self {
            Self::Score { .. } => (TEXTS.iter().map(ToString::to_string))
                .chain(["reward", "terms", MISFIT].map(str::to_owned))
                .chain(terms)
                .collect(),
            Self::Misfits => HashSet::from([MISFIT.to_owned()]),
            Self::Nothing => HashSet::new(),
        }
    }

    /// Whether a column may have the type that was found for its values. Tests and
    /// references of a rollout are JSON to the letter: in one list of a Parquet
    /// column, 1 and 2.5 are both floats.
    pub(super) fn keeps(&self, kind: &DataType) -> bool {
        !matches!(self, Self::Misfits) || !kind.is_nested()
    }

    /// Whether a whole number may become a float: it may in examples, which nobody
    /// scores again. A reference of 12 is another text than one of 12.0.
    pub(super) fn takes_whole_floats(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    fn fields(&self) -> Vec<Field> {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let float = |name: &str| Field::new(name, DataType::Float64, true);
        let [id, group, status, detail, error] = TEXTS.map(text);
        match self {
            Self::Score { rewards } => {
                let terms = rewards.iter().flat_map(|name| {
                    let [value, raw, verdict, reason] = term_columns(name);
                    [float(&value), float(&raw), text(&verdict), text(&reason)]
                });
                [id, group, float("reward"), status]
                    .into_iter()
                    .chain(terms)
                    .chain([detail, error, text(MISFIT)])
                    .collect()
            }
            Self::Misfits => vec![text(MISFIT)],
            Self::Nothing => Vec::new(),
        }
    }
}

/// How rows of one output become columns.
#[derive(Clone, Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    beside: Beside,
    schema: SchemaRef,
}

impl Table {
    /// The table of an output whose first row group has these rows.
    pub(super) fn infer(
        rows: &[u8],
        hints: &HashMap<String, DataType>,
        beside: &Beside,
    ) -> io::Result<Self> {
        let records = records(rows)?;
        let columns = infer(&records, hints, beside);
        let text = columns.iter().find(|column| column.kind == Kind::Json);
        match text {
            Some(column) if *beside == Beside::Nothing => Err(several_types(&column.name)),
            _ => Ok(Self::new(columns, beside)),
        }
    }

    fn new(columns: Vec<Column>, beside: &Beside) -> Self {
        let inputs = columns.iter().map(|column| match &column.kind {
            Kind::Json => Field::new(&column.name, DataType::Utf8, true),
            Kind::Typed(kind) => Field::new(&column.name, kind.clone(), true),
        });
        let fields: Vec<Field> = inputs.chain(beside.fields()).collect();
        let json = columns.iter().filter(|column| column.kind == Kind::Json);
        let notes = Notes {
            rewards: match beside {
                Beside::Score { rewards } => Some(rewards.clone()),
                Beside::Misfits | Beside::Nothing => None,
            },
            json: json.map(|column| column.name.clone()).collect(),
        };
        let notes = serde_json::to_string(&notes).expect("all keys are strings");
        let metadata = match beside {
            Beside::Nothing => HashMap::new(),
            _ => HashMap::from([(KEY.to_owned(), notes)]),
        };
        Self {
            schema: Arc::new(Schema::new_with_metadata(fields, metadata)),
            columns,
            beside: beside.clone(),
        }
    }

    /// The table of an output that has been begun, by its columns.
    pub(super) fn of(schema: &Schema, beside: &Beside) -> Option<Self> {
        let notes: Notes = serde_json::from_str(schema.metadata().get(KEY)?).ok()?;
        // The score's columns come last, and their number is known.
        let inputs = schema.fields().len().checked_sub(beside.fields().len())?;
        let columns = schema.fields()[..inputs].iter().map(|field| Column {
            name: field.name().clone(),
            kind: match notes.json.contains(field.name()) {
                true => Kind::Json,
                false => Kind::Typed(field.data_type().clone()),
            },
        });
        Some(Self::new(columns.collect(), beside))
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns of whole rows.
    pub(super) fn batch(&self, rows: &[u8]) -> io::Result<RecordBatch> {
        let records = records(rows)?;
        self.build(&records, Doubt::Trust)
            .or_else(|_| self.build(&records, Doubt::Distrust))
    }

    fn build(&self, records: &[Record<'_>], doubt: Doubt) -> io::Result<RecordBatch> {
        let mut text = Vec::new();
        let is_scored = matches!(self.beside, Beside::Score { .. });
        let mut scores = is_scored.then(|| Scores::new(self.beside.rewards()));
        let mut all_misfits = StringBuilder::new();
        let mut misfits = Vec::new();
        for record in records {
            let mut fields: HashMap<&str, &str> = record.columns().collect();
            text.push(b'{');
            for column in &self.columns {
                let Some(value) = fields.get(column.name.as_str()) else {
                    match self.beside {
                        Beside::Nothing => return Err(missing(&column.name)),
                        _ => continue,
                    }
                };
                let is_held = match &column.kind {
                    Kind::Json => true,
                    Kind::Typed(_) if doubt == Doubt::Distrust && is_doubtful(&column.kind) => {
                        *value == "null"
                    }
                    Kind::Typed(kind) => fits(value, kind, &self.beside),
                };
                if !is_held {
                    continue;
                }
                if text.last() != Some(&b'{') {
                    text.push(b',');
                }
                json(&mut text, &column.name);
                text.push(b':');
                match column.kind {
                    Kind::Json if *value != "null" => json(&mut text, value),
                    _ => text.extend_from_slice(value.as_bytes()),
                }
                fields.remove(column.name.as_str());
            }
            text.extend_from_slice(b"}\n");
            misfits.clear();
            for (name, value) in record.columns() {
                let is_score = is_scored && SCORE_FIELDS.contains(&name);
                if fields.contains_key(name) && !is_score && value != "null" {
                    if self.beside == Beside::Nothing {
                        return Err(several_types(name));
                    }
                    misfits.push(if misfits.is_empty() { b'{' } else { b',' });
                    json(&mut misfits, name);
                    misfits.push(b':');
                    misfits.extend_from_slice(value.as_bytes());
                }
            }
            if !misfits.is_empty() {
                misfits.push(b'}');
            }
            if let Some(scores) = &mut scores {
                scores.add(&fields)?;
            }
            all_misfits.append_option(as_text(&misfits));
        }
        let mut arrays = self.inputs(&text, records.len())?;
        arrays.extend(scores.into_iter().flat_map(Scores::finish));
        if self.beside != Beside::Nothing {
            arrays.push(Arc::new(all_misfits.finish()));
        }
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(io::Error::other)
    }

    /// The input's columns of rows that have nothing else.
    fn inputs(&self, text: &[u8], rows: usize) -> io::Result<Vec<ArrayRef>> {
        if self.columns.is_empty() || rows == 0 {
            return Ok(Vec::new());
        }
        let fields = self.schema.fields()[..self.columns.len()].to_vec();
        let mut decoder = ReaderBuilder::new(Arc::new(Schema::new(fields)))
            .with_batch_size(rows)
            .build_decoder()
            .map_err(io::Error::other)?;
        let used = decoder.decode(text).map_err(io::Error::other)?;
        let batch = decoder.flush().map_err(io::Error::other)?;
        match batch {
            Some(batch) if batch.num_rows() == rows && used + 1 >= text.len() => {
                Ok(batch.columns().to_vec())
            }
            _ => Err(io::Error::other("rows were lost on the way to columns")),
        }
    }
}

/// Whether values that may not fit after all are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    Trust,
    Distrust,
}

/// Of an example, whose reader knows one type for each column and no misfits.
fn several_types(name: &str) -> io::Error {
    let problem = format!(
        "`{name}` is not of one type in all rows, as a column of Parquet has to be; JSON lines \
         (`.jsonl`, `.jsonl.zst`) take them"
    );
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

fn missing(name: &str) -> io::Error {
    let problem = format!(
        "some rows have no `{name}` and others do, so that no trainer could read them as one \
         table; write all in one form, or JSON lines (`.jsonl`, `.jsonl.zst`)"
    );
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

fn records(rows: &[u8]) -> io::Result<Vec<Record<'_>>> {
    let lines = rows
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let parsed = lines.map(|line| Record::parse(line).map_err(io::Error::other));
    parsed.collect()
}

/// The score's columns, growing.
struct Scores {
    texts: [StringBuilder; TEXTS.len()],
    reward: Float64Builder,
    terms: Vec<(String, [Float64Builder; 2], [StringBuilder; 2])>,
}

impl Scores {
    fn new(rewards: &[String]) -> Self {
        let term = |name: &String| (name.clone(), Default::default(), Default::default());
        Self {
            texts: Default::default(),
            reward: Float64Builder::new(),
            terms: rewards.iter().map(term).collect(),
        }
    }

    fn add(&mut self, fields: &HashMap<&str, &str>) -> io::Result<()> {
        let terms = fields.get("terms").copied().unwrap_or("{}");
        let terms = Record::parse(terms.as_bytes()).map_err(io::Error::other)?;
        let mut details = Vec::new();
        let mut found = Vec::new();
        for (name, term) in terms.columns() {
            let term = Record::parse(term.as_bytes()).map_err(io::Error::other)?;
            details.push(if details.is_empty() { b'{' } else { b',' });
            json(&mut details, name);
            details.push(b':');
            let detail = part(&term, "detail").unwrap_or("null");
            details.extend_from_slice(detail.as_bytes());
            found.push((name, term));
        }
        if !details.is_empty() {
            details.push(b'}');
        }
        for (name, numbers, texts) in &mut self.terms {
            let term = found.iter().find(|(other, _)| other == name);
            let part = |name: &str| term.and_then(|(_, term)| part(term, name));
            for (builder, name) in numbers.iter_mut().zip(["value", "raw"]) {
                builder.append_option(part(name).and_then(number));
            }
            for (builder, name) in texts.iter_mut().zip(["verdict", "reason"]) {
                builder.append_option(part(name).and_then(string));
            }
        }
        for (builder, name) in self.texts.iter_mut().zip(TEXTS) {
            let value = match name {
                "detail" => as_text(&details),
                "error" => fields.get(name).map(|error| (*error).to_owned()),
                _ => fields.get(name).copied().and_then(string),
            };
            builder.append_option(value);
        }
        self.reward
            .append_option(fields.get("reward").copied().and_then(number));
        Ok(())
    }

    /// In the order of the table's columns, but for the misfits.
    fn finish(self) -> Vec<ArrayRef> {
        let mut texts = self.texts;
        let [id, group, status, detail, error] = &mut texts;
        let mut reward = self.reward;
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(id.finish()),
            Arc::new(group.finish()),
            Arc::new(reward.finish()),
            Arc::new(status.finish()),
        ];
        for (_, mut numbers, mut texts) in self.terms {
            arrays.extend(
                numbers
                    .iter_mut()
                    .map(|one| Arc::new(one.finish()) as ArrayRef),
            );
            arrays.extend(
                texts
                    .iter_mut()
                    .map(|one| Arc::new(one.finish()) as ArrayRef),
            );
        }
        arrays.push(Arc::new(detail.finish()));
        arrays.push(Arc::new(error.finish()));
        arrays
    }
}

fn part<'l>(record: &'l Record<'_>, name: &str) -> Option<&'l str> {
    let mut columns = record.columns();
    columns
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}

/// The text of JSON that was put together here; none where there is none.
fn as_text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Rounded exactly, by the standard library; `None` for `null`.
fn number(raw: &str) -> Option<f64> {
    raw.parse().ok()
}

fn string(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}
