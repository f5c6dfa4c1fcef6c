//! Rows as JSON lines in, batches of columns out.
//!
//! A row has the columns of its input and those of its score: `id`, `group`,
//! `reward`, `status`, four for every reward of the spec, and as JSON text
//! `detail`, `error` and `misfit`.

use std::collections::HashMap;
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
use crate::rollout::Record;

/// How rows of one output become columns.
#[derive(Clone, Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rewards: Vec<String>,
    schema: SchemaRef,
}

impl Table {
    /// The table of an output whose first row group has these rows.
    pub(super) fn infer(
        rows: &[u8],
        hints: &HashMap<String, DataType>,
        rewards: &[String],
    ) -> io::Result<Self> {
        let records = records(rows)?;
        Ok(Self::new(infer(&records, hints, rewards), rewards))
    }

    fn new(columns: Vec<Column>, rewards: &[String]) -> Self {
        let inputs = columns.iter().map(|column| match &column.kind {
            Kind::Json => Field::new(&column.name, DataType::Utf8, true),
            Kind::Typed(kind) => Field::new(&column.name, kind.clone(), true),
        });
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let float = |name: &str| Field::new(name, DataType::Float64, true);
        let [id, group, status, detail, error] = TEXTS.map(text);
        let terms = rewards.iter().flat_map(|name| {
            let [value, raw, verdict, reason] = term_columns(name);
            [float(&value), float(&raw), text(&verdict), text(&reason)]
        });
        let fields: Vec<Field> = inputs
            .chain([id, group, float("reward"), status])
            .chain(terms)
            .chain([detail, error, text(MISFIT)])
            .collect();
        let json = columns.iter().filter(|column| column.kind == Kind::Json);
        let notes = Notes {
            rewards: rewards.to_vec(),
            json: json.map(|column| column.name.clone()).collect(),
        };
        let notes = serde_json::to_string(&notes).expect("all keys are strings");
        let metadata = HashMap::from([(KEY.to_owned(), notes)]);
        Self {
            schema: Arc::new(Schema::new_with_metadata(fields, metadata)),
            columns,
            rewards: rewards.to_vec(),
        }
    }

    /// The table of an output that has been begun, by its columns.
    pub(super) fn of(schema: &Schema, rewards: &[String]) -> Option<Self> {
        let notes: Notes = serde_json::from_str(schema.metadata().get(KEY)?).ok()?;
        // The score's columns come last, and their number is known.
        let own = TEXTS.len() + 2 + 4 * rewards.len();
        let inputs = schema.fields().len().checked_sub(own)?;
        let columns = schema.fields()[..inputs].iter().map(|field| Column {
            name: field.name().clone(),
            kind: match notes.json.contains(field.name()) {
                true => Kind::Json,
                false => Kind::Typed(field.data_type().clone()),
            },
        });
        Some(Self::new(columns.collect(), rewards))
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
        let mut scores = Scores::new(&self.rewards);
        let mut misfits = Vec::new();
        for record in records {
            let mut fields: HashMap<&str, &str> = record.columns().collect();
            text.push(b'{');
            for column in &self.columns {
                let Some(value) = fields.get(column.name.as_str()) else {
                    continue;
                };
                let is_held = match &column.kind {
                    Kind::Json => true,
                    Kind::Typed(_) if doubt == Doubt::Distrust && is_doubtful(&column.kind) => {
                        *value == "null"
                    }
                    Kind::Typed(kind) => fits(value, kind),
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
                if fields.contains_key(name) && !SCORE_FIELDS.contains(&name) && value != "null" {
                    misfits.push(if misfits.is_empty() { b'{' } else { b',' });
                    json(&mut misfits, name);
                    misfits.push(b':');
                    misfits.extend_from_slice(value.as_bytes());
                }
            }
            if !misfits.is_empty() {
                misfits.push(b'}');
            }
            scores.add(&fields, &misfits)?;
        }
        let mut arrays = self.inputs(&text, records.len())?;
        arrays.extend(scores.finish());
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
    misfit: StringBuilder,
    reward: Float64Builder,
    terms: Vec<(String, [Float64Builder; 2], [StringBuilder; 2])>,
}

impl Scores {
    fn new(rewards: &[String]) -> Self {
        let term = |name: &String| (name.clone(), Default::default(), Default::default());
        Self {
            texts: Default::default(),
            misfit: StringBuilder::new(),
            reward: Float64Builder::new(),
            terms: rewards.iter().map(term).collect(),
        }
    }

    fn add(&mut self, fields: &HashMap<&str, &str>, misfits: &[u8]) -> io::Result<()> {
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
        self.misfit.append_option(as_text(misfits));
        Ok(())
    }

    /// In the order of the table's columns.
    fn finish(self) -> Vec<ArrayRef> {
        let mut texts = self.texts;
        let [id, group, status, detail, error] = &mut texts;
        let (mut reward, mut misfit) = (self.reward, self.misfit);
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
        arrays.push(Arc::new(misfit.finish()));
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
