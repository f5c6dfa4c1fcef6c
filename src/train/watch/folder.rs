//! A run's folder, read back: at once for the report, bit by bit for whoever
//! follows a run.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::files::{COMPLETIONS, METRICS, RECIPE, RUN, is_missing};
use super::{Action, CompletionRecord, RunInfo, StepRecord, WatchError};

/// Most that is read of a file at once; the rest comes with the next look.
const BYTES_AT_ONCE: u64 = 8 << 20;
/// What is read of the completions for a report: their beginning…
const FIRST_BYTES: u64 = 2 << 20;
/// …and their end.
const LAST_BYTES: u64 = 8 << 20;

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
        path: path.to_owned(),
        line: 0,
    };
    let bytes = tail.read()?;
    if let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
        found.extend(tail.parse(&bytes[end + 1..])?);
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
    /// more for now.
    ///
    /// # Errors
    /// [`WatchError`] when the file cannot be read, or a line is no record.
    pub fn news<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, WatchError> {
        let bytes = self.read()?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n');
        let Some(end) = whole.map(|last| last + 1) else {
            // A line longer than what is read at once: more of it next time.
            if bytes.len() as u64 == self.at_once {
                self.at_once *= 2;
                return self.news();
            }
            return Ok(Vec::new());
        };
        self.offset += end as u64;
        self.parse(&bytes[..end])
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

    fn parse<T: DeserializeOwned>(&mut self, bytes: &[u8]) -> Result<Vec<T>, WatchError> {
        let mut records = Vec::new();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line += 1;
            if !line.ends_with(b"\n") {
                break;
            }
            let record = serde_json::from_slice(line).map_err(|error| WatchError::Content {
                path: self.path.clone(),
                line: self.line,
                problem: error.to_string(),
            })?;
            records.push(record);
        }
        Ok(records)
    }
}
