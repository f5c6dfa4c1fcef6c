//! Summary: scores in, one after the other; counts, means and pass@k out.
//!
//! Memory does not grow with the rows, apart from the tallies of [`Samples`],
//! which have a limit.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::Judge;
use super::counted::{Counted, CountedTerm};
use super::samples::{GroupVotes, SampleTallies, Samples};
use crate::reward::{ErrorKind, RowError, Score, Status};
use crate::verdict::Outcome;

/// How many errors are kept word for word.
const FIRST_ERRORS: usize = 3;
/// How many tasks are told apart; the rest is counted as one, since `task` is
/// free text of the data.
pub(super) const MAX_TASKS: usize = 200;
/// The name of the rest.
pub(super) const OTHER_TASKS: &str = "(other tasks)";
/// The reason under which a spec's term says that its gate was closed.
pub(super) const GATED: &str = "gated";
/// …that its gate could not be judged.
pub(super) const GATE_UNKNOWN: &str = "gate_unknown";
/// …that the row's error arose in it.
pub(super) const ERROR: &str = "error";

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Rows in all.
    pub rows: u64,
    /// Rows with a reward.
    pub ok: u64,
    /// Rows whose reward could not be judged.
    pub abstain: u64,
    /// Unusable rows: the data is at fault.
    pub data_errors: u64,
    /// Rows on which our own machinery failed.
    pub machinery_errors: u64,
    /// One entry per task, by name; rows without a task come first.
    pub tasks: Vec<TaskSummary>,
    /// What several samples per prompt say; `None` without such groups.
    pub samples: Option<Samples>,
    /// The first errors, in row order.
    pub first_errors: Vec<RowError>,
}

/// The rows of one task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskSummary {
    /// The task; `None` for rows that name none.
    pub task: Option<String>,
    /// Rows of this task.
    pub rows: u64,
    /// Rows with a reward.
    pub ok: u64,
    /// Rows whose reward could not be judged.
    pub abstain: u64,
    /// Rows with an error.
    pub errors: u64,
    /// The total reward of the `ok` rows.
    pub reward: Moments,
    /// One entry per reward that applied, in the spec's order.
    pub rewards: Vec<RewardSummary>,
}

/// One reward of the spec over the rows of one task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RewardSummary {
    /// The reward's name.
    pub name: String,
    /// Its raw number, before the weight, over the rows that have one.
    pub raw: Moments,
    /// Verdicts `correct`.
    pub correct: u64,
    /// Verdicts `wrong`.
    pub wrong: u64,
    /// Verdicts `no_answer`.
    pub no_answer: u64,
    /// Rows on which the engine could not decide: verdicts `unknown`, and
    /// gates of which it is not known whether they are open.
    pub unknown: u64,
    /// Rows on which a closed gate kept the reward from being asked.
    pub gated: u64,
    /// Rows that failed because of this reward.
    pub errors: u64,
    /// How often each reason was given, most frequent first.
    pub reasons: Vec<(String, u64)>,
}

/// Count, mean and standard deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Moments {
    /// How many numbers.
    pub n: u64,
    /// Their mean; `None` for no number.
    pub mean: Option<f64>,
    /// Their sample standard deviation (divided by `n - 1`); `None` below two.
    pub std: Option<f64>,
}

/// One scored row, however it is at hand: just scored, or read back.
pub(super) struct Seen<'r> {
    pub(super) group: &'r str,
    pub(super) task: Option<&'r str>,
    pub(super) status: Status,
    pub(super) reward: Option<f64>,
    pub(super) terms: Vec<SeenTerm<'r>>,
    pub(super) error: Option<&'r RowError>,
}

/// One term of a scored row.
pub(super) struct SeenTerm<'r> {
    pub(super) name: &'r str,
    pub(super) raw: Option<f64>,
    pub(super) outcome: Option<Outcome>,
    pub(super) reason: Option<&'r str>,
    /// The extracted answer in canonical form.
    pub(super) answer: Option<String>,
}

impl SeenTerm<'_> {
    /// What became of the term: its verdict; of a measure `measured`; `gated`,
    /// `error` or `not_judged` where nothing was judged.
    pub(super) fn verdict(&self) -> &'static str {
        match (self.outcome, self.reason) {
            (Some(outcome), _) => outcome.name(),
            (None, Some(GATED)) => GATED,
            (None, Some(ERROR)) => ERROR,
            (None, _) if self.raw.is_some() => "measured",
            (None, _) => "not_judged",
        }
    }
}

impl<'r> Seen<'r> {
    pub(super) fn of(score: &'r Score, task: Option<&'r str>) -> Self {
        let terms = score.terms.iter().map(|term| SeenTerm {
            name: &term.name,
            raw: term.raw,
            outcome: term.outcome,
            reason: term.reason,
            answer: term.detail.value("answer").map(ToString::to_string),
        });
        Self {
            group: &score.group,
            task,
            status: score.status,
            reward: score.reward,
            terms: terms.collect(),
            error: score.error.as_ref(),
        }
    }
}

/// A summary in the making.
pub(super) struct Tallies {
    rewards: Vec<Arc<str>>,
    solvers: Vec<String>,
    /// Their positions among the rewards.
    solving: Vec<usize>,
    tasks: BTreeMap<Option<String>, TaskTally>,
    samples: SampleTallies,
    data_errors: u64,
    machinery_errors: u64,
    first_errors: Vec<RowError>,
}

impl Tallies {
    /// Tallies of what a judge says.
    pub(super) fn of<J: Judge + ?Sized>(judge: &J) -> Self {
        let (rewards, solvers) = (judge.rewards(), judge.solvers());
        let position = |name: &String| rewards.iter().position(|reward| **reward == **name);
        let nameless = solvers.iter().filter(|name| !judge.names_answers_of(name));
        Self {
            rewards: rewards.to_vec(),
            solving: solvers.iter().filter_map(position).collect(),
            samples: SampleTallies::new(nameless.filter_map(position).collect()),
            solvers,
            tasks: BTreeMap::new(),
            data_errors: 0,
            machinery_errors: 0,
            first_errors: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: &Counted) {
        if let Some(error) = &row.error {
            match error.kind {
                ErrorKind::Data => self.data_errors += 1,
                ErrorKind::Machinery => self.machinery_errors += 1,
            }
            if self.first_errors.len() < FIRST_ERRORS {
                self.first_errors.push(error.clone());
            }
        }
        let mut task = row.task.clone();
        if !self.tasks.contains_key(&task) && self.tasks.len() >= MAX_TASKS {
            task = Some(OTHER_TASKS.to_owned());
        }
        self.tasks
            .entry(task)
            .or_default()
            .add(row, self.rewards.len());
        if !self.solvers.is_empty() {
            let term_of = |index: &usize| row.terms.iter().find(|term| term.index == *index);
            self.samples
                .add(row.group, self.solving.iter().find_map(term_of));
        }
    }

    /// The judged samples of every group.
    pub(super) fn votes(&self) -> Option<Vec<GroupVotes>> {
        self.samples.votes()
    }

    pub(super) fn finish(&self) -> Summary {
        let count = |of: fn(&TaskTally) -> u64| self.tasks.values().map(of).sum();
        Summary {
            rows: count(|task| task.rows),
            ok: count(|task| task.ok),
            abstain: count(|task| task.abstain),
            data_errors: self.data_errors,
            machinery_errors: self.machinery_errors,
            tasks: self
                .tasks
                .iter()
                .map(|(name, task)| task.finish(name, &self.rewards))
                .collect(),
            samples: self.samples.finish(&self.solvers),
            first_errors: self.first_errors.clone(),
        }
    }
}

#[derive(Default)]
pub(super) struct TaskTally {
    rows: u64,
    ok: u64,
    abstain: u64,
    errors: u64,
    reward: Welford,
    /// By position in the spec.
    rewards: Vec<RewardTally>,
}

#[derive(Default)]
struct RewardTally {
    seen: u64,
    raw: Welford,
    correct: u64,
    wrong: u64,
    no_answer: u64,
    unknown: u64,
    gated: u64,
    errors: u64,
    reasons: BTreeMap<String, u64>,
}

impl TaskTally {
    pub(super) fn add(&mut self, row: &Counted, rewards: usize) {
        self.rewards.resize_with(rewards, RewardTally::default);
        self.rows += 1;
        match row.status {
            Status::Ok => self.ok += 1,
            Status::Abstain => self.abstain += 1,
            Status::Error => self.errors += 1,
        }
        if row.status == Status::Ok {
            self.reward.add(row.reward);
        }
        for term in &row.terms {
            self.rewards[term.index].add(term);
        }
    }

    pub(super) fn finish(&self, name: &Option<String>, rewards: &[Arc<str>]) -> TaskSummary {
        let tallies = rewards
            .iter()
            .zip(&self.rewards)
            .filter(|(_, tally)| tally.seen > 0);
        TaskSummary {
            task: name.clone(),
            rows: self.rows,
            ok: self.ok,
            abstain: self.abstain,
            errors: self.errors,
            reward: self.reward.finish(),
            rewards: tallies.map(|(name, tally)| tally.finish(name)).collect(),
        }
    }
}

impl RewardTally {
    fn add(&mut self, term: &CountedTerm) {
        let reason = term.reason.as_deref();
        self.seen += 1;
        self.raw.add(term.raw);
        match term.outcome {
            Some(Outcome::Correct) => self.correct += 1,
            Some(Outcome::Wrong) => self.wrong += 1,
            Some(Outcome::NoAnswer) => self.no_answer += 1,
            Some(Outcome::Unknown) => self.unknown += 1,
            None => match reason {
                Some(GATED) => self.gated += 1,
                Some(GATE_UNKNOWN) => self.unknown += 1,
                Some(ERROR) => self.errors += 1,
                // A measure that could not tell.
                _ if term.raw.is_none() => self.unknown += 1,
                _ => {}
            },
        }
        let is_said =
            term.outcome.is_some() || !matches!(reason, Some(GATED | GATE_UNKNOWN | ERROR));
        if let Some(reason) = reason.filter(|_| is_said) {
            match self.reasons.get_mut(reason) {
                Some(count) => *count += 1,
                None => {
                    self.reasons.insert(reason.to_owned(), 1);
                }
            }
        }
    }

    fn finish(&self, name: &str) -> RewardSummary {
        let mut reasons: Vec<_> = self.reasons.clone().into_iter().collect();
        reasons.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        RewardSummary {
            name: name.to_owned(),
            raw: self.raw.finish(),
            correct: self.correct,
            wrong: self.wrong,
            no_answer: self.no_answer,
            unknown: self.unknown,
            gated: self.gated,
            errors: self.errors,
            reasons,
        }
    }
}

/// Running mean and squared deviations; Welford, Technometrics 4(3), 1962.
#[derive(Clone, Debug, Default)]
pub(super) struct Welford {
    n: u64,
    mean: f64,
    squares: f64,
}

impl Welford {
    pub(super) fn add(&mut self, number: Option<f64>) {
        let Some(number) = number else { return };
        self.n += 1;
        let distance = number - self.mean;
        self.mean += distance / self.n as f64;
        self.squares += distance * (number - self.mean);
    }

    pub(super) fn finish(&self) -> Moments {
        Moments {
            n: self.n,
            mean: (self.n > 0).then_some(self.mean),
            std: (self.n > 1).then(|| (self.squares / (self.n - 1) as f64).sqrt()),
        }
    }
}
