//! The steps of a run, one after the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::checkpoint::{Checkpoints, clear, restore_all};
use super::lock::RunLock;
use super::plan::{PolicyStore, RunPlan, StageWork};
use super::state::{Best, State};
use crate::train::error::TrainError;
use crate::train::policy::Policy;
use crate::train::replace::replace;
use crate::train::sample::Vocabulary;
use crate::train::stage::{Report, Stage, Workplace};
use crate::train::watch::{Ending, Kind, StepRecord, Watcher, is_run};

/// A run with all it works with.
pub struct Run<'r> {
    /// What it is to do.
    pub plan: &'r RunPlan,
    /// What learns: the policy that the run begins with, then the one that it has
    /// made.
    pub policy: &'r mut Policy,
    /// Its tokens.
    pub vocabulary: &'r dyn Vocabulary,
    /// How it is kept in folders.
    pub store: &'r dyn PolicyStore,
    /// Who is told.
    pub watcher: &'r mut dyn Watcher,
    /// Once it is true, the run saves itself after the step that it is in, and
    /// ends.
    pub stop: &'r AtomicBool,
}

/// Where a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At its first step, in a folder without a run.
    Anew,
    /// At its first step; what an earlier run made in the folder is removed.
    Over,
    /// After its newest checkpoint; at its first step where there is none.
    Resumed,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All stages are done.
    Finished,
    /// It was asked to stop, and can go on.
    Stopped,
}

impl Run<'_> {
    /// Makes the steps of the run.
    ///
    /// # Errors
    /// A folder that another process runs in, or that has a run already; options out
    /// of their ranges; sources, rewards and files that fail; updates
    /// that are not finite. What was saved before stays.
    pub fn go(mut self, begin: Begin) -> Result<Ended, TrainError> {
        self.plan.validate()?;
        let notes = self.check_ends()?;
        self.check_texts()?;
        let folder = &self.plan.folder;
        let _lock = RunLock::take(folder)?;
        // Asked again under the lock: whoever chose to begin may have looked before
        // another run began.
        if begin == Begin::Anew && is_run(folder) {
            return Err(TrainError::Occupied {
                folder: folder.clone(),
            });
        }
        // From within the pool a parallel loop begins without waking a thread: there
        // are thousands of small ones in a step.
        let result = rayon::scope(|_| self.make(begin, notes));
        let ending = match &result {
            Ok(Ended::Finished) => Ending::Finished,
            Ok(Ended::Stopped) => Ending::Interrupted,
            Err(error) => {
                // The first error is the one to tell.
                let _ = self.watcher.failed(&with_sources(error));
                Ending::Failed
            }
        };
        let told = self.watcher.end(ending);
        let ended = result?;
        told?;
        Ok(ended)
    }

    fn make(&mut self, begin: Begin, mut notes: Vec<String>) -> Result<Ended, TrainError> {
        let checkpoints = Checkpoints::new(&self.plan.folder, self.plan.checkpoints.keep);
        let saved = match begin {
            Begin::Anew | Begin::Over => {
                clear(&self.plan.folder)?;
                None
            }
            Begin::Resumed => {
                notes.extend(self.check_manifest()?);
                restore_all(&self.plan.folder)?;
                checkpoints.newest()?
            }
        };
        let (mut state, mut folder) = match saved {
            None => (self.first_state(), None),
            Some((folder, state)) => {
                self.check(&state, &folder)?;
                self.store.restore(self.policy, &folder)?;
                (state, Some(folder))
            }
        };
        let resumed_at = folder.is_some().then_some(state.step);
        self.watcher.begin(&self.plan.describe(resumed_at))?;
        for note in &notes {
            self.watcher.note(note)?;
        }
        if folder.is_none()
            && let Some(evaluation) = &self.plan.evaluation
            && evaluation.options.before_training
        {
            let first = self.plan.stages.first();
            let steps = first.map_or(0, |stage| stage.work.steps());
            self.evaluate(&mut state, steps)
                .map_err(|error| self.explain_evaluation(0, error))?;
        }
        while state.stage < self.plan.stages.len() {
            let mut stage = self
                .stage(state.stage)
                .map_err(|error| self.explain(state.stage, error))?;
            if let Some(folder) = folder.take()
                && state.stage_step > 0
            {
                stage.restore(state.position.clone(), &folder)?;
            }
            if self.steps(&mut *stage, &mut state, &checkpoints)? == Ended::Stopped {
                return Ok(Ended::Stopped);
            }
            self.check_left(&state)?;
            let next = self.plan.stages.get(state.stage + 1);
            state.next_stage(next.map(|stage| stage.name.as_str()));
            checkpoints.write(&state, |folder| self.store.save(self.policy, folder))?;
            if self.is_stopped() && next.is_some() {
                return Ok(Ended::Stopped);
            }
        }
        replace(&self.plan.folder.join("final"), |folder| {
            self.store.save(self.policy, folder)
        })?;
        Ok(Ended::Finished)
    }

    /// An error of a stage, with advice where the device has no memory left.
    fn explain(&self, stage: usize, error: TrainError) -> TrainError {
        let plan = &self.plan.stages[stage];
        let shape = self.policy.memory_shape();
        plan.work.demand().explain(&plan.name, &shape, error)
    }

    /// The same of an evaluation in a stage, whose gradients and moments stand.
    fn explain_evaluation(&self, stage: usize, error: TrainError) -> TrainError {
        let shape = self.policy.memory_shape();
        let stage = self.plan.stages.get(stage);
        match (&self.plan.evaluation, stage) {
            (Some(evaluation), Some(stage)) => {
                let plan = stage.work.demand().memory(&shape);
                evaluation.options.explain(plan, &shape, error)
            }
            _ => error,
        }
    }

    /// The steps of a stage, from where it stands.
    fn steps(
        &mut self,
        stage: &mut dyn Stage,
        state: &mut State,
        checkpoints: &Checkpoints,
    ) -> Result<Ended, TrainError> {
        let steps = stage.steps();
        while state.stage_step < steps {
            let mut place = self.place();
            let report = stage
                .step(&mut place, state.stage_step)
                .map_err(|error| self.explain(state.stage, error))?;
            state.step += 1;
            state.stage_step += 1;
            state.position = stage.position();
            self.tell(state, steps, Kind::Train, report)?;
            let is_last = state.stage_step == steps;
            let mut is_over = is_last;
            if self.is_evaluated(state, is_last) {
                is_over |= self
                    .evaluate(state, steps)
                    .map_err(|error| self.explain_evaluation(state.stage, error))?;
            }
            if is_over {
                break;
            }
            let is_stopped = self.is_stopped();
            let every = self.plan.checkpoints.every;
            if is_stopped || (every > 0 && state.stage_step.is_multiple_of(every)) {
                checkpoints.write(state, |folder| {
                    self.store.save(self.policy, folder)?;
                    stage.save(folder)
                })?;
            }
            if is_stopped {
                return Ok(Ended::Stopped);
            }
        }
        Ok(Ended::Finished)
    }

    /// Evaluates the policy, keeps it where it is the best, and says whether the
    /// stage is to end.
    fn evaluate(&mut self, state: &mut State, steps: u64) -> Result<bool, TrainError> {
        let Some(evaluation) = &self.plan.evaluation else {
            return Ok(false);
        };
        let seed = self.plan.seed;
        let mut report = evaluation.evaluate(&mut self.place(), seed)?;
        let mut missing = Vec::new();
        let mut find = |metric: &str| {
            let found = report.metrics.iter().find(|(name, _)| name == metric);
            let value = found.map(|(_, value)| *value);
            if value.is_none() {
                missing.push(format!("there is no `{metric}` this time: {}", why(metric)));
            }
            value
        };
        let metric = evaluation.best_metric();
        let value = find(metric);
        let stop = evaluation.options.early_stop.as_ref();
        let early = stop.and_then(|stop| {
            let own = stop.metric.as_deref().filter(|own| *own != metric);
            Some((stop, own.map_or(value, &mut find)?))
        });
        report.notes.extend(missing);
        self.tell(state, steps, Kind::Evaluation, report)?;
        let is_better = |value: &f64| state.best.as_ref().is_none_or(|best| *value > best.value);
        if let Some(value) = value.filter(is_better) {
            replace(&self.plan.folder.join("best"), |folder| {
                self.store.save(self.policy, folder)
            })?;
            state.best = Some(Best {
                metric: metric.to_owned(),
                value,
                step: state.step,
            });
        }
        let Some((stop, value)) = early else {
            return Ok(false);
        };
        let progress = &mut state.progress;
        if progress.best.is_none_or(|best| value > best) {
            progress.best = Some(value);
            progress.without = 0;
        } else {
            progress.without += 1;
        }
        let has_reached = stop.at_least.is_some_and(|goal| value >= goal);
        let is_stuck = stop.patience.is_some_and(|most| progress.without >= most);
        // The untrained policy ends no stage.
        Ok(state.stage_step > 0 && (has_reached || is_stuck))
    }

    /// Whether the policy is evaluated after this step of a stage: now and then,
    /// and at its end; never in a stage that leaves it as it is.
    fn is_evaluated(&self, state: &State, is_last: bool) -> bool {
        let learns = match self.plan.stages[state.stage].work {
            StageWork::Sft { .. } | StageWork::Grpo { .. } => true,
            StageWork::Reject { .. } => false,
        };
        let evaluation = self.plan.evaluation.as_ref().filter(|_| learns);
        evaluation.is_some_and(|evaluation| {
            let every = evaluation.options.every;
            is_last || (every > 0 && state.stage_step.is_multiple_of(every))
        })
    }

    fn place(&mut self) -> Workplace<'_> {
        Workplace {
            policy: self.policy,
            vocabulary: self.vocabulary,
            watcher: self.watcher,
        }
    }

    /// Tells those who watch of a step or an evaluation.
    fn tell(
        &mut self,
        state: &State,
        steps: u64,
        kind: Kind,
        report: Report,
    ) -> Result<(), TrainError> {
        for note in &report.notes {
            self.watcher.note(note)?;
        }
        let mut metrics = report.metrics;
        for (name, value) in &mut metrics {
            // A stage counts its own; the metric is that of the run.
            if name == "num_tokens" {
                *value += state.earlier_tokens as f64;
            }
        }
        let mut completions = report.completions;
        for completion in &mut completions {
            completion.step = state.step;
            completion.stage = match kind {
                Kind::Train => state.stage_name.clone(),
                Kind::Evaluation => "evaluation".to_owned(),
            };
        }
        if !completions.is_empty() {
            self.watcher.completions(&completions)?;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.watcher.step(&StepRecord {
            stage: state.stage_name.clone(),
            kind,
            step: state.step,
            stage_step: state.stage_step,
            stage_steps: steps,
            time: now.map_or(0.0, |now| now.as_secs_f64()),
            metrics,
        })?;
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Why an evaluation lacks a metric that it may have.
fn why(metric: &str) -> &'static str {
    match metric.contains('@') || metric.contains("accuracy") {
        true => "too few answers could be judged",
        false => "no completion has what it is made from",
    }
}

/// An error with what it came from, on one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_sources(source)),
        None => error.to_string(),
    }
}
