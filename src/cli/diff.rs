//! `goldstone diff`: two scored files in, what changed between them out.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use super::container::unwritable;
use super::inputs::{no_stream_is_shared, none_is};
use super::summary::rows;
use super::terminal::{BAD, DOUBT, FAINT, GOOD, STRONG, Safe, Styled, shortened};
use super::whole::WholeFile;
use super::{Exit, Outcome, bad_input};
use crate::batch::{ChangeKind, Diff, DiffOptions, Input, Inputs, Paired, diff};

/// Transitions that are listed.
const TRANSITIONS: usize = 20;
/// Longest ids that are shown.
const ID_CHARS: usize = 40;

/// Compare two scored files: which rows changed, why, and what that comes to.
///
/// Rows are matched by `id`: the same rollouts under two specs or versions of
/// goldstone, or the rollouts of two checkpoints for the same prompts.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone diff before.jsonl after.jsonl
  goldstone diff before.jsonl after.jsonl --rows changed.jsonl --json diff.json
  goldstone diff golden.jsonl now.jsonl --fail-on worse

Exit codes: 0 nothing that --fail-on names; 1 it happened, or a line is no scored row;
2 bad input.")]
pub(super) struct DiffCommand {
    /// A file that `goldstone score` has written
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Another one
    #[arg(value_name = "B")]
    b: PathBuf,
    /// What makes the exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Verdict)]
    fail_on: FailOn,
    /// Numbers that differ by no more than this are the same
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    tolerance: f64,
    /// Write every row that differs to this file, with both scores
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Write all counts and means to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,
    /// Ids that are shown of every change
    #[arg(long, value_name = "N", default_value_t = 3)]
    samples: usize,
    /// Longest line in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65536))]
    max_line_mb: u32,
    /// The exit code alone
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Any difference, reasons included
    Any,
    /// A row in one file alone, or another status, reward, verdict or number
    Verdict,
    /// A row in one file alone, or another status or reward
    Reward,
    /// A row with a lower reward, without one that it had, or only in A
    Worse,
    /// Nothing
    Never,
}

impl DiffCommand {
    pub(super) fn run(self) -> Outcome {
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return Err(bad_input(anyhow!(
                "`--tolerance` must be a number from 0 on"
            )));
        }
        let [a, b] = [&self.a, &self.b]
            .map(|file| Inputs::check(vec![Input::named(file)]).map_err(bad_input));
        let (a, b) = (a?, b?);
        no_stream_is_shared(&a, &b)?;
        for output in [&self.rows, &self.json].into_iter().flatten() {
            none_is(output, &a)?;
            none_is(output, &b)?;
        }
        if self.rows.is_some() && self.rows == self.json {
            return Err(bad_input(anyhow!(
                "`--rows` and `--json` name the same file"
            )));
        }
        let create = |path: &PathBuf| WholeFile::create(path, self.overwrite);
        let mut sink = self.rows.as_ref().map(create).transpose()?;
        let options = DiffOptions {
            tolerance: self.tolerance,
            samples: self.samples,
            max_line_bytes: (self.max_line_mb as usize) << 20,
        };
        let mut written = Ok(());
        let found = diff(&a, &b, &options, |change| {
            if let (Ok(()), Some(out)) = (&written, &mut sink) {
                written = serde_json::to_writer(&mut *out, change)
                    .map_err(io::Error::from)
                    .and_then(|()| out.write_all(b"\n"));
            }
        })
        .map_err(bad_input)?;
        if let (Some(path), Some(out)) = (&self.rows, sink) {
            let whole = written.and_then(|()| out.finish());
            whole.map_err(|error| unwritable(error, path))?;
        }
        if let Some(path) = &self.json {
            let mut out = create(path)?;
            let written = serde_json::to_writer_pretty(&mut out, &found);
            let written = written.map_err(io::Error::from);
            let whole = written.and_then(|()| out.write_all(b"\n"));
            let whole = whole.and_then(|()| out.finish());
            whole.map_err(|error| unwritable(error, path))?;
        }
        if !self.quiet {
            self.show(&mut anstream::stdout().lock(), &found)?;
        }
        Ok(match self.is_failure(&found) || found.unusable != [0, 0] {
            true => Exit::SomeUnusable,
            false => Exit::Done,
        })
    }

    fn is_failure(&self, found: &Diff) -> bool {
        let is_apart = found.only != [0, 0];
        let reward = is_apart || found.status + found.reward > 0;
        match self.fail_on {
            FailOn::Any => reward || found.verdict + found.reason > 0,
            FailOn::Verdict => reward || found.verdict > 0,
            FailOn::Reward => reward,
            FailOn::Worse => found.worse + found.only[0] > 0,
            FailOn::Never => false,
        }
    }

    fn show(&self, out: &mut impl Write, found: &Diff) -> io::Result<()> {
        let changed = found.matched - found.equal;
        let head = match changed {
            0 => format!("{} in both, all the same", rows(found.matched)),
            _ => format!("{} in both, {changed} differ", rows(found.matched)),
        };
        writeln!(out, "{}", Styled(STRONG, head))?;
        let kinds = [
            (found.status, ChangeKind::Status),
            (found.reward, ChangeKind::Reward),
            (found.verdict, ChangeKind::Verdict),
            (found.reason, ChangeKind::Reason),
        ];
        for (count, kind) in kinds.into_iter().filter(|(count, _)| *count > 0) {
            writeln!(out, "  {count:>8}  {}", said(kind))?;
        }
        let files = [&self.a, &self.b].map(|file| file.display().to_string());
        for (side, file) in files.iter().enumerate() {
            if found.only[side] > 0 {
                let ids = listed(&found.only_ids[side], found.only[side]);
                writeln!(
                    out,
                    "  {:>8}  only in {}: {ids}",
                    found.only[side],
                    Safe(file)
                )?;
            }
        }
        means(out, found)?;
        transitions(out, found)?;
        let unusable: u64 = found.unusable.iter().sum();
        if let Some(first) = &found.first_unusable {
            let said = format!("{} no scored rows, left out:", are(unusable));
            writeln!(out, "\n{} {}", Styled(BAD, said), Safe(first))?;
        }
        Ok(())
    }
}

/// The paired means of the total and of each term.
fn means(out: &mut impl Write, found: &Diff) -> io::Result<()> {
    if found.paired.n == 0 {
        return Ok(());
    }
    let widest = found.terms.iter().map(|term| term.name.chars().count());
    let width = widest.max().unwrap_or(0).clamp(7, 24);
    writeln!(
        out,
        "\n{}",
        Styled(
            FAINT,
            format!(
                "{:width$}  {:>8}  {:>9}  {:>9}  {:>19}  {:>15}",
                "", "n", "mean A", "mean B", "B - A (95 %)", "correct"
            )
        )
    )?;
    for term in &found.terms {
        let name = shortened(&Safe(&term.name).to_string(), width);
        let correct = match term.correct {
            [0, 0] => String::new(),
            [a, b] => format!("{a} +{} -{} = {b}", term.gained, term.lost),
        };
        writeln!(out, "{name:width$}  {}  {correct}", paired(&term.raw))?;
    }
    writeln!(out, "{:width$}  {}", "= total", paired(&found.paired))?;
    let moved = [
        (found.better, GOOD, "higher in B"),
        (found.worse, BAD, "lower in B"),
    ];
    for (count, style, said) in moved.into_iter().filter(|(count, ..)| *count > 0) {
        writeln!(out, "{}", Styled(style, format!("{} {said}", rows(count))))?;
    }
    Ok(())
}

fn paired(pairs: &Paired) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let delta = match (pairs.delta, pairs.half_width) {
        (Some(delta), Some(width)) => format!("{delta:+.4} ± {width:.4}"),
        (Some(delta), None) => format!("{delta:+.4}"),
        (None, _) => "-".to_owned(),
    };
    let (a, b) = (number(pairs.mean_a), number(pairs.mean_b));
    format!("{:>8}  {a:>9}  {b:>9}  {delta:>19}", pairs.n)
}

fn transitions(out: &mut impl Write, found: &Diff) -> io::Result<()> {
    if found.transitions.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        Styled(STRONG, "what changed, most frequent first")
    )?;
    for change in found.transitions.iter().take(TRANSITIONS) {
        let term = change.term.as_deref().unwrap_or("status");
        let text = match change.from == change.to {
            true => format!("{term}: {}, but another", change.from),
            false => format!("{term}: {} → {}", change.from, change.to),
        };
        writeln!(out, "  {:>8}  {}", change.rows, Safe(&text))?;
        let ids = listed(&change.ids, change.rows);
        writeln!(out, "            {}", Styled(FAINT, ids))?;
    }
    let rest = found.transitions.iter().skip(TRANSITIONS);
    let rest = rest.map(|change| change.rows).sum::<u64>() + found.other_transitions;
    if rest > 0 {
        let said = format!("  {rest:>8}  changes of other kinds (`--json` has up to 1,000 kinds)");
        writeln!(out, "{}", Styled(DOUBT, said))?;
    }
    Ok(())
}

fn said(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Status => "have a reward in one file and none in the other, or another error",
        ChangeKind::Reward => "have another reward",
        ChangeKind::Verdict => "have the same reward by other verdicts or numbers",
        ChangeKind::Reason => "have another reason alone",
    }
}

/// The first ids, and that there are more.
fn listed(ids: &[String], count: u64) -> String {
    let shown: Vec<String> = ids
        .iter()
        .map(|id| shortened(&Safe(id).to_string(), ID_CHARS))
        .collect();
    let more = if (shown.len() as u64) < count {
        ", …"
    } else {
        ""
    };
    shown.join(", ") + more
}

fn are(lines: u64) -> String {
    match lines {
        1 => "1 line is".to_owned(),
        lines => format!("{lines} lines are"),
    }
}
