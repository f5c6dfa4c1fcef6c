//! A report of files that were scored before.

use std::ops::ControlFlow;

use super::{Evidence, ScoredLine, Survey, SurveyedRow};
use crate::batch::counted::Counted;
use crate::batch::input::{InputError, Inputs};
use crate::batch::judge::{Place, read_line};
use crate::batch::lines::each_line;
use crate::batch::reader::Line;
use crate::batch::resume::WrittenRow;
use crate::batch::summary::{Summary, Tallies};
use crate::reward::Scorer;
use crate::rollout::Rollout;

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
    let mut tallies = Tallies::of(scorer);
    let mut survey = Survey::new(scorer);
    let mut fault = None;
    each_line(scored, max_line_bytes, |line| {
        let read = line
            .text
            .map_err(|error| error.message)
            .and_then(|text| Reread::of(text, scorer));
        match read {
            Ok(row) => {
                let seen = row.written.seen(row.task.as_deref());
                survey.add(&SurveyedRow {
                    id: row.written.id(),
                    seen: &seen,
                    rollout: row.rollout.as_ref(),
                    evidence: Evidence::Line(&row.evidence),
                    seconds: None,
                });
                tallies.add(&Counted::seen(&seen, scorer.rewards()));
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

/// A line read again.
struct Reread {
    written: WrittenRow,
    evidence: ScoredLine,
    /// `None` where the line has scores alone, or the rollout was unusable.
    rollout: Option<Rollout>,
    task: Option<String>,
}

impl Reread {
    fn of(text: &[u8], scorer: &Scorer) -> Result<Self, String> {
        let problem = |error: serde_json::Error| error.to_string();
        let written: WrittenRow = serde_json::from_slice(text).map_err(problem)?;
        let evidence = serde_json::from_slice(text).map_err(problem)?;
        let place = Place {
            origin: None,
            default_id: written.id().to_owned(),
        };
        let read = read_line(Line::Text(text), scorer.fields(), &place, usize::MAX);
        let (task, rollout) = match read {
            Ok((_, rollout)) => (rollout.task.clone(), Some(rollout)),
            Err(judged) => (judged.task, None),
        };
        Ok(Self {
            written,
            evidence,
            rollout,
            task,
        })
    }
}
