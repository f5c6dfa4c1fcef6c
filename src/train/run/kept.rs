//! Stages that kept nothing for those that should learn from it.

use super::Run;
use super::plan::StageWork;
use crate::train::error::TrainError;

impl Run<'_> {
    /// Why a stage has nothing to learn from, with the keys of those that kept nothing
    /// for it.
    pub(super) fn nothing_kept(&self, stage: &str, earlier: &[String]) -> TrainError {
        let mut kept = Vec::new();
        let mut keys = Vec::new();
        for plan in &self.plan.stages {
            let StageWork::Reject {
                options, problems, ..
            } = &plan.work
            else {
                continue;
            };
            let name = &plan.name;
            if !earlier.contains(name) {
                continue;
            }
            let prompts = match (problems.count(), options.prompts) {
                (Some(count), most) => most.map_or(count, |most| most.min(count)),
                (None, most) => most.unwrap_or(0),
            };
            let sampled = prompts.saturating_mul(options.samples as u64);
            kept.push(format!("stage `{name}` kept 0 of {sampled} completions"));
            let rules = [
                ("min_reward", options.min_reward.is_some()),
                ("correct_only", options.correct_only),
                ("finished_only", options.finished_only),
            ];
            let set = rules.into_iter().filter(|(_, is_set)| *is_set);
            keys.extend(set.map(|(key, _)| format!("`stages.{name}.reject.{key}`")));
            keys.push(format!("`stages.{name}.reject.sampling.max_tokens`"));
        }
        TrainError::Source {
            problem: format!(
                "{}, so stage `{stage}` has nothing to learn from; the policy is not able enough \
                 yet, or the rule is too strict: see {}",
                kept.join(", "),
                keys.join(", ")
            ),
        }
    }
}
