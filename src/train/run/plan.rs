//! What a run is to do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::CheckpointOptions;
use super::checkpoint::KEPT;
use super::memory::Demand;
use crate::reward::Scorer;
use crate::train::error::TrainError;
use crate::train::fault::{OptionFault, OptionFaults};
use crate::train::policy::Policy;
use crate::train::sample::SampleOptions;
use crate::train::stage::{
    Demonstrations, Evaluation, GrpoOptions, Problems, RejectOptions, SftOptions,
};
use crate::train::watch::{RunInfo, StageInfo};

/// A run: its stages, one after the other, and where it keeps what it makes.
pub struct RunPlan {
    /// The run's folder; made where it is missing.
    pub folder: PathBuf,
    /// Where all random numbers begin.
    pub seed: u64,
    /// The stages.
    pub stages: Vec<StagePlan>,
    /// What the policy is evaluated on, if at all.
    pub evaluation: Option<Evaluation>,
    /// When the run saves itself.
    pub checkpoints: CheckpointOptions,
    /// What is told to those who watch. Folder, seed, stages, headline and where it
    /// goes on from are filled in.
    pub info: RunInfo,
}

/// A stage of a run.
pub struct StagePlan {
    /// Its name, different from those of the others.
    pub name: String,
    /// What it does.
    pub work: StageWork,
}

/// What a stage does.
#[allow(clippy::large_enum_variant, reason = "a run has a handful of them")]
pub enum StageWork {
    /// It learns demonstrations; those that earlier stages kept are added.
    Sft {
        /// How.
        options: SftOptions,
        /// From what.
        demonstrations: Vec<Arc<dyn Demonstrations>>,
    },
    /// It learns from rewards.
    Grpo {
        /// How.
        options: GrpoOptions,
        /// What is asked.
        problems: Arc<dyn Problems>,
        /// What rewards.
        scorer: Scorer,
    },
    /// It keeps good completions.
    Reject {
        /// How.
        options: RejectOptions,
        /// What is asked.
        problems: Arc<dyn Problems>,
        /// What rewards.
        scorer: Scorer,
    },
}

/// How policies are kept in folders.
pub trait PolicyStore: Send + Sync {
    /// Writes a policy into a folder that exists; the numbers are not rounded.
    ///
    /// # Errors
    /// What is in the way.
    fn save(&self, policy: &Policy, folder: &Path) -> Result<(), TrainError>;

    /// Reads what [`PolicyStore::save`] wrote into a policy of the same shape.
    ///
    /// # Errors
    /// What is in the way.
    fn restore(&self, policy: &mut Policy, folder: &Path) -> Result<(), TrainError>;
}

impl RunPlan {
    /// Every option of every stage that is out of its range.
    ///
    /// # Errors
    /// [`TrainError::Options`] with all of them; [`TrainError::Metric`] for a metric
    /// that the evaluation cannot have.
    pub fn validate(&self) -> Result<(), TrainError> {
        let mut faults = Vec::new();
        let mut add = |table: &str, list: Vec<OptionFault>| {
            faults.extend(list.into_iter().map(|fault| OptionFault {
                field: format!("{table}.{}", fault.field),
                ..fault
            }));
        };
        for stage in &self.stages {
            let list = match &stage.work {
                StageWork::Sft { options, .. } => options.validate(),
                StageWork::Grpo { options, .. } => options.validate(),
                StageWork::Reject { options, .. } => options.validate(),
            };
            add(
                &format!("stages.{}.{}", stage.name, stage.work.kind()),
                list,
            );
        }
        if let Some(evaluation) = &self.evaluation {
            add("evaluation", evaluation.options.validate());
        }
        add("checkpoints", self.checkpoints.validate());
        match faults.is_empty() {
            true => self.check_metrics(),
            false => Err(TrainError::Options(OptionFaults(faults))),
        }
    }

    /// The metrics that the run goes by must be some that its evaluation has.
    fn check_metrics(&self) -> Result<(), TrainError> {
        let Some(evaluation) = &self.evaluation else {
            return Ok(());
        };
        let stop = evaluation.options.early_stop.as_ref();
        let own = stop.and_then(|stop| stop.metric.as_deref());
        let known = evaluation.metric_names();
        let mut wanted = [Some(evaluation.best_metric()), own].into_iter().flatten();
        match wanted.find(|metric| known.iter().all(|name| name != metric)) {
            None => Ok(()),
            Some(metric) => Err(TrainError::Metric {
                metric: metric.to_owned(),
                known,
            }),
        }
    }

    /// What is told to those who watch.
    pub(super) fn describe(&self, resumed_at: Option<u64>) -> RunInfo {
        RunInfo {
            folder: self.folder.clone(),
            seed: self.seed,
            resumed_at,
            headline: self
                .evaluation
                .as_ref()
                .map(|evaluation| evaluation.best_metric().to_owned()),
            stages: self.stages.iter().map(StagePlan::describe).collect(),
            ..self.info.clone()
        }
    }

    /// The file of the completions that a stage keeps.
    pub(super) fn kept(&self, stage: &str) -> PathBuf {
        self.folder.join(KEPT).join(format!("{stage}.jsonl"))
    }
}

impl StagePlan {
    fn describe(&self) -> StageInfo {
        StageInfo {
            name: self.name.clone(),
            kind: self.work.kind().to_owned(),
            steps: self.work.steps(),
        }
    }
}

impl StageWork {
    /// `sft`, `grpo` or `reject`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sft { .. } => "sft",
            Self::Grpo { .. } => "grpo",
            Self::Reject { .. } => "reject",
        }
    }

    /// How it draws completions, where it does.
    #[must_use]
    pub fn sampling(&self) -> Option<&SampleOptions> {
        match self {
            Self::Sft { .. } => None,
            Self::Grpo { options, .. } => Some(&options.sampling),
            Self::Reject { options, .. } => Some(&options.sampling),
        }
    }

    /// What it asks of memory.
    #[must_use]
    pub fn demand(&self) -> Demand<'_> {
        match self {
            Self::Sft { options, .. } => Demand::Sft(options),
            Self::Grpo { options, .. } => Demand::Grpo(options),
            Self::Reject { options, .. } => Demand::Reject(options),
        }
    }

    /// How many steps it will have, as far as that is known before it begins:
    /// demonstrations that earlier stages have yet to keep, and those that will
    /// prove too long, cannot be counted.
    #[must_use]
    pub fn steps(&self) -> u64 {
        match self {
            Self::Grpo { options, .. } => options.steps,
            Self::Reject {
                options, problems, ..
            } => {
                let most = options.prompts.unwrap_or(u64::MAX);
                let count = problems.count().unwrap_or(most).min(most);
                count.div_ceil(options.prompts_per_step.max(1) as u64)
            }
            Self::Sft {
                options,
                demonstrations,
            } => {
                let most = options.demonstrations.unwrap_or(u64::MAX);
                let count =
                    |source: &Arc<dyn Demonstrations>| source.count().unwrap_or(most).min(most);
                let count: u64 = demonstrations.iter().map(count).sum();
                let batches = count.div_ceil(options.batch_size.max(1) as u64);
                options.steps.unwrap_or(batches * options.epochs)
            }
        }
    }
}
