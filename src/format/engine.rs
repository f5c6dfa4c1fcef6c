//! What judges a text, once its options are compiled: text in, spans or a
//! violation out.

use std::ops::Range;

use super::completion::{BLANKS, Marker, TagCount, Violation, trim};
use super::lookalike::Lookalikes;
use super::options::{Between, Duplicates, FormatOptions, OuterText, Prefill, TagsInCode};
use super::scan::{Case, Scanner};
use super::tagged::{Opened, Sections};
use super::template::{Opening, Tagged};
use super::user::UserGrammar;
use super::{codes, fence, harmony, shape, tagged};

/// What judges the text.
#[derive(Debug)]
pub(super) enum Engine {
    Text,
    Tagged {
        tagged: Tagged,
        scanner: Scanner,
        lookalikes: Option<Lookalikes>,
    },
    Harmony {
        scanner: Scanner,
    },
    User {
        grammar: Box<UserGrammar>,
    },
}

/// What an engine finds, before it becomes a [`Completion`].
pub(super) struct Parsed {
    pub(super) outcome: Result<Spans, Violation>,
    pub(super) markers: Vec<Marker>,
    pub(super) marker_count: usize,
    pub(super) lookalikes: usize,
    pub(super) tags: TagCount,
    pub(super) response: Option<Range<usize>>,
}

/// The trimmed ranges of the sections; no thinking is not empty thinking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spans {
    pub(super) think: Option<Vec<Range<usize>>>,
    pub(super) answer: Vec<Range<usize>>,
}

impl Engine {
    /// Finds the sections of one text, from which the suffixes are gone.
    pub(super) fn parse(&self, text: &str, prompt_tail: &str, options: &FormatOptions) -> Parsed {
        match self {
            Engine::Text => Parsed::whole(text, prompt_tail, options),
            Engine::Tagged {
                tagged,
                scanner,
                lookalikes,
            } => {
                let opened = opened(tagged, prompt_tail, options);
                parse_tagged(tagged, scanner, lookalikes.as_ref(), text, opened, options)
            }
            Engine::Harmony { scanner } => {
                let opened = opened_by(harmony::PREFILL, prompt_tail, options);
                parse_harmony(scanner, text, opened)
            }
            Engine::User { grammar } => {
                let markers = grammar.markers(text);
                let outcome = grammar.spans(text);
                let answer = outcome.as_ref().ok().map(|spans| spans.answer.as_slice());
                Parsed {
                    response: match answer {
                        Some([first, .., last]) => Some(first.start..last.end),
                        Some([only]) => Some(only.clone()),
                        Some([]) | None => None,
                    },
                    outcome,
                    marker_count: markers.count,
                    markers: markers.into_kept(),
                    lookalikes: 0,
                    tags: TagCount::default(),
                }
            }
        }
    }

    /// The text form of separate thinking and content.
    pub(super) fn render(&self, think: &str, content: &str, options: &FormatOptions) -> String {
        match self {
            Engine::Text => content.to_owned(),
            Engine::Tagged { tagged, .. } => {
                let blank = think.trim_matches(BLANKS).is_empty();
                if blank && tagged.opening == Opening::Optional {
                    return content.to_owned();
                }
                let open = match opened(tagged, "", options) {
                    Opened::ByPrompt => "",
                    Opened::ByCompletion => tagged.think.open,
                };
                let close = tagged.think.close;
                format!("{open}\n{think}\n{close}\n{content}")
            }
            Engine::Harmony { .. } => {
                harmony::render(think, content, opened_by(harmony::PREFILL, "", options))
            }
            Engine::User { grammar } => grammar.render(think, content),
        }
    }
}

impl Parsed {
    pub(super) fn failed(violation: Violation) -> Self {
        Self {
            outcome: Err(violation),
            markers: Vec::new(),
            marker_count: 0,
            lookalikes: 0,
            tags: TagCount::default(),
            response: None,
        }
    }

    /// A text without structure, but for thinking in the most usual tags: it is
    /// part of the answer section, and not of the response.
    fn whole(text: &str, prompt_tail: &str, options: &FormatOptions) -> Self {
        let [open, close] = [USUAL_OPEN, USUAL_CLOSE];
        let prefilled = opened_by(open, prompt_tail, options) == Opened::ByPrompt;
        let last_open = text.rfind(open).or(prefilled.then_some(0));
        let spans = Spans {
            think: None,
            answer: vec![trim(text, 0..text.len())],
        };
        let nothing = Violation {
            code: codes::EMPTY_TEXT,
            at: 0,
        };
        Self {
            outcome: Ok(spans),
            response: after_thinking(
                last_open,
                text.rfind(close).map(|at| at + close.len()),
                text,
            ),
            ..Self::failed(nothing)
        }
    }
}

/// Whether the prompt has opened the thinking.
fn opened(tagged: &Tagged, prompt_tail: &str, options: &FormatOptions) -> Opened {
    match tagged.opening {
        Opening::Prefilled => Opened::ByPrompt,
        Opening::Required | Opening::Optional => opened_by(tagged.think.open, prompt_tail, options),
    }
}

/// The same for this opening marker.
fn opened_by(open: &str, prompt_tail: &str, options: &FormatOptions) -> Opened {
    let tail = prompt_tail.trim_end_matches(BLANKS);
    let by_prompt = match options.prefill {
        Prefill::Literal(_) => true,
        Prefill::None => false,
        Prefill::Auto => ends_with(tail, open, case(options)),
    };
    if by_prompt {
        Opened::ByPrompt
    } else {
        Opened::ByCompletion
    }
}

fn parse_tagged(
    tagged: &Tagged,
    scanner: &Scanner,
    lookalikes: Option<&Lookalikes>,
    text: &str,
    opened: Opened,
    options: &FormatOptions,
) -> Parsed {
    let hidden = match options.tags_in_code {
        TagsInCode::Ignore => fence::code_ranges(text),
        TagsInCode::Count => Vec::new(),
    };
    let markers = scanner.find_all(text, hidden);
    let lookalikes = lookalikes.map_or(0, |finder| finder.count(text, markers.written));
    let outcome = tagged
        .bodies(text, &markers, opened, options)
        .and_then(|bodies| confirm(tagged, text, bodies, opened, options));
    let last_open = markers.last(tagged::THINK_OPEN).map(|open| open.start);
    let prefilled = opened == Opened::ByPrompt;
    let last_close = markers.last(tagged::THINK_CLOSE).map(|close| close.end);
    let response = after_thinking(last_open.or(prefilled.then_some(0)), last_close, text);
    Parsed {
        outcome: outcome.map(|sections| Spans {
            think: sections.think.map(|think| vec![think]),
            answer: vec![sections.answer],
        }),
        lookalikes,
        tags: tagged.count_tags(&markers, opened),
        response,
        marker_count: markers.count,
        markers: markers.into_kept(),
    }
}

/// The sections, if the contents are right and, under the strict rules, the
/// grammar finds the same bodies.
fn confirm(
    tagged: &Tagged,
    text: &str,
    bodies: tagged::Bodies,
    opened: Opened,
    options: &FormatOptions,
) -> Result<Sections, Violation> {
    let found = tagged.sections(text, bodies.clone(), options)?;
    let strict = options.duplicates == Duplicates::Forbid
        && options.tags_in_code == TagsInCode::Count
        && options.outer_text == OuterText::Forbid
        && options.between == Between::Ws
        && !options.case_insensitive;
    if !strict {
        return Ok(found);
    }
    let trimmed = Sections {
        think: bodies.think.map(|think| trim(text, think)),
        answer: trim(text, bodies.answer),
    };
    match shape::sections(tagged.grammar, tagged.opening, opened, text) {
        Some(shape) if shape == trimmed => Ok(found),
        _ => Err(Violation {
            code: codes::NO_MATCH,
            at: 0,
        }),
    }
}

fn parse_harmony(scanner: &Scanner, text: &str, opened: Opened) -> Parsed {
    let markers = scanner.find_all(text, Vec::new());
    let outcome = harmony::spans(text, &markers, opened).and_then(|spans| {
        match harmony::shape(text, opened) {
            Some(shape) if shape == spans => Ok(spans),
            _ => Err(Violation {
                code: codes::NO_MATCH,
                at: 0,
            }),
        }
    });
    let response = harmony::response(text, &markers, opened);
    Parsed {
        outcome,
        marker_count: markers.count,
        markers: markers.into_kept(),
        lookalikes: 0,
        tags: TagCount::default(),
        response,
    }
}

/// The thinking tags of a text without a template.
const USUAL_OPEN: &str = "<think>";
const USUAL_CLOSE: &str = "</think>";

/// What follows the thinking: `open` is where the last opening marker begins,
/// `close` where the last closing one ends.
fn after_thinking(open: Option<usize>, close: Option<usize>, text: &str) -> Option<Range<usize>> {
    match (open, close) {
        (None, None) => Some(0..text.len()),
        (Some(open), Some(close)) if open >= close => None,
        (_, Some(close)) => Some(close..text.len()),
        (Some(_), None) => None,
    }
}

/// Which letters the tags may be written in.
pub(super) fn case(options: &FormatOptions) -> Case {
    if options.case_insensitive {
        Case::Ignored
    } else {
        Case::Exact
    }
}

fn ends_with(text: &str, end: &str, case: Case) -> bool {
    let Some(start) = text.len().checked_sub(end.len()) else {
        return false;
    };
    let tail = &text.as_bytes()[start..];
    match case {
        Case::Exact => tail == end.as_bytes(),
        Case::Ignored => tail.eq_ignore_ascii_case(end.as_bytes()),
    }
}
