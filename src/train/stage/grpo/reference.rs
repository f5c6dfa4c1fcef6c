//! The reference policy: what the policy must not stray from.
//!
//! It is a copy of the policy that the stage began with; of a policy with adapters,
//! it is the policy without them, which takes no memory of its own.

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
    origin: Origin,
}

/// What the reference was made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Copy,
    /// Its weights are those below the adapters, which never change.
    Frozen,
}

impl Reference {
    /// The reference for a stage that begins with this policy.
    pub(super) fn of(policy: &Policy, options: KlOptions) -> Result<Self, TrainError> {
        if policy.lora().is_none() {
            return Ok(Self {
                policy: policy.duplicate()?,
                origin: Origin::Copy,
            });
        }
        if options.sync.is_some() {
            return Err(TrainError::Options(OptionFaults(vec![OptionFault {
                field: "kl.sync".to_owned(),
                problem: "cannot be used with adapters: the reference is the policy without \
                          them, which stays"
                    .to_owned(),
            }])));
        }
        Ok(Self {
            policy: policy.without_lora()?,
            origin: Origin::Frozen,
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
        if self.origin == Origin::Frozen {
            return Ok(());
        }
        let parameters = self.policy.parameters().iter();
        let tensors = parameters.map(|(name, tensor, _)| (name.to_owned(), tensor.clone()));
        tensors::save(&folder.join(FILE), tensors)
    }

    pub(super) fn restore(&mut self, folder: &Path) -> Result<(), TrainError> {
        if self.origin == Origin::Frozen {
            return Ok(());
        }
        let device = self.policy.device().clone();
        for (name, tensor) in tensors::load(&folder.join(FILE))? {
            let parameters = self.policy.parameters_mut();
            parameters.set(&name, tensor.to_device(&device)?)?;
        }
        Ok(())
    }
}
