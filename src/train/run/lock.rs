//! One process a folder: two runs in one would write over each other's metrics and
//! checkpoints.
//!
//! The lock is the system's, on a file of the run's folder. It ends with the
//! process, however that ends; the file stays, and means nothing alone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::train::error::{FileAction, TrainError};

/// The file in a run's folder whose lock the run holds.
pub const LOCK: &str = "run.lock";

/// The right to write in a run's folder, for as long as it lives.
#[derive(Debug)]
pub(super) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Makes the folder, where it is missing, and locks it. A file system that has
    /// no locks gives none, and the run goes on without.
    ///
    /// # Errors
    /// [`TrainError::Busy`] while another run has it; [`TrainError::File`].
    pub(super) fn take(folder: &Path) -> Result<Self, TrainError> {
        fs::create_dir_all(folder).map_err(TrainError::file(FileAction::Write, folder))?;
        let path = folder.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(TrainError::file(FileAction::Write, &path))?;
        match is_free(&file) {
            true => Ok(Self { _file: file }),
            false => Err(TrainError::Busy {
                folder: folder.to_owned(),
            }),
        }
    }
}

/// Whether no process trains in the folder of a run; `None` where that cannot be told:
/// without a lock's file, and where the file system has no locks.
#[must_use]
pub fn is_abandoned(folder: &Path) -> Option<bool> {
    let file = File::open(folder.join(LOCK)).ok()?;
    // Shared, so that those who ask are not in each other's way; given back at once.
    match file.try_lock_shared() {
        Ok(()) => Some(true),
        Err(TryLockError::WouldBlock) => Some(false),
        Err(TryLockError::Error(_)) => None,
    }
}

fn is_free(file: &File) -> bool {
    // From its fork to its exec a child of this process holds all open files, and so
    // a lock that was just given back.
    const TRIES: u32 = 25;
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Ok(()) | Err(TryLockError::Error(_)) => return true,
        }
    }
    false
}
