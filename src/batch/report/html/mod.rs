//! The page: findings in, HTML out, complete without its script.
//!
//! Pictures are drawn and rows are laid out here; the script only filters the
//! rows. Texts of rows are untrusted: each is escaped, with every character
//! written out that would hide or reorder others, and the content policy lets no
//! other script run.

mod charts;
mod numbers;
mod rows;
mod svg;
mod tables;

use std::sync::Arc;

use self::numbers::{count, counted};
use super::findings::{About, Findings};
use super::reasons::Reasons;
use crate::page::{self, escaped, filled, script_source, visible};
use crate::reward::RowError;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Longest names on the page, in characters.
const LONGEST_NAME: usize = 48;
/// Longest spec on the page, in bytes.
const LONGEST_SPEC: usize = 100_000;

/// The page of a report.
pub(super) fn page(
    about: &About,
    findings: &Findings,
    reasons: &Reasons,
    rewards: &[Arc<str>],
) -> String {
    let (rows, shown) = rows::rows(findings, reasons);
    let costs = tables::costs(findings);
    filled(TEMPLATE, |name| match name {
        "title" => text(&format!("{}: scored rollouts", about.spec.name)),
        "name" => text(&about.spec.name),
        "about" => text(&headline(about, rewards)),
        "notes" => notes(about, findings),
        "tiles" => tables::tiles(findings, about),
        "tasks" => tables::tasks(findings),
        "rewards" => tables::rewards(findings),
        "verdicts" => tables::verdicts(findings),
        "reasons" => tables::reasons(findings),
        "charts" => charts::charts(findings),
        "costs" if costs.is_empty() => String::new(),
        "costs" => format!("<section><h2>Cost</h2><div class=\"columns\">{costs}</div></section>"),
        "choices" => rows::choices(&findings.reasons),
        "shown" => format!(
            "{} of {} rows",
            count(shown as u64),
            count(findings.summary.rows)
        ),
        "rows" => rows.clone(),
        "facts" => tables::facts(about, about.made.map(page::date).as_deref()),
        "spec" => {
            let spec = &about.spec.text;
            text(&spec[..spec.floor_char_boundary(LONGEST_SPEC)])
        }
        "version" => env!("CARGO_PKG_VERSION").to_owned(),
        "style" => format!("{}{STYLE}", page::STYLE),
        "script" => SCRIPT.to_owned(),
        "script_source" => script_source(SCRIPT),
        other => unreachable!("the template names `{other}`"),
    })
}

/// Any text as harmless HTML.
fn text(text: &str) -> String {
    escaped(&visible(text))
}

/// A name that is not too long.
fn brief(name: &str) -> String {
    match name.chars().count() > LONGEST_NAME {
        true => name.chars().take(LONGEST_NAME).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

fn headline(about: &About, rewards: &[Arc<str>]) -> String {
    let files = match about.inputs.as_slice() {
        [] => String::new(),
        [one] => one.name.clone(),
        [one, rest @ ..] => format!("{} and {} more files", one.name, rest.len()),
    };
    format!("{files}; rewards: {}", rewards.join(", "))
}

/// What a reader must know before the numbers.
fn notes(about: &About, findings: &Findings) -> String {
    let mut notes: Vec<String> = about.notes.clone();
    let errors = findings.summary.data_errors + findings.summary.machinery_errors;
    if errors > 0 {
        notes.push(format!(
            "Unusable, so that the reward is null and not 0: {}. The first:",
            counted(errors, "row")
        ));
        notes.extend(findings.summary.first_errors.iter().map(located));
    }
    let notes = notes.iter().map(|note| format!("<p>{}</p>", text(note)));
    let notes: String = notes.collect();
    match notes.is_empty() {
        true => notes,
        false => format!("<div class=\"notice\" role=\"note\">{notes}</div>"),
    }
}

fn located(error: &RowError) -> String {
    match (&error.file, error.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: {}", error.message),
        _ => error.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, STYLE};

    #[test]
    fn what_is_ours_stays_in_its_element() {
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains("</style"));
    }
}
