//! Progress on standard error: a bar on a terminal, a line now and then
//! elsewhere.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::batch::{Control, Progress};

/// Between two drawings of the bar.
const FRAME: Duration = Duration::from_millis(100);
/// Between two lines where there is no terminal.
const LINE: Duration = Duration::from_secs(10);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    Bar,
    Lines,
    Nothing,
}

impl Show {
    /// What standard error can show.
    pub(super) fn suited() -> Self {
        match io::stderr().is_terminal() {
            true => Self::Bar,
            false => Self::Lines,
        }
    }
}

/// Runs `work` and shows meanwhile what `control` says.
pub(super) fn watch<T>(
    show: Show,
    control: &Control,
    total_bytes: Option<u64>,
    work: impl FnOnce() -> T,
) -> T {
    let period = match show {
        Show::Nothing => return work(),
        Show::Bar => FRAME,
        Show::Lines => LINE,
    };
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|threads| {
        threads.spawn(move || {
            let start = Instant::now();
            let bar = (show == Show::Bar).then(|| bar(total_bytes));
            while is_done.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                let progress = control.progress();
                match &bar {
                    Some(bar) => {
                        bar.set_position(progress.bytes);
                        bar.set_message(rates(progress, start.elapsed(), total_bytes));
                    }
                    None => {
                        let rates = rates(progress, start.elapsed(), total_bytes);
                        // Progress that nobody can see is no reason to fail.
                        let _ = writeln!(io::stderr(), "{}{rates}", percent(progress, total_bytes));
                    }
                }
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

fn bar(total_bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match total_bytes {
        Some(total) => (ProgressBar::new(total), "{bar:24} {percent:>3}%  {msg}"),
        None => (ProgressBar::no_length(), "{spinner} {msg}"),
    };
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    bar.set_style(style);
    bar
}

fn percent(progress: Progress, total_bytes: Option<u64>) -> String {
    match total_bytes {
        Some(total) if total > 0 => {
            format!("{:.1}%  ", 100.0 * progress.bytes as f64 / total as f64)
        }
        _ => String::new(),
    }
}

/// `12345 rows, 1234 rows/s, 5.6 MB/s, 0:42 left, 3 errors`
fn rates(progress: Progress, elapsed: Duration, total_bytes: Option<u64>) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let mut text = format!(
        "{} rows, {:.0} rows/s, {:.1} MB/s",
        progress.rows,
        progress.rows as f64 / seconds,
        progress.bytes as f64 / 1e6 / seconds
    );
    if let Some(total) = total_bytes
        && progress.bytes > 0
    {
        let left = total.saturating_sub(progress.bytes) as f64 * seconds / progress.bytes as f64;
        let left = left as u64;
        text += &match left {
            0..3600 => format!(", {}:{:02} left", left / 60, left % 60),
            _ => format!(", {}:{:02} h left", left / 3600, left / 60 % 60),
        };
    }
    match progress.errors {
        0 => {}
        1 => text += ", 1 error",
        errors => text += &format!(", {errors} errors"),
    }
    text
}
