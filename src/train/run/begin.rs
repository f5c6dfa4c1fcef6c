//! How runs and stages begin, and what a checkpoint must be of to go on from.

use std::path::Path;
use std::sync::Arc;

use super::Run;
use super::plan::StageWork;
use super::state::{State, VERSION};
use crate::train::error::TrainError;
use crate::train::random::Key;
use crate::train::stage::{Demonstrations, Grpo, KeptFile, Reject, Sft, Stage, check_prompts};

impl Run<'_> {
    /// A stage at its beginning.
    pub(super) fn stage(&self, index: usize) -> Result<Box<dyn Stage>, TrainError> {
        let plan = &self.plan.stages[index];
        let seed = Key::new(self.plan.seed, "stage", &[index as u64]).seed();
        Ok(match &plan.work {
            StageWork::Sft {
                options,
                demonstrations,
            } => {
                let mut sources = demonstrations.clone();
                for stage in &options.stages {
                    let kept = KeptFile::open(&self.plan.kept(stage))?;
                    sources.push(Arc::new(kept) as Arc<dyn Demonstrations>);
                }
                let options = options.clone();
                Box::new(Sft::new(
                    options,
                    &sources,
                    self.policy,
                    self.vocabulary,
                    seed,
                )?)
            }
            StageWork::Grpo {
                options,
                problems,
                scorer,
            } => {
                let (options, problems) = (options.clone(), Arc::clone(problems));
                Box::new(Grpo::new(
                    options,
                    problems,
                    scorer.clone(),
                    self.policy,
                    seed,
                )?)
            }
            StageWork::Reject {
                options,
                problems,
                scorer,
            } => {
                let path = self.plan.kept(&plan.name);
                let (options, problems) = (options.clone(), Arc::clone(problems));
                Box::new(Reject::new(options, problems, scorer.clone(), path, seed)?)
            }
        })
    }

    /// Prompts that the policy cannot read end the run before it begins, not at the
    /// step that meets them.
    pub(super) fn check_prompts(&self) -> Result<(), TrainError> {
        let stages = self
            .plan
            .stages
            .iter()
            .filter_map(|stage| match &stage.work {
                StageWork::Sft { .. } => None,
                StageWork::Grpo { problems, .. } => Some((problems, None)),
                StageWork::Reject {
                    options, problems, ..
                } => Some((problems, options.prompts)),
            });
        let evaluation = self.plan.evaluation.iter();
        let evaluation =
            evaluation.map(|evaluation| (&evaluation.problems, evaluation.options.prompts));
        for (problems, most) in stages.chain(evaluation) {
            check_prompts(&**problems, most, self.policy, self.vocabulary)?;
        }
        Ok(())
    }

    /// The state before the first step.
    pub(super) fn first_state(&self) -> State {
        let first = self.plan.stages.first();
        State {
            version: VERSION,
            seed: self.plan.seed,
            recipe_sha256: self.plan.info.recipe_sha256.clone(),
            stage_name: first.map(|stage| stage.name.clone()).unwrap_or_default(),
            ..State::default()
        }
    }

    /// A checkpoint of another recipe or seed is refused: what came of it would be
    /// neither's.
    pub(super) fn check(&self, state: &State, folder: &Path) -> Result<(), TrainError> {
        let bad = |problem: &str| {
            Err(TrainError::Checkpoint {
                path: folder.to_owned(),
                problem: problem.to_owned(),
            })
        };
        if state.recipe_sha256 != self.plan.info.recipe_sha256 {
            return bad("is of another recipe, or the recipe was changed since; begin anew");
        }
        if state.seed != self.plan.seed {
            return bad("is of another seed; begin anew, or give the seed of the first run");
        }
        let stage = self.plan.stages.get(state.stage);
        let name = stage.map_or("", |stage| stage.name.as_str());
        if name != state.stage_name {
            return bad("is of other stages; begin anew");
        }
        Ok(())
    }
}
