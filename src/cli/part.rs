//! A file that grows under another name, `NAME.part`, until it is whole; of a link, where
//! it leads. What is no file, such as a pipe, and what is open already, such as
//! `/dev/stdout`, is written as it is: it cannot be replaced.
//!
//! What another run left or writes under that name is never written over unasked;
//! what an interrupted run wrote stays there, and is not taken for all of it.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::score::is_same_file;
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
            && (!metadata.is_file() || is_open_already(whole))
        {
            return Self::onto(whole, &metadata);
        }
        let whole = place(whole);
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
            // Of a name that comes and goes nobody knows.
            opened => opened
                .with_context(|| format!("cannot write `{}`", whole.display()))
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
            whole,
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
            return Ok(Some(self.path.clone()));
        }
        fs::remove_file(&self.path)?;
        Ok(None)
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        let is_empty = |metadata: Metadata| metadata.len() == 0;
        if self.is_apart()
            && self.file.buffer().is_empty()
            && self.file.get_ref().metadata().is_ok_and(is_empty)
            && lies_at(self.file.get_ref(), &self.path)
        {
            // Nothing was written: the next one need not be told of it.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Whether a file has the name, which would be lost.
pub(super) fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) && !is_open_already(path)
}

/// Whether a file that is read would be lost to an output, or to its part.
pub(super) fn is_lost_to(read: &Path, output: &Path) -> bool {
    is_there(output) && is_same_file(read, output) || is_same_file(read, &part_of(output))
}

/// What an output is called until it is whole.
pub(super) fn part_of(output: &Path) -> PathBuf {
    place(output).with_added_extension("part")
}

/// Where a link leads; it stays, and what it leads to is replaced.
fn place(path: &Path) -> PathBuf {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
        }
        _ => path.to_owned(),
    }
}

/// Whether the name is that of an open file of a process, or leads to one.
fn is_open_already(path: &Path) -> bool {
    /// More links than that are a circle.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let folder = path.parent().unwrap_or(Path::new(""));
        let is_of_process = path.starts_with("/proc") && folder.ends_with("fd");
        if is_of_process || path.starts_with("/dev/fd") {
            return true;
        }
        match fs::read_link(&path) {
            Ok(next) => path = folder.join(next),
            Err(_) => return false,
        }
    }
    false
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

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("rows"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("rows", &link).unwrap();
        let mut part = PartFile::create(&link, Existing::Refuse).ok().unwrap();
        assert!(is_lost_to(&folder.path().join("rows.part"), &link));
        part.write_all(b"new").unwrap();
        part.finish().unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("rows"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_open_already_is_not_replaced() {
        use std::os::fd::AsRawFd;

        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("rows"), folder.path().join("link"));
        let open = File::create(&file).unwrap();
        let name = format!("/proc/self/fd/{}", open.as_raw_fd());
        std::os::unix::fs::symlink(name, &link).unwrap();
        assert!(!is_there(&link) && is_there(&file));
        let mut part = PartFile::create(&link, Existing::Refuse).ok().unwrap();
        part.write_all(b"rows").unwrap();
        part.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "rows");
    }

    #[test]
    fn of_nothing_that_was_written_no_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("rows.jsonl");
        drop(PartFile::create(&whole, Existing::Refuse).ok().unwrap());
        let mut part = PartFile::create(&whole, Existing::Refuse).ok().unwrap();
        part.write_all(b"a row").unwrap();
        drop(part);
        assert_eq!(fs::read_to_string(part_of(&whole)).unwrap(), "a row");
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
