//! Histograms: the total reward, of all rows and by task.

use super::super::brief;
use super::super::numbers::{Unit, cell, counted};
use super::super::svg::{Labels, Marks, Panel, Part, Picture, Scale};
use super::{Figure, head};
use crate::batch::report::findings::Findings;
use crate::batch::report::spread::{Bin, Histogram};

/// Tasks that have a picture of their own: the largest.
const MOST_TASKS: usize = 9;

/// The total reward, of all rows and of each of the largest tasks.
pub(super) fn rewards(findings: &Findings) -> String {
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
                    format!("Total reward of {}", brief(name)),
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
pub(super) fn histogram(
    caption: String,
    histogram: &Histogram,
    path: &str,
    (number, nouns): (&'static str, &'static str),
) -> String {
    let of = |n: u64| counted(n, nouns.strip_suffix('s').unwrap_or(nouns));
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
            title: format!("{}: {}", range(index, bin), of(bin.n)),
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
    let most = most.map(|(index, bin)| format!(" Most have {}: {}.", range(index, bin), of(bin.n)));
    Figure {
        about: of(total),
        picture: Picture {
            says: format!("{caption}: histogram.{}", most.unwrap_or_default()),
            slots: bins.len(),
            labels,
            title: number.to_owned(),
            panels: vec![Panel {
                scale: Scale::Counts,
                title: nouns,
                marks: Marks::Bars(bars.collect()),
            }],
        },
        caption,
        legend: Vec::new(),
        note: String::new(),
        heads: vec![number, nouns],
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
