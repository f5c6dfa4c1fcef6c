//! How far an installation is, on standard error.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::super::progress::Show;
use super::super::terminal::{DOUBT, Safe, Styled, shortened};
use super::clock;
use crate::sandbox::install::Watch;

/// Shows how far an installation is, on standard error: a line that changes on a
/// terminal, a line for each stage elsewhere.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
}

impl Progress {
    pub(super) fn new(show: Show) -> Self {
        let bar = (show == Show::Bar).then(|| {
            let style = "{spinner} {elapsed_precise}  {prefix}  {msg:.dim}";
            let style = ProgressStyle::with_template(style).expect("the template is a constant");
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self {
            bar,
            began: Instant::now(),
        }
    }

    /// Clears what is shown; how long it all took.
    pub(super) fn end(self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.began.elapsed()
    }

    /// Says something that stays.
    fn say(&self, text: &str) {
        let write = || {
            // Progress that nobody can see is no reason to fail.
            drop(writeln!(anstream::stderr(), "{text}"));
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Watch for Progress {
    fn stage(&mut self, stage: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(Safe(stage).to_string());
                bar.set_message("");
            }
            None => self.say(&format!("{}  {}", clock(self.began.elapsed()), Safe(stage))),
        }
    }

    fn line(&mut self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(shortened(&Safe(line).to_string(), 60));
        }
    }

    fn note(&mut self, note: &str) {
        self.say(&Safe(note).to_string());
    }

    fn warn(&mut self, warning: &str) {
        self.say(&format!("{}: {}", Styled(DOUBT, "warning"), Safe(warning)));
    }
}
