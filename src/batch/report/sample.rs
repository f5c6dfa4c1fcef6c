//! One row as it is shown: its texts cut to a size, its completion in pieces by
//! section, with what its verdicts point at marked.

use std::ops::Range;

use serde_json::Value;

use super::row::SurveyedRow;
use crate::reward::{Scorer, Status};
use crate::rollout::{Reference, Rollout, Text};

/// A longer completion is shown by its ends and what its verdicts point at.
const MOST_COMPLETION: usize = 5000;
/// What is shown of a longer one's beginning.
const HEAD: usize = 1500;
/// What is shown of its end, where the answer stands.
const TAIL: usize = 2500;
/// What is shown around a mark that lies between.
const AROUND: usize = 200;
/// Most of a prompt: its end, where the problem stands.
const MOST_PROMPT: usize = 2000;
/// Most of a reference, a name, a message.
const MOST_TEXT: usize = 400;
/// Most pieces of evidence of a term.
const MOST_DETAILS: usize = 12;

/// A row with what is shown of it; some kilobytes.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) row: u64,
    pub(super) id: String,
    pub(super) group: String,
    pub(super) task: Option<String>,
    pub(super) status: Status,
    pub(super) reward: Option<f64>,
    pub(super) terms: Vec<SampleTerm>,
    pub(super) error: Option<String>,
    pub(super) prompt: String,
    pub(super) reference: Option<String>,
    pub(super) completion: Vec<Piece>,
    pub(super) finish_reason: Option<String>,
    pub(super) n_tokens: Option<u64>,
}

/// A term of a shown row.
#[derive(Clone, Debug)]
pub(super) struct SampleTerm {
    pub(super) name: String,
    pub(super) verdict: &'static str,
    pub(super) reason: Option<String>,
    pub(super) raw: Option<f64>,
    pub(super) value: Option<f64>,
    pub(super) details: Vec<(String, String)>,
}

/// A stretch of a completion, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text of one section.
    Text {
        part: Part,
        mark: Option<Mark>,
        text: String,
    },
    /// Here the format is violated.
    Violation(&'static str),
    /// Bytes that are not shown.
    Gap(usize),
}

/// What a stretch belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Plain,
    Marker,
    Think,
    Answer,
}

/// What points at a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A verdict is about it.
    Judged,
    /// It is in another language than the wanted one.
    Foreign,
}

/// Where things are in a completion; all in bytes.
#[derive(Default)]
struct Places {
    parts: Vec<(Range<usize>, Part)>,
    marks: Vec<(Range<usize>, Mark)>,
    violation: Option<(usize, &'static str)>,
}

impl Sample {
    /// What is shown of a row. Without a `parser` there are no sections.
    pub(super) fn of(number: u64, row: &SurveyedRow<'_>, parser: Option<&Scorer>) -> Self {
        let seen = row.seen;
        let completion = row
            .rollout
            .map(|rollout| completion(rollout, row, parser))
            .unwrap_or_default();
        let terms = seen.terms.iter().map(|term| SampleTerm {
            name: shortened(term.name),
            verdict: term.verdict(),
            reason: term.reason.map(shortened),
            raw: term.raw,
            value: row.evidence.value(term.name),
            details: row
                .evidence
                .details(term.name)
                .into_iter()
                .take(MOST_DETAILS)
                .map(|(name, value)| (shortened(name), shortened(&plain(value))))
                .collect(),
        });
        let of_rollout = |text: fn(&Rollout) -> Option<String>| row.rollout.and_then(text);
        Self {
            row: number,
            id: shortened(row.id),
            group: shortened(seen.group),
            task: seen.task.map(shortened),
            status: seen.status,
            reward: seen.reward,
            terms: terms.collect(),
            error: seen.error.map(|error| shortened(&error.message)),
            prompt: of_rollout(|rollout| Some(prompt(&rollout.prompt))).unwrap_or_default(),
            reference: of_rollout(|rollout| rollout.reference.as_ref().map(reference)),
            completion,
            finish_reason: of_rollout(|rollout| rollout.finish_reason.as_deref().map(shortened)),
            n_tokens: row.rollout.and_then(|rollout| rollout.n_tokens),
        }
    }
}

/// The completion in pieces.
fn completion(rollout: &Rollout, row: &SurveyedRow<'_>, parser: Option<&Scorer>) -> Vec<Piece> {
    let mut places = Places::default();
    let text = match (parser, &rollout.completion) {
        (Some(parser), _) => {
            let (text, parsed) = parser.parse(rollout);
            let mut add = |section: Option<&[Range<usize>]>, part| {
                let spans = section.unwrap_or_default().iter();
                places.parts.extend(spans.map(|span| (span.clone(), part)));
            };
            add(
                parsed.think.as_ref().map(|section| section.spans()),
                Part::Think,
            );
            add(
                parsed.answer.as_ref().map(|section| section.spans()),
                Part::Answer,
            );
            for marker in &parsed.markers {
                places.parts.push((marker.span.clone(), Part::Marker));
            }
            places.violation = parsed.violation.map(|found| (found.at, found.code));
            text
        }
        (None, Text::Plain(text)) => text.into(),
        (None, Text::Chat(messages)) => match Text::answer_message(messages) {
            Some(message) => (&message.content).into(),
            None => "".into(),
        },
    };
    // Spans are of the text that was judged: thinking that stands apart is part
    // of it, and without a parser it is not at hand.
    for term in &row.seen.terms {
        let span = row.evidence.detail(term.name, "span").and_then(range_of);
        places.marks.extend(span.map(|span| (span, Mark::Judged)));
        let spans = row.evidence.detail(term.name, "spans");
        let spans = spans.and_then(Value::as_array).into_iter().flatten();
        let foreign = spans.filter_map(range_of).map(|span| (span, Mark::Foreign));
        places.marks.extend(foreign);
    }
    pieces(&text, &places)
}

/// `[start, end, …]`
fn range_of(value: &Value) -> Option<Range<usize>> {
    let end = |index| usize::try_from(value.get(index)?.as_u64()?).ok();
    let span = end(0)?..end(1)?;
    (span.start <= span.end).then_some(span)
}

/// The text in order, cut where its section or its mark changes.
fn pieces(text: &str, places: &Places) -> Vec<Piece> {
    let fits = |span: &Range<usize>| text.get(span.clone()).is_some();
    let marks: Vec<_> = places.marks.iter().filter(|(span, _)| fits(span)).collect();
    let parts: Vec<_> = places.parts.iter().filter(|(span, _)| fits(span)).collect();
    let violation = places
        .violation
        .map(|(at, code)| (text.floor_char_boundary(at), code));
    let shown = windows(text, &marks, violation.map(|(at, _)| at));
    let mut edges: Vec<usize> = parts
        .iter()
        .map(|(span, _)| span)
        .chain(marks.iter().map(|(span, _)| span))
        .chain(&shown)
        .flat_map(|span| [span.start, span.end])
        .chain(violation.map(|(at, _)| at))
        .chain([0, text.len()])
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let mut pieces = Vec::new();
    let mut violation = violation.into_iter().peekable();
    let mut add_violation = |at: usize, pieces: &mut Vec<Piece>| {
        if let Some((_, code)) = violation.next_if(|(place, _)| *place <= at) {
            pieces.push(Piece::Violation(code));
        }
    };
    for pair in edges.windows(2) {
        let range = pair[0]..pair[1];
        add_violation(range.start, &mut pieces);
        let holds = |span: &Range<usize>| span.start <= range.start && range.end <= span.end;
        if !shown.iter().any(holds) {
            match pieces.last_mut() {
                Some(Piece::Gap(bytes)) => *bytes += range.len(),
                _ => pieces.push(Piece::Gap(range.len())),
            }
            continue;
        }
        // A marker lies between sections, and in a user's grammar within one.
        let part = parts.iter().filter(|(span, _)| holds(span));
        let part = part.map(|(_, part)| *part);
        let mark = marks.iter().find(|(span, _)| holds(span));
        pieces.push(Piece::Text {
            part: part
                .max_by_key(|part| *part == Part::Marker)
                .unwrap_or(Part::Plain),
            mark: mark.map(|(_, mark)| *mark),
            text: text[range].to_owned(),
        });
    }
    add_violation(text.len(), &mut pieces);
    pieces
}

/// What of the text is shown.
fn windows(
    text: &str,
    marks: &[&(Range<usize>, Mark)],
    violation: Option<usize>,
) -> Vec<Range<usize>> {
    if text.len() <= MOST_COMPLETION {
        return std::iter::once(0..text.len()).collect();
    }
    let around = |place: usize| {
        let from = text.floor_char_boundary(place.saturating_sub(AROUND));
        from..text.ceil_char_boundary((place + AROUND).min(text.len()))
    };
    let mut windows = vec![
        0..text.floor_char_boundary(HEAD),
        text.ceil_char_boundary(text.len() - TAIL)..text.len(),
    ];
    let judged = marks.iter().filter(|(_, mark)| *mark == Mark::Judged);
    let places = judged.flat_map(|(span, _)| [span.start, span.end]).take(4);
    windows.extend(places.chain(violation).map(around));
    windows
}

fn prompt(prompt: &Text) -> String {
    let text = match prompt {
        Text::Plain(text) => text.clone(),
        Text::Chat(messages) => {
            let messages = messages.iter();
            let said = messages.map(|message| format!("[{}]\n{}", message.role, message.content));
            said.collect::<Vec<_>>().join("\n\n")
        }
    };
    match text.len() <= MOST_PROMPT {
        true => text,
        false => format!(
            "…{}",
            &text[text.ceil_char_boundary(text.len() - MOST_PROMPT)..]
        ),
    }
}

fn reference(reference: &Reference) -> String {
    match reference {
        Reference::One(text) => shortened(text),
        Reference::AnyOf(texts) => shortened(&texts.join(" | ")),
        Reference::Json(value) => shortened(&value.to_string()),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shortened(text: &str) -> String {
    match text.len() <= MOST_TEXT {
        true => text.to_owned(),
        false => format!("{}…", &text[..text.floor_char_boundary(MOST_TEXT)]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Part, Piece, Places, pieces};

    fn text(part: Part, mark: Option<Mark>, text: &str) -> Piece {
        let text = text.to_owned();
        Piece::Text { part, mark, text }
    }

    #[test]
    fn sections_and_marks_overlap() {
        let places = Places {
            parts: vec![
                (0..3, Part::Marker),
                (3..6, Part::Think),
                (6..9, Part::Answer),
            ],
            marks: vec![(7..8, Mark::Judged), (2..99, Mark::Foreign)],
            violation: Some((9, "trailing_text")),
        };
        assert_eq!(
            pieces("<t>abcxyz!", &places),
            [
                text(Part::Marker, None, "<t>"),
                text(Part::Think, None, "abc"),
                text(Part::Answer, None, "x"),
                text(Part::Answer, Some(Mark::Judged), "y"),
                text(Part::Answer, None, "z"),
                Piece::Violation("trailing_text"),
                text(Part::Plain, None, "!"),
            ]
        );
    }

    #[test]
    fn a_violation_at_the_end_is_shown() {
        let places = Places {
            violation: Some((2, "answer_not_closed")),
            ..Places::default()
        };
        assert_eq!(
            pieces("ab", &places),
            [
                text(Part::Plain, None, "ab"),
                Piece::Violation("answer_not_closed")
            ]
        );
        assert_eq!(pieces("", &Places::default()), []);
    }

    #[test]
    fn of_a_long_text_the_ends_and_the_marks_are_shown() {
        let long = "ä".repeat(10_000);
        let places = Places {
            marks: vec![(10_000..10_002, Mark::Judged)],
            ..Places::default()
        };
        let found = pieces(&long, &places);
        let bytes: usize = found
            .iter()
            .map(|piece| match piece {
                Piece::Text { text, .. } => text.len(),
                Piece::Gap(bytes) => *bytes,
                Piece::Violation(_) => 0,
            })
            .sum();
        assert_eq!(bytes, 20_000);
        assert_eq!(
            found
                .iter()
                .filter(|piece| matches!(piece, Piece::Gap(_)))
                .count(),
            2
        );
        assert!(found.contains(&text(Part::Plain, Some(Mark::Judged), "ä")));
    }
}
