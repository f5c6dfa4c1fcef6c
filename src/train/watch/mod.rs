//! Watching a run: what a run says of itself in, files and pictures out.
//!
//! A run tells its [`Watcher`]s about every optimizer step, every evaluation and
//! the completions that it learned from. What they make of it is no business of
//! the run: lines of JSON, TensorBoard's files, a page, a picture in the terminal.
//! Records carry their own times, so that what a watcher writes is a function of
//! what it was told.

mod record;

mod line;

mod files;

mod folder;

mod tensorboard;

mod glossary;

mod report;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use crate::statistics::{Estimate, Judged, Statistics, majority_at, pass_at, statistics};
pub use files::{COMPLETIONS_WRITTEN, RunFiles, RunFilesOptions};
pub use folder::{Follower, RunFolder, is_run, read_info};
pub use glossary::{GLOSSARY, Group, Meaning, Unit, is_summary, meaning, shown, title};
pub use record::{CompletionRecord, InputFile, Kind, RunInfo, StageInfo, StepRecord};
pub use report::{ReportPage, write_report};
pub use tensorboard::TensorBoard;

/// Someone that is told how a run goes on.
///
/// Nothing but [`Watcher::step`] has to be written: what a watcher has no use
/// for, it passes over.
pub trait Watcher: Send {
    /// The run begins, or goes on after [`RunInfo::resumed_at`]: what a watcher
    /// wrote of later steps is then cut off, and what it is told again of that
    /// very step is not written twice.
    ///
    /// # Errors
    /// [`WatchError`] when a file cannot be read or written; so for all methods.
    fn begin(&mut self, run: &RunInfo) -> Result<(), WatchError> {
        let _ = run;
        Ok(())
    }

    /// An optimizer step was made, or an evaluation has ended.
    fn step(&mut self, record: &StepRecord) -> Result<(), WatchError>;

    /// Completions of the step that is told next.
    fn completions(&mut self, records: &[CompletionRecord]) -> Result<(), WatchError> {
        let _ = records;
        Ok(())
    }

    /// What the run is doing within a step, told often.
    fn activity(&mut self, activity: &Activity<'_>) -> Result<(), WatchError> {
        let _ = activity;
        Ok(())
    }

    /// Something to say to the person who watches, in one line.
    fn note(&mut self, text: &str) -> Result<(), WatchError> {
        let _ = text;
        Ok(())
    }

    /// The run fails, for this reason; its end is told next.
    fn failed(&mut self, why: &str) -> Result<(), WatchError> {
        let _ = why;
        Ok(())
    }

    /// Nothing more will come.
    fn end(&mut self, ending: Ending) -> Result<(), WatchError> {
        let _ = ending;
        Ok(())
    }
}

/// What a run is doing: so many of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity<'a> {
    /// In one or two words: `sampling`, `training`, `evaluating`.
    pub doing: &'a str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is to do.
    pub total: u64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All its stages are done.
    Finished,
    /// A person stopped it; it can be resumed.
    Interrupted,
    /// An error stopped it.
    Failed,
}

/// A file of a run's folder that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The system says no.
    #[error("cannot {} `{}`", action.verb(), path.display())]
    File {
        /// What was tried.
        action: Action,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The file holds something else than goldstone writes there.
    #[error("`{}`, line {line}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is read.
    Read,
    /// It is written.
    Write,
}

impl Action {
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl WatchError {
    /// An [`io::Error`] with what was tried.
    fn file(action: Action, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

/// Several watchers as one: each is told everything, in their order.
///
/// An error of one does not keep the news from the others; the first is
/// returned.
#[derive(Default)]
pub struct Watchers(Vec<Box<dyn Watcher>>);

impl Watchers {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All that write into the run's folder: the records, TensorBoard's files and
    /// the report, in the order in which they need each other.
    #[must_use]
    pub fn of_folder(options: RunFilesOptions) -> Self {
        let mut all = Self::new();
        all.add(RunFiles::new(options));
        all.add(TensorBoard::new());
        all.add(ReportPage::new());
        all
    }

    /// One more, told after those before.
    pub fn add(&mut self, watcher: impl Watcher + 'static) {
        self.0.push(Box::new(watcher));
    }

    fn tell(
        &mut self,
        news: impl Fn(&mut dyn Watcher) -> Result<(), WatchError>,
    ) -> Result<(), WatchError> {
        let mut told = Ok(());
        for watcher in &mut self.0 {
            told = told.and(news(watcher.as_mut()));
        }
        told
    }
}

impl Watcher for Watchers {
    fn begin(&mut self, run: &RunInfo) -> Result<(), WatchError> {
        self.tell(|watcher| watcher.begin(run))
    }

    fn step(&mut self, record: &StepRecord) -> Result<(), WatchError> {
        self.tell(|watcher| watcher.step(record))
    }

    fn completions(&mut self, records: &[CompletionRecord]) -> Result<(), WatchError> {
        self.tell(|watcher| watcher.completions(records))
    }

    fn activity(&mut self, activity: &Activity<'_>) -> Result<(), WatchError> {
        self.tell(|watcher| watcher.activity(activity))
    }

    fn note(&mut self, text: &str) -> Result<(), WatchError> {
        self.tell(|watcher| watcher.note(text))
    }

    fn failed(&mut self, why: &str) -> Result<(), WatchError> {
        self.tell(|watcher| watcher.failed(why))
    }

    fn end(&mut self, ending: Ending) -> Result<(), WatchError> {
        self.tell(|watcher| watcher.end(ending))
    }
}
