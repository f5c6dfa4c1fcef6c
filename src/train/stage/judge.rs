//! Completions as rollouts, and their scores.
//!
//! A row that is unusable has no reward and is counted; a failure of the
//! machinery ends the run. Neither becomes a number.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Problem;
use crate::reward::{ErrorKind, Score, Scorer};
use crate::rollout::{Rollout, Text};
use crate::train::error::TrainError;
use crate::train::sample::Completion;
use crate::train::watch::Judged;
use crate::verdict::Outcome;

/// The rollouts of one problem.
pub(super) fn rollouts(problem: &Problem, completions: &[Completion]) -> Vec<Rollout> {
    let rollout = |(index, completion): (usize, &Completion)| Rollout {
        id: format!("{}/{index}", problem.rollout.id),
        group: problem.rollout.id.clone(),
        sample_index: Some(index as u64),
        completion: Text::Plain(completion.text.clone()),
        n_tokens: Some(completion.tokens.len() as u64),
        finish_reason: Some(completion.finish.name().to_owned()),
        ..problem.rollout.clone()
    };
    completions.iter().enumerate().map(rollout).collect()
}

/// Scores the completions of one problem, all that there are.
///
/// # Errors
/// [`TrainError::Scoring`] where the machinery failed: a guest, a disk, a scorer
/// that panicked or made a number that is not finite.
pub(super) fn judge(
    scorer: &Scorer,
    problem: &Problem,
    completions: &[Completion],
) -> Result<Vec<Score>, TrainError> {
    let rollouts = rollouts(problem, completions);
    let failed = |id: &str, message: &str| TrainError::Scoring {
        id: id.to_owned(),
        message: message.to_owned(),
    };
    let scores = catch_unwind(AssertUnwindSafe(|| scorer.score_all(&rollouts)));
    let Ok(scores) = scores else {
        return Err(failed(
            &problem.rollout.id,
            "the scorer panicked; this is a bug, please report it with this prompt",
        ));
    };
    for score in &scores {
        if let Some(error) = &score.error
            && error.kind == ErrorKind::Machinery
        {
            return Err(failed(&score.id, &error.message));
        }
        let terms = score.terms.iter().flat_map(|term| [term.value, term.raw]);
        if !terms.chain([score.reward]).flatten().all(f64::is_finite) {
            return Err(failed(&score.id, "the reward is not a finite number"));
        }
    }
    Ok(scores)
}

/// Whether a completion is solved, by the first of the spec's verifiers that
/// applied to it, and the answer that it votes for.
pub(super) fn judged<'s>(scorer: &Scorer, score: &'s Score) -> Judged<'s> {
    let term = scorer.solvers().find_map(|name| score.term(name));
    let is_correct = term.and_then(|term| match (term.outcome, term.reason) {
        (Some(Outcome::Correct), _) => Some(true),
        (Some(Outcome::Wrong | Outcome::NoAnswer), _) | (None, Some("gated")) => Some(false),
        (Some(Outcome::Unknown) | None, _) => None,
    });
    let answer = term.and_then(|term| term.detail.value("answer"));
    Judged {
        is_correct,
        answer: answer.and_then(|answer| answer.as_str()),
    }
}

/// Why a completion earned what it did, in a few words: the error, or the reason
/// of the first term that has one.
pub(super) fn reason(score: &Score) -> Option<String> {
    if let Some(error) = &score.error {
        return Some(error.message.clone());
    }
    let term = score.terms.iter().find(|term| term.reason.is_some())?;
    Some(format!("{}: {}", term.name, term.reason?))
}
