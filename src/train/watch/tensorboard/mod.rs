//! TensorBoard's event files of a run: curves, hyperparameters, completions.
//!
//! Tags are those that Hugging Face's trainer writes: `train/reward`,
//! `eval/reward`. A run that is resumed begins a new file, and its earlier files
//! are cut back to the step that it goes on after; TensorBoard reads all files of
//! the folder as one run.

mod event;
mod framing;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use prost::Message;

use super::files::{is_missing, seconds_now};
use super::{Action, CompletionRecord, Kind, RunInfo, StepRecord, WatchError, Watcher};
use event::{Event, Summary, Value, What};

/// The folder of the event files in the run's folder.
const FOLDER: &str = "tensorboard";
/// What every event file has in its name; TensorBoard looks for it.
const MARK: &str = "events.out.tfevents.";
/// Completions are shown of every so many steps; each is some kilobytes.
const STEPS_BETWEEN_TEXTS: u64 = 10;
/// How many of a step.
const TEXTS: usize = 4;

/// Writes TensorBoard's event files into the run's folder.
#[derive(Debug, Default)]
pub struct TensorBoard {
    file: Option<(File, PathBuf)>,
    last_texts: Option<u64>,
    /// Completions of the step that is told next.
    completions: Vec<CompletionRecord>,
}

impl TensorBoard {
    /// Nothing is written before the run begins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn write(&mut self, event: &Event) -> Result<(), WatchError> {
        match &mut self.file {
            Some((file, path)) => file
                .write_all(&framing::framed(&event.encode_to_vec()))
                .map_err(WatchError::file(Action::Write, path)),
            None => Ok(()),
        }
    }
}

impl Watcher for TensorBoard {
    fn begin(&mut self, run: &RunInfo) -> Result<(), WatchError> {
        let folder = run.folder.join(FOLDER);
        fs::create_dir_all(&folder).map_err(WatchError::file(Action::Write, &folder))?;
        cut_back(&folder, run.resumed_at)?;
        let now = seconds_now();
        self.file = Some(fresh_file(&folder, now)?);
        let event = |step, what| Event {
            wall_time: now,
            step,
            what: Some(what),
        };
        self.write(&event(0, What::FileVersion("brain.Event:2".to_owned())))?;
        let values = vec![
            Value::text("run", run_table(run)),
            Value::text("recipe", indented(&run.recipe)),
        ];
        let step = run.resumed_at.unwrap_or(0);
        self.write(&event(signed(step), What::Summary(Summary { values })))
    }

    fn step(&mut self, record: &StepRecord) -> Result<(), WatchError> {
        let group = match record.kind {
            Kind::Train => "train",
            Kind::Evaluation => "eval",
        };
        let finite = record.metrics.iter().filter(|(_, value)| value.is_finite());
        let mut values: Vec<Value> = finite
            .map(|(name, value)| Value::scalar(format!("{group}/{name}"), *value))
            .collect();
        let completions = std::mem::take(&mut self.completions);
        if !completions.is_empty() {
            let text = completions.iter().map(completion_text).collect();
            values.push(Value::text(&format!("{group}/completions"), text));
        }
        self.write(&Event {
            wall_time: record.time,
            step: signed(record.step),
            what: Some(What::Summary(Summary { values })),
        })
    }

    fn completions(&mut self, records: &[CompletionRecord]) -> Result<(), WatchError> {
        let Some(step) = records.first().map(|record| record.step) else {
            return Ok(());
        };
        let is_due = self
            .last_texts
            .is_none_or(|last| step >= last + STEPS_BETWEEN_TEXTS || step < last);
        if is_due {
            self.last_texts = Some(step);
            self.completions = records[..records.len().min(TEXTS)].to_vec();
        }
        Ok(())
    }
}

fn signed(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

/// A new file whose name sorts after those of earlier seconds, as TensorBoard
/// reads them in order.
fn fresh_file(folder: &Path, now: f64) -> Result<(File, PathBuf), WatchError> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "localhost",
        host => host,
    };
    let mut number = 0;
    loop {
        let path = folder.join(format!("{MARK}{:010}.{host}.{number}.v2", now as u64));
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(WatchError::file(Action::Write, &path)(error)),
        }
    }
}

/// Cuts the folder's event files back to what they tell of steps up to
/// `last_step`; without one, removes them.
fn cut_back(folder: &Path, last_step: Option<u64>) -> Result<(), WatchError> {
    let failed = || WatchError::file(Action::Read, folder);
    for entry in fs::read_dir(folder).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        let is_ours = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(MARK));
        if !is_ours {
            continue;
        }
        match last_step {
            None => match fs::remove_file(&path) {
                Err(error) if !is_missing(&error) => {
                    return Err(WatchError::file(Action::Write, &path)(error));
                }
                _ => {}
            },
            Some(last_step) => {
                let failed = || WatchError::file(Action::Write, &path);
                let file = OpenOptions::new().read(true).write(true).open(&path);
                let file = file.map_err(failed())?;
                let length = length_up_to(last_step, &file).map_err(failed())?;
                file.set_len(length).map_err(failed())?;
            }
        }
    }
    Ok(())
}

/// The bytes of a file before its first event of a later step, and before the
/// first that is cut.
fn length_up_to(last_step: u64, file: &File) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let mut length = 0;
    while let Some(data) = framing::next(&mut reader)? {
        let is_kept = Event::decode(&*data).is_ok_and(|event| event.step <= signed(last_step));
        if !is_kept {
            break;
        }
        length += framing::framed(&data).len() as u64;
    }
    Ok(length)
}

fn run_table(run: &RunInfo) -> String {
    let stages: Vec<String> = run
        .stages
        .iter()
        .map(|stage| format!("{} ({}, {} steps)", stage.name, stage.kind, stage.steps))
        .collect();
    let rows = [
        ("name", run.name.clone()),
        ("model", run.model.clone()),
        ("parameters", run.parameters.to_string()),
        ("trained parameters", run.trainable.to_string()),
        ("device", run.device.clone()),
        ("seed", run.seed.to_string()),
        ("stages", stages.join(", ")),
        ("recipe's SHA-256", run.recipe_sha256.clone()),
        ("goldstone", run.version.clone()),
    ];
    let mut table = String::from("| | |\n|---|---|\n");
    for (name, value) in rows {
        table += &format!("| {name} | {} |\n", value.replace('|', "\\|"));
    }
    table
}

fn completion_text(record: &CompletionRecord) -> String {
    let number = |value: Option<f64>| match value {
        Some(value) => format!("{value:.3}"),
        None => "unknown".to_owned(),
    };
    let terms: Vec<String> = record
        .terms
        .iter()
        .map(|(name, value)| format!("{name} {}", number(*value)))
        .collect();
    format!(
        "reward {}, advantage {}: {}\n\n{}\n\n{}\n\n---\n\n",
        number(record.reward),
        number(record.advantage),
        terms.join(", "),
        indented(&record.prompt),
        indented(&record.completion),
    )
}

/// A text as a block of code in Markdown, which no text can break out of, as a
/// fence could be.
fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
