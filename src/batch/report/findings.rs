//! The numbers of a report, as JSON has them and the page shows them.

use std::fmt::Write;

use serde::Serialize;

use super::Survey;
use super::cost::{FuelFindings, TimeFindings};
use super::curves::{Curves, GroupFindings, curves, group_findings};
use super::ranges::{Range, Verdicts};
use super::reasons::Reason;
use super::spread::Histogram;
use crate::batch::summary::{RewardSummary, Summary, Tallies};

/// Version of the JSON.
const VERSION: u32 = 1;

/// Where the rows are from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct About {
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// The file of scores, where there is one.
    pub output: Option<String>,
    /// The spec.
    pub spec: SpecAbout,
    /// What a reader must know, such as that a run was stopped.
    pub notes: Vec<String>,
    /// When the report was made: seconds since 1970.
    pub made: Option<u64>,
    /// Seconds from the run's beginning to its end, where it was measured.
    pub elapsed: Option<f64>,
    /// Rows that an earlier run had written.
    pub resumed_rows: u64,
}

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InputFile {
    /// Its path as given.
    pub name: String,
    /// Its size; `None` for a stream.
    pub bytes: Option<u64>,
}

/// A spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SpecAbout {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Its text; the page alone has it.
    #[serde(skip)]
    pub text: String,
}

/// All numbers of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Findings {
    /// Rows, tasks, rewards by task, pass@k.
    pub summary: Summary,
    /// The rewards over all tasks.
    pub rewards: Vec<RewardSummary>,
    /// The reward that says "solved", over all rows.
    pub verdicts: Verdicts,
    /// The share of the judged rows that it found correct.
    pub correct_share: Option<f64>,
    /// The total reward of the rows that have one.
    pub distribution: Histogram,
    /// The same by task, in the order of the summary's tasks.
    pub tasks: Vec<TaskFindings>,
    /// Verdicts with their reasons.
    pub reasons: Vec<Reason>,
    /// pass@k and maj@k; `None` without groups of two samples.
    pub curves: Option<Curves>,
    /// What the groups teach; `None` without groups of two samples.
    pub groups: Option<GroupFindings>,
    /// Lengths of completions; `None` where no completion was at hand.
    pub lengths: Option<LengthFindings>,
    /// Languages found, where a term measured them.
    pub languages: Vec<LanguageRows>,
    /// What programs took in the sandbox.
    pub fuel: Option<FuelFindings>,
    /// What scoring took; the one part that differs from run to run.
    pub time: Option<TimeFindings>,
}

/// What a report shows of a task beyond its summary.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskFindings {
    /// The task; `None` for rows that name none.
    pub task: Option<String>,
    /// The reward that says "solved".
    pub verdicts: Verdicts,
    /// The share of the judged rows that it found correct.
    pub correct_share: Option<f64>,
    /// The total reward of the rows that have one.
    pub distribution: Histogram,
}

/// Lengths of completions against verdicts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LengthFindings {
    /// What is counted.
    pub unit: LengthUnit,
    /// Rows of unknown length.
    pub unknown: u64,
    /// By length.
    pub ranges: Vec<Range>,
}

/// What a length counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LengthUnit {
    /// Tokens, as the rows say.
    Tokens,
    /// Characters, where most rows do not say.
    Characters,
}

/// Rows in a language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LanguageRows {
    /// The reward that measured it.
    pub reward: String,
    /// The language that was wanted.
    pub target: String,
    /// The language of most words; `None` if there are none or it is not known.
    pub found: Option<String>,
    /// How many rows.
    pub rows: u64,
}

/// What a survey came to.
pub(super) fn findings(survey: &Survey, tallies: &Tallies) -> Findings {
    let summary = tallies.finish();
    let votes = tallies.votes().unwrap_or_default();
    let mut rewards: Vec<(&u64, _)> = survey.groups.iter().collect();
    rewards.sort_unstable_by_key(|(key, _)| **key);
    let teaching = group_findings(&votes, rewards.into_iter().map(|(_, rewards)| rewards));
    let mut verdicts = Verdicts::default();
    let tasks = survey.tasks.iter().map(|(task, look)| {
        verdicts.merge(&look.verdicts);
        TaskFindings {
            task: task.clone(),
            verdicts: look.verdicts,
            correct_share: look.verdicts.share().map(|(share, ..)| share),
            distribution: look.rewarded.finish(),
        }
    });
    let tasks = tasks.collect();
    let correct_share = verdicts.share().map(|(share, ..)| share);
    Findings {
        rewards: survey.all.finish(&None, &survey.rewards).rewards,
        verdicts,
        correct_share,
        distribution: survey.rewarded.finish(),
        tasks,
        reasons: survey.reasons.finish(&survey.rewards),
        curves: curves(&votes),
        groups: (teaching.groups > 0 || teaching.rewarded > 0).then_some(teaching),
        lengths: lengths(survey),
        languages: survey
            .languages
            .iter()
            .map(|((reward, target, found), rows)| LanguageRows {
                reward: reward.clone(),
                target: target.clone(),
                found: found.clone(),
                rows: *rows,
            })
            .collect(),
        fuel: survey.costs.fuel(),
        time: survey.costs.time(),
        summary,
    }
}

/// By tokens where at least half of the rows say how many they have.
fn lengths(survey: &Survey) -> Option<LengthFindings> {
    let (tokens, characters) = (survey.tokens.rows(), survey.characters.rows());
    if characters == 0 {
        return None;
    }
    let (unit, ranges) = match 2 * tokens >= characters {
        true => (LengthUnit::Tokens, &survey.tokens),
        false => (LengthUnit::Characters, &survey.characters),
    };
    Some(LengthFindings {
        unit,
        unknown: survey.rows - ranges.rows(),
        ranges: ranges.finish(),
    })
}

/// The numbers as JSON, one part to a line.
pub(super) fn json(about: &About, findings: &Findings) -> String {
    #[derive(Serialize)]
    struct Document<'d> {
        #[serde(rename = "goldstone")]
        version: &'static str,
        about: &'d About,
        #[serde(flatten)]
        findings: &'d Findings,
    }
    let document = Document {
        version: env!("CARGO_PKG_VERSION"),
        about,
        findings,
    };
    let value = serde_json::to_value(&document).expect("all keys are strings");
    let mut text = format!("{{\n\"report\": {VERSION}");
    for (name, part) in value.as_object().into_iter().flatten() {
        write!(text, ",\n{name:?}: {part}").expect("a String takes every byte");
    }
    text + "\n}\n"
}
