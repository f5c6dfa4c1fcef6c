//! A report of files that were scored before.

use std::ops::ControlFlow;

use super::{Evidence, ScoredLine, Survey, SurveyedRow};
use crate::batch::input::{InputError, Inputs};
use crate::batch::lines::each_line;
use crate::batch::resume::WrittenRow;
use crate::batch::summary::{Summary, Tallies};
use crate::reward::Scorer;
use crate::rollout::{Record, Rollout};

/// Why scored files could not be surveyed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RereadError {
    /// A file cannot be read on.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A line is no scored row.
    #[error("{file}, line {line}: no scored row: {problem}")]
    Row {
        /// The file.
        file: String,
        /// The line, 1-based.
        line: u64,
        /// What is wrong.
        problem: String,
    },
}

/// Surveys rows that `scorer` has scored before; nothing is scored. Where the rows
/// are scores alone, there are no lengths and no texts.
///
/// # Errors
/// [`RereadError`] for a file that cannot be read, and for a line that is no
/// scored row.
pub fn survey_scored(
    scorer: &Scorer,
    scored: &Inputs,
    max_line_bytes: usize,
) -> Result<(Survey, Summary), RereadError> {
    let solvers = scorer.solvers().map(ToString::to_string).collect();
    let mut tallies = Tallies::new(scorer.rewards(), solvers);
    let mut survey = Survey::new(scorer);
    let mut fault = None;
    each_line(scored, max_line_bytes, |line| {
        let read = line
            .text
            .map_err(|error| error.message)
            .and_then(|text| read(text, scorer));
        match read {
            Ok((written, evidence, rollout)) => {
                let task = rollout.as_ref().and_then(|rollout| rollout.task.as_deref());
                let seen = written.seen(task);
                survey.add(&SurveyedRow {
                    id: written.id(),
                    seen: &seen,
                    rollout: rollout.as_ref(),
                    evidence: Evidence::Line(&evidence),
                    seconds: None,
                });
                tallies.add(&seen);
                ControlFlow::Continue(())
            }
            Err(problem) => {
                fault = Some(RereadError::Row {
                    file: line.file,
                    line: line.line,
                    problem,
                });
                ControlFlow::Break(())
            }
        }
    })?;
    match fault {
        Some(fault) => Err(fault),
        None => {
            survey.conclude(&tallies);
            Ok((survey, tallies.finish()))
        }
    }
}

/// The score in a line, and its rollout if that is there as well.
fn read(text: &[u8], scorer: &Scorer) -> Result<(WrittenRow, ScoredLine, Option<Rollout>), String> {
    let written: WrittenRow = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let evidence: ScoredLine = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let record = Record::parse(text).map_err(|error| error.to_string())?;
    // A row whose rollout was unusable has an error, and no rollout here either.
    let rollout = record.rollout(scorer.fields(), written.id()).ok();
    Ok((written, evidence, rollout))
}
