//! What the metrics of a run mean: one table for the terminal, the report and
//! `docs/watching.md`.

mod table;

use serde::Serialize;

pub use table::GLOSSARY;

/// What is said of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// Its name; `*` stands for any text, such as a term's name or a `k`.
    pub name: &'static str,
    /// A title for people; `*` is what the name has there.
    pub title: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// Where a report shows it.
    pub group: Group,
    /// What it is, in a sentence.
    pub means: &'static str,
    /// What to make of it.
    pub look_for: &'static str,
}

/// What a metric is measured in, which says how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nothing.
    Number,
    /// A share, written in per cent.
    Share,
    /// Tokens.
    Tokens,
    /// Seconds.
    Seconds,
    /// Tokens a second.
    TokensPerSecond,
    /// Natural logarithms of probabilities.
    Nats,
}

/// Metrics that are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What completions earned in training.
    Rewards,
    /// What held-out problems say.
    Evaluation,
    /// How long completions are.
    Lengths,
    /// How the policy changes.
    Policy,
    /// What the optimizer does.
    Optimisation,
    /// Where the time goes.
    Speed,
}

/// A metric's place in the glossary, with what its name has for the `*`.
///
/// The prefix `greedy/` says that an evaluation took one answer at temperature 0,
/// and the endings `/low` and `/high` are the ends of an interval; neither
/// changes what is measured.
#[must_use]
pub fn meaning(name: &str) -> Option<(&'static Meaning, &str)> {
    let name = name.strip_prefix("greedy/").unwrap_or(name);
    let name = name.strip_suffix("/low").unwrap_or(name);
    let name = name.strip_suffix("/high").unwrap_or(name);
    GLOSSARY.iter().find_map(|row| {
        let part = match row.name.split_once('*') {
            None => (row.name == name).then_some("")?,
            Some((before, after)) => name
                .strip_prefix(before)?
                .strip_suffix(after)
                .filter(|part| !part.is_empty())?,
        };
        Some((row, part))
    })
}

/// Whether a metric of an evaluation belongs into its summary: accuracies, rewards
/// and lengths, but no ends of intervals and no spreads. What is unknown is.
#[must_use]
pub fn is_summary(name: &str) -> bool {
    const BESIDES: [&str; 4] = [
        "reward",
        "rewards/*/mean",
        "completions/mean_length",
        "completions/clipped_ratio",
    ];
    let is_end = name.ends_with("/low") || name.ends_with("/high");
    !is_end
        && meaning(name)
            .is_none_or(|(row, _)| row.group == Group::Evaluation || BESIDES.contains(&row.name))
}

/// A metric's title for people; its name where nothing is known of it.
#[must_use]
pub fn title(name: &str) -> String {
    let title = match meaning(name) {
        Some((row, part)) => row.title.replace('*', part),
        None => name.to_owned(),
    };
    match name.starts_with("greedy/") {
        true if title != name => format!("greedy {title}"),
        _ => title,
    }
}

/// A metric's value as people write it: `12.3 %`, `1 234`, `0.612`, `5.0e-4`.
#[must_use]
pub fn shown(name: &str, value: f64) -> String {
    let unit = meaning(name).map_or(Unit::Number, |(row, _)| row.unit);
    unit.shown(value)
}

impl Unit {
    /// A value with three or four digits that say something, and its unit.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        if !value.is_finite() {
            return "–".to_owned();
        }
        // The sum of no numbers is -0.
        let value = value + 0.0;
        match self {
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Tokens if value.abs() < 1000.0 && value.fract() != 0.0 => format!("{value:.1}"),
            Self::Tokens | Self::TokensPerSecond => thousands(value),
            Self::Seconds if value < 0.1 => format!("{:.1} ms", value * 1000.0),
            Self::Seconds if value < 10.0 => format!("{value:.2} s"),
            Self::Seconds => format!("{value:.0} s"),
            Self::Number | Self::Nats => match value.abs() {
                0.0 => "0".to_owned(),
                size if size < 0.001 => format!("{value:.1e}"),
                size if size < 0.1 => format!("{value:.4}"),
                size if size < 100.0 => format!("{value:.3}"),
                _ => thousands(value),
            },
        }
    }
}

/// A whole number in groups of three digits: `12 034`.
fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    match value < 0.0 {
        true => format!("-{text}"),
        false => text,
    }
}
