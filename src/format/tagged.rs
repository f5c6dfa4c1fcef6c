//! The rules of the tagged formats: markers in, sections or the first broken
//! rule out.
//!
//! The scanner's markers decide everything; see `shape.rs` for the grammar
//! that confirms what is found valid here.

use std::ops::Range;

use super::codes;
use super::completion::{TagCount, Violation, first_solid, trim};
use super::options::{Between, BoxedRule, Duplicates, FormatOptions, OuterText};
use super::scan::Markers;
use super::template::{Content, Opening, Shape, Tagged};
use super::{fence, words};
use crate::boxed::{self, BoxCommand, Group};

pub(super) const THINK_OPEN: &str = "think_open";
pub(super) const THINK_CLOSE: &str = "think_close";
pub(super) const ANSWER_OPEN: &str = "answer_open";
pub(super) const ANSWER_CLOSE: &str = "answer_close";

/// All roles in their order.
const ROLES: [&str; 4] = [THINK_OPEN, THINK_CLOSE, ANSWER_OPEN, ANSWER_CLOSE];

/// Whether the prompt has opened the thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    ByPrompt,
    ByCompletion,
}

/// The trimmed sections of a valid completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sections {
    pub(super) think: Option<Range<usize>>,
    pub(super) answer: Range<usize>,
}

/// The untrimmed bodies, before their contents are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bodies {
    pub(super) think: Option<Range<usize>>,
    pub(super) answer: Range<usize>,
}

impl Tagged {
    /// All four or two markers with their roles.
    pub(super) fn literals(&self) -> Vec<(&'static str, &'static str)> {
        let mut literals = vec![
            (THINK_OPEN, self.think.open),
            (THINK_CLOSE, self.think.close),
        ];
        if let Shape::Blocks(answer) = self.shape {
            literals.push((ANSWER_OPEN, answer.open));
            literals.push((ANSWER_CLOSE, answer.close));
        }
        literals
    }

    /// The roles that must occur, in order. A text without any marker of an
    /// optional thinking wants none.
    fn wanted(&self, markers: &Markers<'_>, opened: Opened) -> &'static [&'static str] {
        if self.opening == Opening::Optional && opened == Opened::ByCompletion && markers.count == 0
        {
            return &[];
        }
        let skipped = usize::from(opened == Opened::ByPrompt);
        match self.shape {
            Shape::Blocks(_) => &ROLES[skipped..],
            Shape::Tail => &ROLES[skipped..2],
        }
    }

    /// Finds the bodies of a text that is not blank.
    pub(super) fn bodies(
        &self,
        text: &str,
        markers: &Markers<'_>,
        opened: Opened,
        options: &FormatOptions,
    ) -> Result<Bodies, Violation> {
        let wanted = self.wanted(markers, opened);
        let chosen = match options.duplicates {
            Duplicates::Forbid => unique(text, markers, wanted)?,
            Duplicates::First => first_chain(text, markers, wanted)?,
            Duplicates::Last => last_chain(text, markers, wanted)?,
        };
        let mut chosen = chosen.into_iter();
        let open = match opened {
            Opened::ByPrompt => None,
            Opened::ByCompletion => chosen.next(),
        };
        let Some(close) = chosen.next() else {
            return Ok(Bodies {
                think: None,
                answer: 0..text.len(),
            });
        };
        if let Some(open) = &open
            && !matches!(
                options.outer_text,
                OuterText::AllowLeading | OuterText::Allow
            )
        {
            forbid_text(text, 0..open.start, codes::LEADING_TEXT)?;
        }
        let think = open.map_or(0, |open| open.end)..close.start;
        let (Some(open), Some(end)) = (chosen.next(), chosen.next()) else {
            return Ok(Bodies {
                think: Some(think),
                answer: close.end..text.len(),
            });
        };
        if options.between == Between::Ws {
            forbid_text(text, close.end..open.start, codes::MIDDLE_TEXT)?;
        }
        if !matches!(
            options.outer_text,
            OuterText::AllowTrailing | OuterText::Allow
        ) {
            forbid_text(text, end.end..text.len(), codes::TRAILING_TEXT)?;
        }
        Ok(Bodies {
            think: Some(think),
            answer: open.end..end.start,
        })
    }

    /// Checks what the bodies hold and trims them.
    pub(super) fn sections(
        &self,
        text: &str,
        bodies: Bodies,
        options: &FormatOptions,
    ) -> Result<Sections, Violation> {
        let think_at = bodies.think.as_ref().map_or(0, |think| think.end);
        let think = bodies.think.map(|think| trim(text, think));
        if self.opening != Opening::Optional && think.as_ref().is_none_or(Range::is_empty) {
            return Err(Violation {
                code: codes::EMPTY_THINK,
                at: think_at,
            });
        }
        let body = trim(text, bodies.answer.clone());
        if body.is_empty() {
            return Err(Violation {
                code: codes::EMPTY_ANSWER,
                at: bodies.answer.end,
            });
        }
        let answer = match self.content {
            Content::Any => body,
            Content::Python => {
                fence::demand_python(text, body.clone())?;
                body
            }
            Content::Boxed => the_box(text, body, options.boxed)?,
        };
        Ok(Sections { think, answer })
    }

    /// How many wanted markers are right, for the graded score.
    pub(super) fn count_tags(&self, markers: &Markers<'_>, opened: Opened) -> TagCount {
        let wanted = self.wanted(markers, opened);
        let mut right = 0;
        let mut after = 0;
        for role in wanted {
            if let Some(only) = markers.only(role)
                && only.start >= after
            {
                right += 1;
                after = only.end;
            }
        }
        TagCount {
            wanted: wanted.len(),
            right,
        }
    }
}

/// Length limits, which hold for every format.
pub(super) fn limits(
    text: &str,
    think: &[Range<usize>],
    answer: &[Range<usize>],
    options: &FormatOptions,
) -> Result<(), Violation> {
    let words: usize = think
        .iter()
        .map(|span| words::count(&text[span.clone()]))
        .sum();
    if words < options.min_think_words {
        let at = think.last().map_or(0, |span| span.end);
        return Err(Violation {
            code: codes::SHORT_THINK,
            at,
        });
    }
    let chars: usize = answer
        .iter()
        .map(|span| text[span.clone()].chars().count())
        .sum();
    match options.max_answer_chars {
        Some(most) if chars > most => {
            let at = answer.first().map_or(0, |span| span.start);
            Err(Violation {
                code: codes::LONG_ANSWER,
                at,
            })
        }
        _ => Ok(()),
    }
}

/// The wanted markers, each occurring exactly once and in order, and no others.
fn unique(
    text: &str,
    markers: &Markers<'_>,
    wanted: &[&'static str],
) -> Result<Vec<Range<usize>>, Violation> {
    let mut spans: Vec<Option<Range<usize>>> = vec![None; wanted.len()];
    // Of any five markers one is a second one, and far more are kept.
    for marker in markers.kept() {
        let free = wanted
            .iter()
            .position(|role| *role == marker.name)
            .map(|slot| &mut spans[slot]);
        match free {
            Some(slot @ None) => *slot = Some(marker.span.clone()),
            // A second one, or one that the prompt has written already.
            _ => {
                return Err(Violation {
                    code: codes::DUPLICATE_TAG,
                    at: marker.span.start,
                });
            }
        }
    }
    let mut found = Vec::with_capacity(wanted.len());
    for (role, span) in wanted.iter().zip(spans) {
        match span {
            Some(span) => found.push(span),
            None => {
                return Err(Violation {
                    code: missing(role),
                    at: text.len(),
                });
            }
        }
    }
    match found.windows(2).find(|pair| pair[0].start > pair[1].start) {
        Some(pair) => Err(Violation {
            code: codes::BAD_ORDER,
            at: pair[1].start,
        }),
        None => Ok(found),
    }
}

/// The wanted markers one after another, each the next that comes.
fn first_chain(
    text: &str,
    markers: &Markers<'_>,
    wanted: &[&'static str],
) -> Result<Vec<Range<usize>>, Violation> {
    let mut left = markers.iter();
    let mut found = Vec::with_capacity(wanted.len());
    for role in wanted {
        match left.find(|marker| marker.name == *role) {
            Some(marker) => found.push(marker.span),
            None => return Err(misplaced(text, role, markers.first(role))),
        }
    }
    Ok(found)
}

/// The wanted markers from the last one backwards, each the next before it.
fn last_chain(
    text: &str,
    markers: &Markers<'_>,
    wanted: &[&'static str],
) -> Result<Vec<Range<usize>>, Violation> {
    let mut found = Vec::with_capacity(wanted.len());
    let mut end = text.len();
    for role in wanted.iter().rev() {
        let before = match markers.last(role) {
            Some(last) if last.start >= end => markers
                .iter()
                .take_while(|marker| marker.span.start < end)
                .filter(|marker| marker.name == *role)
                .last()
                .map(|marker| marker.span),
            last => last,
        };
        let Some(span) = before else {
            return Err(misplaced(text, role, markers.last(role)));
        };
        end = span.start;
        found.push(span);
    }
    found.reverse();
    Ok(found)
}

/// The violation of a marker that is missing where it is wanted.
fn misplaced(text: &str, role: &str, elsewhere: Option<Range<usize>>) -> Violation {
    match elsewhere {
        Some(span) => Violation {
            code: codes::BAD_ORDER,
            at: span.start,
        },
        None => Violation {
            code: missing(role),
            at: text.len(),
        },
    }
}

fn missing(role: &str) -> &'static str {
    match role {
        THINK_OPEN => codes::MISSING_THINK_OPEN,
        THINK_CLOSE => codes::MISSING_THINK_CLOSE,
        ANSWER_OPEN => codes::MISSING_ANSWER_OPEN,
        _ => codes::MISSING_ANSWER_CLOSE,
    }
}

fn forbid_text(text: &str, range: Range<usize>, code: &'static str) -> Result<(), Violation> {
    match first_solid(text, range) {
        Some(at) => Err(Violation { code, at }),
        None => Ok(()),
    }
}

/// The box that is the answer, trimmed.
fn the_box(text: &str, body: Range<usize>, rule: BoxedRule) -> Result<Range<usize>, Violation> {
    let mut boxes = boxed::find_all(&text[body.clone()]);
    boxes.retain(|found| found.command == BoxCommand::Boxed);
    let fault = |code, at: usize| {
        Err(Violation {
            code,
            at: body.start + at,
        })
    };
    // A command without a group is no box, but beside a box it is a hedge:
    // `\boxed{3} or \boxed 4`.
    if boxes.iter().all(|found| found.group == Group::Missing) {
        return fault(codes::MISSING_BOXED, body.len());
    }
    let chosen = match rule {
        BoxedRule::Unique => match boxes.as_slice() {
            [_, second, ..] => return fault(codes::DUPLICATE_BOXED, second.whole.start),
            only => only.first(),
        },
        BoxedRule::First => boxes.iter().find(|found| found.level == 0),
        BoxedRule::Last => boxes.iter().rfind(|found| found.level == 0),
    };
    let Some(chosen) = chosen else {
        return fault(codes::MISSING_BOXED, body.len());
    };
    match &chosen.group {
        Group::Missing => fault(codes::MISSING_BOXED, chosen.whole.start),
        Group::Unclosed(_) => fault(codes::UNBALANCED_BOXED, chosen.whole.start),
        Group::Closed(inside) => {
            let inside = trim(text, body.start + inside.start..body.start + inside.end);
            if inside.is_empty() {
                return fault(codes::EMPTY_BOXED, chosen.whole.start);
            }
            Ok(inside)
        }
    }
}
