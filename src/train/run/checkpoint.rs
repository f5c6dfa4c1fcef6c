//! Checkpoints: folders that a run goes on from, to the bit.
//!
//! `checkpoints/step-00000120/` has the policy, the optimizer's moments and the
//! state. It is written under another name and renamed when it is whole, so that
//! a checkpoint that is there can be trusted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::state::{State, VERSION};
use crate::train::error::{FileAction, TrainError};

/// What stands before the number of a step in the name of a checkpoint.
const PREFIX: &str = "step-";
const STATE: &str = "state.json";

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

    /// Removes all checkpoints.
    pub(super) fn clear(&self) -> Result<(), TrainError> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(TrainError::file(FileAction::Write, &self.folder)(error))
            }
            _ => Ok(()),
        }
    }

    /// All whole checkpoints, the oldest first.
    fn list(&self) -> Result<Vec<PathBuf>, TrainError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(TrainError::file(FileAction::Read, &self.folder))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry
                .map_err(TrainError::file(FileAction::Read, &self.folder))?
                .path();
            let name = path.file_name().and_then(|name| name.to_str());
            let step = name.and_then(|name| name.strip_prefix(PREFIX)?.parse::<u64>().ok());
            if let Some(step) = step {
                found.push((step, path));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }
}

/// Makes a folder by `fill` in place of what stands at `path`: at no time is
/// there half a folder of that name.
pub(super) fn replace(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let aside = |ending: &str| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.with_file_name(format!(".{name}.{ending}"))
    };
    let (new, old) = (aside("new"), aside("old"));
    for left in [&new, &old] {
        if left.exists() {
            fs::remove_dir_all(left).map_err(TrainError::file(FileAction::Write, left))?;
        }
    }
    fs::create_dir_all(&new).map_err(TrainError::file(FileAction::Write, &new))?;
    fill(&new)?;
    sync(&new)?;
    if path.exists() {
        fs::rename(path, &old).map_err(TrainError::file(FileAction::Write, path))?;
    }
    fs::rename(&new, path).map_err(TrainError::file(FileAction::Write, path))?;
    if old.exists() {
        fs::remove_dir_all(&old).map_err(TrainError::file(FileAction::Write, &old))?;
    }
    Ok(())
}

/// Waits until the files of a folder are on the disk, so that a power cut after
/// the renaming does not leave empty ones.
fn sync(folder: &Path) -> Result<(), TrainError> {
    for entry in fs::read_dir(folder).map_err(TrainError::file(FileAction::Read, folder))? {
        let path = entry
            .map_err(TrainError::file(FileAction::Read, folder))?
            .path();
        if path.is_file() {
            let file = File::open(&path).map_err(TrainError::file(FileAction::Read, &path))?;
            file.sync_all()
                .map_err(TrainError::file(FileAction::Write, &path))?;
        }
    }
    Ok(())
}
