//! The figures of a report: findings in, pictures with their tables out.

use super::numbers::{Unit, cell, count};
use super::svg::{Dot, Labels, Line, Marks, Panel, Part, Picture, Scale};
use super::text;
use crate::batch::report::findings::{Findings, LengthUnit};
use crate::batch::report::ranges::Range;
use crate::batch::report::spread::{Bin, Histogram};
use crate::page::escaped;

/// Tasks that have a picture of their own: the largest.
const MOST_TASKS: usize = 9;

/// A picture with its caption, legend and table.
struct Figure {
    caption: String,
    /// What the caption goes on with: the unit, how many.
    about: String,
    picture: Picture,
    /// Class and name.
    legend: Vec<(&'static str, &'static str)>,
    note: String,
    heads: Vec<&'static str>,
    /// Cells, as HTML.
    rows: Vec<Vec<String>>,
}

impl Figure {
    fn html(&self) -> String {
        let legend: Vec<String> = self
            .legend
            .iter()
            .map(|(class, name)| format!("<li><span class=\"swatch {class}\"></span>{name}</li>"))
            .collect();
        let legend = match legend.is_empty() {
            true => String::new(),
            false => format!("<ul class=\"legend\">{}</ul>", legend.concat()),
        };
        let note = match self.note.is_empty() {
            true => String::new(),
            false => format!("<p class=\"note\">{}</p>", escaped(&self.note)),
        };
        let caption = escaped(&self.caption);
        format!(
            "<figure><figcaption>{caption}<span class=\"unit\">, {}</span></figcaption>{}{legend}{note}\
             <details><summary>Values</summary><div class=\"values\" tabindex=\"0\" role=\"region\" \
             aria-label=\"Values of {caption}\">{}</div></details></figure>",
            escaped(&self.about),
            self.picture.svg(),
            table(&caption, &self.heads, &self.rows),
        )
    }
}

/// A table; the first column names the row.
pub(super) fn table(caption: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = heads
        .iter()
        .enumerate()
        .map(|(index, head)| match index {
            0 => format!("<th scope=\"col\">{head}</th>"),
            _ => format!("<th scope=\"col\" class=\"number\">{head}</th>"),
        })
        .collect();
    let rows: Vec<String> = rows
        .iter()
        .map(|cells| format!("<tr>{}</tr>", cells.concat()))
        .collect();
    format!(
        "<table><caption>{caption}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>",
        heads.concat(),
        rows.concat()
    )
}

/// The name of a row of a table.
pub(super) fn head(name: &str) -> String {
    format!("<th scope=\"row\">{}</th>", text(name))
}

/// All figures that there is something to show in.
pub(super) fn charts(findings: &Findings) -> String {
    let figures = [
        curves(findings),
        shares(findings),
        deviations(findings),
        lengths(findings),
        languages(findings),
        times(findings),
    ];
    rewards(findings) + &figures.into_iter().flatten().collect::<String>()
}

/// The total reward, of all rows and of each of the largest tasks.
fn rewards(findings: &Findings) -> String {
    let rows = |histogram: &Histogram| histogram.bins.iter().map(|bin| bin.n).sum::<u64>();
    let mut html = String::new();
    if rows(&findings.distribution) > 0 {
        html += &histogram(
            "Total reward".to_owned(),
            &findings.distribution,
            "/distribution",
            ("reward", "rows"),
        );
    }
    let mut largest: Vec<usize> = (0..findings.tasks.len()).collect();
    largest.sort_by_key(|index| std::cmp::Reverse(rows(&findings.tasks[*index].distribution)));
    largest.truncate(MOST_TASKS);
    largest.sort_unstable();
    if findings.tasks.len() > 1 {
        for index in largest {
            let task = &findings.tasks[index];
            if rows(&task.distribution) > 0 {
                let name = task.task.as_deref().unwrap_or("(no task)");
                html += &histogram(
                    format!("Total reward of {}", super::brief(name)),
                    &task.distribution,
                    &format!("/tasks/{index}/distribution"),
                    ("reward", "rows"),
                );
            }
        }
    }
    html
}

/// A histogram of a number; `what` is what the axes show.
fn histogram(
    caption: String,
    histogram: &Histogram,
    path: &str,
    (number, counted): (&'static str, &'static str),
) -> String {
    let bins = &histogram.bins;
    let are_values = bins.iter().all(|bin| bin.from == bin.to);
    let last = bins.len().saturating_sub(1);
    let range = |index: usize, bin: &Bin| match (are_values, index == last) {
        (true, _) => bin.from.to_string(),
        (false, false) => format!("{} to below {}", bin.from, bin.to),
        (false, true) => format!("{} to {}", bin.from, bin.to),
    };
    let labels = match are_values {
        true => Labels::Middle(bins.iter().map(|bin| label(bin.from)).collect()),
        false => {
            let edges = bins.iter().map(|bin| bin.from);
            let edges = edges.chain(bins.last().map(|bin| bin.to));
            Labels::Edges(edges.map(label).collect())
        }
    };
    let total: u64 = bins.iter().map(|bin| bin.n).sum();
    let bars = bins.iter().enumerate().map(|(index, bin)| {
        vec![Part {
            class: "measured",
            value: bin.n as f64,
            title: format!("{}: {} {counted}", range(index, bin), count(bin.n)),
            path: format!("{path}/bins/{index}/n"),
        }]
    });
    let rows = bins.iter().enumerate().map(|(index, bin)| {
        vec![
            head(&range(index, bin)),
            cell(&format!("{path}/bins/{index}/n"), Unit::Count, bin.n as f64),
        ]
    });
    let most = bins.iter().enumerate().max_by_key(|(_, bin)| bin.n);
    let most = most.map(|(index, bin)| {
        format!(
            " Most have {}: {} {counted}.",
            range(index, bin),
            count(bin.n)
        )
    });
    Figure {
        about: format!("{} {counted}", count(total)),
        picture: Picture {
            says: format!("{caption}: histogram.{}", most.unwrap_or_default()),
            slots: bins.len(),
            labels,
            title: number.to_owned(),
            panels: vec![Panel {
                scale: Scale::Counts,
                title: counted,
                marks: Marks::Bars(bars.collect()),
            }],
        },
        caption,
        legend: Vec::new(),
        note: String::new(),
        heads: vec![number, counted],
        rows: rows.collect(),
    }
    .html()
}

/// A value at an axis; the table below has all digits.
fn label(value: f64) -> String {
    let text = value.to_string();
    match text.len() > 6 && value.abs() < 1e3 {
        true => format!("{value:.3}"),
        false => text,
    }
}

fn curves(findings: &Findings) -> Option<String> {
    let curves = findings.curves.as_ref()?;
    let lines = [
        ("pass", "pass@k", &curves.pass, "/curves/pass"),
        ("majority", "maj@k", &curves.majority, "/curves/majority"),
    ];
    let mut rows = Vec::new();
    let mut drawn = Vec::new();
    let mut legend = Vec::new();
    let mut says = Vec::new();
    for (class, name, points, path) in lines {
        let Some(last) = points.last() else { continue };
        legend.push((class, name));
        says.push(format!(
            "{name} {} at k = {}",
            Unit::Share.shown(last.value),
            last.k
        ));
        let dots = points.iter().enumerate().map(|(index, point)| Dot {
            slot: index,
            value: point.value,
            low: point.low,
            high: point.high,
            title: format!(
                "{} {} (95 %: {} to {}), {} prompts",
                name.replace('k', &point.k.to_string()),
                Unit::Share.shown(point.value),
                Unit::Share.shown(point.low),
                Unit::Share.shown(point.high),
                count(point.groups)
            ),
            path: format!("{path}/{index}/value"),
        });
        drawn.push(Line {
            class,
            dots: dots.collect(),
        });
        rows.extend(points.iter().enumerate().map(|(index, point)| {
            let at = |field: &str| format!("{path}/{index}/{field}");
            vec![
                head(&name.replace('k', &point.k.to_string())),
                cell(&at("value"), Unit::Share, point.value),
                cell(&at("low"), Unit::Share, point.low),
                cell(&at("high"), Unit::Share, point.high),
                cell(&at("groups"), Unit::Count, point.groups as f64),
            ]
        }));
    }
    let left_out = curves
        .majority_left_out
        .map(|k| format!(" maj@k is left out from k = {k} on: exact numbers would take too long."));
    let figure = Figure {
        caption: "Right answers by number of samples".to_owned(),
        about: "mean over prompts, 95 % interval".to_owned(),
        picture: Picture {
            says: format!("Right answers by number of samples: {}.", says.join("; ")),
            slots: curves.pass.len(),
            labels: Labels::Middle(
                curves
                    .pass
                    .iter()
                    .map(|point| point.k.to_string())
                    .collect(),
            ),
            title: "k, samples per prompt".to_owned(),
            panels: vec![Panel {
                scale: Scale::Shares,
                title: "share of prompts",
                marks: Marks::Lines(drawn),
            }],
        },
        legend,
        note: format!(
            "pass@k: one of k samples is right (unbiased). maj@k: the most frequent answer is \
             (exact; ties share). Bands: Wilson's interval over prompts.{}",
            left_out.unwrap_or_default()
        ),
        heads: vec!["", "value", "from", "to", "prompts"],
        rows,
    };
    Some(figure.html())
}

/// Which prompts teach nothing.
fn shares(findings: &Findings) -> Option<String> {
    let groups = findings
        .groups
        .as_ref()
        .filter(|groups| groups.groups > 0)?;
    let share = |count: u64| Unit::Share.shown(count as f64 / groups.groups as f64);
    let class = |index| match index {
        0 => "wrong",
        5 => "correct",
        _ => "measured",
    };
    let path = |index: usize| format!("/groups/shares/{index}/groups");
    let bars = groups.shares.iter().enumerate().map(|(index, bin)| {
        vec![Part {
            class: class(index),
            value: bin.groups as f64,
            title: format!("{} right: {} prompts", bin.label, count(bin.groups)),
            path: path(index),
        }]
    });
    let rows = groups.shares.iter().enumerate().map(|(index, bin)| {
        vec![
            head(bin.label),
            cell(&path(index), Unit::Count, bin.groups as f64),
        ]
    });
    let nothing = groups.all_wrong + groups.all_right;
    let figure = Figure {
        caption: "Prompts by their share of right samples".to_owned(),
        about: format!("{} prompts", count(groups.groups)),
        picture: Picture {
            says: format!(
                "Prompts by their share of right samples: {} all wrong, {} mixed, {} all right.",
                count(groups.all_wrong),
                count(groups.mixed),
                count(groups.all_right)
            ),
            slots: groups.shares.len(),
            labels: Labels::Middle(
                groups
                    .shares
                    .iter()
                    .map(|bin| bin.label.to_owned())
                    .collect(),
            ),
            title: "share of samples that are right".to_owned(),
            panels: vec![Panel {
                scale: Scale::Counts,
                title: "prompts",
                marks: Marks::Bars(bars.collect()),
            }],
        },
        legend: vec![
            ("wrong", "all wrong"),
            ("measured", "mixed"),
            ("correct", "all right"),
        ],
        note: format!(
            "{} of the prompts ({} all wrong, {} all right) have no difference to learn from.",
            share(nothing),
            share(groups.all_wrong),
            share(groups.all_right)
        ),
        heads: vec!["share right", "prompts"],
        rows: rows.collect(),
    };
    Some(figure.html())
}

fn deviations(findings: &Findings) -> Option<String> {
    let groups = findings
        .groups
        .as_ref()
        .filter(|groups| groups.rewarded > 0)?;
    Some(histogram(
        "Spread of the reward within a prompt".to_owned(),
        &groups.deviations,
        "/groups/deviations",
        ("standard deviation of the total reward", "prompts"),
    ))
}

fn lengths(findings: &Findings) -> Option<String> {
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
                "{} {unit}: {} rows {}",
                name(range),
                count(n),
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
            " {} rows of unknown length are left out.",
            count(lengths.unknown)
        );
    }
    let total: u64 = ranges.iter().map(|range| range.verdicts.rows).sum();
    let edges = ranges.iter().map(|range| range.from);
    let edges = edges.chain(ranges.last().map(|range| range.to));
    let ends = ranges.first().zip(ranges.last());
    let figure = Figure {
        caption: "Length against correctness".to_owned(),
        about: format!("{} rows by {unit}", count(total)),
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

fn languages(findings: &Findings) -> Option<String> {
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
                title: format!("{}, {} rows", name(index), count(languages[index].rows)),
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

fn times(findings: &Findings) -> Option<String> {
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
            title: format!("{}: {} rows", name(range), count(range.verdicts.rows)),
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
        about: format!("{} rows", count(time.rows)),
        picture: Picture {
            says: format!("Time to score a row, {} rows.", count(time.rows)),
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
