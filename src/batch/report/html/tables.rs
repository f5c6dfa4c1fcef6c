//! The tables and tiles of a report.

use super::charts::{head, table};
use super::numbers::{Unit, cell, count, counted, inline};
use super::{brief, text};
use crate::batch::report::cost::CostlyRow;
use crate::batch::report::findings::{About, Findings};
use crate::batch::summary::{Moments, RewardSummary};
use crate::page::escaped;

/// Rows of a table on the page; the JSON has all.
const MOST_ROWS: usize = 60;
/// Reasons on the page.
const MOST_REASONS: usize = 120;

/// The numbers that a reader wants first.
pub(super) fn tiles(findings: &Findings, about: &About) -> String {
    let summary = &findings.summary;
    let mut tiles = Vec::new();
    let mut add = |name: &str, value: String, more: String| {
        tiles.push(format!(
            "<div><dt>{name}</dt><dd class=\"value\">{value}</dd><dd class=\"more\">{more}</dd></div>"
        ));
    };
    let unusable = summary.data_errors + summary.machinery_errors;
    add(
        "Rows",
        inline("/summary/rows", Unit::Count, summary.rows as f64),
        match about.elapsed.filter(|seconds| *seconds > 0.0) {
            Some(seconds) => format!(
                "scored in {}",
                inline("/about/elapsed", Unit::Seconds, seconds)
            ),
            None => format!("of {} tasks", count(summary.tasks.len() as u64)),
        },
    );
    let verdicts = &findings.verdicts;
    if verdicts.judged() > 0 {
        add(
            "Correct",
            inline("/correct_share", Unit::Share, findings.correct_share),
            format!(
                "{} of {} judged",
                inline("/verdicts/correct", Unit::Count, verdicts.correct as f64),
                count(verdicts.judged())
            ),
        );
    }
    let curves = findings.curves.as_ref();
    let last = curves.and_then(|curves| Some((curves.pass.len().checked_sub(1)?, curves)));
    if let Some((index, curves)) = last {
        let point = curves.pass[index];
        add(
            &format!("pass@{}", point.k),
            inline(
                &format!("/curves/pass/{index}/value"),
                Unit::Share,
                point.value,
            ),
            format!(
                "{} to {}, {}",
                inline(&format!("/curves/pass/{index}/low"), Unit::Share, point.low),
                inline(
                    &format!("/curves/pass/{index}/high"),
                    Unit::Share,
                    point.high
                ),
                counted(point.groups, "prompt")
            ),
        );
    }
    let groups = findings.groups.as_ref();
    if let Some(groups) = groups.filter(|groups| groups.rewarded > 0) {
        add(
            "Prompts that teach",
            inline(
                "/groups/unequal_rewards",
                Unit::Count,
                groups.unequal_rewards as f64,
            ),
            format!(
                "of {} with several rewards; the others' are equal",
                inline("/groups/rewarded", Unit::Count, groups.rewarded as f64)
            ),
        );
    }
    add(
        "Undecided",
        inline("/summary/abstain", Unit::Count, summary.abstain as f64),
        "their reward is null".to_owned(),
    );
    add(
        "Unusable",
        count(unusable),
        match summary.machinery_errors {
            0 => "rows with an error".to_owned(),
            ours => format!("{} by a fault of goldstone", count(ours)),
        },
    );
    tiles.concat()
}

fn moments(path: &str, moments: &Moments) -> [String; 3] {
    [
        cell(&format!("{path}/n"), Unit::Count, moments.n as f64),
        cell(&format!("{path}/mean"), Unit::Number, moments.mean),
        cell(&format!("{path}/std"), Unit::Number, moments.std),
    ]
}

/// Rows and rewards by task.
pub(super) fn tasks(findings: &Findings) -> String {
    let tasks = &findings.summary.tasks;
    let rows: Vec<Vec<String>> = tasks
        .iter()
        .enumerate()
        .take(MOST_ROWS)
        .map(|(index, task)| {
            let at = |field: &str| format!("/summary/tasks/{index}/{field}");
            let share = findings
                .tasks
                .get(index)
                .and_then(|look| look.correct_share);
            let path = format!("/tasks/{index}/correct_share");
            let [_, mean, std] = moments(&at("reward"), &task.reward);
            vec![
                head(&brief(task.task.as_deref().unwrap_or("(no task)"))),
                cell(&at("rows"), Unit::Count, task.rows as f64),
                cell(&path, Unit::Share, share),
                mean,
                std,
                cell(&at("ok"), Unit::Count, task.ok as f64),
                cell(&at("abstain"), Unit::Count, task.abstain as f64),
                cell(&at("errors"), Unit::Count, task.errors as f64),
            ]
        })
        .collect();
    let heads = [
        "task",
        "rows",
        "correct",
        "mean reward",
        "std",
        "scored",
        "undecided",
        "unusable",
    ];
    wide("Tasks", &heads, &rows) + &cut(tasks.len(), rows.len(), "tasks")
}

/// Every reward over all tasks, then by task where there are several.
pub(super) fn rewards(findings: &Findings) -> String {
    let heads = [
        "reward",
        "n",
        "mean",
        "std",
        "correct",
        "wrong",
        "no answer",
        "unknown",
        "gated",
        "error",
    ];
    let all = findings.rewards.iter().enumerate().map(|(index, reward)| {
        let name = head(&reward.name);
        reward_cells(name, &format!("/rewards/{index}"), reward)
    });
    let all: Vec<Vec<String>> = all.collect();
    let mut html = wide("Rewards, before their weights", &heads, &all);
    if findings.summary.tasks.len() < 2 {
        return html;
    }
    let by_task = findings.summary.tasks.iter().enumerate();
    let by_task: Vec<Vec<String>> = by_task
        .flat_map(|(task_index, task)| {
            let rewards = task.rewards.iter().enumerate();
            rewards.map(move |(index, reward)| {
                let task = brief(task.task.as_deref().unwrap_or("(no task)"));
                let name = head(&format!("{task}: {}", reward.name));
                let path = format!("/summary/tasks/{task_index}/rewards/{index}");
                reward_cells(name, &path, reward)
            })
        })
        .collect();
    let shown = by_task.len().min(MOST_ROWS);
    html += &format!(
        "<details><summary>Rewards by task</summary>{}{}</details>",
        wide("Rewards by task", &heads, &by_task[..shown]),
        cut(by_task.len(), shown, "rewards of tasks")
    );
    html
}

fn reward_cells(name: String, path: &str, reward: &RewardSummary) -> Vec<String> {
    let mut cells = vec![name];
    cells.extend(moments(&format!("{path}/raw"), &reward.raw));
    let counts = [
        ("correct", reward.correct),
        ("wrong", reward.wrong),
        ("no_answer", reward.no_answer),
        ("unknown", reward.unknown),
        ("gated", reward.gated),
        ("errors", reward.errors),
    ];
    cells.extend(
        counts.map(|(field, count)| cell(&format!("{path}/{field}"), Unit::Count, count as f64)),
    );
    cells
}

/// A bar for every reward: its verdicts.
pub(super) fn verdicts(findings: &Findings) -> String {
    let mut html = String::new();
    for reward in &findings.rewards {
        let parts = [
            ("correct", "correct", reward.correct),
            ("wrong", "wrong", reward.wrong),
            ("no_answer", "no answer", reward.no_answer),
            ("unknown", "unknown", reward.unknown),
            ("gated", "gated", reward.gated),
            ("error", "error", reward.errors),
        ];
        let judged: u64 = parts.iter().map(|(.., n)| n).sum();
        let total = findings.reasons.iter();
        let total: u64 = total
            .filter(|reason| reason.reward.as_deref() == Some(&reward.name))
            .map(|reason| reason.rows)
            .sum();
        let measured = ("measured", "measured", total.saturating_sub(judged));
        let parts: Vec<_> = parts
            .into_iter()
            .chain([measured])
            .filter(|(.., n)| *n > 0)
            .collect();
        let total = total.max(judged).max(1);
        let share = |n: u64| Unit::Share.shown(n as f64 / total as f64);
        let says: Vec<String> = parts
            .iter()
            .map(|(_, name, n)| format!("{name} {} ({})", count(*n), share(*n)))
            .collect();
        let bar: Vec<String> = parts
            .iter()
            .map(|(class, name, n)| {
                format!(
                    "<span class=\"{class}\" style=\"flex-grow:{n}\" title=\"{name}: {} ({})\"></span>",
                    count(*n),
                    share(*n)
                )
            })
            .collect();
        let legend: Vec<String> = parts
            .iter()
            .map(|(class, name, n)| {
                format!(
                    "<li><span class=\"swatch {class}\"></span>{name} {} ({})</li>",
                    count(*n),
                    share(*n)
                )
            })
            .collect();
        html += &format!(
            "<div class=\"mix\"><h3>{}</h3><div class=\"stack\" role=\"img\" aria-label=\"{}: {}\">{}</div>\
             <ul class=\"legend\">{}</ul></div>",
            text(&reward.name),
            text(&reward.name),
            escaped(&says.join(", ")),
            bar.concat(),
            legend.concat()
        );
    }
    html
}

/// What was said how often; the button leads to rows of which it was said.
pub(super) fn reasons(findings: &Findings) -> String {
    let rows: Vec<String> = findings
        .reasons
        .iter()
        .enumerate()
        .take(MOST_REASONS)
        .map(|(index, reason)| {
            format!(
                "<tr><th scope=\"row\">{}</th><td><span class=\"chip {}\">{}</span></td><td class=\"words\">{}</td>{}\
                 <td class=\"number\"><a href=\"#rows\" data-reason=\"{index}\">{} shown</a></td></tr>",
                text(reason.reward.as_deref().unwrap_or("(row)")),
                reason.verdict,
                reason.verdict.replace('_', " "),
                // A line ends between its words, and not within them.
                text(reason.reason.as_deref().unwrap_or("–")).replace('_', "_<wbr>"),
                cell(&format!("/reasons/{index}/rows"), Unit::Count, reason.rows as f64),
                reason.shown.len(),
            )
        })
        .collect();
    format!(
        "<div class=\"wide\"><table><caption>Verdicts with their reasons</caption><thead><tr>\
         <th scope=\"col\">reward</th><th scope=\"col\">verdict</th><th scope=\"col\">reason</th>\
         <th scope=\"col\" class=\"number\">rows</th><th scope=\"col\" class=\"number\">sample</th>\
         </tr></thead><tbody>{}</tbody></table></div>{}",
        rows.concat(),
        cut(findings.reasons.len(), rows.len(), "reasons")
    )
}

/// The slowest rows and those with most fuel.
pub(super) fn costs(findings: &Findings) -> String {
    let heads = ["row", "time", "fuel"];
    let rows = |path: &str, rows: &[CostlyRow]| -> Vec<Vec<String>> {
        let rows = rows.iter().enumerate().map(|(index, row)| {
            let task = row.task.as_deref().map(|task| format!(", {task}"));
            let name = format!("{}: {}{}", count(row.row), row.id, task.unwrap_or_default());
            vec![
                head(&name),
                cell(
                    &format!("{path}/{index}/seconds"),
                    Unit::Seconds,
                    row.seconds,
                ),
                cell(
                    &format!("{path}/{index}/fuel"),
                    Unit::Fuel,
                    row.fuel.map(|fuel| fuel as f64),
                ),
            ]
        });
        rows.collect()
    };
    let mut html = String::new();
    if let Some(time) = &findings.time {
        html += &wide(
            "Slowest rows",
            &heads,
            &rows("/time/slowest", &time.slowest),
        );
    }
    if let Some(fuel) = &findings.fuel {
        html += &wide(
            "Rows with most fuel",
            &heads,
            &rows("/fuel/most", &fuel.most),
        );
    }
    html
}

/// What was scored, with what.
pub(super) fn facts(about: &About, made: Option<&str>) -> String {
    let mut facts: Vec<(&str, String)> = Vec::new();
    for input in about.inputs.iter().take(MOST_ROWS) {
        let bytes = input.bytes.map(|bytes| format!(", {} bytes", count(bytes)));
        facts.push((
            "Input",
            format!("{}{}", input.name, bytes.unwrap_or_default()),
        ));
    }
    let more = about.inputs.len().saturating_sub(MOST_ROWS);
    if more > 0 {
        facts.push(("Input", format!("… and {more} more files")));
    }
    facts.extend(about.output.iter().map(|output| ("Output", output.clone())));
    facts.push(("Spec", about.spec.name.clone()));
    facts.push(("Spec's SHA-256", about.spec.sha256.clone()));
    facts.push(("goldstone", env!("CARGO_PKG_VERSION").to_owned()));
    if about.resumed_rows > 0 {
        facts.push(("Rows of an earlier run", count(about.resumed_rows)));
    }
    facts.extend(made.map(|made| ("Made", made.to_owned())));
    let rows: Vec<String> = facts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            format!(
                "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>",
                text(value)
            )
        })
        .collect();
    format!(
        "<table><caption>What was scored</caption><tbody>{}</tbody></table>",
        rows.concat()
    )
}

fn wide(caption: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\">{}</div>",
        table(caption, heads, rows)
    )
}

fn cut(all: usize, shown: usize, what: &str) -> String {
    match all == shown {
        true => String::new(),
        false => format!("<p class=\"note\">{shown} of {all} {what}; the JSON has all.</p>"),
    }
}
