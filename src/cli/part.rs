//! A file that grows under another name, `NAME.part`, until it is whole. What is no
//! file, such as `/dev/stdout` or a pipe, is written as it is: it cannot be replaced.
//!
//! What another run left or writes under that name is never written over unasked;
//! what an interrupted run wrote stays there, and is not taken for all of it.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
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
        if let Ok(metadata) = fs::metadata(whole)
            && !metadata.is_file()
        {
            return Self::onto(whole, &metadata);
        }
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
        // file its last name meanwhile, and another may have begun a new one.
        let is_locked = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if is_locked || !lies_at(&file, &path) {
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

    /// Opens what has the name of the file to come, and is none.
    fn onto(whole: &Path, metadata: &Metadata) -> Result<Self, Failure> {
        let shown = whole.display();
        if metadata.is_dir() {
            return Err(bad_input(anyhow!("`{shown}` is a directory; name a file")));
        }
        let file = OpenOptions::new().write(true).open(whole);
        let file = file.with_context(|| format!("cannot write `{shown}`"));
        Ok(Self {
            path: whole.to_owned(),
            whole: whole.to_owned(),
            file: BufWriter::new(file.map_err(Failure::Input)?),
        })
    }

    fn is_apart(&self) -> bool {
        self.path != self.whole
    }

    /// Gives the file its name: it is whole.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        match self.is_apart() {
            true => fs::rename(&self.path, &self.whole),
            false => Ok(()),
        }
    }

    /// Takes away what there is.
    pub(super) fn discard(self) -> io::Result<()> {
        match self.is_apart() {
            true => fs::remove_file(&self.path),
            false => Ok(()),
        }
    }

    /// Leaves what there is where it is, and says where; of no rows no file stays.
    #[cfg(feature = "train")]
    pub(super) fn leave(mut self) -> io::Result<Option<PathBuf>> {
        self.file.flush()?;
        if !self.is_apart() || self.file.get_ref().metadata()?.len() > 0 {
            return Ok(Some(self.path));
        }
        fs::remove_file(&self.path)?;
        Ok(None)
    }
}

/// Whether a file has the name, which would be lost.
pub(super) fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Whether the opened file is the one that has the name now.
fn lies_at(file: &File, path: &Path) -> bool {
    let (Ok(opened), Ok(named)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    is_same(&opened, &named)
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
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

    #[cfg(unix)]
    #[test]
    fn a_file_that_got_its_name_is_not_the_one_that_is_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl.part");
        let opened = File::create(&path).unwrap();
        assert!(lies_at(&opened, &path));
        fs::rename(&path, folder.path().join("rows.jsonl")).unwrap();
        assert!(!lies_at(&opened, &path));
        let begun = File::create(&path).unwrap();
        assert!(!lies_at(&opened, &path));
        assert!(lies_at(&begun, &path));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_written_and_stays() {
        use std::os::unix::fs::FileTypeExt;

        let null = Path::new("/dev/null");
        let mut part = PartFile::create(null, Existing::Refuse).ok().unwrap();
        writeln!(part, "gone").unwrap();
        part.finish().unwrap();
        let part = PartFile::create(null, Existing::Overwrite).ok().unwrap();
        part.discard().unwrap();
        assert!(fs::metadata(null).unwrap().file_type().is_char_device());
        let folder = tempfile::tempdir().unwrap();
        assert!(PartFile::create(folder.path(), Existing::Overwrite).is_err());
        assert!(!is_there(null) && !is_there(folder.path()));
    }

    #[cfg(feature = "train")]
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
