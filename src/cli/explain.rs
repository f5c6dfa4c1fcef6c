//! `goldstone explain`: one rollout in, the story of its reward out.

use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use anstyle::Style;
use anyhow::anyhow;
use clap::Args;
use serde_json::Value;

use super::inputs::{self, SchemaOption};
use super::languages::{self, Languages};
#[cfg(feature = "remote")]
use super::summary;
use super::terminal::{BAD, DOUBT, FAINT, GOOD, MARK, STRONG, Safe, Styled, cells};
use super::{Exit, Outcome, bad_input, load_scorer};
use crate::batch::{BatchOptions, Found, Wanted, find, rest_of_group};
use crate::reward::{Explanation, Status, Term};
use crate::rollout::{Reference, Rollout};
use crate::verdict;

/// A longer completion is shown by its ends, unless `--full` is given.
const SHOWN_BYTES: usize = 8_000;
/// What is shown around a violation.
const AROUND_CHARS: usize = 36;

/// Show why one rollout has its reward.
///
/// The completion with its sections and markers, where its format is violated,
/// every reward with its verdict and evidence, and how the total came about.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone explain rollouts.jsonl --spec r1-zero --row 17
  goldstone explain rollouts.jsonl --spec my-spec.toml --id aime-7/3 | less -R")]
pub(super) struct Explain {
    /// Files of rollouts, or patterns of them; `-` is standard input
    #[arg(required = true, value_name = "ROLLOUTS")]
    rollouts: Vec<PathBuf>,
    #[command(flatten)]
    schema: SchemaOption,
    /// A shipped spec (see `goldstone check --list`) or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    spec: String,
    /// The N-th rollout, from 1: line N of the scored output
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), required_unless_present = "id", conflicts_with = "id")]
    row: Option<u64>,
    /// The first rollout of that id
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Show all of a long completion
    #[arg(long)]
    full: bool,
}

impl Explain {
    pub(super) fn run(self) -> Outcome {
        let scorer = load_scorer(&self.spec, 1)?;
        let inputs = inputs::open(&self.rollouts)?;
        let schema = self.schema.schema;
        let (wanted, name) = match (self.row, self.id) {
            (Some(row), _) => (Wanted::Row(row), format!("row {row}")),
            (None, id) => {
                let id = id.unwrap_or_default();
                let name = format!("rollout `{id}`");
                (Wanted::Id(id), name)
            }
        };
        let limit = BatchOptions::default().max_line_bytes;
        inputs::say_schemas(&inputs, schema, scorer.fields(), limit)?;
        let found = find(&inputs, scorer.fields(), schema, &wanted, limit).map_err(bad_input)?;
        let Some(Found {
            row,
            file,
            line,
            rollout,
            ..
        }) = found
        else {
            return Err(bad_input(anyhow!("there is no {name} in the inputs")));
        };
        let mut out = anstream::stdout().lock();
        let place = format!("row {row}, {file}:{line}");
        match rollout {
            Err(error) => {
                writeln!(out, "{}", Styled(FAINT, Safe(&place)))?;
                writeln!(out, "{}  {}", Styled(BAD, "unusable"), Safe(&error.message))?;
                writeln!(out, "{}", Styled(STRONG, "reward null"))?;
                Ok(Exit::SomeUnusable)
            }
            Ok(rollout) => {
                let rest = match scorer.needs_groups() {
                    false => None,
                    true if inputs.total_bytes().is_none() => {
                        return Err(bad_input(anyhow!(
                            "this spec compares the rollouts of a group; name files, which can be read twice"
                        )));
                    }
                    true => {
                        let fields = scorer.fields();
                        let rest =
                            rest_of_group(&inputs, fields, schema, &rollout.group, row, limit);
                        Some(rest.map_err(bad_input)?)
                    }
                };
                let explanation = scorer.explain(&rollout, rest.as_deref());
                let score = &explanation.score;
                let head = format!("{}  (group {}, {place})", score.id, score.group);
                writeln!(out, "{}", Styled(STRONG, Safe(&head)))?;
                completion(
                    &mut out,
                    &explanation,
                    if self.full { usize::MAX } else { SHOWN_BYTES },
                )?;
                violation(&mut out, &explanation)?;
                let solvers: Vec<Arc<str>> = scorer.solvers().map(Arc::clone).collect();
                terms(&mut out, &explanation, &rollout, &solvers)?;
                total(&mut out, &explanation)?;
                #[cfg(feature = "remote")]
                summary::asked(&mut out, &scorer)?;
                Ok(match score.status {
                    Status::Error => Exit::SomeUnusable,
                    Status::Ok | Status::Abstain => Exit::Done,
                })
            }
        }
    }
}

/// The completion, its sections in colour.
fn completion(out: &mut impl Write, explanation: &Explanation, most: usize) -> io::Result<()> {
    let text = &explanation.text;
    writeln!(out)?;
    if text.is_empty() {
        return writeln!(out, "{}", Styled(FAINT, "the completion is empty"));
    }
    let languages = Languages::of(&explanation.score, text);
    let legend = format!(
        "completion, {} bytes: {}, {}, {}{languages}",
        text.len(),
        Styled(MARK, "markers"),
        Styled(FAINT, "think"),
        Styled(GOOD, "answer")
    );
    writeln!(out, "{legend}")?;
    let half = most / 2;
    let gap = match text.len() > most {
        true => text.floor_char_boundary(half)..text.ceil_char_boundary(text.len() - half),
        false => 0..0,
    };
    let mut pieces = pieces(explanation);
    if !gap.is_empty() {
        pieces = pieces
            .into_iter()
            .flat_map(|piece| without(piece, &gap))
            .collect();
    }
    write!(out, "  ")?;
    for piece in languages.cut(pieces) {
        let (range, style) = (piece.range, piece.style);
        if !gap.is_empty() && range.start == gap.end {
            let left_out = format!("… {} bytes left out, see --full …", gap.len());
            write!(out, "\n  {}\n  ", Styled(DOUBT, left_out))?;
        }
        if let Some(before) = piece.before {
            write!(out, "{}", Styled(style, before))?;
        }
        for (index, line) in text[range].split('\n').enumerate() {
            if index > 0 {
                write!(out, "\n  ")?;
            }
            write!(out, "{}", Styled(style, Safe(line)))?;
        }
        if piece.behind {
            write!(out, "{}", Styled(style, "⟩"))?;
        }
    }
    writeln!(out)
}

/// The whole text in order, cut where the style changes.
fn pieces(explanation: &Explanation) -> Vec<(Range<usize>, Style)> {
    let completion = &explanation.completion;
    let spans = |section: &Option<crate::format::Section>, style: Style| {
        let spans = section
            .as_ref()
            .map(|section| section.spans().to_vec())
            .unwrap_or_default();
        spans.into_iter().map(move |span| (span, style))
    };
    let markers = completion
        .markers
        .iter()
        .map(|marker| (marker.span.clone(), MARK));
    let mut styled: Vec<(Range<usize>, Style)> = markers
        .chain(spans(&completion.think, FAINT))
        .chain(spans(&completion.answer, GOOD))
        .collect();
    // A marker comes before the section that begins at the same byte.
    styled.sort_by_key(|(span, _)| (span.start, span.end));
    let mut pieces = Vec::new();
    let mut at = 0;
    for (span, style) in styled {
        let start = span.start.max(at);
        if start > at {
            pieces.push((at..start, Style::new()));
        }
        if span.end > start {
            pieces.push((start..span.end, style));
            at = span.end;
        } else {
            at = at.max(start);
        }
    }
    if at < explanation.text.len() {
        pieces.push((at..explanation.text.len(), Style::new()));
    }
    pieces
}

/// The parts of a piece before and after the gap.
fn without(
    (range, style): (Range<usize>, Style),
    gap: &Range<usize>,
) -> impl Iterator<Item = (Range<usize>, Style)> {
    let before = range.start..range.end.min(gap.start);
    let after = range.start.max(gap.end)..range.end;
    [before, after]
        .into_iter()
        .filter(|part| part.start < part.end)
        .map(move |part| (part, style))
}

/// Where the format is violated, with a caret.
fn violation(out: &mut impl Write, explanation: &Explanation) -> io::Result<()> {
    writeln!(out)?;
    let Some(violation) = explanation.completion.violation else {
        return writeln!(out, "format {}", Styled(GOOD, "valid"));
    };
    let text = &explanation.text;
    let at = text.floor_char_boundary(violation.at);
    let line = text[..at].matches('\n').count() + 1;
    let line_start = text[..at].rfind('\n').map_or(0, |index| index + 1);
    let column = text[line_start..at].chars().count() + 1;
    writeln!(
        out,
        "format {}: {} at byte {at} (line {line}, column {column})",
        Styled(BAD, "violated"),
        Styled(STRONG, violation.code)
    )?;
    let before: String = {
        let chars: Vec<char> = text[line_start..at]
            .chars()
            .rev()
            .take(AROUND_CHARS)
            .collect();
        chars.into_iter().rev().collect()
    };
    let after: String = text[at..]
        .chars()
        .take_while(|c| *c != '\n')
        .take(AROUND_CHARS)
        .collect();
    let before = Safe(&before).to_string();
    writeln!(out, "  {before}{}", Safe(&after))?;
    writeln!(out, "  {}{}", " ".repeat(cells(&before)), Styled(BAD, "^"))
}

/// Every reward with its verdict and evidence; `solvers` are those that judge
/// against the reference.
fn terms(
    out: &mut impl Write,
    explanation: &Explanation,
    rollout: &Rollout,
    solvers: &[Arc<str>],
) -> io::Result<()> {
    for term in &explanation.score.terms {
        let (name, style) = match term.outcome {
            Some(verdict::Outcome::Correct) => ("correct", GOOD),
            Some(verdict::Outcome::Wrong) => ("wrong", BAD),
            Some(verdict::Outcome::NoAnswer) => ("no_answer", BAD),
            Some(verdict::Outcome::Unknown) => ("unknown", DOUBT),
            None if term.raw.is_some() && term.reason != Some("gated") => ("measured", STRONG),
            None => ("not judged", DOUBT),
        };
        writeln!(out)?;
        write!(
            out,
            "{}  {}",
            Styled(STRONG, Safe(&term.name)),
            Styled(style, name)
        )?;
        if let Some(reason) = term.reason {
            write!(out, ", {reason}")?;
        }
        writeln!(out)?;
        writeln!(out, "  value      {}", value(explanation, term))?;
        if solvers.contains(&term.name)
            && let Some(reference) = &rollout.reference
        {
            writeln!(out, "  reference  {}", Safe(&reference_text(reference)))?;
        }
        for (name, detail) in term.detail.iter() {
            if name == "spans"
                && let Some(spans) = detail.as_array()
            {
                for span in spans {
                    let line = languages::line(span, &explanation.text);
                    writeln!(
                        out,
                        "  {name:<9}  {}",
                        line.unwrap_or_else(|| span.to_string())
                    )?;
                }
                continue;
            }
            let shown = match detail {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            write!(out, "  {name:<9}  {}", Safe(&shown))?;
            if name == "span"
                && let Some(text) = spanned(&explanation.text, detail)
            {
                write!(
                    out,
                    "  {}",
                    Styled(FAINT, Safe(&super::terminal::shortened(text, 60)))
                )?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// `0.5 = 1 (raw) × 0.5 (weight)`
fn value(explanation: &Explanation, term: &Term) -> String {
    let weight = explanation
        .weights
        .iter()
        .find(|(name, _)| *name == term.name);
    match (term.value, term.raw, weight) {
        (Some(value), Some(raw), Some((_, weight))) => {
            format!("{value} = {raw} (raw) × {weight} (weight)")
        }
        (Some(value), ..) => value.to_string(),
        (None, ..) => "null".to_owned(),
    }
}

fn reference_text(reference: &Reference) -> String {
    match reference {
        Reference::One(text) => text.clone(),
        Reference::AnyOf(texts) => texts.join(" | "),
        Reference::Json(value) => value.to_string(),
    }
}

fn spanned<'t>(text: &'t str, span: &Value) -> Option<&'t str> {
    let end = |index| {
        span.get(index)?
            .as_u64()
            .and_then(|end| usize::try_from(end).ok())
    };
    text.get(end(0)?..end(1)?)
}

fn total(out: &mut impl Write, explanation: &Explanation) -> io::Result<()> {
    let score = &explanation.score;
    writeln!(out)?;
    if let Some(error) = &score.error {
        writeln!(out, "{}  {}", Styled(BAD, "error"), Safe(&error.message))?;
    }
    let values: Vec<String> = score
        .terms
        .iter()
        .map(|term| match term.value {
            Some(value) => format!("{} {value}", term.name),
            None => format!("{} null", term.name),
        })
        .collect();
    let reward = score
        .reward
        .map_or("null".to_owned(), |reward| reward.to_string());
    let status = match score.status {
        Status::Ok => "",
        Status::Abstain => " (could not be judged)",
        Status::Error => " (unusable row)",
    };
    writeln!(
        out,
        "{}{status}",
        Styled(STRONG, format!("reward {reward}"))
    )?;
    let how = format!("{}: {}", explanation.combination, values.join(", "));
    writeln!(out, "  {}", Safe(&how))
}
