//! The reference policy: what the policy must not stray from.
//!
//! It is a copy of the policy that the stage began with, whatever earlier stages
//! made of it. Of a policy with adapters only these are copied: the weights below
//! them never change.

use std::path::Path;

use super::rows::{self, Row};
use crate::train::error::TrainError;
use crate::train::fault::{OptionFault, OptionFaults};
use crate::train::policy::Policy;
use crate::train::stage::KlOptions;
use crate::train::tensors;

/// The reference's file in a checkpoint.
const FILE: &str = "reference.safetensors";

/// A policy that does not learn.
pub(super) struct Reference {
    policy: Policy,
}

impl Reference {
    /// The reference for a stage that begins with this policy.
    pub(super) fn of(policy: &Policy, options: KlOptions) -> Result<Self, TrainError> {
        if policy.lora().is_some() && options.sync.is_some() {
            return Err(TrainError::Options(OptionFaults(vec![OptionFault {
                field: "kl.sync".to_owned(),
                problem: "cannot be used with adapters: a mean of adapters is not the mean of \
                          what they do"
                    .to_owned(),
            }])));
        }
        Ok(Self {
            policy: policy.snapshot()?,
        })
    }

    /// The log-probabilities of every row's tokens.
    pub(super) fn score(
        &self,
        rows: &[Row<'_>],
        most_tokens: usize,
        temperature: f64,
    ) -> Result<Vec<Vec<f64>>, TrainError> {
        rows::log_probabilities(&self.policy, rows, most_tokens, temperature)
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
            let old = self.policy.parameters().get(name);
            let mixed = match old {
                Some(old) => ((new * alpha)? + (old * (1.0 - alpha))?)?,
                None => new.copy()?,
            };
            self.policy.parameters_mut().set(name, mixed)?;
        }
        Ok(())
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let parameters = self.policy.parameters().iter();
        let own = parameters.filter(|(.., is_trainable)| *is_trainable);
        let tensors = own.map(|(name, tensor, _)| (name.to_owned(), tensor.clone()));
        tensors::save(&folder.join(FILE), tensors)
    }

    pub(super) fn restore(&mut self, folder: &Path) -> Result<(), TrainError> {
        let device = self.policy.device().clone();
        for (name, tensor) in tensors::load(&folder.join(FILE))? {
            let parameters = self.policy.parameters_mut();
            parameters.set(&name, tensor.to_device(&device)?)?;
        }
        Ok(())
    }
}
