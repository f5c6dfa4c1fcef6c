//! One row: a line in, its score out, whatever happens.
//!
//! A line that cannot be read or is no rollout becomes an error of the data; a
//! scorer that panics, or returns a number that is not finite, becomes an error
//! of the machinery. No row is lost, and no error becomes a number.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use std::vec;

use serde_json::Value;

use super::groups::{Asked, BegunRow, ScoredRow};
use super::input::Inputs;
use super::lines::too_long;
use super::output::{Columns, write_columns, write_row};
use super::reader::{Line, Position};
use crate::reward::{ErrorKind, Pending, RowError, Score, Scorer};
use crate::rollout::schema::{Schema, adapt};
use crate::rollout::{FieldMap, Pointer, Record, Rollout, RolloutError};

/// What turns a rollout into a score: a [`Scorer`], or a program's own rules.
pub trait Judge: Sync {
    /// Where the fields of a rollout stand in a line.
    fn fields(&self) -> &FieldMap;
    /// The names of the rewards, in order.
    fn rewards(&self) -> &[Arc<str>];
    /// The rewards whose verdict says "solved", for pass@k; a row counts by the
    /// first of them that it has.
    fn solvers(&self) -> Vec<String>;
    /// Whether verdicts of this reward name the answer that they judge, by which the
    /// samples of a prompt vote.
    fn names_answers_of(&self, _reward: &str) -> bool {
        true
    }
    /// Scores one rollout; must be a pure function.
    fn score(&self, rollout: &Rollout) -> Score;
    /// The scorer that compares the rollouts of a group, for a judge whose
    /// rewards need that; it is asked in place of [`Judge::score`].
    fn grouped(&self) -> Option<&Scorer> {
        None
    }
}

impl Judge for Scorer {
    fn fields(&self) -> &FieldMap {
        Scorer::fields(self)
    }

    fn rewards(&self) -> &[Arc<str>] {
        Scorer::rewards(self)
    }

    fn solvers(&self) -> Vec<String> {
        Scorer::solvers(self).map(ToString::to_string).collect()
    }

    fn names_answers_of(&self, reward: &str) -> bool {
        Scorer::names_answers_of(self, reward)
    }

    fn score(&self, rollout: &Rollout) -> Score {
        Scorer::score(self, rollout)
    }

    fn grouped(&self) -> Option<&Scorer> {
        self.needs_groups().then_some(self)
    }
}

/// Where a row is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The file and the line in it; `None` for a record in memory.
    pub(super) origin: Option<(String, u64)>,
    /// The name of a rollout that has none.
    pub(super) default_id: String,
}

/// A rollout with the fields that it is from, or the score of what is none.
pub(super) type Read<'l> = Result<(Record<'l>, Rollout), Box<Judged<'l>>>;

/// The rollouts of a line, in order.
#[expect(
    clippy::large_enum_variant,
    reason = "the one row of a native line should cost no allocation"
)]
pub(super) enum Reads<'l> {
    One(Option<Read<'l>>),
    Several(vec::IntoIter<Read<'l>>),
}

impl<'l> Iterator for Reads<'l> {
    type Item = Read<'l>;

    fn next(&mut self) -> Option<Read<'l>> {
        match self {
            Self::One(read) => read.take(),
            Self::Several(reads) => reads.next(),
        }
    }
}

/// A scored rollout.
pub(super) struct Judged<'l> {
    /// Its fields, where it has any.
    pub(super) record: Option<Record<'l>>,
    pub(super) task: Option<String>,
    pub(super) score: Score,
    /// The rollout, where the line is one.
    pub(super) rollout: Option<Rollout>,
}

/// Scores one rollout; never panics, and no number in the score is NaN.
pub(super) fn score_rollout(judge: &(impl Judge + ?Sized), rollout: &Rollout) -> Score {
    let fault = match catch_unwind(AssertUnwindSafe(|| judge.score(rollout))) {
        Ok(score) if is_finite(&score) => return score,
        Ok(_) => machinery("the reward is not a finite number"),
        Err(panic) => bug(&*panic),
    };
    Score::error(&rollout.id, &rollout.group, fault)
}

/// Judges what one rollout decides alone; never panics.
pub(super) fn begin_rollout(scorer: &Scorer, rollout: &Rollout) -> Result<Pending, Box<Score>> {
    let begun = catch_unwind(AssertUnwindSafe(|| scorer.begin(rollout)));
    begun.map_err(|panic| Box::new(Score::error(&rollout.id, &rollout.group, bug(&*panic))))
}

/// What is said of a scorer that panicked.
pub(super) fn bug(panic: &(dyn Any + Send)) -> RowError {
    machinery(&format!("the scorer panicked: {}", panic_text(panic)))
}

fn machinery(fault: &str) -> RowError {
    let message = format!("{fault}; this is a bug, please report it with this row");
    RowError {
        kind: ErrorKind::Machinery,
        ..RowError::data(message)
    }
}

/// Judges one rollout by a scorer that compares the rollouts of a group: all that
/// it decides alone. `begin` is when, for a survey.
pub(super) fn begin_read(
    scorer: &Scorer,
    read: Read<'_>,
    place: &Place,
    columns: Columns,
    begin: Option<Instant>,
) -> BegunRow {
    let mut text = Vec::new();
    let judged = match read {
        Err(judged) => *judged,
        Ok((record, rollout)) => match begin_rollout(scorer, &rollout) {
            Ok(mut pending) => {
                write_columns(Some(&record), columns, &mut text);
                pending.locate(|error| located(error, place));
                return BegunRow::Open {
                    columns: text,
                    pending: Box::new(pending),
                    task: rollout.task.clone(),
                    asked: Asked::of(Some(rollout), begin),
                };
            }
            Err(mut score) => {
                score.error = score.error.map(|error| located(error, place));
                Judged {
                    record: Some(record),
                    task: rollout.task.clone(),
                    score: *score,
                    rollout: Some(rollout),
                }
            }
        },
    };
    write_row(&judged, columns, &mut text);
    let asked = Asked::of(judged.rollout, begin);
    let rewards = scorer.rewards();
    BegunRow::Scored(ScoredRow::new(
        text,
        judged.score,
        judged.task,
        asked,
        rewards,
    ))
}

/// Scores what was read.
pub(super) fn score_read<'l>(
    judge: &(impl Judge + ?Sized),
    read: Read<'l>,
    place: &Place,
) -> Judged<'l> {
    match read {
        Ok((record, rollout)) => {
            let mut score = score_rollout(judge, &rollout);
            score.error = score.error.map(|error| located(error, place));
            Judged {
                record: Some(record),
                task: rollout.task.clone(),
                score,
                rollout: Some(rollout),
            }
        }
        Err(judged) => *judged,
    }
}

/// The rollouts of a line of some schema, one at least.
pub(super) fn read_rollouts<'l>(
    line: Line<'l>,
    schema: Schema,
    fields: &FieldMap,
    place: &Place,
    limit_bytes: usize,
) -> Reads<'l> {
    if schema == Schema::Native {
        return Reads::One(Some(read_line(line, fields, place, limit_bytes)));
    }
    let record = match read_record(line, place, limit_bytes) {
        Ok(record) => record,
        Err(judged) => return Reads::One(Some(Err(judged))),
    };
    let adapted = adapt(&record, schema, fields, &place.default_id);
    let reads: Vec<Read<'l>> = adapted
        .into_iter()
        .map(|adapted| match adapted.rollout {
            Ok(rollout) => Ok((adapted.record, rollout)),
            Err(fault) => Err(unusable(adapted.record, adapted.id, fields, fault, place)),
        })
        .collect();
    Reads::Several(reads.into_iter())
}

/// The rollout of a line, or the score that a line without one has.
pub(super) fn read_line<'l>(
    line: Line<'l>,
    fields: &FieldMap,
    place: &Place,
    limit_bytes: usize,
) -> Read<'l> {
    let record = read_record(line, place, limit_bytes)?;
    match record.rollout(fields, &place.default_id) {
        Ok(rollout) => Ok((record, rollout)),
        Err(fault) => {
            // The names help to find the row; there is no rollout to ask.
            let id = name(&record, &fields.id).unwrap_or_else(|| place.default_id.clone());
            Err(unusable(record, id, fields, fault, place))
        }
    }
}

/// The score of a record that is no rollout.
fn unusable<'l>(
    record: Record<'l>,
    id: String,
    fields: &FieldMap,
    fault: RolloutError,
    place: &Place,
) -> Box<Judged<'l>> {
    let group = name(&record, &fields.group).unwrap_or_default();
    let mut error = RowError::data(fault.to_string());
    error.field = Some(fault.field);
    let task = name(&record, &fields.task);
    let score = Score::error(&id, &group, located(error, place));
    Box::new(Judged {
        record: Some(record),
        task,
        score,
        rollout: None,
    })
}

/// The fields of a line, or the score that a line without any has.
fn read_record<'l>(
    line: Line<'l>,
    place: &Place,
    limit_bytes: usize,
) -> Result<Record<'l>, Box<Judged<'l>>> {
    let unreadable = |message: String| {
        let error = located(RowError::data(message), place);
        let score = Score::error(&place.default_id, "", error);
        Box::new(Judged {
            record: None,
            task: None,
            score,
            rollout: None,
        })
    };
    let text = match line {
        Line::Text(text) => text,
        Line::TooLong { bytes } => {
            return Err(unreadable(too_long(bytes, limit_bytes).message));
        }
    };
    Record::parse(text).map_err(|error| {
        let column = error.column.map(|column| format!(" (column {column})"));
        unreadable(error.problem + &column.unwrap_or_default())
    })
}

/// Where a line is from, and what its rollout is called if it has no name.
pub(super) fn place(inputs: &Inputs, at: Position) -> Place {
    let inputs = inputs.list();
    let file = inputs[at.input].name();
    let default_id = match inputs {
        [_] => at.line.to_string(),
        _ => format!("{file}:{}", at.line),
    };
    Place {
        origin: Some((file, at.line)),
        default_id,
    }
}

/// A string or a number at `pointer`.
fn name(record: &Record<'_>, pointer: &Pointer) -> Option<String> {
    let (head, rest) = pointer.split_first();
    let (_, raw) = record.columns().find(|(name, _)| *name == head)?;
    if rest.is_empty() && raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        // The digits as they stand, as for a row without faults.
        return Some(raw.to_owned());
    }
    let value: Value = serde_json::from_str(raw).ok()?;
    match rest.find(&value)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn located(mut error: RowError, place: &Place) -> RowError {
    if let Some((file, line)) = &place.origin {
        error.file.get_or_insert_with(|| file.clone());
        error.line.get_or_insert(*line);
    }
    error
}

fn is_finite(score: &Score) -> bool {
    let terms = score.terms.iter().flat_map(|term| [term.value, term.raw]);
    terms.chain([score.reward]).flatten().all(f64::is_finite)
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
