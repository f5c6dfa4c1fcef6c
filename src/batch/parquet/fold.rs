//! Scored files read back: a score's columns become the score's JSON again.
//!
//! A Parquet output says in its metadata (`goldstone`) which columns are the
//! score's and which hold JSON as text. Read as an input, its rows have the
//! fields that the same output has as JSON lines, so that whatever reads scored
//! rows reads both. Rollouts that were written without a score have JSON columns
//! and misfits alone. A file whose columns were changed since is read as it is.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};
use serde::{Deserialize, Serialize};

use super::text::{json, json_text};
use crate::rollout::Record;

/// The key of the metadata.
pub(super) const KEY: &str = "goldstone";
/// The input's values that their columns have no place for.
pub(super) const MISFIT: &str = "misfit";
/// Columns of text that every score has, in their order in a file.
pub(super) const TEXTS: [&str; 5] = ["id", "group", "status", "detail", "error"];

/// What the metadata of a Parquet output says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notes {
    /// The spec's rewards, in its order; `None` of rows without a score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rewards: Option<Vec<String>>,
    /// Input columns whose strings are JSON.
    pub(super) json: Vec<String>,
}

/// Which columns of a file are a score's.
#[derive(Clone, Debug, Default)]
pub(super) struct Fold {
    json: Vec<usize>,
    misfit: Option<usize>,
    score: Option<Places>,
}

/// Where the columns of a score are.
#[derive(Clone, Debug)]
struct Places {
    texts: [usize; TEXTS.len()],
    reward: usize,
    terms: Vec<TermPlaces>,
}

#[derive(Clone, Debug)]
struct TermPlaces {
    name: String,
    /// `r.<name>`, `raw.<name>`, `verdict.<name>`, `reason.<name>`.
    columns: [usize; 4],
}

/// The columns of a term.
pub(super) fn term_columns(name: &str) -> [String; 4] {
    ["r", "raw", "verdict", "reason"].map(|part| format!("{part}.{name}"))
}

impl Fold {
    /// `notes` is the metadata of a file with columns of `schema`.
    pub(super) fn new(notes: Option<&str>, schema: &Schema) -> Self {
        let notes = notes.and_then(|notes| serde_json::from_str::<Notes>(notes).ok());
        notes
            .and_then(|notes| Self::find(&notes, schema))
            .unwrap_or_default()
    }

    fn find(notes: &Notes, schema: &Schema) -> Option<Self> {
        let text = |name: &str| {
            let (index, field) = schema.column_with_name(name)?;
            matches!(field.data_type(), DataType::Utf8View | DataType::Utf8).then_some(index)
        };
        let float = |name: &str| {
            let (index, field) = schema.column_with_name(name)?;
            (*field.data_type() == DataType::Float64).then_some(index)
        };
        let json = notes.json.iter().map(|name| text(name));
        let rows = Self {
            json: json.collect::<Option<_>>()?,
            misfit: Some(text(MISFIT)?),
            score: None,
        };
        let Some(rewards) = &notes.rewards else {
            return Some(rows);
        };
        let mut terms = Vec::new();
        for name in rewards {
            let [value, raw, verdict, reason] = term_columns(name);
            terms.push(TermPlaces {
                name: name.clone(),
                columns: [
                    float(&value)?,
                    float(&raw)?,
                    text(&verdict)?,
                    text(&reason)?,
                ],
            });
        }
        let mut texts = [0; TEXTS.len()];
        for (place, name) in texts.iter_mut().zip(TEXTS) {
            *place = text(name)?;
        }
        Some(Self {
            score: Some(Places {
                texts,
                reward: float("reward")?,
                terms,
            }),
            ..rows
        })
    }

    pub(super) fn is_json(&self, column: usize) -> bool {
        self.json.contains(&column)
    }

    /// Whether the column is none of the row's own.
    pub(super) fn is_ours(&self, column: usize) -> bool {
        let is_score = self.score.as_ref().is_some_and(|places| {
            let mut terms = places.terms.iter().flat_map(|term| term.columns);
            column == places.reward
                || places.texts.contains(&column)
                || terms.any(|place| place == column)
        });
        is_score || self.misfit == Some(column)
    }

    /// The values of a row that its columns have no place for.
    pub(super) fn misfits<'b>(&self, batch: &'b RecordBatch, row: usize) -> Misfits<'b> {
        let text = self
            .misfit
            .and_then(|place| string_at(batch.column(place), row));
        Misfits(text.and_then(|text| Record::parse(text.as_bytes()).ok()))
    }

    pub(super) fn score_text<'b>(&'b self, batch: &'b RecordBatch) -> Option<ScoreText<'b>> {
        let places = self.score.as_ref()?;
        Some(ScoreText { places, batch })
    }
}

/// The scores of one batch.
pub(super) struct ScoreText<'b> {
    places: &'b Places,
    batch: &'b RecordBatch,
}

/// Values of a row that its columns have no place for: names and JSON.
#[derive(Default)]
pub(super) struct Misfits<'b>(Option<Record<'b>>);

impl Misfits<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.iter();
        all.find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(Record::columns)
    }
}

impl<'b> ScoreText<'b> {
    fn text(&self, column: usize, row: usize) -> Option<&'b str> {
        string_at(self.batch.column(column), row)
    }

    /// Appends the score's fields, without braces.
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) {
        let [id, group, status, detail, error] =
            self.places.texts.map(|column| self.text(column, row));
        let field = |name: &str, out: &mut Vec<u8>| {
            json(out, name);
            out.push(b':');
        };
        field("id", out);
        json(out, &id);
        out.push(b',');
        field("group", out);
        json(out, &group);
        out.push(b',');
        field("reward", out);
        json(out, &self.number(self.places.reward, row));
        out.push(b',');
        field("status", out);
        json(out, &status);
        out.push(b',');
        field("terms", out);
        out.push(b'{');
        // The details name every term that applied.
        let details = detail.and_then(|text| Record::parse(text.as_bytes()).ok());
        let mut separator: &[u8] = b"";
        for (name, detail) in details.iter().flat_map(Record::columns) {
            let Some(term) = self.places.terms.iter().find(|term| term.name == name) else {
                continue;
            };
            let [value, raw, verdict, reason] = term.columns;
            out.extend_from_slice(separator);
            separator = b",";
            field(name, out);
            out.push(b'{');
            field("value", out);
            json(out, &self.number(value, row));
            out.push(b',');
            field("raw", out);
            json(out, &self.number(raw, row));
            out.push(b',');
            field("verdict", out);
            json(out, &self.text(verdict, row));
            out.push(b',');
            field("reason", out);
            json(out, &self.text(reason, row));
            if detail != "null" {
                out.extend_from_slice(b",\"detail\":");
                json_text(out, detail);
            }
            out.push(b'}');
        }
        out.push(b'}');
        if let Some(error) = error {
            out.extend_from_slice(b",\"error\":");
            json_text(out, error);
        }
    }

    fn number(&self, column: usize, row: usize) -> Option<f64> {
        let array = self.batch.column(column).as_primitive::<Float64Type>();
        array.is_valid(row).then(|| array.value(row))
    }
}

/// The string at `row` of a column of strings; `None` for null.
pub(super) fn string_at(array: &dyn Array, row: usize) -> Option<&str> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        _ => None,
    }
}
