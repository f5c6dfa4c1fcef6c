//! What a step says of its completions and its time.

use std::time::Duration;

use super::gather::Gathered;
use crate::train::stage::answer::Answered;
use crate::train::stage::judge::reason;
use crate::train::stage::metrics::Metrics;
use crate::train::watch::CompletionRecord;

/// Rewards and lengths, of all groups that were sampled.
pub(super) fn write(gathered: &Gathered, metrics: &mut Metrics) {
    metrics.rewards(gathered.all());
    metrics.completions(gathered.all().flat_map(|group| &group.completions));
}

/// Seconds, the scorer's share of them, and tokens sampled in a second.
pub(super) fn times(gathered: &Gathered, trained: Duration, all: Duration, metrics: &mut Metrics) {
    let spent = gathered.spent;
    let seconds = all.as_secs_f64();
    metrics.spent(spent);
    metrics.add("time/train", trained.as_secs_f64());
    metrics.add("time/reward_share", spent.scoring.as_secs_f64() / seconds);
    metrics.add("step_time", seconds);
    metrics.add("tokens_per_second", gathered.tokens as f64 / seconds);
}

/// The completions of a step, as a person reads them.
pub(super) fn completions(answered: &[Answered], advantages: &[f64]) -> Vec<CompletionRecord> {
    let mut advantages = advantages.iter();
    let mut records = Vec::new();
    for (group, answer) in answered.iter().enumerate() {
        for record in answer.records(group) {
            records.push(CompletionRecord {
                advantage: advantages.next().copied(),
                ..record
            });
        }
    }
    records
}

impl Answered {
    /// Its completions as records without step, stage and advantage.
    pub(in crate::train::stage) fn records(
        &self,
        group: usize,
    ) -> impl Iterator<Item = CompletionRecord> {
        let pairs = self.completions.iter().zip(&self.scores);
        pairs.map(move |(completion, score)| CompletionRecord {
            group: group as u64,
            prompt: self.problem.prompt.clone(),
            completion: completion.text.clone(),
            reward: score.reward,
            terms: score
                .terms
                .iter()
                .map(|term| (term.name.to_string(), term.raw))
                .collect(),
            reason: reason(score),
            finish: completion.finish.name().to_owned(),
            n_tokens: completion.tokens.len() as u64,
            ..CompletionRecord::default()
        })
    }
}
