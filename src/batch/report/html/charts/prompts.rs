//! What several samples per prompt say: pass@k and maj@k, and what prompts teach.

use super::super::numbers::{Unit, cell, count, counted};
use super::super::svg::{Dot, Labels, Line, Marks, Panel, Part, Picture, Scale};
use super::rewards::histogram;
use super::{Figure, head};
use crate::batch::report::findings::Findings;

pub(super) fn curves(findings: &Findings) -> Option<String> {
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
                "{} {} (95 %: {} to {}), {}",
                name.replace('k', &point.k.to_string()),
                Unit::Share.shown(point.value),
                Unit::Share.shown(point.low),
                Unit::Share.shown(point.high),
                counted(point.groups, "prompt")
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
            "pass@k: one of k samples is right (unbiased).{} Bands: Wilson's interval over \
             prompts.{}",
            match curves.majority.is_empty() {
                true => "",
                false =>
                    " maj@k: the most frequent answer is (exact; ties share), over the prompts \
                          whose answers can be told apart.",
            },
            left_out.unwrap_or_default()
        ),
        heads: vec!["", "value", "from", "to", "prompts"],
        rows,
    };
    Some(figure.html())
}

/// Which prompts teach nothing.
pub(super) fn shares(findings: &Findings) -> Option<String> {
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
            title: format!("{} right: {}", bin.label, counted(bin.groups, "prompt")),
            path: path(index),
        }]
    });
    let rows = groups.shares.iter().enumerate().map(|(index, bin)| {
        vec![
            head(bin.label),
            cell(&path(index), Unit::Count, bin.groups as f64),
        ]
    });
    // Partial credit and other rewards can tell right answers apart, too.
    let equal = match groups.rewarded {
        0 => String::new(),
        rewarded => format!(
            " Equal rewards, no difference to learn from: {} of {} with several rewards.",
            count(groups.equal_rewards),
            counted(rewarded, "prompt")
        ),
    };
    let figure = Figure {
        caption: "Prompts by their share of right samples".to_owned(),
        about: counted(groups.groups, "prompt"),
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
            "{} of the prompts are all wrong, {} all right.{equal}",
            share(groups.all_wrong),
            share(groups.all_right)
        ),
        heads: vec!["share right", "prompts"],
        rows: rows.collect(),
    };
    Some(figure.html())
}

pub(super) fn deviations(findings: &Findings) -> Option<String> {
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
