//! The summary of a run, as a person reads it: at most 100 columns.

use std::io::{self, Write};

use super::terminal::{BAD, DOUBT, FAINT, STRONG, Safe, Styled, shortened};
use crate::batch::{Moments, Samples, Summary};
use crate::reward::RowError;
#[cfg(feature = "remote")]
use crate::reward::Scorer;

/// Longest names; longer ones are cut with `…`.
const TASK_CHARS: usize = 12;
const REWARD_CHARS: usize = 16;
/// Most reasons that are listed per reward.
const REASONS: usize = 5;

/// Writes the table, pass@k, the reasons and the first errors.
pub(super) fn write(out: &mut impl Write, spec: &str, summary: &Summary) -> io::Result<()> {
    let errors = summary.data_errors + summary.machinery_errors;
    let mut parts = vec![format!("{} scored", summary.ok)];
    if summary.abstain > 0 {
        parts.push(format!("{} undecided", summary.abstain));
    }
    if errors > 0 {
        parts.push(format!("{errors} unusable"));
    }
    let head = format!("{spec}, {}", rows(summary.rows));
    writeln!(out, "{}: {}", Styled(STRONG, Safe(&head)), parts.join(", "))?;
    if summary.rows == 0 {
        return Ok(());
    }
    writeln!(out)?;
    table(out, summary)?;
    if let Some(samples) = &summary.samples {
        self::samples(out, samples)?;
    }
    reasons(out, summary)?;
    let is_ours = |error: &&RowError| error.kind == crate::reward::ErrorKind::Machinery;
    if errors > 0 {
        writeln!(out)?;
        let said = format!(
            "{} unusable; {} reward is null, not 0:",
            rows(errors),
            one_or_more(errors, "its", "their")
        );
        writeln!(out, "{}", Styled(BAD, said))?;
        for error in &summary.first_errors {
            writeln!(out, "  {}", Safe(&located(error)))?;
        }
        let more = errors - summary.first_errors.len() as u64;
        if more > 0 {
            writeln!(
                out,
                "  … and {more} more; look for \"status\":\"error\" in the output"
            )?;
        }
    }
    if summary.machinery_errors > 0 {
        let said = format!(
            "{} failed through a fault of goldstone",
            rows(summary.machinery_errors)
        );
        let known = summary.first_errors.iter().any(|error| is_ours(&error));
        let hint = if known {
            ""
        } else {
            "; look for \"kind\":\"machinery\" in the output"
        };
        writeln!(out, "{}{hint}", Styled(BAD, said))?;
    }
    Ok(())
}

/// `1 row`, `2 rows`
pub(super) fn rows(count: u64) -> String {
    counted(count, "row")
}

/// `1 prompt`, `2 prompts`
pub(super) fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// What is said of one, and of several.
pub(super) fn one_or_more(count: u64, one: &'static str, more: &'static str) -> &'static str {
    match count {
        1 => one,
        _ => more,
    }
}

/// `file:line: message`
fn located(error: &RowError) -> String {
    match (&error.file, error.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: {}", error.message),
        _ => error.message.clone(),
    }
}

fn table(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let heads = [
        "task",
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
    let mut lines: Vec<Vec<String>> = vec![heads.map(str::to_owned).to_vec()];
    for task in &summary.tasks {
        let name = task.task.as_deref().unwrap_or("(no task)");
        let mut first = shortened(&Safe(name).to_string(), TASK_CHARS);
        for reward in &task.rewards {
            let counts = [
                reward.correct,
                reward.wrong,
                reward.no_answer,
                reward.unknown,
                reward.gated,
                reward.errors,
            ];
            let mut line = vec![
                std::mem::take(&mut first),
                shortened(&Safe(&reward.name).to_string(), REWARD_CHARS),
            ];
            line.extend(moments(reward.raw));
            line.extend(counts.map(|count| count.to_string()));
            lines.push(line);
        }
        let mut line = vec![std::mem::take(&mut first), "= total".to_owned()];
        line.extend(moments(task.reward));
        let blank = String::new;
        let (unknown, error) = (task.abstain.to_string(), task.errors.to_string());
        line.extend([blank(), blank(), blank(), unknown, blank(), error]);
        lines.push(line);
    }
    // A column of nothing but zeros says nothing; those of the verdicts stay.
    let is_needed = |column: usize| {
        column < 9
            || lines
                .iter()
                .skip(1)
                .any(|line| !matches!(line[column].as_str(), "" | "0"))
    };
    let columns: Vec<usize> = (0..heads.len())
        .filter(|column| is_needed(*column))
        .collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = columns.iter().map(|column| width(*column)).collect();
    for (index, line) in lines.iter().enumerate() {
        let mut text = String::new();
        for (column, width) in columns.iter().zip(&widths) {
            let cell = &line[*column];
            match column {
                0 | 1 => text += &format!("{cell:<width$}  "),
                _ => text += &format!("{cell:>width$}  "),
            }
        }
        let style = match (index, line[1] == "= total") {
            (0, _) => FAINT,
            (_, true) => STRONG,
            _ => anstyle::Style::new(),
        };
        writeln!(out, "{}", Styled(style, text.trim_end()))?;
    }
    let note = "n, mean, std: rows with a number; a reward's before its weight, the total's after";
    writeln!(out, "{}", Styled(FAINT, note))
}

fn moments(moments: Moments) -> [String; 3] {
    let number =
        |number: Option<f64>| number.map_or("-".to_owned(), |number| format!("{number:.3}"));
    [
        moments.n.to_string(),
        number(moments.mean),
        number(moments.std),
    ]
}

fn samples(out: &mut impl Write, samples: &Samples) -> io::Result<()> {
    writeln!(out)?;
    let Some(groups) = samples.groups else {
        return writeln!(
            out,
            "pass@k is left out: there are too many groups to tell apart"
        );
    };
    let over = |some: u64| match some == groups {
        true => String::new(),
        false => format!(" ({})", counted(some, "group")),
    };
    let mut parts: Vec<String> = Vec::new();
    for pass in &samples.pass_at {
        let over = over(pass.groups);
        parts.push(format!("pass@{} {:.3}{over}", pass.k, pass.value));
    }
    if let Some(majority) = samples.majority {
        let over = over(majority.groups);
        parts.push(format!("maj@{} {:.3}{over}", majority.k, majority.value));
    }
    let mut line = String::new();
    for part in parts {
        if line.len() + part.len() > 96 {
            writeln!(out, "{}", line.trim_end())?;
            line.clear();
        }
        line += &part;
        line += "  ";
    }
    writeln!(out, "{}", line.trim_end())?;
    let of = samples.rewards.join(", ");
    let mut note = format!(
        "{} of up to {} samples, by {of}",
        counted(groups, "group"),
        samples.largest
    );
    if samples.unjudged > 0 {
        note += &format!(
            "; {} without a verdict left out",
            counted(samples.unjudged, "sample")
        );
    }
    writeln!(
        out,
        "{}",
        Styled(FAINT, shortened(&Safe(&note).to_string(), 100))
    )
}

fn reasons(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let mut by_reward: Vec<(&str, Vec<(&str, u64)>)> = Vec::new();
    for reward in summary.tasks.iter().flat_map(|task| &task.rewards) {
        let index = match by_reward.iter().position(|(name, _)| *name == reward.name) {
            Some(index) => index,
            None => {
                by_reward.push((&reward.name, Vec::new()));
                by_reward.len() - 1
            }
        };
        let counts = &mut by_reward[index].1;
        for (reason, count) in &reward.reasons {
            match counts.iter_mut().find(|(name, _)| name == reason) {
                Some(entry) => entry.1 += count,
                None => counts.push((reason, *count)),
            }
        }
    }
    by_reward.retain(|(_, counts)| !counts.is_empty());
    if by_reward.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "{}", Styled(FAINT, "most frequent reasons"))?;
    for (name, mut counts) in by_reward {
        counts.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        let mut text = format!("  {}:", shortened(&Safe(name).to_string(), REWARD_CHARS));
        for (index, (reason, count)) in counts.iter().take(REASONS).enumerate() {
            let part = format!("{} {reason} {count}", if index == 0 { "" } else { "," });
            if text.chars().count() + part.chars().count() > 100 {
                break;
            }
            text += &part;
        }
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// A line on each endpoint that was asked.
#[cfg(feature = "remote")]
pub(super) fn asked(out: &mut impl Write, scorer: &Scorer) -> io::Result<()> {
    for (endpoint, usage) in scorer.usage() {
        let who = match &endpoint.model {
            Some(model) => format!("`{model}` at {}", endpoint.url),
            None => endpoint.url,
        };
        let mut said = format!(
            "asked {who}: {}, {} from the cache, {}",
            counted(usage.asked, "question"),
            usage.cached,
            counted(usage.requests, "request")
        );
        if usage.failed > 0 {
            said += &format!(", {} without an answer", usage.failed);
        }
        let style = match usage.failed {
            0 => FAINT,
            _ => BAD,
        };
        writeln!(out, "{}", Styled(style, Safe(&said)))?;
    }
    Ok(())
}

/// A line on where the rows went.
pub(super) fn place(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{}", Safe(text))
}

/// A line about what the user may want to do next.
pub(super) fn note(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "{}", Styled(DOUBT, Safe(text)))
}
