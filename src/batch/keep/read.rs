//! The rows that are chosen from: rollouts with their scores, each with its chat
//! messages as they stand in the line.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::KeepOptions;
use super::write::Talk;
use crate::batch::input::{InputError, Inputs};
use crate::batch::judge::{place, read_rollouts};
use crate::batch::lines::{each_line, reader};
use crate::batch::reader::Reader;
use crate::batch::schemas::Schemas;
use crate::batch::select::Selector;
use crate::rollout::schema::{Schema, SchemaChoice};
use crate::rollout::{FieldMap, Pointer, Rollout};

/// A score's part of a row.
#[derive(Default)]
pub(super) struct Judgement {
    pub(super) id: Option<String>,
    pub(super) reward: Option<f64>,
    pub(super) is_correct: bool,
    /// Why the row is an error, if its score says that it is one.
    pub(super) error: Option<String>,
}

/// A rollout as it was read.
pub(super) struct Row {
    pub(super) rollout: Rollout,
    /// Its prompt and its completion as they are written.
    pub(super) talk: Talk,
    /// The score in the same line; `None` where it is no scored row.
    pub(super) judgement: Option<Judgement>,
}

/// A line that is no rollout.
pub(super) struct Unread {
    /// What is wrong with it, and where it is.
    pub(super) problem: String,
    /// The score in the line; `None` where it has none.
    pub(super) judgement: Option<Judgement>,
}

/// What is said of a line without a score.
pub(super) const NO_SCORE: &str = "no scored row, as `goldstone score` writes them";

/// The fields of a score.
const SCORE: [&str; 4] = ["reward", "status", "terms", "error"];

/// Every row of scored files.
pub(super) fn each_scored(
    inputs: &Inputs,
    options: &KeepOptions,
    visit: impl FnMut(u64, Result<Row, Unread>) -> ControlFlow<()>,
) -> Result<(), InputError> {
    let fields = FieldMap {
        columns: SCORE.map(Pointer::field).to_vec(),
        ..options.fields.clone()
    };
    let choice = SchemaChoice::Named(Schema::Native);
    let schemas = Arc::new(Schemas::new(choice, &fields));
    let reader = reader(inputs, options.max_line_bytes);
    let reader = reader.selecting(&schemas, Selector::default());
    each_row(inputs, reader, &fields, options, visit)
}

/// Every row of the rollouts that scores are of, as the run read them.
pub(super) fn each_rollout(
    inputs: &Inputs,
    options: &KeepOptions,
    visit: impl FnMut(u64, Result<Row, Unread>) -> ControlFlow<()>,
) -> Result<(), InputError> {
    let schemas = Arc::new(Schemas::new(options.schema, &options.fields));
    let mut reader = reader(inputs, options.max_line_bytes);
    if let Some(limit) = options.limit {
        reader = reader.up_to(limit);
    }
    let reader = reader.selecting(&schemas, Selector::new(&options.selection, None));
    each_row(inputs, reader, &options.fields, options, visit)
}

/// Every row as a rollout and its score, or what is wrong with it.
fn each_row(
    inputs: &Inputs,
    mut reader: Reader<'_>,
    fields: &FieldMap,
    options: &KeepOptions,
    mut visit: impl FnMut(u64, Result<Row, Unread>) -> ControlFlow<()>,
) -> Result<(), InputError> {
    let mut number = 0;
    while let Some(chunk) = reader.chunk(usize::MAX)? {
        for index in 0..chunk.rows() {
            let (line, at) = chunk.row(index);
            let place = place(inputs, at);
            for read in read_rollouts(line, at.schema, fields, &place, options.max_line_bytes) {
                number += 1;
                let row = match read {
                    Ok((record, mut rollout)) => {
                        let judgement = Judgement::of(&rollout.extra, None, options);
                        rollout.extra.clear();
                        Ok(Row {
                            talk: Talk::of(&record, at.schema, fields, &rollout),
                            rollout,
                            judgement,
                        })
                    }
                    Err(judged) => {
                        let name = inputs.list()[at.input].name();
                        let fault = judged.score.error.map(|error| error.message);
                        let fault = fault.unwrap_or_default();
                        // An error row is no rollout often enough, and a score still.
                        let record = judged.record.as_ref();
                        let score = record.map(|record| {
                            let field = |name: &str| record.value_at(&Pointer::field(name));
                            let fields =
                                SCORE.iter().filter_map(|name| Some((*name, field(name)?)));
                            fields
                                .map(|(name, value)| (name.to_owned(), value))
                                .collect()
                        });
                        Err(Unread {
                            problem: format!("{name}, line {}: {fault}", at.line),
                            judgement: score.and_then(|score| Judgement::of(&score, None, options)),
                        })
                    }
                };
                if visit(number, row).is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// The scores of a file without rollouts, row by row; `None` of a line without one.
pub(super) fn judgements(
    scored: &Inputs,
    options: &KeepOptions,
) -> Result<Vec<Option<Judgement>>, InputError> {
    let mut judgements = Vec::new();
    each_line(scored, options.max_line_bytes, |line| {
        let score = line.text.ok().and_then(|text| {
            let map: Map<String, Value> = serde_json::from_slice(text).ok()?;
            let id = map.get("id").and_then(Value::as_str).map(str::to_owned);
            Judgement::of(&map, id, options)
        });
        judgements.push(score);
        ControlFlow::Continue(())
    })?;
    Ok(judgements)
}

impl Judgement {
    /// `None` where the fields are those of no score.
    fn of(score: &Map<String, Value>, id: Option<String>, options: &KeepOptions) -> Option<Self> {
        let status = score.get("status").and_then(Value::as_str)?;
        let is_ok = match status {
            "ok" => true,
            "abstain" | "error" => false,
            _ => return None,
        };
        let reward = score.get("reward").and_then(Value::as_f64);
        let terms = score.get("terms");
        let verdict = |name: &String| terms?.get(name)?.get("verdict")?.as_str();
        let raw = |name: &String| terms?.get(name)?.get("raw")?.as_f64();
        let mut correct = options.correct.iter();
        let mut at_least = options.at_least.iter();
        let error = score
            .get("error")
            .and_then(|error| error.get("message")?.as_str());
        Some(Self {
            id,
            // `abstain` and `error` have no reward; a number beside them is none of ours.
            reward: reward.filter(|_| is_ok),
            is_correct: correct.all(|name| verdict(name) == Some("correct"))
                && at_least.all(|(name, least)| raw(name).is_some_and(|raw| raw >= *least)),
            error: error.filter(|_| status == "error").map(str::to_owned),
        })
    }
}
