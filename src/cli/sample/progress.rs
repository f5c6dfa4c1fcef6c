//! How far drawing has come: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::terminal::Safe;

/// Between two lines of progress where there is no terminal.
const LINE: Duration = Duration::from_secs(10);

/// How many completions there are.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    is_quiet: bool,
    began: Instant,
    last: Instant,
    done: u64,
    total: u64,
    tokens: u64,
}

impl Progress {
    /// Nothing is to be drawn yet.
    pub(super) fn new(is_quiet: bool) -> Self {
        let now = Instant::now();
        Self {
            bar: None,
            is_quiet,
            began: now,
            last: now,
            done: 0,
            total: 0,
            tokens: 0,
        }
    }

    /// So many completions are to be drawn from now on.
    pub(super) fn begin(&mut self, total: u64) {
        let is_bar = !self.is_quiet && io::stderr().is_terminal();
        let style = ProgressStyle::with_template("{bar:24} {percent:>3}%  {msg}");
        let style = style.expect("the template is a constant");
        self.bar = is_bar.then(|| ProgressBar::new(total).with_style(style));
        (self.began, self.total) = (Instant::now(), total);
    }

    /// How many there are by now.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// A line for who watches.
    pub(super) fn tell(&self, line: &str) {
        if !self.is_quiet {
            self.say(line);
        }
    }

    pub(super) fn add(&mut self, tokens: u64) {
        self.done += 1;
        self.tokens += tokens;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
            bar.set_message(self.rates());
        } else if !self.is_quiet && self.last.elapsed() >= LINE {
            self.last = Instant::now();
            self.say(&self.rates());
        }
    }

    fn rates(&self) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let speed = self.tokens as f64 / seconds;
        let left = seconds / self.done.max(1) as f64 * self.total.saturating_sub(self.done) as f64;
        let left = left as u64;
        format!(
            "{} of {} completions, {speed:.0} tokens/s, {}:{:02} left",
            self.done,
            self.total,
            left / 60,
            left % 60
        )
    }

    pub(super) fn end(&self, output: &Path) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if !self.is_quiet {
            let seconds = self.began.elapsed().as_secs_f64();
            self.say(&format!(
                "{} rollouts in {}, {} tokens in {seconds:.1} s",
                self.done,
                output.display(),
                self.tokens
            ));
        }
    }

    /// Says what is there of a run that was interrupted: never that it is whole.
    /// What is no file of ours is in nobody's way.
    pub(super) fn stop(&self, left: Option<&Path>, is_file: bool) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        match left {
            Some(part) => self.say(&format!(
                "stopped: {} of {} rollouts, in {}{}",
                self.done,
                self.total,
                part.display(),
                match is_file {
                    true => "; `--overwrite` begins anew",
                    false => "",
                }
            )),
            None => self.say("stopped before the first rollouts were written"),
        }
    }

    /// Progress that nobody can see is no reason to fail.
    fn say(&self, line: &str) {
        drop(writeln!(anstream::stderr(), "{}", Safe(line)));
    }
}
