//! The reference policy: what the policy must not stray from.

use std::path::Path;

use super::rows::{self, Row};
use crate::train::error::TrainError;
use crate::train::policy::Policy;
use crate::train::stage::KlOptions;
use crate::train::tensors;

/// The reference's file in a checkpoint.
const FILE: &str = "reference.safetensors";

/// A policy that does not learn.
pub(super) struct Reference(Policy);

impl Reference {
    /// The policy as it is now.
    pub(super) fn of(policy: &Policy) -> Result<Self, TrainError> {
        Ok(Self(policy.duplicate()?))
    }

    /// The log-probabilities of every row's tokens.
    pub(super) fn score(
        &self,
        rows: &[Row<'_>],
        most_tokens: usize,
        temperature: f64,
    ) -> Result<Vec<Vec<f64>>, TrainError> {
        rows::log_probabilities(&self.0, rows, most_tokens, temperature)
    }

    /// Moves towards the policy after this many steps, where the options say so:
    /// `α * policy + (1 - α) * reference`, TR-DPO's soft update, arXiv 2404.09656
    /// equation 5.
    pub(super) fn follow(
        &mut self,
        policy: &Policy,
        options: Option<KlOptions>,
        steps: u64,
    ) -> Result<(), TrainError> {
        let Some(sync) = options.and_then(|kl| kl.sync) else {
            return Ok(());
        };
        if !steps.is_multiple_of(sync.every) {
            return Ok(());
        }
        let alpha = sync.alpha;
        for (name, new, _) in policy.parameters().iter() {
            let old = self.0.parameters().get(name);
            let mixed = match old {
                Some(old) => ((new * alpha)? + (old * (1.0 - alpha))?)?,
                None => new.copy()?,
            };
            self.0.parameters_mut().set(name, mixed)?;
        }
        Ok(())
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let parameters = self.0.parameters().iter();
        let tensors = parameters.map(|(name, tensor, _)| (name.to_owned(), tensor.clone()));
        tensors::save(&folder.join(FILE), tensors)
    }

    pub(super) fn restore(&mut self, folder: &Path) -> Result<(), TrainError> {
        let device = self.0.device().clone();
        for (name, tensor) in tensors::load(&folder.join(FILE))? {
            let parameters = self.0.parameters_mut();
            parameters.set(&name, tensor.to_device(&device)?)?;
        }
        Ok(())
    }
}
