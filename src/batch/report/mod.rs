//! The report of a batch: scored rows in, one after the other; one page and the
//! same numbers as JSON out.
//!
//! A [`Survey`] sees every row: those just scored and, where a run was resumed or
//! a file is read again, those that were written before. It keeps counts and a
//! sample of the rows, some tens of megabytes at most, whatever the number of
//! rows. Its numbers are a function of the rows alone, time apart, which is
//! measured by the run that scores.

mod spread;

mod ranges;

mod curves;

mod cost;

mod row;

mod sample;

mod reasons;

mod findings;

mod reread;

mod html;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use self::cost::Costs;
use self::ranges::{Ranges, Verdicts};
use self::reasons::{Reasons, Said};
use self::sample::Sample;
use self::spread::Spread;
use super::counted::Counted;
use super::samples::{MAX_GROUPS, hash};
use super::summary::{MAX_TASKS, OTHER_TASKS, Seen, Tallies, TaskTally, Welford};
use crate::reward::Scorer;
use crate::rollout::{Rollout, Text};
use crate::verdict::Outcome;

pub use cost::{CostlyRow, FuelFindings, TimeFindings};
pub use curves::{Curves, GroupFindings, Point, ShareBin};
pub use findings::{
    About, Findings, InputFile, LanguageRows, LengthFindings, LengthUnit, SpecAbout, TaskFindings,
};
pub use ranges::{Range, Verdicts as VerdictCounts};
pub use reasons::Reason;
pub use reread::{RereadError, survey_scored};
pub(in crate::batch) use row::{Evidence, ScoredLine, SurveyedRow};
pub use spread::{Bin, Histogram};

/// Most pairs of a wanted and a found language: all that there are.
const MAX_LANGUAGES: usize = 1000;

/// What a report is made of, in the making.
pub struct Survey {
    parser: Scorer,
    rewards: Vec<Arc<str>>,
    solvers: Vec<String>,
    rows: u64,
    all: TaskTally,
    rewarded: Spread,
    tasks: BTreeMap<Option<String>, TaskLook>,
    groups: HashMap<u64, Welford>,
    has_too_many_groups: bool,
    tokens: Ranges,
    characters: Ranges,
    languages: BTreeMap<(String, String, Option<String>), u64>,
    reasons: Reasons,
    costs: Costs,
    findings: Option<Findings>,
}

/// What a report shows of a task beyond its summary.
#[derive(Default)]
struct TaskLook {
    rewarded: Spread,
    verdicts: Verdicts,
}

impl fmt::Debug for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Survey")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// The files of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportText {
    /// One page that needs no network.
    pub page: String,
    /// The same numbers; no texts of rows.
    pub json: String,
}

impl Survey {
    /// A survey of rows that `scorer` has scored; it scores nothing itself.
    #[must_use]
    pub fn new(scorer: &Scorer) -> Self {
        Self {
            parser: scorer.clone(),
            rewards: scorer.rewards().to_vec(),
            solvers: scorer.solvers().map(ToString::to_string).collect(),
            rows: 0,
            all: TaskTally::default(),
            rewarded: Spread::default(),
            tasks: BTreeMap::new(),
            groups: HashMap::new(),
            has_too_many_groups: false,
            tokens: Ranges::default(),
            characters: Ranges::default(),
            languages: BTreeMap::new(),
            reasons: Reasons::default(),
            costs: Costs::default(),
            findings: None,
        }
    }

    /// Sees the next row.
    pub(super) fn add(&mut self, row: &SurveyedRow<'_>) {
        self.rows += 1;
        let seen = row.seen;
        let solver = self.solver(seen);
        self.all
            .add(&Counted::seen(seen, &self.rewards), self.rewards.len());
        self.add_to_task(seen, solver);
        if let Some(reward) = seen.reward {
            self.rewarded.add(reward);
            self.add_to_group(seen.group, reward);
        }
        if let Some(rollout) = row.rollout {
            self.add_length(rollout, solver);
        }
        for term in &seen.terms {
            self.add_language(term.name, &row.evidence);
        }
        let fuels = seen.terms.iter();
        let fuel = fuels
            .filter_map(|term| row.evidence.detail(term.name, "fuel")?.as_u64())
            .max();
        self.costs
            .add(self.rows, (row.id, seen.task), row.seconds, fuel);
        let (number, parser) = (self.rows, &self.parser);
        self.reasons
            .add(number, said(seen), || Sample::of(number, row, Some(parser)));
    }

    /// The verdict of the reward that says "solved", if one applies.
    fn solver(&self, seen: &Seen<'_>) -> Option<Outcome> {
        let term_of = |name: &String| seen.terms.iter().find(|term| term.name == name);
        self.solvers.iter().find_map(term_of)?.outcome
    }

    fn add_to_task(&mut self, seen: &Seen<'_>, solver: Option<Outcome>) {
        let mut task = seen.task.map(str::to_owned);
        if !self.tasks.contains_key(&task) && self.tasks.len() >= MAX_TASKS {
            task = Some(OTHER_TASKS.to_owned());
        }
        let look = self.tasks.entry(task).or_default();
        look.verdicts.add(solver);
        if let Some(reward) = seen.reward {
            look.rewarded.add(reward);
        }
    }

    fn add_to_group(&mut self, group: &str, reward: f64) {
        let key = hash(group);
        if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&key) {
            self.has_too_many_groups = true;
            self.groups = HashMap::new();
        }
        if !self.has_too_many_groups {
            self.groups.entry(key).or_default().add(Some(reward));
        }
    }

    fn add_length(&mut self, rollout: &Rollout, solver: Option<Outcome>) {
        if let Some(tokens) = rollout.n_tokens {
            self.tokens.add(tokens, solver);
        }
        let count = |text: &str| text.chars().count() as u64;
        let characters = match &rollout.completion {
            Text::Plain(text) => count(text),
            Text::Chat(messages) => Text::answer_message(messages).map_or(0, |message| {
                count(&message.content) + message.reasoning.as_deref().map_or(0, count)
            }),
        };
        self.characters.add(characters, solver);
    }

    fn add_language(&mut self, term: &str, evidence: &Evidence<'_>) {
        let Some(found) = evidence.detail(term, "dominant") else {
            return;
        };
        let Some(target) = evidence
            .detail(term, "target")
            .and_then(|code| code.as_str())
        else {
            return;
        };
        let found = found.as_str().map(str::to_owned);
        let key = (term.to_owned(), target.to_owned(), found);
        if self.languages.len() < MAX_LANGUAGES || self.languages.contains_key(&key) {
            *self.languages.entry(key).or_default() += 1;
        }
    }

    /// Takes the counts of the run, once it has ended.
    pub(super) fn conclude(&mut self, tallies: &Tallies) {
        self.findings = Some(findings::findings(self, tallies));
    }

    /// The numbers, if the run has ended.
    #[must_use]
    pub fn findings(&self) -> Option<&Findings> {
        self.findings.as_ref()
    }

    /// The page and its numbers; `None` before the run has ended.
    #[must_use]
    pub fn report(&self, about: &About) -> Option<ReportText> {
        let findings = self.findings.as_ref()?;
        Some(ReportText {
            page: html::page(about, findings, &self.reasons, &self.rewards),
            json: findings::json(about, findings),
        })
    }
}

/// What each reward said of a row, and the row's error.
fn said(seen: &Seen<'_>) -> Vec<Said> {
    let mut said: Vec<Said> = seen
        .terms
        .iter()
        .map(|term| Said {
            reward: Some(term.name.to_owned()),
            verdict: term.verdict(),
            reason: term.reason.map(str::to_owned),
        })
        .collect();
    if let Some(error) = seen.error
        && error.term.is_none()
    {
        said.push(Said {
            reward: None,
            verdict: "error",
            reason: error.field.clone(),
        });
    }
    said
}
