//! `run.json`, `recipe.toml`, `metrics.jsonl` and `completions.jsonl` of a run's
//! folder.
//!
//! Every line is written whole and at once, so that a run that is killed loses
//! none but the last. A run that goes on after step `n` cuts its files back to
//! that step first.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::folder::read_info;
use super::{Action, CompletionRecord, Ending, Kind, RunInfo, StepRecord, WatchError, Watcher};

/// What the run is.
pub(super) const RUN: &str = "run.json";
/// The recipe.
pub(super) const RECIPE: &str = "recipe.toml";
/// A line for every step and every evaluation.
pub(super) const METRICS: &str = "metrics.jsonl";
/// A line for every completion that is kept.
pub(super) const COMPLETIONS: &str = "completions.jsonl";

/// How many completions of a step or an evaluation are written: four groups of eight.
/// All of them would be a file of gigabytes, 300 MB of the recipe `addition`.
pub const COMPLETIONS_WRITTEN: usize = 32;

/// Most notes that `run.json` has; there are few kinds of them.
const MOST_NOTES: usize = 100;

/// What of a run is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunFilesOptions {
    /// Most completions that are written of a step or an evaluation, the first ones;
    /// `None` for all.
    pub completions_per_step: Option<usize>,
}

impl Default for RunFilesOptions {
    /// The first [`COMPLETIONS_WRITTEN`] of each.
    fn default() -> Self {
        Self {
            completions_per_step: Some(COMPLETIONS_WRITTEN),
        }
    }
}

/// Writes a run's records as lines of JSON into the run's folder.
#[derive(Debug, Default)]
pub struct RunFiles {
    options: RunFilesOptions,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    run: RunInfo,
    metrics: Lines,
    completions: Lines,
}

impl RunFiles {
    /// Nothing is written before the run begins.
    #[must_use]
    pub fn new(options: RunFilesOptions) -> Self {
        Self {
            options,
            open: None,
        }
    }
}

impl Watcher for RunFiles {
    fn begin(&mut self, run: &RunInfo) -> Result<(), WatchError> {
        fs::create_dir_all(&run.folder).map_err(WatchError::file(Action::Write, &run.folder))?;
        let earlier = run.resumed_at.and_then(|_| read_info(&run.folder).ok());
        let run = RunInfo {
            began: began(run, earlier.as_ref()),
            ending: None,
            failure: None,
            notes: earlier.map(|earlier| earlier.notes).unwrap_or_default(),
            ..run.clone()
        };
        // First: it says that the folder is a run's.
        write_info(&run)?;
        write_recipe(&run)?;
        let metrics = Lines::open(&run.folder.join(METRICS), run.resumed_at)?;
        let completions = Lines::open(&run.folder.join(COMPLETIONS), run.resumed_at)?;
        self.open = Some(Open {
            run,
            metrics,
            completions,
        });
        Ok(())
    }

    fn step(&mut self, record: &StepRecord) -> Result<(), WatchError> {
        match &mut self.open {
            Some(open) => open.metrics.append([record], Subject::of_step),
            None => Ok(()),
        }
    }

    fn completions(&mut self, records: &[CompletionRecord]) -> Result<(), WatchError> {
        let most = self.options.completions_per_step.unwrap_or(usize::MAX);
        match &mut self.open {
            Some(open) => open
                .completions
                .append(records.iter().take(most), Subject::of_completion),
            None => Ok(()),
        }
    }

    fn note(&mut self, text: &str) -> Result<(), WatchError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let notes = &mut open.run.notes;
        // Some are said again at every step.
        if notes.len() == MOST_NOTES || notes.iter().any(|note| note == text) {
            return Ok(());
        }
        notes.push(text.to_owned());
        write_info(&open.run)
    }

    fn failed(&mut self, why: &str) -> Result<(), WatchError> {
        if let Some(open) = &mut self.open {
            open.run.failure = Some(why.to_owned());
        }
        Ok(())
    }

    fn end(&mut self, ending: Ending) -> Result<(), WatchError> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        open.run.ending = Some(ending);
        write_info(&open.run)
    }
}

/// When the run began first; now, if nobody has said.
fn began(run: &RunInfo, earlier: Option<&RunInfo>) -> f64 {
    [earlier.map(|earlier| earlier.began), Some(run.began)]
        .into_iter()
        .flatten()
        .find(|&began| began > 0.0)
        .unwrap_or_else(seconds_now)
}

/// A copy of the recipe, unless the run that goes on has made one.
fn write_recipe(run: &RunInfo) -> Result<(), WatchError> {
    let path = run.folder.join(RECIPE);
    match run.recipe.is_empty() || run.resumed_at.is_some() && path.exists() {
        true => Ok(()),
        false => replace(&path, run.recipe.as_bytes()),
    }
}

/// Replaced whole: whoever reads it meanwhile reads the old or the new one.
fn write_info(run: &RunInfo) -> Result<(), WatchError> {
    let path = run.folder.join(RUN);
    let mut text = serde_json::to_string_pretty(run).expect("texts and numbers are JSON");
    text.push('\n');
    replace(&path, text.as_bytes())
}

/// Writes a file beside its place, and moves it there.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), WatchError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    // Of a name that comes and goes nobody knows.
    fs::write(&fresh, content).map_err(WatchError::file(Action::Write, path))?;
    fs::rename(&fresh, path).map_err(WatchError::file(Action::Write, path))
}

/// What a line is about; no two lines of a file have it in common, unless a run
/// went on after its step and was told of it again.
#[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
struct Subject {
    step: u64,
    stage: String,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    stage_step: u64,
}

impl Subject {
    fn of_step(record: &StepRecord) -> Self {
        Self {
            step: record.step,
            stage: record.stage.clone(),
            kind: Some(record.kind),
            stage_step: record.stage_step,
        }
    }

    fn of_completion(record: &CompletionRecord) -> Self {
        Self {
            step: record.step,
            stage: record.stage.clone(),
            kind: None,
            stage_step: 0,
        }
    }
}

/// A file of JSON lines that is appended to.
#[derive(Debug)]
struct Lines {
    file: File,
    path: PathBuf,
    /// The lines of the step after which the run went on.
    kept: HashSet<Subject>,
}

impl Lines {
    /// The file with nothing in it, or with what is told of steps up to
    /// `last_step`.
    fn open(path: &Path, last_step: Option<u64>) -> Result<Self, WatchError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(WatchError::file(Action::Write, path))?;
        let (length, kept) = match last_step {
            None => (0, HashSet::new()),
            Some(last_step) => up_to(last_step, &file, path)?,
        };
        file.set_len(length)
            .and_then(|()| file.seek(SeekFrom::Start(length)))
            .map_err(WatchError::file(Action::Write, path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            kept,
        })
    }

    fn append<'r, T: Serialize + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
        subject: impl Fn(&T) -> Subject,
    ) -> Result<(), WatchError> {
        let mut text = Vec::new();
        for record in records {
            if !self.kept.contains(&subject(record)) {
                serde_json::to_writer(&mut text, record).expect("texts and numbers are JSON");
                text.push(b'\n');
            }
        }
        self.file
            .write_all(&text)
            .map_err(WatchError::file(Action::Write, &self.path))
    }
}

/// How many bytes tell of steps up to `last_step`, and what the lines of that
/// step are about. A last line that was cut is not counted.
fn up_to(last_step: u64, file: &File, path: &Path) -> Result<(u64, HashSet<Subject>), WatchError> {
    let failed = || WatchError::file(Action::Read, path);
    let mut reader = BufReader::new(file);
    let (mut length, mut kept, mut line) = (0, HashSet::new(), Vec::new());
    for number in 1.. {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line).map_err(failed())?;
        if line.pop() != Some(b'\n') {
            break;
        }
        let subject: Subject =
            serde_json::from_slice(&line).map_err(|error| WatchError::Content {
                path: path.to_owned(),
                line: number,
                problem: error.to_string(),
            })?;
        if subject.step > last_step {
            break;
        }
        if subject.step == last_step {
            kept.insert(subject);
        }
        length += bytes as u64;
    }
    Ok((length, kept))
}

/// Seconds since 1970.
pub(super) fn seconds_now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |passed| passed.as_secs_f64())
}

/// For errors that are none of the file's: a folder that is not there.
pub(super) fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
