//! What ends completions: tokens that the policy must have, and without which
//! demonstrations teach no end.

use super::Run;
use super::plan::StageWork;
use crate::train::error::TrainError;
use crate::train::fault::{OptionFault, OptionFaults};
use crate::train::sample::SampleOptions;

/// The end token of a stage, or of the evaluation, that a policy of so many words lacks.
#[must_use]
pub fn unknown_end(place: &str, sampling: &SampleOptions, words: usize) -> Option<OptionFault> {
    let mut ids = sampling.stop_ids.iter();
    let beyond = ids.find(|id| **id as usize >= words)?;
    Some(OptionFault {
        field: format!("{place}.sampling.stop_ids"),
        problem: format!("has {beyond}; the policy has the tokens 0 to {}", words - 1),
    })
}

impl Run<'_> {
    /// What ends completions must be there: demonstrations teach it, and without it
    /// completions only end at their bound, which is noted.
    ///
    /// # Errors
    /// [`TrainError::NoEnd`] where demonstrations would be learned without an end;
    /// [`TrainError::Options`] for end tokens that the policy does not have.
    pub(super) fn check_ends(&self) -> Result<Vec<String>, TrainError> {
        let words = self.policy.config().vocab_size;
        let mut faults = Vec::new();
        let mut endless = Vec::new();
        let stages = self.plan.stages.iter().filter_map(|stage| {
            let place = format!("stages.{}.{}", stage.name, stage.work.kind());
            Some((place, stage.work.sampling()?))
        });
        let evaluation = self.plan.evaluation.iter();
        let evaluation =
            evaluation.map(|evaluation| ("evaluation".to_owned(), &evaluation.options.sampling));
        for (place, sampling) in stages.chain(evaluation) {
            faults.extend(unknown_end(&place, sampling, words));
            if sampling.stop.is_empty() && sampling.stop_ids.is_empty() {
                endless.push(format!("`{place}`"));
            }
        }
        if !faults.is_empty() {
            return Err(TrainError::Options(OptionFaults(faults)));
        }
        if !self.vocabulary.end_ids().is_empty() {
            return Ok(Vec::new());
        }
        let taught = self.plan.stages.iter();
        let mut taught = taught.filter(|stage| matches!(stage.work, StageWork::Sft { .. }));
        if let Some(stage) = taught.next() {
            return Err(TrainError::NoEnd {
                stage: stage.name.clone(),
            });
        }
        Ok(match endless.is_empty() {
            true => Vec::new(),
            false => vec![format!(
                "the model has no end token (`eos_token_id`): completions of {} end only after \
                 `max_tokens`, unless `sampling.stop` or `sampling.stop_ids` ends them",
                endless.join(", ")
            )],
        })
    }
}
