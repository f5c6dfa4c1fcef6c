//! A run as plain lines, where there is no terminal.

use super::state::{State, clock};
use crate::train::watch::{Kind, StepRecord, is_summary, shown, title};

/// Metrics of a step that a line has room for.
const METRICS: usize = 8;

/// A step or an evaluation on one line. The state has been told of it already.
pub(super) fn line(state: &State, record: &StepRecord) -> String {
    let place = format!(
        "{} {}/{}  step {}",
        record.stage, record.stage_step, record.stage_steps, record.step
    );
    match record.kind {
        Kind::Evaluation => format!("{place}  evaluation: {}", evaluation(record, None)),
        Kind::Train => {
            let mut parts = vec![place];
            let metrics = state.shown().into_iter().take(METRICS);
            parts.extend(
                metrics.map(|(name, value)| format!("{} {}", title(name), shown(name, value))),
            );
            parts.extend(state.left().map(|left| format!("{} left", clock(left))));
            parts.join("  ")
        }
    }
}

/// The numbers of an evaluation but the one that was named, those with intervals
/// first. Of the others, those of sampled answers are left out where there are
/// greedy ones; of two names for one number, the second is: `greedy accuracy 61.0 % (55.0–67.0 %)`.
pub(super) fn evaluation(record: &StepRecord, but: Option<&str>) -> String {
    let mut with_interval = Vec::new();
    let mut others = Vec::new();
    for (name, value) in &record.metrics {
        if !is_summary(name) || !value.is_finite() || but == Some(name) {
            continue;
        }
        if name == "pass@1"
            && record
                .metrics
                .iter()
                .any(|(name, _)| name.starts_with("mean@"))
        {
            continue;
        }
        let text = format!("{} {}", title(name), shown(name, *value));
        match interval(record, name) {
            Some((low, high)) => {
                let low = shown(name, low);
                let low = low.trim_end_matches(" %");
                with_interval.push(format!("{text} ({low}–{})", shown(name, high)));
            }
            None if record.metric(&format!("greedy/{name}")).is_some() => {}
            None => others.push(text),
        }
    }
    with_interval.extend(others);
    with_interval.join(", ")
}

/// The ends of a metric's interval.
pub(super) fn interval(record: &StepRecord, name: &str) -> Option<(f64, f64)> {
    let end = |end: &str| {
        record
            .metric(&format!("{name}/{end}"))
            .filter(|value| value.is_finite())
    };
    Some((end("low")?, end("high")?))
}
