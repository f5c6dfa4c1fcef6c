//! What has been told of a run, as far as the terminal shows it.

use std::collections::BTreeMap;

use crate::train::watch::{CompletionRecord, Kind, RunInfo, StepRecord, meaning};

/// Most points of a curve that are kept; older ones are thinned out.
const MOST_POINTS: usize = 4096;
/// Steps whose mean time says how long the rest will take.
const PACE_STEPS: usize = 20;

/// Metrics of a step in the order in which they are shown, as far as there is
/// room; `rewards/*/mean` stands for all terms.
const SHOWN: [&str; 21] = [
    "reward",
    "rewards/*/mean",
    "loss",
    "completions/mean_length",
    "completions/clipped_ratio",
    "kl",
    "entropy",
    "clip_ratio/region_mean",
    "frac_reward_zero_std",
    "grad_norm",
    "learning_rate",
    "tokens_per_second",
    "step_time",
    "time/reward_share",
    "frac_unscorable",
    "reward_std",
    "completions/max_length",
    "sampling/sampling_logp_difference/max",
    "sampling_rounds",
    "epoch",
    "num_tokens",
];

/// A run so far.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) run: RunInfo,
    /// The last step that was made.
    pub(super) last: Option<StepRecord>,
    /// The last evaluation, whichever stage it belongs to.
    pub(super) evaluation: Option<StepRecord>,
    /// Curves of the stage that runs, and of its evaluations under `eval_`.
    pub(super) curves: BTreeMap<String, Curve>,
    /// The best evaluation by the headline: its step and value.
    pub(super) best: Option<(u64, f64)>,
    pub(super) completion: Option<CompletionRecord>,
    pub(super) activity: Option<(String, u64, u64)>,
    /// Seconds since 1970 when the run, or this part of it, began.
    pub(super) began: f64,
    times: Vec<f64>,
}

/// A metric over the steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Curve {
    /// Step and value, in order.
    pub(super) points: Vec<(f64, f64)>,
}

impl Curve {
    fn add(&mut self, step: u64, value: f64) {
        if self.points.len() == MOST_POINTS {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 0
            });
        }
        self.points.push((step as f64, value));
    }
}

impl State {
    /// A run of which nothing is known yet but what it is.
    pub(super) fn new(run: RunInfo, began: f64) -> Self {
        Self {
            run,
            began,
            ..Self::default()
        }
    }

    /// What was told before the run went on. The pause is no part of its pace.
    pub(super) fn recall(&mut self, records: &[StepRecord]) {
        for record in records {
            self.add(record);
        }
        self.times.clear();
    }

    /// A step or an evaluation.
    pub(super) fn add(&mut self, record: &StepRecord) {
        if record.kind == Kind::Train {
            let is_new_stage = self
                .last
                .as_ref()
                .is_none_or(|last| last.stage != record.stage);
            if is_new_stage {
                self.curves.retain(|name, _| name.starts_with("eval_"));
                self.times.clear();
                // The completions of another stage say nothing of this one.
                let stage = &record.stage;
                self.completion = self.completion.take().filter(|it| it.stage == *stage);
            }
            self.times.push(record.time);
        }
        for (name, value) in &record.metrics {
            let name = match record.kind {
                Kind::Train => name.clone(),
                Kind::Evaluation => format!("eval_{name}"),
            };
            self.curves
                .entry(name)
                .or_default()
                .add(record.step, *value);
        }
        self.activity = None;
        match record.kind {
            Kind::Train => self.last = Some(record.clone()),
            Kind::Evaluation => {
                self.evaluation = Some(record.clone());
                if let Some(value) = self.headline(record).map(|(_, value)| value)
                    && self.best.is_none_or(|(_, best)| value > best)
                {
                    self.best = Some((record.step, value));
                }
            }
        }
    }

    /// The metric that an evaluation is summed up by.
    pub(super) fn headline<'r>(&self, record: &'r StepRecord) -> Option<(&'r str, f64)> {
        let wanted = [
            self.run.headline.as_deref().unwrap_or("greedy/accuracy"),
            "greedy/accuracy",
            "accuracy",
            "mean@1",
            "pass@1",
            "reward",
        ];
        let all = || record.metrics.iter().filter(|(_, value)| value.is_finite());
        wanted
            .iter()
            .find_map(|name| all().find(|(known, _)| known == name))
            .or_else(|| all().next())
            .map(|(name, value)| (name.as_str(), *value))
    }

    /// The stage that runs, its place from 1, and how many there are.
    pub(super) fn stage(&self) -> Option<(usize, usize, &str)> {
        let name = &self.last.as_ref()?.stage;
        let place = self
            .run
            .stages
            .iter()
            .position(|stage| stage.name == *name)?;
        let kind = &self.run.stages[place].kind;
        Some((place + 1, self.run.stages.len(), kind))
    }

    /// The metrics of the last step in the order in which they are shown.
    pub(super) fn shown(&self) -> Vec<(&str, f64)> {
        let Some(last) = &self.last else {
            return Vec::new();
        };
        let mut found: Vec<(&str, f64)> = Vec::new();
        for pattern in SHOWN {
            for (name, value) in &last.metrics {
                let is_it = meaning(name).map_or(name == pattern, |(row, _)| row.name == pattern);
                if is_it {
                    found.push((name, *value));
                }
            }
        }
        found
    }

    /// Seconds until the stage ends, if it goes on at the pace of its last steps.
    pub(super) fn left(&self) -> Option<f64> {
        let last = self.last.as_ref()?;
        let recent = &self.times[self.times.len().saturating_sub(PACE_STEPS + 1)..];
        let (first, final_time) = (recent.first()?, recent.last()?);
        if recent.len() < 2 {
            return None;
        }
        let pace = (final_time - first) / (recent.len() - 1) as f64;
        let steps = last.stage_steps.saturating_sub(last.stage_step);
        Some(pace * steps as f64).filter(|left| left.is_finite() && *left >= 0.0)
    }
}

/// `0:42`, `12:05`, `1:02:03`.
pub(super) fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}
