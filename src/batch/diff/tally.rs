//! What the changes come to: counts, paired means, transitions.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{Change, ChangeKind, RowScore, RowTerm};
use crate::reward::Status;
use crate::verdict::Outcome;

/// Transitions that are told apart; the rest is counted as one, since reasons in a
/// file are free text.
const MAX_TRANSITIONS: usize = 1000;
/// Terms that are told apart.
const MAX_TERMS: usize = 200;
/// Unmatched ids that are kept.
const MAX_IDS: usize = 10;

/// What two scored files differ in.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// Scored rows of each file.
    pub rows: [u64; 2],
    /// Rows in both.
    pub matched: u64,
    /// Rows in both without any difference.
    pub equal: u64,
    /// Rows whose status differs.
    pub status: u64,
    /// Rows whose reward differs, of the same status.
    pub reward: u64,
    /// Rows whose reward is the same, but not all verdicts and numbers behind it.
    pub verdict: u64,
    /// Rows of which a reason alone differs.
    pub reason: u64,
    /// Rows whose reward is higher in the second file, or that have one only there.
    pub better: u64,
    /// Rows whose reward is lower in the second file, or that have one only in the first.
    pub worse: u64,
    /// Rows in one file alone.
    pub only: [u64; 2],
    /// The first ids in one file alone.
    pub only_ids: [Vec<String>; 2],
    /// Lines of each file that are no scored rows.
    pub unusable: [u64; 2],
    /// The first of them, with its fault.
    pub first_unusable: Option<String>,
    /// The rewards of rows with a number in both.
    pub paired: Paired,
    /// What became of the terms, by name.
    pub terms: Vec<TermDiff>,
    /// What changed into what, most frequent first.
    pub transitions: Vec<Transition>,
    /// Changes of further kinds, over the limit of 1,000.
    pub other_transitions: u64,
}

/// Two means over the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Paired {
    /// Rows with a number in both.
    pub n: u64,
    /// The mean in the first file; `None` for no row.
    pub mean_a: Option<f64>,
    /// The mean in the second file.
    pub mean_b: Option<f64>,
    /// The mean of the differences, second less first.
    pub delta: Option<f64>,
    /// Half the width of its 95 % interval, by the normal approximation over rows
    /// (`1.96 * s / sqrt(n)`); `None` below two rows. The rows of a group are not
    /// independent, so that it is too narrow where groups are large.
    pub half_width: Option<f64>,
}

/// One term in both files, over the matched rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TermDiff {
    /// Its name.
    pub name: String,
    /// Verdicts `correct` in each file.
    pub correct: [u64; 2],
    /// Rows that became correct.
    pub gained: u64,
    /// Rows that were correct, and are not.
    pub lost: u64,
    /// Its numbers before the weight.
    pub raw: Paired,
}

/// A change of one term, or of the row's status, and the rows that have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Transition {
    /// The term; `None` for the row's status.
    pub term: Option<String>,
    /// What it was: verdict and reason, or the number of a measure.
    pub from: String,
    /// What it is.
    pub to: String,
    /// How many rows.
    pub rows: u64,
    /// The first of them.
    pub ids: Vec<String>,
}

/// The counts in the making.
pub(super) struct Tally {
    diff: Diff,
    samples: usize,
    reward: Pairs,
    terms: BTreeMap<String, TermTally>,
    transitions: HashMap<Step, (u64, Vec<String>)>,
}

/// A term, or none for the status; what it was; what it is.
type Step = (Option<String>, String, String);

#[derive(Default)]
struct TermTally {
    correct: [u64; 2],
    gained: u64,
    lost: u64,
    raw: Pairs,
}

/// Sums of pairs of numbers.
#[derive(Default)]
struct Pairs {
    n: u64,
    sum_a: f64,
    sum_b: f64,
    /// Mean and sum of squared deviations of the differences (Welford).
    delta: f64,
    squares: f64,
}

impl Pairs {
    fn add(&mut self, a: Option<f64>, b: Option<f64>) {
        let (Some(a), Some(b)) = (a, b) else {
            return;
        };
        self.n += 1;
        self.sum_a += a;
        self.sum_b += b;
        let delta = b - a;
        let before = delta - self.delta;
        self.delta += before / self.n as f64;
        self.squares += before * (delta - self.delta);
    }

    fn finish(&self) -> Paired {
        let n = self.n as f64;
        let some = |value: f64| (self.n > 0).then_some(value);
        Paired {
            n: self.n,
            mean_a: some(self.sum_a / n),
            mean_b: some(self.sum_b / n),
            delta: some(self.delta),
            half_width: (self.n > 1).then(|| 1.96 * (self.squares / (n - 1.0) / n).sqrt()),
        }
    }
}

impl Tally {
    pub(super) fn new(samples: usize) -> Self {
        Self {
            diff: Diff {
                rows: [0; 2],
                matched: 0,
                equal: 0,
                status: 0,
                reward: 0,
                verdict: 0,
                reason: 0,
                better: 0,
                worse: 0,
                only: [0; 2],
                only_ids: [Vec::new(), Vec::new()],
                unusable: [0; 2],
                first_unusable: None,
                paired: Paired::default(),
                terms: Vec::new(),
                transitions: Vec::new(),
                other_transitions: 0,
            },
            samples,
            reward: Pairs::default(),
            terms: BTreeMap::new(),
            transitions: HashMap::new(),
        }
    }

    pub(super) fn read(&mut self, side: usize) {
        self.diff.rows[side] += 1;
    }

    pub(super) fn unusable(&mut self, side: usize, fault: String) {
        self.diff.unusable[side] += 1;
        self.diff.first_unusable.get_or_insert(fault);
    }

    /// Counts a row that is in both files.
    pub(super) fn pair(&mut self, a: &RowScore, b: &RowScore, tolerance: f64) {
        self.diff.matched += 1;
        self.reward.add(a.reward, b.reward);
        match (a.reward, b.reward) {
            (Some(a), Some(b)) if (a - b).abs() > tolerance => {
                self.diff.better += u64::from(b > a);
                self.diff.worse += u64::from(b < a);
            }
            (None, Some(_)) => self.diff.better += 1,
            (Some(_), None) => self.diff.worse += 1,
            _ => {}
        }
        for (name, term) in &a.terms {
            let Some(tally) = self.term(name) else {
                continue;
            };
            let was = is_correct(Some(term));
            let is = is_correct(b.terms.get(name));
            tally.correct[0] += u64::from(was);
            tally.correct[1] += u64::from(is);
            tally.gained += u64::from(is && !was);
            tally.lost += u64::from(was && !is);
            tally
                .raw
                .add(term.raw, b.terms.get(name).and_then(|term| term.raw));
        }
        for (name, term) in &b.terms {
            if a.terms.contains_key(name) {
                continue;
            }
            if let (true, Some(tally)) = (is_correct(Some(term)), self.term(name)) {
                tally.correct[1] += 1;
                tally.gained += 1;
            }
        }
    }

    fn term(&mut self, name: &str) -> Option<&mut TermTally> {
        if !self.terms.contains_key(name) {
            if self.terms.len() >= MAX_TERMS {
                return None;
            }
            self.terms.insert(name.to_owned(), TermTally::default());
        }
        self.terms.get_mut(name)
    }

    /// Counts a row that differs.
    pub(super) fn change(&mut self, change: &Change) {
        match change.kind {
            ChangeKind::Status => self.diff.status += 1,
            ChangeKind::Reward => self.diff.reward += 1,
            ChangeKind::Verdict => self.diff.verdict += 1,
            ChangeKind::Reason => self.diff.reason += 1,
        }
        if change.a.status != change.b.status {
            let [from, to] = [&change.a, &change.b].map(|score| status(score.status).to_owned());
            self.transition(None, from, to, &change.id);
        }
        for name in &change.terms {
            let [from, to] = [&change.a, &change.b].map(|score| described(score.terms.get(name)));
            self.transition(Some(name.clone()), from, to, &change.id);
        }
    }

    fn transition(&mut self, term: Option<String>, from: String, to: String, id: &str) {
        let is_full = self.transitions.len() >= MAX_TRANSITIONS;
        let key = (term, from, to);
        if is_full && !self.transitions.contains_key(&key) {
            self.diff.other_transitions += 1;
            return;
        }
        let (rows, ids) = self.transitions.entry(key).or_default();
        *rows += 1;
        if ids.len() < self.samples {
            ids.push(id.to_owned());
        }
    }

    pub(super) fn finish(self, only_a: Vec<String>, only_b: Vec<String>) -> Diff {
        let mut diff = self.diff;
        let changed = diff.status + diff.reward + diff.verdict + diff.reason;
        diff.equal = diff.matched - changed;
        diff.only = [only_a.len() as u64, only_b.len() as u64];
        diff.only_ids = [only_a, only_b].map(|mut ids| {
            ids.truncate(MAX_IDS);
            ids
        });
        diff.paired = self.reward.finish();
        diff.terms = self
            .terms
            .into_iter()
            .map(|(name, tally)| TermDiff {
                name,
                correct: tally.correct,
                gained: tally.gained,
                lost: tally.lost,
                raw: tally.raw.finish(),
            })
            .collect();
        diff.transitions = self
            .transitions
            .into_iter()
            .map(|((term, from, to), (rows, ids))| Transition {
                term,
                from,
                to,
                rows,
                ids,
            })
            .collect();
        diff.transitions.sort_by(|a, b| {
            let key = |t: &Transition| (t.term.clone(), t.from.clone(), t.to.clone());
            b.rows.cmp(&a.rows).then_with(|| key(a).cmp(&key(b)))
        });
        diff
    }
}

fn is_correct(term: Option<&RowTerm>) -> bool {
    term.is_some_and(|term| term.verdict == Some(Outcome::Correct))
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Abstain => "abstain",
        Status::Error => "error",
    }
}

/// `wrong (not_equal)`; the number of a measure is left out where it has a reason,
/// since there are as many numbers as rows.
fn described(term: Option<&RowTerm>) -> String {
    let Some(term) = term else {
        return "not applied".to_owned();
    };
    let verdict = term.verdict.map(Outcome::name);
    match (verdict, &term.reason, term.raw) {
        (Some(verdict), Some(reason), _) => format!("{verdict} ({reason})"),
        (Some(verdict), None, _) => verdict.to_owned(),
        (None, Some(reason), None) => format!("null ({reason})"),
        (None, Some(reason), Some(_)) => format!("a number ({reason})"),
        (None, None, Some(_)) => "a number".to_owned(),
        (None, None, None) => "null".to_owned(),
    }
}
