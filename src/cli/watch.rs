//! `goldstone watch`: a run's folder in, the run on the terminal out.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;

use super::live::{Live, Show};
use super::{Exit, Failure, Outcome, bad_input};
use crate::train::run::{LOCK, is_abandoned};
use crate::train::watch::{
    Action, CompletionRecord, Ending, Follower, RunInfo, StepRecord, WatchError, Watcher,
    read_info, write_report,
};

/// Between two looks at the run's files.
const LOOK: Duration = Duration::from_millis(250);

/// Shows a training run, whether it goes on or has ended.
///
/// Reads the run's folder alone: any number of people may watch, on any machine
/// that sees the folder. Ctrl-C ends the watching, never the run. Of a run that was
/// killed it says so, with exit code 130.
#[derive(Args)]
pub(super) struct Watch {
    /// The run's folder
    run: PathBuf,
    /// Write a line for every step instead of a picture
    #[arg(long)]
    plain: bool,
    /// Show what there is by now, and end
    #[arg(long)]
    once: bool,
    /// Write the run's report.html anew, and end
    #[arg(long, conflicts_with_all = ["plain", "once"])]
    report: bool,
}

impl Watch {
    pub(super) fn run(self) -> Outcome {
        if self.report {
            write_report(&self.run).map_err(failure)?;
            return Ok(Exit::Done);
        }
        let show = match self.plain {
            true => Show::Lines,
            false => Show::suited(),
        };
        let mut live = Live::new(show).for_its_own_sake();
        loop {
            let run = read_info(&self.run).map_err(failure)?;
            match self.follow(&mut live, &run).map_err(failure)? {
                Followed::ToItsEnd => return Ok(Exit::Done),
                Followed::ToItsDeath if self.once => return Ok(Exit::Done),
                Followed::ToItsDeath => return Ok(Exit::Interrupted),
                // The run was resumed at an earlier step.
                Followed::UntilCut => {}
            }
        }
    }

    fn follow(&self, live: &mut Live, run: &RunInfo) -> Result<Followed, WatchError> {
        let mut metrics = Follower::metrics(&self.run);
        let mut completions = Follower::completions(&self.run);
        live.begin(run)?;
        let mut last_time = run.began;
        loop {
            // Asked before the last look, so that nothing is missed; and first who is
            // there, for a run says how it ended before it lets go.
            let is_abandoned = is_abandoned(&self.run) == Some(true);
            let ending = ending(&self.run)?;
            let is_dead = is_abandoned && ending.is_none();
            let mut count = 0;
            loop {
                let steps: Vec<StepRecord> = metrics.news()?;
                let texts: Vec<CompletionRecord> = completions.news()?;
                for note in metrics.notes().into_iter().chain(completions.notes()) {
                    live.note(&note)?;
                }
                if steps.is_empty() && texts.is_empty() {
                    break;
                }
                count += steps.len();
                for step in &steps {
                    live.step(step)?;
                    last_time = step.time;
                }
                if let Some(last) = texts.last() {
                    let of_last: Vec<CompletionRecord> = texts
                        .iter()
                        .filter(|text| text.step == last.step)
                        .cloned()
                        .collect();
                    live.completions(&of_last)?;
                }
            }
            if ending.is_some() || is_dead || self.once {
                if is_dead {
                    live.note(&format!(
                        "the run was killed: it has no end, and nobody holds its `{LOCK}`; \
                         `goldstone train` with `--resume` goes on"
                    ))?;
                }
                if let Some(why) = &run_failure(&self.run)? {
                    live.note(&format!("the run failed: {why}"))?;
                }
                live.stop_clock(last_time);
                live.end(ending.unwrap_or(Ending::Interrupted))?;
                return Ok(match is_dead {
                    true => Followed::ToItsDeath,
                    false => Followed::ToItsEnd,
                });
            }
            if metrics.is_cut() {
                live.note("the run goes on from an earlier step")?;
                return Ok(Followed::UntilCut);
            }
            if count == 0 {
                thread::sleep(LOOK);
            }
        }
    }
}

enum Followed {
    ToItsEnd,
    /// Whoever made the run is gone and has not said how it ended.
    ToItsDeath,
    UntilCut,
}

fn ending(folder: &Path) -> Result<Option<Ending>, WatchError> {
    Ok(read_info(folder)?.ending)
}

/// What stopped a run that failed.
fn run_failure(folder: &Path) -> Result<Option<String>, WatchError> {
    Ok(read_info(folder)?.failure)
}

fn failure(error: WatchError) -> Failure {
    match error {
        WatchError::File {
            action: Action::Write,
            ..
        } => Failure::Ours(error.into()),
        _ => bad_input(error),
    }
}
