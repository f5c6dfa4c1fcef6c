//! Harmony, the messages of gpt-oss: special tokens in, thinking and answer
//! out.
//!
//! A message is `<|start|>role to=recipient <|channel|>channel to=recipient
//! <|constrain|>type <|message|>body<|end|>`; `<|call|>` ends a tool call and
//! `<|return|>` the final message. The first message lacks its start where the
//! prompt has written it. Thinking is every message on `analysis` without a
//! recipient; it may be absent, as the format allows. The answer is the one
//! message on `final`, which comes last; an engine may have eaten its end
//! token. Calls, tool results and `commentary` are neither.
//!
//! Source: OpenAI harmony response format, `docs/format.md`. Not here: tokens
//! lost by decoding without special tokens, which cannot be told from text.

use std::iter::Peekable;
use std::ops::Range;

use pest::Parser;

use super::codes;
use super::completion::{BLANKS, Marker, Violation, first_solid, trim};
use super::engine::Spans;
use super::scan::{Case, Markers, Scanner};
use super::tagged::Opened;

mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammars/harmony.pest"]
    pub(super) struct Harmony;
}

const START: &str = "start";
const CHANNEL: &str = "channel";
const MESSAGE: &str = "message";
const CONSTRAIN: &str = "constrain";
const END: &str = "end";
const RETURN: &str = "return";
const CALL: &str = "call";

const TOKENS: [(&str, &str); 7] = [
    (START, "<|start|>"),
    (CHANNEL, "<|channel|>"),
    (MESSAGE, "<|message|>"),
    (CONSTRAIN, "<|constrain|>"),
    (END, "<|end|>"),
    (RETURN, "<|return|>"),
    (CALL, "<|call|>"),
];

/// What the prompt ends with when it has opened the first analysis.
pub(super) const PREFILL: &str = "<|channel|>analysis<|message|>";

pub(super) fn scanner() -> Result<Scanner, String> {
    Scanner::new(&TOKENS, Case::Exact)
}

/// The text form of separate thinking and content.
pub(super) fn render(think: &str, content: &str, opened: Opened) -> String {
    let answer = format!("<|channel|>final<|message|>{content}<|return|>");
    if think.trim_matches(BLANKS).is_empty() && opened == Opened::ByCompletion {
        return answer;
    }
    let open = if opened == Opened::ByPrompt {
        ""
    } else {
        PREFILL
    };
    format!("{open}{think}<|end|><|start|>assistant{answer}")
}

/// The body of the last final message, valid or not. A text without a single
/// marker is a plain answer, unless the prompt has opened the thinking.
pub(super) fn response(text: &str, markers: &Markers<'_>, opened: Opened) -> Option<Range<usize>> {
    if markers.count == 0 && opened == Opened::ByCompletion {
        return Some(0..text.len());
    }
    let mut body: Option<Range<usize>> = None;
    let mut channel = None;
    let mut is_open = false;
    for marker in markers.iter() {
        if is_open && let Some(body) = &mut body {
            body.end = marker.span.start;
        }
        is_open = marker.name == MESSAGE
            && channel.is_some_and(|channel: usize| {
                text[channel..marker.span.start].trim_matches(BLANKS) == "final"
            });
        if is_open {
            body = Some(marker.span.end..text.len());
        }
        channel = (marker.name == CHANNEL).then_some(marker.span.end);
    }
    body
}

/// What a message is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Thinking,
    Preamble,
    Call,
    ToolResult,
    Final,
}

/// Finds the sections, or the first fault of the text.
pub(super) fn spans(text: &str, markers: &Markers<'_>, opened: Opened) -> Result<Spans, Violation> {
    let mut walk = Walk {
        text,
        markers: markers.iter().peekable(),
        at: 0,
    };
    let mut think: Vec<Range<usize>> = Vec::new();
    let mut answer = None;
    let mut blank_think = None;
    if opened == Opened::ByCompletion && markers.count == 0 {
        return Err(Violation {
            code: codes::MISSING_CHANNEL,
            at: 0,
        });
    }
    let mut kind = match opened {
        Opened::ByPrompt => Kind::Thinking,
        Opened::ByCompletion => walk.header(Place::First)?,
    };
    loop {
        let body = walk.body(kind)?;
        match kind {
            Kind::Thinking => {
                let body = trim(text, body);
                if body.is_empty() {
                    blank_think.get_or_insert(body.start);
                }
                think.push(body);
            }
            Kind::Final => answer = Some(body),
            Kind::Preamble | Kind::Call | Kind::ToolResult => {}
        }
        let rest = text.len();
        let gap_end = walk.peek().map_or(rest, |marker| marker.span.start);
        if let Some(at) = first_solid(text, walk.at..gap_end) {
            let code = if answer.is_some() {
                codes::TRAILING_TEXT
            } else {
                codes::MIDDLE_TEXT
            };
            return Err(Violation { code, at });
        }
        let Some(marker) = walk.peek() else { break };
        let begin = marker.span.start;
        kind = walk.header(Place::Later)?;
        if answer.is_some() {
            let again = kind == Kind::Final;
            let code = if again {
                codes::DUPLICATE_FINAL
            } else {
                codes::BAD_ORDER
            };
            return Err(Violation { code, at: begin });
        }
    }
    let Some(answer) = answer else {
        return Err(Violation {
            code: codes::MISSING_FINAL,
            at: text.len(),
        });
    };
    if let Some(at) = blank_think {
        return Err(Violation {
            code: codes::EMPTY_THINK,
            at,
        });
    }
    let trimmed = trim(text, answer.clone());
    if trimmed.is_empty() {
        return Err(Violation {
            code: codes::EMPTY_ANSWER,
            at: answer.end,
        });
    }
    Ok(Spans {
        think: (!think.is_empty()).then_some(think),
        answer: vec![trimmed],
    })
}

/// Runs the grammar: the trimmed sections of a text that has the shape.
pub(super) fn shape(text: &str, opened: Opened) -> Option<Spans> {
    let root = match opened {
        Opened::ByPrompt => grammar::Rule::doc_prefill,
        Opened::ByCompletion => grammar::Rule::doc,
    };
    let mut think = Vec::new();
    let mut answer = Vec::new();
    for pair in grammar::Harmony::parse(root, text).ok()? {
        let span = trim(text, pair.as_span().start()..pair.as_span().end());
        match pair.as_rule() {
            grammar::Rule::think => think.push(span),
            grammar::Rule::answer => answer.push(span),
            _ => {}
        }
    }
    Some(Spans {
        think: (!think.is_empty()).then_some(think),
        answer,
    })
}

/// Whether a message may begin without `<|start|>`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Later,
}

/// A position among the tokens.
struct Walk<'t, M: Iterator<Item = Marker>> {
    text: &'t str,
    markers: Peekable<M>,
    at: usize,
}

impl<'t, M: Iterator<Item = Marker>> Walk<'t, M> {
    fn peek(&mut self) -> Option<Marker> {
        self.markers.peek().cloned()
    }

    /// The words before the next token, which is passed if it has that name.
    fn words_until(&mut self, name: &str, code: &'static str) -> Result<Vec<&'t str>, Violation> {
        match self.peek() {
            Some(marker) if marker.name == name => {
                let words = self.text[self.at..marker.span.start].split(BLANKS);
                // Three words decide every header; more are a fault anyway.
                let words = words.filter(|word| !word.is_empty()).take(4).collect();
                self.at = marker.span.end;
                self.markers.next();
                Ok(words)
            }
            Some(marker) => Err(Violation {
                code,
                at: marker.span.start,
            }),
            None => Err(Violation {
                code,
                at: self.text.len(),
            }),
        }
    }

    /// Reads a header up to and including `<|message|>`.
    fn header(&mut self, place: Place) -> Result<Kind, Violation> {
        let begin = self.at;
        let fault = |code| Err(Violation { code, at: begin });
        let started = self.peek().is_some_and(|marker| marker.name == START);
        if started {
            if !self.words_until(START, codes::BAD_HEADER)?.is_empty() {
                return fault(codes::LEADING_TEXT);
            }
        } else if place == Place::Later {
            return fault(codes::BAD_HEADER);
        }
        let mut words = self.words_until(CHANNEL, codes::MISSING_CHANNEL)?;
        if !started {
            // Only the rest of a header that the prompt began.
            if words.iter().any(|word| recipient(word).is_none()) {
                return fault(codes::LEADING_TEXT);
            }
            words.insert(0, "assistant");
        }
        let (tool, mut to) = match words.as_slice() {
            ["assistant"] => (false, None),
            ["assistant", word] => match recipient(word) {
                Some(to) => (false, Some(to)),
                None => return fault(codes::BAD_HEADER),
            },
            [role, "to=assistant"] if recipient(role).is_none() && !role.starts_with("to=") => {
                (true, None)
            }
            [] => return fault(codes::UNKNOWN_ROLE),
            [role, ..] if *role != "assistant" => return fault(codes::UNKNOWN_ROLE),
            _ => return fault(codes::BAD_HEADER),
        };
        let constrained = self.peek().is_some_and(|marker| marker.name == CONSTRAIN);
        let words = match constrained {
            true => self.words_until(CONSTRAIN, codes::MISSING_MESSAGE)?,
            false => self.words_until(MESSAGE, codes::MISSING_MESSAGE)?,
        };
        let Some((channel, rest)) = words.split_first() else {
            return fault(codes::MISSING_CHANNEL);
        };
        let rest = match (to, rest) {
            (None, [word, rest @ ..]) if recipient(word).is_some() && !tool => {
                to = recipient(word);
                rest
            }
            (_, rest) => rest,
        };
        let typed = match rest {
            [] => false,
            [word] if to.is_some() && !word.starts_with("to=") => true,
            _ if !matches!(*channel, "analysis" | "commentary" | "final") => {
                return fault(codes::UNKNOWN_CHANNEL);
            }
            _ => return fault(codes::BAD_HEADER),
        };
        let kind = match (*channel, tool, to) {
            ("analysis" | "commentary", true, _) => Kind::ToolResult,
            ("analysis" | "commentary", false, Some(_)) => Kind::Call,
            ("analysis", false, None) => Kind::Thinking,
            ("commentary", false, None) => Kind::Preamble,
            ("final", false, None) => Kind::Final,
            ("final", ..) => return fault(codes::BAD_HEADER),
            _ => return fault(codes::UNKNOWN_CHANNEL),
        };
        if constrained {
            let words = self.words_until(MESSAGE, codes::MISSING_MESSAGE)?;
            if words.len() != 1 || typed || kind != Kind::Call {
                return fault(codes::BAD_HEADER);
            }
        }
        Ok(kind)
    }

    /// Reads a body and the token that ends it.
    fn body(&mut self, kind: Kind) -> Result<Range<usize>, Violation> {
        let start = self.at;
        let Some(marker) = self.peek() else {
            self.at = self.text.len();
            return match kind {
                Kind::Final => Ok(start..self.at),
                _ => Err(Violation {
                    code: codes::UNTERMINATED_MESSAGE,
                    at: self.at,
                }),
            };
        };
        let right = match (marker.name, kind) {
            (START | CHANNEL | MESSAGE | CONSTRAIN, _) => {
                let at = marker.span.start;
                return Err(Violation {
                    code: codes::UNTERMINATED_MESSAGE,
                    at,
                });
            }
            (CALL, kind) => kind == Kind::Call,
            (RETURN, kind) => kind == Kind::Final,
            (_, kind) => kind != Kind::Call,
        };
        if !right {
            return Err(Violation {
                code: codes::BAD_TERMINATOR,
                at: marker.span.start,
            });
        }
        self.markers.next();
        self.at = marker.span.end;
        Ok(start..marker.span.start)
    }
}

/// The name after `to=`.
fn recipient(word: &str) -> Option<&str> {
    word.strip_prefix("to=").filter(|name| !name.is_empty())
}
