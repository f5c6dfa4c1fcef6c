//! Files that are whole or not there.

use std::io::{self, Write};
use std::path::Path;

use anyhow::anyhow;

use super::part::{Existing, PartFile, is_there};
use super::{Failure, bad_input};

/// A file in the making; dropped before [`WholeFile::finish`], it leaves nothing.
pub(super) struct WholeFile(Option<PartFile>);

impl WholeFile {
    /// Begins a file; one that exists is only replaced where that was asked for, and
    /// not before the new one is whole.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self, Failure> {
        if is_there(path) && !overwrite {
            return Err(bad_input(anyhow!(
                "`{}` exists; name another file, or add `--overwrite`",
                path.display()
            )));
        }
        let existing = match overwrite {
            true => Existing::Overwrite,
            false => Existing::Refuse,
        };
        Ok(Self(Some(PartFile::create(path, existing)?)))
    }

    /// Puts the file in its place.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.take().map_or(Ok(()), PartFile::finish)
    }
}

impl Write for WholeFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Some(part) => part.write(buffer),
            None => Err(io::Error::other("the file is finished")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(part) = self.0.take() {
            // Half a file is no file; if it cannot go, nobody can be told.
            let _ = part.discard();
        }
    }
}
