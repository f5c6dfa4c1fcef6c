//! GRPO: groups of completions in, a policy that earns more out.
//!
//! A step samples a group of completions for each prompt, scores them while
//! others are still written, compares each with its group, and updates the
//! weights by how much better it was. DeepSeekMath, arXiv 2402.03300, algorithm
//! 1; every choice is in [`GrpoOptions`].

mod advantage;
mod gather;
mod learn;
mod reference;
mod report;
mod rows;
mod tally;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::learner::{Learner, Place};
use super::metrics::Metrics;
use super::order::ProblemOrder;
use super::step::{Position, Report, Stage, Workplace, tell};
use super::{GrpoOptions, Problems};
use crate::reward::Scorer;
use crate::train::error::TrainError;
use crate::train::policy::Policy;

use reference::Reference;
use rows::Row;
use tally::Tally;

/// A stage of GRPO.
pub(in crate::train) struct Grpo {
    options: GrpoOptions,
    scorer: Scorer,
    order: ProblemOrder,
    seed: u64,
    learner: Learner,
    reference: Option<Reference>,
    position: Position,
}

impl Grpo {
    /// # Errors
    /// A source without problems; a policy that cannot be copied for reference.
    pub(in crate::train) fn new(
        options: GrpoOptions,
        source: Arc<dyn Problems>,
        scorer: Scorer,
        policy: &Policy,
        seed: u64,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            order: ProblemOrder::new(source, seed)?,
            learner: Learner::new(policy, options.optimizer)?,
            reference: match options.kl {
                Some(kl) => Some(Reference::of(policy, kl)?),
                None => None,
            },
            options,
            scorer: scorer.unknown_as_wrong(),
            seed,
            position: Position::default(),
        })
    }
}

impl Stage for Grpo {
    fn steps(&self) -> u64 {
        self.options.steps
    }

    fn step(&mut self, place: &mut Workplace<'_>, number: u64) -> Result<Report, TrainError> {
        let began = Instant::now();
        let gathered = self.gather(place, number)?;
        let answered = &gathered.answered;

        let training = Instant::now();
        let mut rows = rows::rows(answered, &self.options);
        self.score_rows(place.policy, &mut rows)?;
        let advantages = advantage::advantages(answered, &rows, &self.options, &self.scorer);
        for (row, advantage) in rows.iter_mut().zip(&advantages) {
            row.advantage = *advantage;
        }
        let rate = self
            .options
            .optimizer
            .learning_rate_at(number, self.options.steps);
        let tally = self.learn(place, &rows, number)?;
        if let Some(reference) = &mut self.reference {
            reference.follow(place.policy, self.options.kl, number + 1)?;
        }
        let trained = training.elapsed();

        self.position.tokens += rows.iter().map(|row| row.length() as u64).sum::<u64>();
        let mut metrics = Metrics::default();
        tally.write(&self.options, &mut metrics);
        metrics.add("learning_rate", rate);
        metrics.add("skipped_updates", self.position.skipped_in_all as f64);
        report::write(&gathered, &mut metrics);
        if self.options.dynamic_sampling.is_some() {
            metrics.add("sampling_rounds", gathered.rounds as f64);
            metrics.add("dynamic_sampling/dropped", gathered.dropped as f64);
            metrics.add("dynamic_sampling/missing", gathered.missing as f64);
        }
        metrics.add("num_tokens", self.position.tokens as f64);
        metrics.add_some("epoch", self.order.epochs(self.position.taken));
        report::times(&gathered, trained, began.elapsed(), &mut metrics);
        Ok(Report {
            metrics: metrics.list(),
            completions: report::completions(answered, &advantages),
            notes: Vec::new(),
        })
    }

    fn position(&self) -> Position {
        Position {
            skipped: self.learner.skipped,
            ..self.position.clone()
        }
    }

    fn save(&self, folder: &Path) -> Result<(), TrainError> {
        if let Some(reference) = &self.reference {
            reference.save(folder)?;
        }
        self.learner.save(folder)
    }

    fn restore(&mut self, position: Position, folder: &Path) -> Result<(), TrainError> {
        if let Some(reference) = &mut self.reference {
            reference.restore(folder)?;
        }
        self.learner.restore(position.skipped, folder)?;
        self.position = position;
        Ok(())
    }
}

impl Grpo {
    /// Fills in what the loss needs of the policy before the first update: its
    /// own log-probabilities where the ratio may leave 1, and the reference's.
    fn score_rows(&self, policy: &Policy, rows: &mut [Row<'_>]) -> Result<(), TrainError> {
        let (options, heat) = (&self.options, self.options.sampling.temperature);
        if options.updates() > 1 || options.kl_in_reward().is_some() {
            let old = rows::log_probabilities(policy, rows, options.micro_batch_tokens, heat)?;
            for (row, old) in rows.iter_mut().zip(old) {
                row.old = Some(old);
            }
        }
        if let Some(reference) = &self.reference {
            let scores = reference.score(rows, options.micro_batch_tokens, heat)?;
            for (row, scores) in rows.iter_mut().zip(scores) {
                row.reference = Some(scores);
            }
        }
        Ok(())
    }

    /// Updates the weights `iterations * minibatches` times.
    fn learn(
        &mut self,
        place: &mut Workplace<'_>,
        rows: &[Row<'_>],
        step: u64,
    ) -> Result<Tally, TrainError> {
        let mut tally = Tally::default();
        let options = &self.options;
        let rate = options.optimizer.learning_rate_at(step, options.steps);
        let minibatches = rows::minibatches(rows, options.minibatches);
        let total = options.iterations * minibatches.len();
        for update in 0..total {
            tell(place.watcher, "training", update, total)?;
            let at = Place {
                seed: self.seed,
                step,
                update: update as u64,
            };
            let rows = &rows[minibatches[update % minibatches.len()].clone()];
            let made = self
                .learner
                .update(place.policy, rate, |policy, gradients| {
                    learn::learn(rows, at, options, policy, gradients, &mut tally)
                })?;
            tally.update(made);
            self.position.skipped_in_all += u64::from(made.is_skipped);
        }
        Ok(tally)
    }
}
