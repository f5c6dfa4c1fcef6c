//! The report: a run's folder in, one page out that needs no network.
//!
//! The page is a pure function of the folder, so it can be written anew at any
//! time. Curves are drawn by uPlot (MIT, in `uplot/`): hover values, zoom and
//! smoothing need a program on the page anyway, and it is the smallest that draws
//! ten thousand points without delay. Whatever a policy wrote is untrusted: it
//! lies in the page as JSON that no text can break out of, reaches the reader as
//! text and never as markup, and a content policy lets no other script run.

mod charts;
mod completions;
mod page;
mod summary;

use std::path::Path;
use std::time::{Duration, Instant};

use super::files::replace;
use super::{Ending, Kind, RunFolder, RunInfo, StepRecord, WatchError, Watcher};

/// The page in the run's folder.
const REPORT: &str = "report.html";
/// A page is not written before so many times as long as the last took has
/// passed: the run is what counts.
const REST: u32 = 30;

/// Writes a run's report into its folder: `report.html`.
///
/// # Errors
/// [`WatchError`] when the folder is no run's, or cannot be written to.
pub fn write_report(folder: &Path) -> Result<(), WatchError> {
    let page = page::page(&RunFolder::read(folder)?);
    replace(&folder.join(REPORT), page.as_bytes())
}

/// Keeps a run's report new: after every evaluation, and when the run ends. It is
/// made of the run's files, so [`RunFiles`](super::RunFiles) must be told first.
#[derive(Debug, Default)]
pub struct ReportPage {
    run: RunInfo,
    written: Option<(Instant, Duration)>,
}

impl ReportPage {
    /// Nothing is written before the first evaluation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn write(&mut self) -> Result<(), WatchError> {
        let begin = Instant::now();
        write_report(&self.run.folder)?;
        self.written = Some((Instant::now(), begin.elapsed()));
        Ok(())
    }
}

impl Watcher for ReportPage {
    fn begin(&mut self, run: &RunInfo) -> Result<(), WatchError> {
        self.run = run.clone();
        Ok(())
    }

    fn step(&mut self, record: &StepRecord) -> Result<(), WatchError> {
        let is_due = self
            .written
            .is_none_or(|(when, took)| when.elapsed() > took * REST);
        match record.kind {
            Kind::Evaluation if is_due => self.write(),
            _ => Ok(()),
        }
    }

    fn end(&mut self, _: Ending) -> Result<(), WatchError> {
        self.write()
    }
}
