//! Checkpoints: folders that a run goes on from, to the bit.
//!
//! `checkpoints/step-00000120/` has the policy, the optimizer's moments and the
//! state. It is written under another name and renamed when it is whole, so that
//! a checkpoint that is there can be trusted.

use std::fs;
use std::path::{Path, PathBuf};

use super::state::{State, VERSION};
use crate::train::error::{FileAction, TrainError};
use crate::train::replace::{
    beside, moved_aside, refuse_foreign, refuse_others, remove, replace, restore,
};
use crate::train::watch::is_run;

/// What stands before the number of a step in the name of a checkpoint.
const PREFIX: &str = "step-";
const STATE: &str = "state.json";
/// The folders of policies in a run's folder.
const POLICIES: [&str; 2] = ["best", "final"];
/// The folder of what `reject` stages keep.
pub(super) const KEPT: &str = "kept";

/// The checkpoints of a run.
pub(super) struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

impl Checkpoints {
    pub(super) fn new(run: &Path, keep: usize) -> Self {
        Self {
            folder: run.join("checkpoints"),
            keep,
        }
    }

    /// Writes a checkpoint by `fill`, and removes those that are too old.
    pub(super) fn write(
        &self,
        state: &State,
        fill: impl FnOnce(&Path) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let path = self.folder.join(format!("{PREFIX}{:08}", state.step));
        replace(&path, |folder| {
            fill(folder)?;
            let text = serde_json::to_vec_pretty(state).expect("a state is plain data");
            let file = folder.join(STATE);
            fs::write(&file, text).map_err(TrainError::file(FileAction::Write, &file))
        })?;
        let mut all = self.list()?;
        let old = all.len().saturating_sub(self.keep);
        for path in all.drain(..old) {
            fs::remove_dir_all(&path).map_err(TrainError::file(FileAction::Write, &path))?;
        }
        Ok(())
    }

    /// The newest checkpoint, if there is one.
    pub(super) fn newest(&self) -> Result<Option<(PathBuf, State)>, TrainError> {
        let Some(path) = self.list()?.pop() else {
            return Ok(None);
        };
        let file = path.join(STATE);
        let text = fs::read(&file).map_err(TrainError::file(FileAction::Read, &file))?;
        let bad = |problem: String| TrainError::Checkpoint {
            path: file.clone(),
            problem,
        };
        let state: State = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        if state.version != VERSION {
            let found = state.version;
            return Err(bad(format!(
                "is of version {found}; this program reads {VERSION}"
            )));
        }
        Ok(Some((path, state)))
    }

    /// Refuses checkpoints, or a folder of them, with anything else in it.
    pub(super) fn refuse_foreign(&self) -> Result<(), TrainError> {
        for path in self.entries()? {
            let name = name(&path);
            match is_ours(&name) {
                true => refuse_foreign(&path)?,
                // Half a folder of a policy may lie in half a checkpoint.
                false if name.starts_with('.') && name.contains(PREFIX) => {}
                false => {
                    return Err(TrainError::Foreign {
                        path: self.folder.clone(),
                        name,
                    });
                }
            }
        }
        Ok(())
    }

    /// Removes all checkpoints.
    pub(super) fn clear(&self) -> Result<(), TrainError> {
        self.refuse_foreign()?;
        remove(&self.folder)
    }

    /// Puts back a checkpoint that was moved aside when the process ended.
    pub(super) fn restore(&self) -> Result<(), TrainError> {
        for path in self.entries()? {
            if let Some(of) = moved_aside(&name(&path)).filter(|of| is_ours(of)) {
                restore(&self.folder.join(of))?;
            }
        }
        Ok(())
    }

    /// All whole checkpoints, the oldest first.
    fn list(&self) -> Result<Vec<PathBuf>, TrainError> {
        let mut found: Vec<(u64, PathBuf)> = self
            .entries()?
            .into_iter()
            .filter_map(|path| Some((step(&name(&path))?, path)))
            .collect();
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    /// All that lies where checkpoints are kept.
    fn entries(&self) -> Result<Vec<PathBuf>, TrainError> {
        let failed = || TrainError::file(FileAction::Read, &self.folder);
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed())?,
        };
        let path = |entry: std::io::Result<fs::DirEntry>| Ok(entry.map_err(failed())?.path());
        entries.map(path).collect()
    }
}

/// Removes what an earlier run made in this folder, so that nothing of it can be
/// taken for the new one's. Nothing is removed where anything foreign lies.
pub(super) fn clear(run: &Path) -> Result<(), TrainError> {
    let policies = POLICIES.map(|name| run.join(name));
    let kept = run.join(KEPT);
    for path in &policies {
        refuse_foreign(path)?;
    }
    refuse_others(&kept, |name| name.ends_with(".jsonl"))?;
    let checkpoints = Checkpoints::new(run, 1);
    checkpoints.refuse_foreign()?;
    for path in &policies {
        for path in [path, &beside(path, ".new"), &beside(path, ".old")] {
            remove(path)?;
        }
    }
    remove(&kept)?;
    checkpoints.clear()?;
    // Of a run's folder; elsewhere a page of that name is someone's own.
    let report = run.join("report.html");
    match is_run(run) && report.exists() {
        true => fs::remove_file(&report).map_err(TrainError::file(FileAction::Write, &report)),
        false => Ok(()),
    }
}

/// Puts back what was moved aside when the process ended.
pub(super) fn restore_all(run: &Path) -> Result<(), TrainError> {
    for name in POLICIES {
        restore(&run.join(name))?;
    }
    Checkpoints::new(run, 1).restore()
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The step in the name of a checkpoint.
fn step(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

fn is_ours(name: &str) -> bool {
    step(name).is_some()
}
