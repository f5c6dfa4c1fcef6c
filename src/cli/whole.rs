//! Files that are whole or not there: they grow under another name.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::{Failure, bad_input};

/// A file in the making; dropped before [`WholeFile::finish`], it leaves nothing.
pub(super) struct WholeFile {
    out: Option<BufWriter<File>>,
    part: PathBuf,
    path: PathBuf,
}

impl WholeFile {
    /// Begins a file; one that exists is only replaced where that was asked for, and
    /// not before the new one is whole.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self, Failure> {
        if path.exists() && !overwrite {
            return Err(bad_input(anyhow!(
                "`{}` exists; name another file, or add `--overwrite`",
                path.display()
            )));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part)
            .with_context(|| format!("cannot write `{}`", part.display()))
            .map_err(Failure::Input)?;
        Ok(Self {
            out: Some(BufWriter::new(file)),
            part,
            path: path.to_owned(),
        })
    }

    /// Puts the file in its place.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some(mut out) = self.out.take() {
            out.flush()?;
        }
        fs::rename(&self.part, &self.path)
    }
}

impl Write for WholeFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Some(out) => out.write(buffer),
            None => Err(io::Error::other("the file is finished")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if self.out.take().is_some() {
            // Half a file is no file; if it cannot go, nobody can be told.
            let _ = fs::remove_file(&self.part);
        }
    }
}
