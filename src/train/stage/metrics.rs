//! Metrics of completions and rewards, under TRL's names.

use std::collections::BTreeMap;

use super::answer::{Answered, Spent};
use crate::reward::Score;
use crate::train::sample::{Completion, Finish};
use crate::verdict::Outcome;

/// Metrics in the making, in the order in which they are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics(Vec<(String, f64)>);

impl Metrics {
    pub(super) fn add(&mut self, name: impl Into<String>, value: f64) {
        self.0.push((name.into(), value));
    }

    pub(super) fn add_some(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    pub(super) fn extend(&mut self, metrics: impl IntoIterator<Item = (String, f64)>) {
        self.0.extend(metrics);
    }

    /// The names of [`Metrics::rewards`] and [`Metrics::completions`], but for those
    /// of terms.
    pub(super) fn names() -> impl Iterator<Item = String> {
        let rewards = [
            "reward",
            "reward_std",
            "frac_reward_zero_std",
            "frac_unscorable",
            "frac_unknown",
            "completions/clipped_ratio",
        ];
        let lengths = ["", "terminated_"].into_iter().flat_map(|kind| {
            ["mean", "min", "max"].map(|what| format!("completions/{what}_{kind}length"))
        });
        rewards.map(str::to_owned).into_iter().chain(lengths)
    }

    pub(super) fn list(self) -> Vec<(String, f64)> {
        self.0
    }

    /// `completions/…`: lengths in tokens, and the share that was cut.
    pub(super) fn completions<'c>(&mut self, completions: impl Iterator<Item = &'c Completion>) {
        let (mut all, mut ended) = (Vec::new(), Vec::new());
        for completion in completions {
            let tokens = completion.tokens.len() as f64;
            all.push(tokens);
            if completion.finish == Finish::Stop {
                ended.push(tokens);
            }
        }
        for (kind, lengths) in [("", &all), ("terminated_", &ended)] {
            // TRL says 0 where no completion ended by itself.
            let (least, greatest) = ends(lengths).unwrap_or((0.0, 0.0));
            let mean = mean(lengths).unwrap_or(0.0);
            self.add(format!("completions/mean_{kind}length"), mean);
            self.add(format!("completions/min_{kind}length"), least);
            self.add(format!("completions/max_{kind}length"), greatest);
        }
        let cut = all.len() - ended.len();
        self.add(
            "completions/clipped_ratio",
            cut as f64 / all.len().max(1) as f64,
        );
    }

    /// `rewards/<term>/{mean,std}` before weights, `reward`, `reward_std` (the mean
    /// of the groups' deviations), `frac_reward_zero_std`, the share that could not
    /// be decided, and the share that could not be scored.
    pub(super) fn rewards<'a>(&mut self, answered: impl Iterator<Item = &'a Answered> + Clone) {
        let scores = || answered.clone().flat_map(|group| &group.scores);
        for (term, rewards) in terms(scores()) {
            self.add_some(&format!("rewards/{term}/mean"), mean(&rewards));
            self.add_some(&format!("rewards/{term}/std"), deviation(&rewards));
        }
        let rewards: Vec<f64> = scores().filter_map(|score| score.reward).collect();
        self.add_some("reward", mean(&rewards));
        let deviations: Vec<f64> = answered
            .clone()
            .filter_map(|group| deviation(&group.rewards()))
            .collect();
        self.add_some("reward_std", mean(&deviations));
        let equal = deviations.iter().filter(|deviation| **deviation == 0.0);
        let equal = equal.count() as f64 / deviations.len().max(1) as f64;
        self.add("frac_reward_zero_std", equal);
        let count = scores().count().max(1) as f64;
        let unknown = scores().filter(|score| is_unknown(score)).count();
        self.add("frac_unknown", unknown as f64 / count);
        self.add("frac_unscorable", 1.0 - rewards.len() as f64 / count);
    }

    /// Seconds of sampling and scoring. `time/reward` is what scoring took over all
    /// its threads, `time/reward_wait` what the step waited for it.
    pub(super) fn spent(&mut self, spent: Spent) {
        self.add("time/sample", spent.sampling.as_secs_f64());
        self.add("time/reward", spent.scoring.as_secs_f64());
        self.add("time/reward_wait", spent.waiting.as_secs_f64());
    }
}

impl Answered {
    /// The rewards that are known.
    pub(super) fn rewards(&self) -> Vec<f64> {
        self.scores
            .iter()
            .filter_map(|score| score.reward)
            .collect()
    }
}

/// Whether a reward of the spec could not decide about the completion.
fn is_unknown(score: &Score) -> bool {
    let mut outcomes = score.terms.iter().filter_map(|term| term.outcome);
    outcomes.any(|outcome| outcome == Outcome::Unknown)
}

/// The numbers of every term that is known, before its weight, by the term's
/// place in the scores and name.
fn terms<'s>(scores: impl Iterator<Item = &'s Score>) -> Vec<(String, Vec<f64>)> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut terms: Vec<(String, Vec<f64>)> = Vec::new();
    for term in scores.flat_map(|score| &score.terms) {
        let place = *places.entry(term.name.to_string()).or_insert_with(|| {
            terms.push((term.name.to_string(), Vec::new()));
            terms.len() - 1
        });
        terms[place].1.extend(term.raw);
    }
    terms
}

/// `None` of no numbers.
pub(super) fn mean(numbers: &[f64]) -> Option<f64> {
    let count = numbers.len();
    (count > 0).then(|| numbers.iter().sum::<f64>() / count as f64)
}

/// The sample deviation (n - 1); exactly 0 for equal numbers, `None` of none.
pub(super) fn deviation(numbers: &[f64]) -> Option<f64> {
    let (least, greatest) = ends(numbers)?;
    if least == greatest {
        return Some(0.0);
    }
    let mean = mean(numbers)?;
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    Some((squares / (numbers.len() as f64 - 1.0)).sqrt())
}

/// The least and the greatest; `None` of no numbers.
pub(super) fn ends(numbers: &[f64]) -> Option<(f64, f64)> {
    let first = *numbers.first()?;
    let widen =
        |(least, greatest): (f64, f64), number: &f64| (least.min(*number), greatest.max(*number));
    Some(numbers.iter().fold((first, first), widen))
}
