//! A run's folder, read back: at once for the report, bit by bit for whoever
//! follows a run.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::files::{COMPLETIONS, METRICS, RECIPE, RUN, is_missing};
use super::{Action, CompletionRecord, RunInfo, StepRecord, WatchError};

/// A line longer than this is no record, and is passed over.
const LONGEST_LINE: u64 = 64 << 20;
/// Most that is read of a file at once; the rest comes with the next look.
const BYTES_AT_ONCE: u64 = 8 << 20;
/// What is read of the completions for a report: their beginning…
const FIRST_BYTES: u64 = 2 << 20;
/// …and their end.
const LAST_BYTES: u64 = 8 << 20;

/// Whether a folder is a run's: it has a `run.json`.
#[must_use]
pub fn is_run(folder: &Path) -> bool {
    folder.join(RUN).exists()
}

/// What `run.json` and `recipe.toml` say of a run.
///
/// # Errors
/// [`WatchError`] when `run.json` is missing or is not goldstone's.
pub fn read_info(folder: &Path) -> Result<RunInfo, WatchError> {
    let path = folder.join(RUN);
    let text = fs::read(&path).map_err(WatchError::file(Action::Read, &path))?;
    let info: RunInfo = serde_json::from_slice(&text).map_err(|error| WatchError::Content {
        line: error.line(),
        path,
        problem: error.to_string(),
    })?;
    // A run has no copy of its recipe when a program built it, not a file.
    let recipe = fs::read_to_string(folder.join(RECIPE)).unwrap_or_default();
    Ok(RunInfo {
        folder: folder.to_owned(),
        recipe,
        ..info
    })
}

/// A run as its folder shows it at one moment.
#[derive(Clone, Debug, Default)]
pub struct RunFolder {
    /// What the run is.
    pub info: RunInfo,
    /// Its steps and evaluations, in order.
    pub steps: Vec<StepRecord>,
    /// Its completions, in order. Of many, the first and the last.
    pub completions: Vec<CompletionRecord>,
}

impl RunFolder {
    /// Reads a folder whose run may still go on: a last line that is not whole
    /// yet is left out.
    ///
    /// # Errors
    /// [`WatchError`] when a file cannot be read, or holds something else.
    pub fn read(folder: &Path) -> Result<Self, WatchError> {
        let mut metrics = Follower::new(folder.join(METRICS));
        let mut steps = Vec::new();
        loop {
            let news = metrics.news()?;
            if news.is_empty() {
                break;
            }
            steps.extend(news);
        }
        Ok(Self {
            info: read_info(folder)?,
            steps,
            completions: first_and_last(&folder.join(COMPLETIONS))?,
        })
    }
}

fn first_and_last(path: &Path) -> Result<Vec<CompletionRecord>, WatchError> {
    let mut follower = Follower::new(path.to_owned());
    let size = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(WatchError::file(Action::Read, path)(error)),
    };
    if size <= FIRST_BYTES + LAST_BYTES {
        let mut all = Vec::new();
        loop {
            let news = follower.news()?;
            if news.is_empty() {
                return Ok(all);
            }
            all.extend(news);
        }
    }
    follower.at_once = FIRST_BYTES;
    let mut found = follower.news()?;
    // Begins within a line, most likely; the line is passed over.
    let mut tail = Follower {
        offset: size - LAST_BYTES,
        at_once: LAST_BYTES,
        ..Follower::new(path.to_owned())
    };
    let bytes = tail.read()?;
    if let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
        found.extend(tail.parse(&bytes[end + 1..]));
    }
    Ok(found)
}

/// A file of JSON lines that grows.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    offset: u64,
    line: usize,
    at_once: u64,
    longest: u64,
    /// Whether a line that is too long is being passed over.
    is_within_long: bool,
    notes: Vec<String>,
}

impl Follower {
    /// Follows a file from its beginning; it need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            offset: 0,
            line: 0,
            at_once: BYTES_AT_ONCE,
            longest: LONGEST_LINE,
            is_within_long: false,
            notes: Vec::new(),
        }
    }

    /// The metrics of a run.
    #[must_use]
    pub fn metrics(folder: &Path) -> Self {
        Self::new(folder.join(METRICS))
    }

    /// The completions of a run.
    #[must_use]
    pub fn completions(folder: &Path) -> Self {
        Self::new(folder.join(COMPLETIONS))
    }

    /// Whether the file is shorter than what was read of it: its run was resumed
    /// at an earlier step, and all must be read anew.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() < self.offset)
    }

    /// The whole lines that came since the last look; none when there are no
    /// more for now. A line that is no record is passed over ([`Self::notes`]).
    ///
    /// # Errors
    /// [`WatchError`] when the file cannot be read.
    pub fn news<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, WatchError> {
        loop {
            let bytes = self.read()?;
            let is_end = |byte: &u8| *byte == b'\n';
            let found = match self.is_within_long {
                true => bytes.iter().position(is_end),
                false => bytes.iter().rposition(is_end),
            };
            match found.map(|at| at + 1) {
                Some(end) if self.is_within_long => {
                    self.offset += end as u64;
                    self.is_within_long = false;
                }
                Some(end) => {
                    self.offset += end as u64;
                    let records = self.parse(&bytes[..end]);
                    if !records.is_empty() {
                        return Ok(records);
                    }
                }
                None if self.is_within_long && !bytes.is_empty() => {
                    self.offset += bytes.len() as u64;
                }
                None if self.is_within_long || (bytes.len() as u64) < self.at_once => {
                    return Ok(Vec::new());
                }
                // More of a long line is read at once, up to a bound.
                None if self.at_once < self.longest => {
                    self.at_once = (self.at_once * 2).min(self.longest);
                }
                None => {
                    self.line += 1;
                    self.is_within_long = true;
                    self.pass_over(&format!("longer than {} bytes", self.longest));
                }
            }
        }
    }

    /// What was passed over since this was asked last: where, and why.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn pass_over(&mut self, why: &str) {
        let (path, line) = (self.path.display(), self.line);
        self.notes
            .push(format!("{path}, line {line} is passed over: {why}"));
    }

    fn read(&self) -> Result<Vec<u8>, WatchError> {
        let failed = || WatchError::file(Action::Read, &self.path);
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failed()(error)),
        };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.offset)).map_err(failed())?;
        file.take(self.at_once)
            .read_to_end(&mut bytes)
            .map_err(failed())?;
        Ok(bytes)
    }

    fn parse<T: DeserializeOwned>(&mut self, bytes: &[u8]) -> Vec<T> {
        let mut records = Vec::new();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line += 1;
            if !line.ends_with(b"\n") {
                break;
            }
            match serde_json::from_slice(line) {
                Ok(record) => records.push(record),
                Err(error) => self.pass_over(&error.to_string()),
            }
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_and_endless_lines_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.jsonl");
        let mut follower = Follower {
            at_once: 4,
            longest: 16,
            ..Follower::new(path.clone())
        };
        let long = "9".repeat(100);
        fs::write(&path, format!("1\n12345678\nnone\n2\n{long}")).unwrap();
        let mut all: Vec<u64> = Vec::new();
        let mut read = |follower: &mut Follower| {
            loop {
                let news = follower.news().unwrap();
                if news.is_empty() {
                    return all.clone();
                }
                all.extend::<Vec<u64>>(news);
            }
        };
        assert_eq!(read(&mut follower), [1, 12_345_678, 2]);
        // The end of the long line, and what comes behind it.
        fs::write(&path, format!("1\n12345678\nnone\n2\n{long}9\n3\n4")).unwrap();
        assert_eq!(read(&mut follower), [1, 12_345_678, 2, 3]);
        let notes = follower.notes();
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].contains("line 3 ") && notes[1].contains("line 5 "));
        assert!(notes[1].contains("longer than 16 bytes"));
    }
}
