//! How runs and stages begin, and what a checkpoint must be of to go on from.

use std::path::Path;
use std::sync::Arc;

use super::Run;
use super::plan::StageWork;
use super::state::{State, VERSION};
use crate::train::error::TrainError;
use crate::train::random::Key;
use crate::train::stage::{
    Demonstrations, Grpo, KeptFile, Problems, Reject, Sft, Stage, check_demonstrations,
    check_prompts,
};
use crate::train::watch::{InputFile, read_info};

const OTHER_RECIPE: &str = "is of another recipe, or the recipe was changed since; begin anew";
const OTHER_SEED: &str = "is of another seed; begin anew, or give the seed of the first run";

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
                let is_empty = |source: &Arc<dyn Demonstrations>| source.count() == Some(0);
                if !options.stages.is_empty() && sources.iter().all(is_empty) {
                    return Err(self.nothing_kept(&plan.name, &options.stages));
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

    /// Prompts and demonstrations that the policy cannot read end the run before it
    /// begins, not at the step or the stage that meets them.
    pub(super) fn check_texts(&self) -> Result<(), TrainError> {
        let check = |problems: &Arc<dyn Problems>, most| {
            let task = problems.file_task();
            check_prompts(&**problems, task, most, self.policy, self.vocabulary)
        };
        for stage in &self.plan.stages {
            match &stage.work {
                StageWork::Sft {
                    options,
                    demonstrations,
                } => {
                    check_demonstrations(options, demonstrations, self.policy, self.vocabulary)?;
                }
                StageWork::Grpo { problems, .. } | StageWork::Reject { problems, .. } => {
                    check(problems, None)?;
                }
            }
        }
        match &self.plan.evaluation {
            Some(evaluation) => check(&evaluation.problems, evaluation.options.prompts),
            None => Ok(()),
        }
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

    /// Refuses to go on with what the run was not begun with, and says what else
    /// differs. A run that left no manifest was made by a program, which answers for
    /// its plan itself.
    pub(super) fn check_manifest(&self) -> Result<Vec<String>, TrainError> {
        let path = self.plan.folder.join("run.json");
        if !path.exists() {
            return Ok(Vec::new());
        }
        let (earlier, now) = (read_info(&self.plan.folder)?, &self.plan.info);
        let bad = |problem: String| Err(TrainError::Checkpoint { path, problem });
        if earlier.recipe_sha256 != now.recipe_sha256 {
            return bad(OTHER_RECIPE.to_owned());
        }
        if earlier.seed != self.plan.seed {
            return bad(OTHER_SEED.to_owned());
        }
        if let Some(problem) = changed(&earlier.inputs, &now.inputs) {
            return bad(problem);
        }
        let differs = |what: &str, old: &str, new: &str| {
            (old != new).then(|| {
                format!(
                    "the run was begun with {what} `{old}`, and goes on with `{new}`: \
                     it may differ from one that was not stopped"
                )
            })
        };
        let notes = [
            differs("version", &earlier.version, &now.version),
            differs("device", &earlier.device, &now.device),
        ];
        Ok(notes.into_iter().flatten().collect())
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
            return bad(OTHER_RECIPE);
        }
        if state.seed != self.plan.seed {
            return bad(OTHER_SEED);
        }
        let stage = self.plan.stages.get(state.stage);
        let name = stage.map_or("", |stage| stage.name.as_str());
        if name != state.stage_name {
            return bad("is of other stages; begin anew");
        }
        Ok(())
    }
}

/// What differs between the files that a run was begun with and those of now.
fn changed(earlier: &[InputFile], now: &[InputFile]) -> Option<String> {
    let find = |files: &'_ [InputFile], path: &str| {
        let found = files.iter().find(|file| file.path == path);
        found.map(|file| file.sha256.clone())
    };
    for file in now {
        let path = &file.path;
        match find(earlier, path) {
            Some(sha256) if sha256 == file.sha256 => {}
            Some(_) => {
                return Some(format!(
                    "is of a run with another content of `{path}`; restore that file, or begin anew"
                ));
            }
            None => {
                return Some(format!(
                    "is of a run that did not read `{path}`; take that file away, or begin anew"
                ));
            }
        }
    }
    let gone = earlier
        .iter()
        .find(|file| find(now, &file.path).is_none())?;
    Some(format!(
        "is of a run that read `{}`; restore that file, or begin anew",
        gone.path
    ))
}
