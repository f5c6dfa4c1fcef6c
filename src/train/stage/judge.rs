//! Completions as rollouts, and their scores.
//!
//! A row that is unusable has no reward and is counted; a failure of the
//! machinery ends the run. Neither becomes a number.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Problem;
use crate::reward::{ErrorKind, Pending, Score, Scorer};
use crate::rollout::{Rollout, Text};
use crate::train::error::TrainError;
use crate::train::sample::Completion;
use crate::train::watch::Judged;
use crate::verdict::Outcome;

/// Most threads that wait for the judges of one problem.
const MOST_WAITING: usize = 16;

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
    let scores = catch_unwind(AssertUnwindSafe(|| score(scorer, &rollouts)));
    let Ok(scores) = scores else {
        return Err(failed(
            &problem.rollout.id,
            "the scorer panicked; this is a bug, please report it with this prompt",
        ));
    };
    refuse_failures(&scores)?;
    Ok(scores)
}

/// Scores the rollouts of one problem, at the same time where they wait for a judge.
fn score(scorer: &Scorer, rollouts: &[Rollout]) -> Vec<Score> {
    let threads = scorer.waiting_rows().min(rollouts.len()).min(MOST_WAITING);
    if threads < 2 {
        return scorer.score_all(rollouts);
    }
    let next = AtomicUsize::new(0);
    let begin = || {
        let mut begun = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            match rollouts.get(index) {
                Some(rollout) => begun.push((index, scorer.begin(rollout))),
                None => return begun,
            }
        }
    };
    let mut begun: Vec<(usize, Pending)> = thread::scope(|scope| {
        let working: Vec<_> = (0..threads).map(|_| scope.spawn(begin)).collect();
        let done = working.into_iter().map(|thread| match thread.join() {
            Ok(begun) => begun,
            Err(panic) => resume_unwind(panic),
        });
        done.flatten().collect()
    });
    begun.sort_by_key(|(index, _)| *index);
    scorer.settle_all(begun.into_iter().map(|(_, pending)| pending).collect())
}

/// A failure of ours is no score: the run ends.
fn refuse_failures(scores: &[Score]) -> Result<(), TrainError> {
    for score in scores {
        let message = match &score.error {
            Some(error) if error.kind == ErrorKind::Machinery => &error.message,
            _ if !is_finite(score) => "the reward is not a finite number",
            _ => continue,
        };
        return Err(failed(&score.id, message));
    }
    Ok(())
}

fn is_finite(score: &Score) -> bool {
    let terms = score.terms.iter().flat_map(|term| [term.value, term.raw]);
    terms.chain([score.reward]).flatten().all(f64::is_finite)
}

fn failed(id: &str, message: &str) -> TrainError {
    TrainError::Scoring {
        id: id.to_owned(),
        message: message.to_owned(),
    }
}

/// Whether a completion is solved, by the first of the spec's verifiers that
/// applied to it, and the answer that it votes for.
pub(super) fn judged<'s>(scorer: &Scorer, score: &'s Score) -> Judged<'s> {
    let term = scorer.solvers().find_map(|name| score.term(name));
    let is_correct = term.and_then(|term| match (term.outcome, term.reason) {
        (Some(Outcome::Correct), _) => Some(true),
        // An answer that nobody can decide is the policy's doing.
        (Some(Outcome::Wrong | Outcome::NoAnswer | Outcome::Unknown), _)
        | (None, Some("gated")) => Some(false),
        (None, _) => None,
    });
    let answer = term.and_then(|term| term.detail.value("answer"));
    Judged {
        is_correct,
        answer: answer.and_then(|answer| answer.as_str()),
        can_vote: term.is_some_and(|term| scorer.names_answers_of(&term.name)),
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

#[cfg(test)]
mod tests {
    use super::{ErrorKind, Score, judged, refuse_failures};
    use crate::reward::{RowError, Scorer, SpecSource, Status};
    use crate::rollout::Rollout;

    #[test]
    fn an_answer_that_nobody_can_decide_is_not_correct() {
        let scorer = Scorer::compile(SpecSource {
            text: "version = 1\n[rewards.accuracy]\nmath = {}",
            origin: "test.toml",
            grammar: &|_| Err("no grammar files here".to_owned()),
        });
        let scorer = scorer.unwrap().unknown_as_wrong();
        let is_correct = |completion: &str, reference: Option<&str>| {
            let score = scorer.score(&Rollout {
                completion: completion.into(),
                reference: reference.map(Into::into),
                ..Rollout::default()
            });
            (judged(&scorer, &score).is_correct, score.reward)
        };
        let right = is_correct(r"\boxed{42}", Some("42"));
        assert_eq!(right, (Some(true), Some(1.0)));
        let undecided = is_correct(r"\boxed{\int_0^1 x dx}", Some("42"));
        assert_eq!(undecided, (Some(false), Some(0.0)));
        // The row's own fault.
        assert_eq!(is_correct(r"\boxed{42}", None), (None, None));
    }

    #[test]
    fn who_decides_says_whether_there_is_a_vote() {
        let can_vote = |rewards: &str, task: &str| {
            let scorer = Scorer::compile(SpecSource {
                text: &format!("version = 1\n{rewards}"),
                origin: "test.toml",
                grammar: &|_| Err("no grammar files here".to_owned()),
            });
            let scorer = scorer.unwrap();
            let score = scorer.score(&Rollout {
                completion: "{}".into(),
                reference: Some("{}".into()),
                task: Some(task.to_owned()),
                ..Rollout::default()
            });
            let judged = judged(&scorer, &score);
            assert!(judged.answer.is_none() || judged.can_vote);
            (scorer.names_answers(), judged.can_vote)
        };
        let exact = "[rewards.exact]\nexact = {}\n";
        let shape = "[rewards.shape]\njson = { schema = { type = \"object\" } }\n";
        let words = "when = { task = \"words\" }\n";
        assert_eq!(can_vote(exact, "words"), (true, true));
        // The first that applies decides, and JSON names no answer.
        let shape_first = format!("{shape}{exact}");
        assert_eq!(can_vote(&shape_first, "words"), (false, false));
        assert_eq!(can_vote(&format!("{exact}{shape}"), "words"), (true, true));
        let by_task = format!("{shape}{words}{exact}");
        assert_eq!(can_vote(&by_task, "words"), (true, false));
        assert_eq!(can_vote(&by_task, "numbers"), (true, true));
        // A row that no solver is for.
        let some = format!("{exact}{words}");
        assert_eq!(can_vote(&some, "words"), (true, true));
        assert_eq!(can_vote(&some, "numbers"), (true, false));
    }

    #[test]
    fn our_failures_are_no_scores() {
        let unusable = Score::error("1", "1", RowError::data("no reference"));
        assert!(refuse_failures(std::slice::from_ref(&unusable)).is_ok());
        let guest = RowError {
            kind: ErrorKind::Machinery,
            ..RowError::data("the guest is gone")
        };
        // Even where a spec says what an error pays.
        let paid = Score {
            reward: Some(0.0),
            ..Score::error("2", "1", guest)
        };
        let error = refuse_failures(&[unusable, paid]).unwrap_err();
        assert!(error.to_string().contains("the guest is gone"));
        let endless = Score {
            id: "3".to_owned(),
            group: "1".to_owned(),
            reward: Some(f64::INFINITY),
            status: Status::Ok,
            terms: Vec::new(),
            error: None,
        };
        assert!(refuse_failures(&[endless]).is_err());
    }
}
