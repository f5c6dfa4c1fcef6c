//! One code reward on one rollout: the program in its answer, run against the
//! tests of its row.

use serde_json::json;

use super::judge::{Subject, judged_section, no_section, section, shift};
use super::score::{ErrorKind, RowError};
use super::spec::{CodeReward, Reward};
use crate::code::{CodeError, CodeReport, Task, Unjudged, extract, verify};
use crate::verdict::Verdict;

/// Judges `subject` by its tests. A row whose tests cannot be used is an error
/// whatever its completion says, and so is a run that we could not finish.
pub(super) fn judge(
    reward: &Reward,
    options: &CodeReward,
    subject: &Subject<'_>,
) -> Result<Verdict, RowError> {
    let task = task(reward, subject)?;
    let judged = judged_section(reward, subject);
    let Some((text, offset)) = judged.and_then(|judged| section(judged, subject)) else {
        return Ok(no_section(subject));
    };
    let program = match extract(&text) {
        Ok(program) => program,
        Err(reason) => return Ok(Verdict::no_answer(reason.name())),
    };
    let Some(runner) = subject.sandbox else {
        return Err(ours(reward, "there is no sandbox to run programs in"));
    };
    let report = verify(&task, &program.source, &options.options(), runner)
        .map_err(|error| ours(reward, &chain(&error)))?;
    let verdict = report
        .verdict(options.credit)
        .map_err(|unjudged| match unjudged {
            Unjudged::BadTask(_) => tests_error(reward, subject, &unjudged.to_string()),
            _ => ours(reward, &unjudged.to_string()),
        })?;
    let verdict = with_failure(verdict, &report).with_span(program.span);
    Ok(shift(verdict, offset))
}

/// The tests of the row.
pub(super) fn task(reward: &Reward, subject: &Subject<'_>) -> Result<Task, RowError> {
    let Some(tests) = &subject.rollout.tests else {
        return Err(tests_error(reward, subject, "the tests are missing"));
    };
    Task::from_json(tests).map_err(|error| tests_error(reward, subject, &error.to_string()))
}

/// The first test that failed: how, and what was raised. The values compared
/// stay out: scores are shown to those who write prompts.
fn with_failure(verdict: Verdict, report: &CodeReport) -> Verdict {
    let failed = report
        .first_failed
        .and_then(|index| report.tests.iter().find(|test| test.index == index));
    let Some(test) = failed else { return verdict };
    let mut shown = json!({ "test": test.index, "verdict": test.verdict.name() });
    for (name, text) in [("exception", &test.exception), ("message", &test.message)] {
        if let Some(text) = text {
            shown[name] = text.as_str().into();
        }
    }
    verdict.with("failed", shown)
}

pub(super) fn tests_error(reward: &Reward, subject: &Subject<'_>, problem: &str) -> RowError {
    let field = subject.fields.tests.to_string();
    let message = format!(
        "field `{field}`: {problem}; reward `{}` needs them",
        reward.name
    );
    RowError {
        term: Some(reward.name.to_string()),
        ..RowError::data(message).at(field)
    }
}

pub(super) fn ours(reward: &Reward, problem: &str) -> RowError {
    RowError {
        kind: ErrorKind::Machinery,
        term: Some(reward.name.to_string()),
        ..RowError::data(problem)
    }
}

fn chain(error: &CodeError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
