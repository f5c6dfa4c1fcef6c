//! One update of the weights: gradients in micro-batches, their norm bounded, a
//! step of AdamW.
//!
//! An update whose gradient is not finite is left out and counted; too many in a
//! row end the run, and so does a weight that should learn and got no gradient.

use std::ops::Range;
use std::path::Path;

use candle_core::{Device, Tensor};

use crate::train::error::TrainError;
use crate::train::optimizer::{AdamW, AdamWOptions, Moments, OptimizerOptions};
use crate::train::policy::{Gradients, Policy, Recompute};
use crate::train::random::Key;
use crate::train::tensors;

/// The optimizer's file in a checkpoint.
const FILE: &str = "optimizer.safetensors";
const STEPS: &str = "steps";
const FIRST: &str = "first.";
const SECOND: &str = "second.";

/// The optimizer of a stage.
pub(super) struct Learner {
    optimizer: AdamW,
    gradients: Gradients,
    options: OptimizerOptions,
    /// Updates that were left out, in a row up to now.
    pub(super) skipped: u64,
}

/// An update's place in a stage; every pass of it drops its own inputs of adapters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) seed: u64,
    pub(super) step: u64,
    pub(super) update: u64,
}

impl Place {
    /// Gets a policy ready for the pass of a micro-batch.
    pub(super) fn prepare(self, policy: &mut Policy, part: usize) {
        let numbers = [self.step, self.update, part as u64];
        let key = Key::new(self.seed, "dropout", &numbers);
        policy.set_dropout_seed(key.seed());
    }
}

/// What the parts of an update came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// Their gradients have been added up.
    Finite,
    /// A log-probability or a loss was not finite.
    NotFinite,
    /// No part had anything to learn from.
    Idle,
}

/// An update that was made, or left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Update {
    /// The gradient's norm before it was bounded.
    pub(super) norm: f64,
    pub(super) is_skipped: bool,
}

impl Learner {
    pub(super) fn new(policy: &Policy, options: OptimizerOptions) -> Result<Self, TrainError> {
        let adamw = AdamWOptions {
            betas: options.betas,
            epsilon: options.epsilon,
            weight_decay: options.weight_decay,
        };
        Ok(Self {
            optimizer: AdamW::new(policy, adamw),
            gradients: Gradients::zeros(policy)?,
            options,
            skipped: 0,
        })
    }

    /// Updates the weights by the gradient that `backward` adds up.
    pub(super) fn update(
        &mut self,
        policy: &mut Policy,
        learning_rate: f64,
        backward: impl FnOnce(&mut Policy, &mut Gradients) -> Result<Passed, TrainError>,
    ) -> Result<Update, TrainError> {
        self.gradients.clear();
        let passed = backward(policy, &mut self.gradients)?;
        let norm = self.gradients.norm()?;
        if passed == Passed::NotFinite || !norm.is_finite() {
            self.skipped += 1;
            if self.skipped >= self.options.max_skipped {
                return Err(TrainError::NotFinite {
                    updates: self.skipped,
                });
            }
            return Ok(Update {
                norm,
                is_skipped: true,
            });
        }
        if passed == Passed::Finite {
            let names = self.gradients.uncovered()?;
            if !names.is_empty() {
                let names = names.into_iter().map(str::to_owned).collect();
                return Err(TrainError::NoGradient { names });
            }
        }
        self.skipped = 0;
        let scale = self.options.gradient_scale(norm);
        self.optimizer
            .step(policy, &self.gradients, learning_rate, scale)?;
        Ok(Update {
            norm,
            is_skipped: false,
        })
    }
}

impl Learner {
    /// Writes the moments into a folder.
    pub(super) fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let steps = Tensor::new(self.optimizer.steps() as i64, &Device::Cpu)?;
        let mut tensors = vec![(STEPS.to_owned(), steps)];
        for moments in self.optimizer.moments()? {
            tensors.push((format!("{FIRST}{}", moments.name), moments.first));
            tensors.push((format!("{SECOND}{}", moments.name), moments.second));
        }
        tensors::save(&folder.join(FILE), tensors)
    }

    /// Goes on from the moments in a folder.
    pub(super) fn restore(&mut self, skipped: u64, folder: &Path) -> Result<(), TrainError> {
        let path = folder.join(FILE);
        let mut tensors = tensors::load(&path)?;
        let missing = |name: &str| TrainError::Checkpoint {
            path: path.clone(),
            problem: format!("tensor `{name}` is missing"),
        };
        let steps = tensors.remove(STEPS).ok_or_else(|| missing(STEPS))?;
        let mut moments = Vec::new();
        for (name, first) in &tensors {
            let Some(name) = name.strip_prefix(FIRST) else {
                continue;
            };
            let other = format!("{SECOND}{name}");
            let second = tensors.get(&other).ok_or_else(|| missing(&other))?;
            moments.push(Moments {
                name: name.to_owned(),
                first: first.clone(),
                second: second.clone(),
            });
        }
        self.optimizer
            .load_moments(steps.to_scalar::<i64>()? as u64, &moments)?;
        self.skipped = skipped;
        Ok(())
    }
}

/// What an option says of the activations.
pub(in crate::train) fn recompute(is_wanted: bool) -> Recompute {
    match is_wanted {
        true => Recompute::Layers,
        false => Recompute::Never,
    }
}

/// Cuts sequences of these lengths into parts of at most `most` tokens each, in
/// their order; a longer sequence is a part of its own.
pub(super) fn parts(lengths: &[usize], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut begin, mut tokens) = (0, 0);
    for (index, length) in lengths.iter().enumerate() {
        if index > begin && tokens + length > most {
            parts.push(begin..index);
            (begin, tokens) = (index, 0);
        }
        tokens += length;
    }
    if begin < lengths.len() {
        parts.push(begin..lengths.len());
    }
    parts
}

#[cfg(test)]
mod tests;
