//! A file that grows under another name, `NAME.part`, until it is whole.
//!
//! What another run left or writes under that name is never written over unasked;
//! what an interrupted run wrote stays there, and is not taken for all of it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::{Failure, bad_input};

/// Rows of an output that is not whole yet. Its lock lasts as long as the process.
pub(super) struct PartFile {
    path: PathBuf,
    whole: PathBuf,
    file: BufWriter<File>,
}

/// Whether what lies there may be replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refuse,
    Overwrite,
}

impl PartFile {
    /// Opens the file that is to become `whole`.
    pub(super) fn create(whole: &Path, existing: Existing) -> Result<Self, Failure> {
        let path = whole.with_added_extension("part");
        let shown = path.display();
        let mut options = OpenOptions::new();
        options.write(true);
        match existing {
            Existing::Refuse => options.create_new(true),
            Existing::Overwrite => options.create(true).truncate(false),
        };
        let file = match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(bad_input(anyhow!(
                    "`{shown}` holds what an earlier run wrote before it was stopped, or what \
                     another one is writing; move it away, or add `--overwrite`"
                )));
            }
            opened => opened
                .with_context(|| format!("cannot write `{shown}`"))
                .map_err(Failure::Input)?,
        };
        // File systems without locks go without; who had the lock may have given the
        // file its last name meanwhile.
        let is_locked = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if is_locked || !path.exists() {
            return Err(bad_input(anyhow!(
                "another process is writing `{shown}`; wait until it has ended, or name another \
                 file"
            )));
        }
        file.set_len(0)?;
        Ok(Self {
            path,
            whole: whole.to_owned(),
            file: BufWriter::new(file),
        })
    }

    /// Gives the file its name: it is whole.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.path, &self.whole)
    }

    /// Leaves what there is where it is, and says where; of no rows no file stays.
    pub(super) fn leave(mut self) -> io::Result<Option<PathBuf>> {
        self.file.flush()?;
        if self.file.get_ref().metadata()?.len() > 0 {
            return Ok(Some(self.path));
        }
        fs::remove_file(&self.path)?;
        Ok(None)
    }
}

impl Write for PartFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_writes_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("rows.jsonl");
        let mut first = PartFile::create(&whole, Existing::Refuse).ok().unwrap();
        writeln!(first, "first").unwrap();
        for existing in [Existing::Refuse, Existing::Overwrite] {
            assert!(PartFile::create(&whole, existing).is_err());
        }
        first.finish().unwrap();
        assert_eq!(fs::read_to_string(&whole).unwrap(), "first\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_left_is_replaced_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("rows.jsonl");
        let mut first = PartFile::create(&whole, Existing::Refuse).ok().unwrap();
        writeln!(first, "a longer line").unwrap();
        let left = first.leave().unwrap().unwrap();
        assert!(PartFile::create(&whole, Existing::Refuse).is_err());
        assert_eq!(fs::read_to_string(&left).unwrap(), "a longer line\n");
        let mut second = PartFile::create(&whole, Existing::Overwrite).ok().unwrap();
        writeln!(second, "short").unwrap();
        second.finish().unwrap();
        assert_eq!(fs::read_to_string(&whole).unwrap(), "short\n");
        let empty = PartFile::create(&whole, Existing::Refuse).ok().unwrap();
        assert!(empty.leave().unwrap().is_none());
        assert!(!left.exists());
    }
}
