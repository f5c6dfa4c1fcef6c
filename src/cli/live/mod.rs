//! A run, live on standard error: a picture in place on a terminal, a line for
//! every step elsewhere; these on standard output where they are what was asked for.
//!
//! The picture is drawn by a thread of its own, so that clocks go on while a
//! step takes its time and no run waits for a terminal. The cursor stays visible
//! below the picture: however the process ends, nothing has to be restored.

mod fit;
mod lines;
mod picture;
mod spark;
mod state;

#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ratatui::backend::CrosstermBackend;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::terminal::Safe;
use crate::train::watch::{
    Action, Activity, CompletionRecord, Ending, Follower, Kind, RunInfo, StepRecord, WatchError,
    Watcher,
};
use picture::Palette;
use state::State;

/// Between two drawings.
const FRAME: Duration = Duration::from_millis(100);
/// Clocks go on even where nothing is told.
const FRAMES_A_SECOND: u32 = 10;

/// Set once something else must be seen on the terminal: a panic's message.
static IS_HUSHED: AtomicBool = AtomicBool::new(false);

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// A picture that is redrawn in place.
    Picture,
    /// A line for every step.
    Lines,
}

impl Show {
    /// A picture where a person sits before a terminal that can show one.
    pub(super) fn suited() -> Self {
        let can_draw = io::stderr().is_terminal()
            // The terminal is asked for the cursor's place through it.
            && io::stdout().is_terminal()
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        match can_draw {
            true => Self::Picture,
            false => Self::Lines,
        }
    }
}

/// Shows a run while it goes on.
pub(super) struct Live {
    shared: Arc<Mutex<Shared>>,
    painter: Option<JoinHandle<()>>,
    show: Show,
    lines: Lines,
}

/// Where lines of steps go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// Standard error: they are news of a run that makes something else.
    News,
    /// Standard output: they are what was asked for.
    Result,
}

/// What the run's thread and the painter share.
#[derive(Default)]
struct Shared {
    state: State,
    /// Lines that go above the picture, and stay.
    said: Vec<String>,
    is_changed: bool,
    is_over: bool,
    /// The moment that clocks show, once time no longer passes.
    ended: Option<f64>,
}

impl Live {
    pub(super) fn new(show: Show) -> Self {
        Self {
            shared: Arc::default(),
            painter: None,
            show,
            lines: Lines::News,
        }
    }

    /// The same for a command that shows a run and does nothing else: its lines are the
    /// result.
    pub(super) fn for_its_own_sake(mut self) -> Self {
        self.lines = Lines::Result;
        self
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }

    /// A line that stays: above the picture, or among the lines.
    fn say(&self, text: &str) {
        let text = Safe(text).to_string();
        match self.painter {
            Some(_) => {
                let mut shared = self.shared();
                shared.said.push(text);
                shared.is_changed = true;
            }
            // What nobody can read is no reason to fail.
            None => drop(writeln!(io::stderr(), "{text}")),
        }
    }

    /// Lets the painter draw what is left, and waits for it.
    fn finish(&mut self) {
        self.shared().is_over = true;
        if let Some(painter) = self.painter.take() {
            // Its panic has been told of already.
            drop(painter.join());
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Watcher for Live {
    fn begin(&mut self, run: &RunInfo) -> Result<(), WatchError> {
        self.finish();
        let began = match run.resumed_at {
            None if run.began > 0.0 => run.began,
            _ => seconds_now(),
        };
        let mut state = State::new(run.clone(), began);
        if let Some(step) = run.resumed_at {
            state.recall(&told_before(&run.folder, step)?);
        }
        *self.shared() = Shared {
            state,
            is_changed: true,
            ..Shared::default()
        };
        if self.show == Show::Picture {
            self.painter = painter(Arc::clone(&self.shared));
        }
        if let Some(step) = run.resumed_at {
            self.say(&format!("{} goes on after step {step}", run.name));
        }
        Ok(())
    }

    fn step(&mut self, record: &StepRecord) -> Result<(), WatchError> {
        let line = {
            let mut shared = self.shared();
            shared.state.add(record);
            shared.is_changed = true;
            lines::line(&shared.state, record)
        };
        // The picture shows the steps; what evaluations found should stay.
        match (&self.painter, self.lines, record.kind) {
            (None, Lines::Result, _) => {
                let line = Safe(&line).to_string();
                writeln!(io::stdout(), "{line}").map_err(unwritable)?;
            }
            (None, Lines::News, _) | (Some(_), _, Kind::Evaluation) => self.say(&line),
            (Some(_), _, Kind::Train) => {}
        }
        Ok(())
    }

    fn completions(&mut self, records: &[CompletionRecord]) -> Result<(), WatchError> {
        let Some(first) = records.first() else {
            return Ok(());
        };
        // Another place in the batch every time: good ones and bad ones.
        let place = (first.step as usize * 7) % records.len();
        let mut shared = self.shared();
        shared.state.completion = Some(records[place].clone());
        shared.is_changed = true;
        Ok(())
    }

    fn activity(&mut self, activity: &Activity<'_>) -> Result<(), WatchError> {
        let mut shared = self.shared();
        shared.state.activity = Some((activity.doing.to_owned(), activity.done, activity.total));
        shared.is_changed = true;
        Ok(())
    }

    fn note(&mut self, text: &str) -> Result<(), WatchError> {
        self.say(text);
        Ok(())
    }

    fn end(&mut self, ending: Ending) -> Result<(), WatchError> {
        {
            let mut shared = self.shared();
            shared.state.run.ending = Some(ending);
            shared.state.activity = None;
            shared.is_changed = true;
        }
        self.finish();
        Ok(())
    }
}

impl Live {
    /// Stops the clocks at a moment: that of a run which ended before anyone
    /// looked.
    pub(super) fn stop_clock(&self, at: f64) {
        self.shared().ended = Some(at);
    }
}

fn unwritable(source: io::Error) -> WatchError {
    WatchError::File {
        action: Action::Write,
        path: "standard output".into(),
        source,
    }
}

/// What a run's folder tells of the steps up to the one it goes on after.
pub(super) fn told_before(folder: &Path, last_step: u64) -> Result<Vec<StepRecord>, WatchError> {
    let mut metrics = Follower::metrics(folder);
    let mut records: Vec<StepRecord> = Vec::new();
    loop {
        let news = metrics.news()?;
        if news.is_empty() {
            break;
        }
        records.extend(news);
    }
    records.retain(|record| record.step <= last_step);
    Ok(records)
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // A half-told step is drawn as far as it was told.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn seconds_now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |passed| passed.as_secs_f64())
}

/// Starts the thread that draws; `None` where the terminal does not take part.
fn painter(shared: Arc<Mutex<Shared>>) -> Option<JoinHandle<()>> {
    let backend = CrosstermBackend::new(io::stderr());
    let size = ratatui::crossterm::terminal::size().ok()?;
    let options = TerminalOptions {
        viewport: Viewport::Inline(picture::height(size.0, size.1)),
    };
    let mut terminal = Terminal::with_options(backend, options).ok()?;
    let palette = match std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) {
        true => Palette::PLAIN,
        false => Palette::COLOURED,
    };
    hush_on_panic();
    let paint = move || {
        for frame in 0_u32.. {
            let mut shared = lock(&shared);
            let is_over = shared.is_over;
            let is_due = std::mem::take(&mut shared.is_changed)
                || is_over
                || frame.is_multiple_of(FRAMES_A_SECOND);
            if IS_HUSHED.load(Ordering::Relaxed) {
                return;
            }
            if is_due {
                let said = std::mem::take(&mut shared.said);
                let now = shared.ended.unwrap_or_else(seconds_now);
                let drawn = tell_above(&mut terminal, &said).and_then(|()| {
                    let draw = |frame: &mut ratatui::Frame<'_>| {
                        picture::draw(frame, &shared.state, now, palette);
                    };
                    terminal.draw(draw).map(|_| ())
                });
                // A terminal that has gone is no reason to stop a run.
                if drawn.is_err() {
                    return;
                }
            }
            drop(shared);
            if is_over {
                return;
            }
            thread::sleep(FRAME);
        }
    };
    Some(thread::spawn(paint))
}

/// Writes lines above the picture.
fn tell_above<B: ratatui::backend::Backend>(
    terminal: &mut Terminal<B>,
    said: &[String],
) -> Result<(), B::Error> {
    for text in said {
        let width = usize::from(terminal.size()?.width).max(1);
        let lines = fit::wrapped(text, width, usize::from(u8::MAX));
        terminal.insert_before(lines.len() as u16, |buffer| {
            for (row, line) in lines.iter().enumerate() {
                let area = ratatui::layout::Rect {
                    y: row as u16,
                    height: 1,
                    ..buffer.area
                };
                Line::raw(line.as_str()).render(area, buffer);
            }
        })?;
    }
    Ok(())
}

/// Makes room for a panic's message: the picture is drawn no more.
fn hush_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            IS_HUSHED.store(true, Ordering::Relaxed);
            drop(writeln!(io::stderr(), "\r"));
            before(info);
        }));
    });
}
