//! A run as lines of text on standard error: one for a step now and then, one for
//! every evaluation.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::train::watch::{Kind, RunInfo, StepRecord, WatchError, Watcher};

/// Between two lines of steps.
const PERIOD: Duration = Duration::from_secs(2);

/// What a line of a step shows, where it is known.
const SHOWN: [(&str, &str); 7] = [
    ("reward", "reward"),
    ("loss", "loss"),
    ("completions/mean_length", "length"),
    ("entropy", "entropy"),
    ("kl", "kl"),
    ("grad_norm", "norm"),
    ("learning_rate", "lr"),
];

/// Writes lines.
#[derive(Default)]
pub(super) struct Lines {
    last: Option<Instant>,
}

impl Watcher for Lines {
    fn begin(&mut self, run: &RunInfo) -> Result<(), WatchError> {
        let RunInfo {
            name,
            model,
            parameters,
            device,
            ..
        } = run;
        say(&format!(
            "{name}: {model}, {parameters} parameters, {device}"
        ));
        Ok(())
    }

    fn step(&mut self, record: &StepRecord) -> Result<(), WatchError> {
        let StepRecord {
            stage,
            stage_step,
            stage_steps,
            ..
        } = record;
        let mut line = format!("{stage} {stage_step}/{stage_steps}");
        match record.kind {
            Kind::Evaluation => {
                line += " evaluation";
                for (name, value) in &record.metrics {
                    if !name.contains("length") && !name.starts_with("time") {
                        line += &format!("  {name} {value:.3}");
                    }
                }
            }
            Kind::Train => {
                let is_soon = self.last.is_some_and(|last| last.elapsed() < PERIOD);
                if is_soon && stage_step != stage_steps {
                    return Ok(());
                }
                self.last = Some(Instant::now());
                for (name, short) in SHOWN {
                    if let Some(value) = record.metric(name) {
                        line += &match value.abs() {
                            x if x > 0.0 && x < 0.001 => format!("  {short} {value:.1e}"),
                            _ => format!("  {short} {value:.3}"),
                        };
                    }
                }
            }
        }
        say(&line);
        Ok(())
    }

    fn note(&mut self, text: &str) -> Result<(), WatchError> {
        say(text);
        Ok(())
    }
}

/// Progress that nobody can see is no reason to fail.
fn say(line: &str) {
    drop(writeln!(
        anstream::stderr(),
        "{}",
        crate::cli::terminal::Safe(line)
    ));
}
