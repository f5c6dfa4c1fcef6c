//! What completions are like, and what scoring them took: lengths against
//! correctness, languages, times.

use super::super::numbers::{Unit, cell, count, counted};
use super::super::svg::{Dot, Labels, Marks, Panel, Part, Picture, Scale};
use super::{Figure, head};
use crate::batch::report::findings::{Findings, LengthUnit};
use crate::batch::report::ranges::Range;

pub(super) fn lengths(findings: &Findings) -> Option<String> {
    let lengths = findings.lengths.as_ref()?;
    let unit = match lengths.unit {
        LengthUnit::Tokens => "tokens",
        LengthUnit::Characters => "characters",
    };
    let ranges = &lengths.ranges;
    let judged: u64 = ranges.iter().map(|range| range.verdicts.judged()).sum();
    let kinds = ["correct", "wrong", "no_answer", "unjudged"];
    let counts = |range: &Range| {
        let verdicts = range.verdicts;
        [
            verdicts.correct,
            verdicts.wrong,
            verdicts.no_answer,
            verdicts.unjudged,
        ]
    };
    let name = |range: &Range| format!("{} to {}", count(range.from), count(range.to - 1));
    let at = |index: usize, field: &str| format!("/lengths/ranges/{index}/{field}");
    let bars = ranges.iter().enumerate().map(|(index, range)| {
        let parts = kinds.iter().zip(counts(range)).map(|(kind, n)| Part {
            class: kind,
            value: n as f64,
            title: format!(
                "{} {unit}: {} {}",
                name(range),
                counted(n, "row"),
                kind.replace('_', " ")
            ),
            path: at(index, kind),
        });
        parts.collect()
    });
    let dots = ranges.iter().enumerate().filter_map(|(index, range)| {
        Some(Dot {
            slot: index,
            value: range.share?,
            low: range.low?,
            high: range.high?,
            title: format!(
                "{} {unit}: {} right (95 %: {} to {})",
                name(range),
                Unit::Share.shown(range.share?),
                Unit::Share.shown(range.low?),
                Unit::Share.shown(range.high?)
            ),
            path: at(index, "share"),
        })
    });
    let rows = ranges.iter().enumerate().map(|(index, range)| {
        let mut cells = vec![
            head(&name(range)),
            cell(&at(index, "rows"), Unit::Count, range.verdicts.rows as f64),
        ];
        cells.extend(
            kinds
                .iter()
                .zip(counts(range))
                .map(|(kind, n)| cell(&at(index, kind), Unit::Count, n as f64)),
        );
        for (field, value) in [
            ("share", range.share),
            ("low", range.low),
            ("high", range.high),
        ] {
            cells.push(cell(&at(index, field), Unit::Share, value));
        }
        cells
    });
    let mut panels = vec![Panel {
        scale: Scale::Counts,
        title: "rows",
        marks: Marks::Bars(bars.collect()),
    }];
    let mut legend: Vec<(&'static str, &'static str)> = [
        ("correct", "correct"),
        ("wrong", "wrong"),
        ("no_answer", "no answer"),
        ("unjudged", "not judged"),
    ]
    .into_iter()
    .zip(0..)
    .filter(|(_, kind)| ranges.iter().any(|range| counts(range)[*kind] > 0))
    .map(|(entry, _)| entry)
    .collect();
    let mut note = String::new();
    if judged > 0 {
        let dots = Marks::Dots("pass", dots.collect());
        panels.insert(
            0,
            Panel {
                scale: Scale::Shares,
                title: "right, of the judged",
                marks: dots,
            },
        );
        legend.insert(0, ("pass", "share right"));
        note += "Whiskers: 95 % interval (Wilson's, rows taken as independent).";
    }
    if lengths.unknown > 0 {
        note += &format!(
            " Left out, since their length is not known: {}.",
            counted(lengths.unknown, "row")
        );
    }
    let total: u64 = ranges.iter().map(|range| range.verdicts.rows).sum();
    let edges = ranges.iter().map(|range| range.from);
    let edges = edges.chain(ranges.last().map(|range| range.to));
    let ends = ranges.first().zip(ranges.last());
    let figure = Figure {
        caption: "Length against correctness".to_owned(),
        about: format!("{} by {unit}", counted(total, "row")),
        picture: Picture {
            says: match ends {
                Some((first, last)) => format!(
                    "Length against correctness: from {} to {} {unit}; {} right among the shortest, {} among the longest.",
                    count(first.from),
                    count(last.to - 1),
                    first
                        .share
                        .map_or("none".to_owned(), |share| Unit::Share.shown(share)),
                    last.share
                        .map_or("none".to_owned(), |share| Unit::Share.shown(share))
                ),
                None => String::new(),
            },
            slots: ranges.len(),
            labels: Labels::Edges(edges.map(|edge| short(edge as f64)).collect()),
            title: format!("length of the completion, {unit}"),
            panels,
        },
        legend,
        note: note.trim_start().to_owned(),
        heads: vec![
            unit,
            "rows",
            "correct",
            "wrong",
            "no answer",
            "not judged",
            "right",
            "from",
            "to",
        ],
        rows: rows.collect(),
    };
    Some(figure.html())
}

/// An edge at an axis: `1536`, `24.6k`.
fn short(edge: f64) -> String {
    match edge {
        _ if edge < 1e4 => edge.to_string(),
        _ if edge < 1e6 => format!("{}k", (edge / 100.0).round() / 10.0),
        _ => format!("{}M", (edge / 1e5).round() / 10.0),
    }
}

pub(super) fn languages(findings: &Findings) -> Option<String> {
    let languages = &findings.languages;
    let total: u64 = languages.iter().map(|found| found.rows).sum();
    if total == 0 {
        return None;
    }
    /// Languages that have a bar; the table has all.
    const MOST_BARS: usize = 12;
    let found = |index: usize| languages[index].found.as_deref().unwrap_or("none");
    let name = |index: usize| {
        let row = &languages[index];
        format!(
            "{}: wanted {}, found {}",
            row.reward,
            row.target,
            found(index)
        )
    };
    let path = |index: usize| format!("/languages/{index}/rows");
    let mut order: Vec<usize> = (0..languages.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(languages[*index].rows));
    let is_wanted = |index: usize| found(index) == languages[index].target;
    let bars: Vec<Vec<Part>> = order
        .iter()
        .take(MOST_BARS)
        .map(|&index| {
            vec![Part {
                class: if is_wanted(index) { "correct" } else { "wrong" },
                value: languages[index].rows as f64,
                title: format!("{}, {}", name(index), counted(languages[index].rows, "row")),
                path: path(index),
            }]
        })
        .collect();
    let labels = order
        .iter()
        .take(MOST_BARS)
        .map(|&index| match is_wanted(index) {
            true => found(index).to_owned(),
            false => format!("{}→{}", languages[index].target, found(index)),
        });
    let rows = order.iter().map(|&index| {
        vec![
            head(&name(index)),
            cell(&path(index), Unit::Count, languages[index].rows as f64),
        ]
    });
    let wanted = (0..languages.len()).filter(|index| is_wanted(*index));
    let wanted: u64 = wanted.map(|index| languages[index].rows).sum();
    let figure = Figure {
        caption: "Language of most words".to_owned(),
        about: format!("{} measured rows", count(total)),
        picture: Picture {
            says: format!(
                "Language of most words: the wanted one in {} of {} measured rows.",
                count(wanted),
                count(total)
            ),
            slots: bars.len(),
            labels: Labels::Middle(labels.collect()),
            title: "language found (wanted→found where they differ)".to_owned(),
            panels: vec![Panel {
                scale: Scale::Counts,
                title: "rows",
                marks: Marks::Bars(bars),
            }],
        },
        legend: vec![
            ("correct", "the wanted language"),
            ("wrong", "another, or none"),
        ],
        note: String::new(),
        heads: vec!["language", "rows"],
        rows: rows.collect(),
    };
    Some(figure.html())
}

pub(super) fn times(findings: &Findings) -> Option<String> {
    let time = findings.time.as_ref()?;
    let ranges = &time.micros;
    let path = |index: usize| format!("/time/micros/{index}/rows");
    let name = |range: &Range| {
        let shown = |micros: u64| Unit::Seconds.shown(micros as f64 / 1e6);
        format!("{} to {}", shown(range.from), shown(range.to))
    };
    let bars = ranges.iter().enumerate().map(|(index, range)| {
        vec![Part {
            class: "measured",
            value: range.verdicts.rows as f64,
            title: format!("{}: {}", name(range), counted(range.verdicts.rows, "row")),
            path: path(index),
        }]
    });
    let rows = ranges.iter().enumerate().map(|(index, range)| {
        vec![
            head(&name(range)),
            cell(&path(index), Unit::Count, range.verdicts.rows as f64),
        ]
    });
    let edges = ranges.iter().map(|range| range.from);
    let edges = edges.chain(ranges.last().map(|range| range.to));
    let figure = Figure {
        caption: "Time to score a row".to_owned(),
        about: counted(time.rows, "row"),
        picture: Picture {
            says: format!("Time to score a row, {}.", counted(time.rows, "row")),
            slots: ranges.len(),
            labels: Labels::Edges(edges.map(|micros| duration(micros as f64)).collect()),
            title: "wall time, waiting for the sandbox included".to_owned(),
            panels: vec![Panel {
                scale: Scale::Counts,
                title: "rows",
                marks: Marks::Bars(bars.collect()),
            }],
        },
        legend: Vec::new(),
        note: String::new(),
        heads: vec!["time", "rows"],
        rows: rows.collect(),
    };
    Some(figure.html())
}

/// An edge in microseconds at an axis.
fn duration(micros: f64) -> String {
    let rounded = |value: f64| (value * 10.0).round() / 10.0;
    match micros {
        _ if micros < 1e3 => format!("{micros} µs"),
        _ if micros < 1e6 => format!("{} ms", rounded(micros / 1e3)),
        _ => format!("{} s", rounded(micros / 1e6)),
    }
}
