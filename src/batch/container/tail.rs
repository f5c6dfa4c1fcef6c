//! The tail: rows that fill no block yet, beside a packed output as `FILE.tail`.
//!
//! A row is written here before anything else can happen to it, so that a killed
//! run loses no more of a packed output than of plain lines. The file begins with
//! the number of rows before it, which tells whether it fits the output.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub(super) struct Tail {
    path: PathBuf,
    file: Option<File>,
}

impl Tail {
    /// The tail of `output`, which may not be there.
    pub(super) fn of(output: &Path) -> Self {
        let mut name = output.as_os_str().to_owned();
        name.push(".tail");
        Self {
            path: name.into(),
            file: None,
        }
    }

    /// The number of rows before, and the whole rows in it; `None` where there
    /// is none.
    pub(super) fn load(&self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let mut bytes = Vec::new();
        match File::open(&self.path) {
            Ok(mut file) => file.read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some((head, rows)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        let end = memchr::memrchr(b'\n', rows).map_or(0, |last| last + 1);
        Ok(Some((u64::from_le_bytes(*head), rows[..end].to_vec())))
    }

    /// Holds `rows` alone, which follow `before` others.
    pub(super) fn begin(&mut self, before: u64, rows: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(
                File::options()
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .open(&self.path)?,
            ),
        };
        // Shorter than its head, it counts as none, at whatever step this ends.
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&before.to_le_bytes())?;
        file.write_all(rows)
    }

    /// Adds rows.
    pub(super) fn append(&mut self, rows: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(rows),
            None => self.begin(0, rows),
        }
    }

    /// Removes it.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        self.file = None;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
