//! The head of a report: what the run is, what it came to, its stages.

use serde::Serialize;

use crate::page::{self, escaped};
use crate::train::watch::glossary::{is_summary, shown, title};
use crate::train::watch::{Ending, Kind, RunFolder, RunInfo, StepRecord};

/// A stage as far as it came.
#[derive(Debug, Serialize)]
pub(super) struct Stage {
    name: String,
    #[serde(skip)]
    kind: String,
    /// Steps of the run before it.
    from: u64,
    /// The last of its steps.
    to: u64,
    #[serde(skip)]
    planned: u64,
    #[serde(skip)]
    seconds: f64,
}

/// The stages that were begun, in order.
pub(super) fn stages(run: &RunFolder) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut before = run.info.began;
    for record in run.steps.iter().filter(|record| record.kind == Kind::Train) {
        let seconds = match record.metric("step_time") {
            Some(seconds) if seconds.is_finite() => seconds,
            _ => (record.time - before).max(0.0),
        };
        before = record.time;
        match stages.last_mut() {
            Some(stage) if stage.name == record.stage => {
                stage.to = record.step;
                stage.seconds += seconds;
            }
            _ => {
                let info = run
                    .info
                    .stages
                    .iter()
                    .find(|info| info.name == record.stage);
                stages.push(Stage {
                    name: record.stage.clone(),
                    kind: info.map_or(String::new(), |info| info.kind.clone()),
                    from: record.step.saturating_sub(record.stage_step),
                    to: record.step,
                    planned: record.stage_steps,
                    seconds,
                });
            }
        }
    }
    stages
}

/// The metric by which evaluations are summed up.
fn headline(run: &RunFolder) -> Option<String> {
    let last = evaluations(run).next_back()?;
    let named = run.info.headline.clone();
    named
        .filter(|name| last.metric(name).is_some())
        .or_else(|| last.metrics.first().map(|(name, _)| name.clone()))
}

fn evaluations(run: &RunFolder) -> impl DoubleEndedIterator<Item = &StepRecord> {
    run.steps
        .iter()
        .filter(|record| record.kind == Kind::Evaluation)
}

/// `61.0 %` and `55.0 % to 67.0 %`.
fn with_interval(record: &StepRecord, name: &str) -> Option<(String, Option<String>)> {
    let value = record.metric(name).filter(|value| value.is_finite())?;
    let end = |end: &str| record.metric(&format!("{name}/{end}"));
    let interval = match (end("low"), end("high")) {
        (Some(low), Some(high)) => Some(format!("{} to {}", shown(name, low), shown(name, high))),
        _ => None,
    };
    Some((shown(name, value), interval))
}

/// The title of an evaluation's metric among others: where one of greedy answers
/// has the same, it says that it is of sampled ones.
pub(super) fn title_among(name: &str, has: impl Fn(&str) -> bool) -> String {
    match has(&format!("greedy/{name}")) {
        true => format!("sampled {}", title(name)),
        false => title(name),
    }
}

/// The numbers that a reader wants first.
pub(super) fn tiles(run: &RunFolder, stages: &[Stage]) -> String {
    let mut tiles = Vec::new();
    if let Some(name) = headline(run) {
        let known =
            || evaluations(run).filter(|record| record.metric(&name).is_some_and(f64::is_finite));
        let value = |record: &&StepRecord| record.metric(&name).unwrap_or(f64::NAN);
        // Of equal ones the first: that is the one which is kept.
        let best = known().rev().max_by(|a, b| value(a).total_cmp(&value(b)));
        for (what, record) in [
            ("Before", known().next()),
            ("Best", best),
            ("Last", known().next_back()),
        ] {
            if let Some((value, interval)) = record.and_then(|record| with_interval(record, &name))
            {
                let step = record.map_or(0, |record| record.step);
                let more = match interval {
                    Some(interval) => format!("{interval}, step {step}"),
                    None => format!("step {step}"),
                };
                tiles.push((format!("{what}: {}", title(&name)), value, more));
            }
        }
    }
    let steps = run
        .steps
        .iter()
        .map(|record| record.step)
        .max()
        .unwrap_or(0);
    let planned: u64 = run.info.stages.iter().map(|stage| stage.steps).sum();
    let ending = match run.info.ending {
        Some(Ending::Finished) => "finished",
        Some(Ending::Interrupted) => "interrupted",
        Some(Ending::Failed) => "failed",
        None => "not ended yet",
    };
    let of = match planned {
        0 => ending.to_owned(),
        planned => format!("of {planned}, {ending}"),
    };
    tiles.push(("Steps".to_owned(), steps.to_string(), of));
    let seconds: f64 = stages.iter().map(|stage| stage.seconds).sum();
    tiles.push((
        "Time of its steps".to_owned(),
        duration(seconds),
        format!(
            "{} a step",
            shown("step_time", seconds / steps.max(1) as f64)
        ),
    ));
    let tile = |(name, value, more): (String, String, String)| {
        let (name, value, more) = (escaped(&name), escaped(&value), escaped(&more));
        format!(
            "<div><dt>{name}</dt><dd class=\"value\">{value}</dd><dd class=\"more\">{more}</dd></div>"
        )
    };
    tiles.into_iter().map(tile).collect()
}

/// What the run is, its stages, its last evaluation.
pub(super) fn tables(run: &RunFolder, stages: &[Stage]) -> String {
    let mut html = String::from("<div class=\"wide\"><table><caption>Set-up</caption><tbody>");
    for (name, value) in facts(&run.info) {
        if !value.is_empty() {
            html += &format!(
                "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>",
                escaped(&value)
            );
        }
    }
    html += "</tbody></table></div><div>";
    html += "<div class=\"wide\"><table><caption>Stages</caption><thead><tr><th>stage</th>\
        <th>kind</th><th class=\"number\">steps</th><th class=\"number\">time</th></tr></thead><tbody>";
    for stage in stages {
        html += &format!(
            "<tr><td>{}</td><td>{}</td><td class=\"number\">{} of {}</td><td class=\"number\">{}</td></tr>",
            escaped(&stage.name),
            escaped(&stage.kind),
            stage.to - stage.from,
            stage.planned,
            duration(stage.seconds),
        );
    }
    html += "</tbody></table></div>";
    if let Some(last) = evaluations(run).next_back() {
        html += &format!(
            "<div class=\"wide\"><table><caption>Last evaluation, step {}</caption><thead><tr>\
             <th>metric</th><th class=\"number\">value</th><th class=\"number\">95 % interval</th></tr></thead><tbody>",
            last.step
        );
        for (name, _) in &last.metrics {
            if !is_summary(name) {
                continue;
            }
            let (value, interval) = with_interval(last, name).unwrap_or_default();
            html += &format!(
                "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
                escaped(&title_among(name, |name| last.metric(name).is_some())),
                escaped(&value),
                escaped(&interval.unwrap_or_default()),
            );
        }
        html += "</tbody></table></div>";
    }
    html + "</div>"
}

fn facts(info: &RunInfo) -> [(&'static str, String); 9] {
    let parameters = match (info.parameters, info.trainable) {
        (0, _) => String::new(),
        (all, trained) if all == trained => format!("{all}, all trained"),
        (all, trained) => format!("{all}, of which {trained} are trained"),
    };
    [
        ("Failed", info.failure.clone().unwrap_or_default()),
        ("Notes", info.notes.join("; ")),
        ("Model", info.model.clone()),
        ("Parameters", parameters),
        ("Device", info.device.clone()),
        ("Seed", info.seed.to_string()),
        ("Began", date(info.began)),
        ("Recipe's SHA-256", info.recipe_sha256.clone()),
        ("goldstone", info.version.clone()),
    ]
}

/// `42 s`, `12 min 5 s`, `3 h 12 min`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A moment of a run; empty for none.
fn date(seconds: f64) -> String {
    match seconds > 0.0 {
        true => page::date(seconds as u64),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{date, duration};

    #[test]
    fn dates_are_civil() {
        assert_eq!(date(951_782_400.0), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_795_292_329.0), "2026-11-21 20:18 UTC");
        assert_eq!(date(1_767_225_599.0), "2025-12-31 23:59 UTC");
        assert_eq!(date(0.0), "");
        assert_eq!(date(f64::NAN), "");
    }

    #[test]
    fn durations_have_two_units() {
        assert_eq!(duration(59.4), "59 s");
        assert_eq!(duration(59.6), "1 min 0 s");
        assert_eq!(duration(11_520.0), "3 h 12 min");
    }
}
