//! What became of a run: its evaluations, first, best and last, those before it was
//! resumed among them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::cli::live::told_before;
use crate::cli::terminal::{FAINT, STRONG, Styled};
use crate::train::watch::{Kind, RunInfo, StepRecord, WatchError, Watcher};

/// Remembers evaluations; clones share the memory.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    headline: Option<String>,
    evaluations: Vec<StepRecord>,
}

impl Watcher for Tally {
    fn begin(&mut self, run: &RunInfo) -> Result<(), WatchError> {
        let earlier = match run.resumed_at {
            Some(step) => told_before(&run.folder, step)?,
            None => Vec::new(),
        };
        if let Ok(mut seen) = self.0.lock() {
            seen.headline.clone_from(&run.headline);
            seen.evaluations = earlier;
            seen.evaluations
                .retain(|record| record.kind == Kind::Evaluation);
        }
        Ok(())
    }

    fn step(&mut self, record: &StepRecord) -> Result<(), WatchError> {
        if let (Kind::Evaluation, Ok(mut seen)) = (record.kind, self.0.lock()) {
            seen.evaluations.push(record.clone());
        }
        Ok(())
    }
}

impl Tally {
    /// One line per stage with the headline at its end, and the best of all.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Ok(seen) = self.0.lock() else {
            return Ok(());
        };
        let Some(headline) = &seen.headline else {
            return Ok(());
        };
        let values: Vec<(&StepRecord, f64)> = seen
            .evaluations
            .iter()
            .filter_map(|record| Some((record, record.metric(headline)?)))
            .collect();
        // Of equal ones the first: that is what the run has kept.
        let mut best: Option<(u64, f64)> = None;
        for (record, value) in &values {
            if best.is_none_or(|(_, most)| *value > most) {
                best = Some((record.step, *value));
            }
        }
        let Some((step, best)) = best else {
            return Ok(());
        };
        writeln!(out, "{headline} on held-out problems")?;
        let mut stages: Vec<(&str, f64)> = Vec::new();
        for (record, value) in &values {
            match stages.last_mut() {
                Some((stage, last)) if *stage == record.stage => *last = *value,
                _ => stages.push((&record.stage, *value)),
            }
        }
        for (stage, value) in stages {
            writeln!(out, "  {value:.3}  after {stage}")?;
        }
        writeln!(
            out,
            "  {}  {}",
            Styled(STRONG, format!("{best:.3}")),
            Styled(FAINT, format!("best, at step {step}, in best/"))
        )
    }
}
