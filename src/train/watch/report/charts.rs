//! The curves of a report: records in, groups of charts with their points out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::summary::title_among;
use crate::train::watch::glossary::{Group, Unit, meaning, title};
use crate::train::watch::{Kind, StepRecord};

/// Most points of a curve; beyond, each is the mean of some neighbours.
const MOST_POINTS: usize = 1500;

/// Charts in their order: group, title, and the metrics, by their names in the
/// glossary, that share it.
const CHARTS: &[(Group, &str, &[&str])] = &[
    (
        Group::Evaluation,
        "Accuracy on held-out problems",
        &["accuracy", "mean@*", "pass@*", "maj@*"],
    ),
    (
        Group::Evaluation,
        "Reward on held-out problems",
        &["reward"],
    ),
    (
        Group::Evaluation,
        "Terms on held-out problems",
        &["rewards/*/mean"],
    ),
    (
        Group::Evaluation,
        "Length on held-out problems",
        &["completions/mean_length"],
    ),
    (Group::Rewards, "Reward", &["reward"]),
    (Group::Rewards, "Terms of the reward", &["rewards/*/mean"]),
    (Group::Rewards, "Spread", &["reward_std", "rewards/*/std"]),
    (
        Group::Rewards,
        "Groups that teach nothing",
        &["frac_reward_zero_std", "frac_unscorable"],
    ),
    (
        Group::Rewards,
        "Dynamic sampling",
        &[
            "sampling_rounds",
            "dynamic_sampling/dropped",
            "dynamic_sampling/missing",
        ],
    ),
    (Group::Rewards, "Kept", &["kept"]),
    (Group::Rewards, "Share that was kept", &["kept_ratio"]),
    (
        Group::Lengths,
        "Length of completions",
        &[
            "completions/mean_length",
            "completions/min_length",
            "completions/max_length",
        ],
    ),
    (Group::Lengths, "Cut off", &["completions/clipped_ratio"]),
    (
        Group::Lengths,
        "Length of those that ended",
        &[
            "completions/mean_terminated_length",
            "completions/min_terminated_length",
            "completions/max_terminated_length",
        ],
    ),
    (Group::Policy, "Entropy", &["entropy"]),
    (Group::Policy, "Divergence from the reference", &["kl"]),
    (
        Group::Policy,
        "Clipped tokens",
        &[
            "clip_ratio/region_mean",
            "clip_ratio/low_mean",
            "clip_ratio/high_mean",
            "cispo_clip_ratio",
        ],
    ),
    (
        Group::Policy,
        "Sampler against trainer",
        &[
            "sampling/sampling_logp_difference/mean",
            "sampling/sampling_logp_difference/max",
        ],
    ),
    (
        Group::Policy,
        "Weights against the mismatch",
        &["sampling/importance_sampling_ratio/*"],
    ),
    (Group::Policy, "VESPO's weight", &["vespo/phi_seq_mean"]),
    (Group::Optimisation, "Loss", &["loss", "policy_loss"]),
    (Group::Optimisation, "Gradient's norm", &["grad_norm"]),
    (Group::Optimisation, "Learning rate", &["learning_rate"]),
    (Group::Optimisation, "Skipped updates", &["skipped_updates"]),
    (Group::Speed, "Tokens a second", &["tokens_per_second"]),
    (
        Group::Speed,
        "Time of a step",
        &[
            "step_time",
            "time/sample",
            "time/train",
            "time/reward",
            "time/reward_wait",
        ],
    ),
    (Group::Speed, "Share of the rewards", &["time/reward_share"]),
];

/// Most curves in a chart; more would not be told apart.
const MOST_SERIES: usize = 8;

/// Charts that are read together.
#[derive(Debug, Serialize)]
pub(super) struct ChartGroup {
    title: &'static str,
    charts: Vec<Chart>,
}

/// Curves over the same steps, in the same unit.
#[derive(Debug, Serialize)]
struct Chart {
    title: String,
    unit: Unit,
    /// Whether the curves are noisy and many-pointed: to be smoothed, drawn
    /// without points.
    smooth: bool,
    x: Vec<f64>,
    series: Vec<Series>,
}

/// A curve; `null` where it has no value.
#[derive(Debug, Serialize)]
struct Series {
    name: String,
    title: String,
    means: &'static str,
    look_for: &'static str,
    y: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<Vec<Option<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<Vec<Option<f64>>>,
}

/// All values of a kind of records, by metric and step. Of a step that is told of
/// twice, at the end of one stage and the beginning of the next, the last counts.
struct Values {
    kind: Kind,
    metrics: Vec<String>,
    by_name: BTreeMap<String, BTreeMap<u64, f64>>,
}

impl Values {
    fn of(kind: Kind, steps: &[StepRecord]) -> Self {
        let mut values = Self {
            kind,
            metrics: Vec::new(),
            by_name: BTreeMap::new(),
        };
        for record in steps.iter().filter(|record| record.kind == kind) {
            for (name, value) in &record.metrics {
                if !values.by_name.contains_key(name) {
                    values.metrics.push(name.clone());
                }
                let curve = values.by_name.entry(name.clone()).or_default();
                if value.is_finite() {
                    curve.insert(record.step, *value);
                }
            }
        }
        values
    }

    fn has(&self, row: &str) -> bool {
        let mut names = self.metrics.iter().filter_map(|name| meaning(name));
        names.any(|(known, _)| known.name == row)
    }

    /// A chart of the metrics, if any of them was recorded.
    fn chart(&self, heading: &str, names: &[&String]) -> Option<Chart> {
        let names = &names[..names.len().min(MOST_SERIES)];
        let first = names.first()?;
        let steps: BTreeSet<u64> = names
            .iter()
            .flat_map(|name| self.by_name[*name].keys().copied())
            .collect();
        let steps: Vec<u64> = steps.into_iter().collect();
        if steps.is_empty() {
            return None;
        }
        let bucket = steps.len().div_ceil(MOST_POINTS);
        let series = names.iter().map(|name| {
            let known = meaning(name).map(|(row, _)| row);
            let ends = |end: &str| self.by_name.get(&format!("{name}/{end}"));
            let points = |curve| points(curve, &steps, bucket);
            Series {
                title: match self.kind {
                    Kind::Train => title(name),
                    Kind::Evaluation => title_among(name, |name| self.by_name.contains_key(name)),
                },
                means: known.map_or("", |row| row.means),
                look_for: known.map_or("", |row| row.look_for),
                y: points(&self.by_name[*name]),
                low: ends("low").map(points),
                high: ends("high").map(points),
                name: (*name).clone(),
            }
        });
        Some(Chart {
            title: heading.to_owned(),
            unit: meaning(first).map_or(Unit::Number, |(row, _)| row.unit),
            smooth: self.kind == Kind::Train,
            series: series.collect(),
            x: steps
                .chunks(bucket)
                .map(|part| part[part.len() / 2] as f64)
                .collect(),
        })
    }
}

/// A curve at the steps, each point the mean of a bucket of them.
fn points(curve: &BTreeMap<u64, f64>, steps: &[u64], bucket: usize) -> Vec<Option<f64>> {
    let means = steps.chunks(bucket).map(|part| {
        let values: Vec<f64> = part
            .iter()
            .filter_map(|step| curve.get(step).copied())
            .collect();
        (!values.is_empty()).then(|| rounded(values.iter().sum::<f64>() / values.len() as f64))
    });
    means.collect()
}

/// Six digits are more than any screen shows, and half the bytes.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// The charts of a run. A metric that the glossary does not know has one of its
/// own; what it knows and no chart takes, such as epochs, is left to the files.
pub(super) fn charts(steps: &[StepRecord]) -> Vec<ChartGroup> {
    let (train, held_out) = (
        Values::of(Kind::Train, steps),
        Values::of(Kind::Evaluation, steps),
    );
    let is_end = |name: &&String| !(name.ends_with("/low") || name.ends_with("/high"));
    let mut taken: BTreeSet<(bool, &String)> = BTreeSet::new();
    let mut groups: Vec<ChartGroup> = Vec::new();
    for &(group, heading, rows) in CHARTS {
        let is_held_out = group == Group::Evaluation;
        let values = if is_held_out { &held_out } else { &train };
        let names: Vec<&String> = rows
            .iter()
            .flat_map(|row| {
                let of_row = values.metrics.iter().filter(is_end);
                of_row.filter(|name| meaning(name).is_some_and(|(known, _)| known.name == *row))
            })
            // It is the mean, which is there already.
            .filter(|name| *name != "pass@1" || !values.has("mean@*"))
            .collect();
        taken.extend(names.iter().map(|name| (is_held_out, *name)));
        add(
            &mut groups,
            heading_of(group),
            values.chart(heading, &names),
        );
    }
    for (is_held_out, values) in [(true, &held_out), (false, &train)] {
        for name in values.metrics.iter().filter(is_end) {
            if !taken.contains(&(is_held_out, name)) && meaning(name).is_none() {
                let heading = match is_held_out {
                    true => format!("Held-out: {}", title(name)),
                    false => title(name),
                };
                add(
                    &mut groups,
                    "Other metrics",
                    values.chart(&heading, &[name]),
                );
            }
        }
    }
    groups
}

fn add(groups: &mut Vec<ChartGroup>, title: &'static str, chart: Option<Chart>) {
    let Some(chart) = chart else {
        return;
    };
    match groups.iter_mut().find(|group| group.title == title) {
        Some(group) => group.charts.push(chart),
        None => groups.push(ChartGroup {
            title,
            charts: vec![chart],
        }),
    }
}

fn heading_of(group: Group) -> &'static str {
    match group {
        Group::Evaluation => "Evaluation",
        Group::Rewards => "Rewards",
        Group::Lengths => "Lengths",
        Group::Policy => "Health of the policy",
        Group::Optimisation => "Optimisation",
        Group::Speed => "Speed",
    }
}
