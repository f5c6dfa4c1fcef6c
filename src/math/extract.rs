//! Where the answer stands: a response in, the byte range of the answer that it
//! commits to out. Linear; numbers are never picked out of prose.

use std::ops::Range;

use crate::boxed;

use super::anchors::{Sequel, denies, denies_next, joins, phrases, retracts, sequel, wavers};
use super::options::Extract;

/// What the text is that an answer is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A whole response: thinking is skipped, and prose without an announced
    /// answer is `no_answer`.
    Response,
    /// A section that holds an answer and little else: where nothing in it is
    /// announced, the whole text is the answer.
    Answer,
}

/// How an answer was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Boxed,
    AnswerTag,
    Hash,
    Phrase,
    /// The last line, in bold.
    Bold,
    /// The only expression of the response.
    Sole,
    Whole,
}

impl Source {
    pub(super) fn name(self) -> &'static str {
        match self {
            Source::Boxed => "boxed",
            Source::AnswerTag => "answer_tag",
            Source::Hash => "hash",
            Source::Phrase => "phrase",
            Source::Bold => "bold",
            Source::Sole => "sole_expression",
            Source::Whole => "whole",
        }
    }
}

/// The answer that is judged, and others that must not differ from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) span: Range<usize>,
    pub(super) source: Source,
    /// Boxes that form one answer with it.
    pub(super) joined: Vec<Range<usize>>,
    /// Other commitments of the same response.
    pub(super) rivals: Vec<Range<usize>>,
}

type Result<T> = std::result::Result<T, &'static str>;

/// Finds the answer; the error is the reason of a `no_answer`.
pub(super) fn extract(text: &str, scope: Scope, how: Extract) -> Result<Found> {
    let start = match scope {
        Scope::Answer => 0,
        Scope::Response => response_start(text)?,
    };
    let region = trimmed(text, start..end_of_turn(text, start));
    match how {
        Extract::Auto => auto(text, region, scope),
        Extract::Whole => whole(region, Source::Whole),
        Extract::Boxed => boxed(text, region)?.ok_or("no_answer_found"),
        Extract::AnswerTag => tagged(text, region)?.ok_or("no_answer_found"),
        Extract::Hash => hash(text, region)?.ok_or("no_answer_found"),
        Extract::Phrase => phrase(text, region)?.ok_or("no_answer_found"),
    }
}

fn auto(text: &str, region: Range<usize>, scope: Scope) -> Result<Found> {
    let tagged = tagged(text, region.clone())?;
    let boxed = boxed(text, region.clone())?;
    let mut found = match (tagged, boxed) {
        (Some(mut tag), Some(outside)) => {
            tag.rivals.push(outside.span);
            tag.rivals.extend(outside.joined);
            tag.rivals.extend(outside.rivals);
            tag
        }
        (Some(found), None) | (None, Some(found)) => found,
        (None, None) => match (hash(text, region.clone())?, phrase(text, region.clone())?) {
            (Some(mut hash), phrase) => {
                hash.rivals.extend(
                    phrase
                        .map(|found| found.span)
                        .filter(|span| span.start > hash.span.end),
                );
                return Ok(hash);
            }
            (None, Some(phrase)) => return Ok(phrase),
            (None, None) => match (bold(text, region.clone()), scope) {
                (Some(bold), Scope::Response) => return Ok(bold),
                _ => return whole(region, Source::Whole),
            },
        },
    };
    // What is announced after the judged answer must repeat it.
    let after = found.span.end..region.end;
    let later = [hash(text, after.clone()), phrase(text, after)];
    found.rivals.extend(
        later
            .into_iter()
            .flatten()
            .flatten()
            .map(|found| found.span),
    );
    Ok(found)
}

/// The part of a response that is looked at: after the thinking, up to the end
/// of the turn.
pub(super) fn region(text: &str) -> Result<Range<usize>> {
    let start = response_start(text)?;
    Ok(trimmed(text, start..end_of_turn(text, start)))
}

/// Where the response proper begins: after the last `</think>`.
fn response_start(text: &str) -> Result<usize> {
    let start =
        memchr::memmem::rfind(text.as_bytes(), b"</think>").map_or(0, |at| at + "</think>".len());
    match memchr::memmem::find(&text.as_bytes()[start..], b"<think>") {
        Some(_) => Err("unfinished_thinking"),
        None => Ok(start),
    }
}

/// Where chat-template markers end the response.
fn end_of_turn(text: &str, start: usize) -> usize {
    [
        "<|im_end|>",
        "<|eot_id|>",
        "<|endoftext|>",
        "<｜end▁of▁sentence｜>",
        "<|im_start|>",
    ]
    .iter()
    .filter_map(|marker| memchr::memmem::find(&text.as_bytes()[start..], marker.as_bytes()))
    .filter(|at| !text[start..start + at].trim().is_empty())
    .min()
    .map_or(text.len(), |at| start + at)
}

fn found(span: Range<usize>, source: Source) -> Found {
    Found {
        span,
        source,
        joined: Vec::new(),
        rivals: Vec::new(),
    }
}

fn whole(region: Range<usize>, source: Source) -> Result<Found> {
    match region.is_empty() {
        true => Err("empty"),
        false => Ok(found(region, source)),
    }
}

/// The last outermost box; boxes joined to it by commas or connectives belong
/// to it. Where it is malformed, no earlier box is looked at.
fn boxed(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    let outermost: Vec<_> = boxed::find_all(&text[region.clone()])
        .into_iter()
        .filter(|found| found.level == 0)
        .collect();
    let at = |range: Range<usize>| range.start + region.start..range.end + region.start;
    let Some((last, earlier)) = outermost.split_last() else {
        return Ok(None);
    };
    let inside = last.inside().ok_or("malformed_box")?;
    let mut found = found(innermost(text, at(inside))?, Source::Boxed);
    let mut right = last.whole.start;
    for earlier in earlier.iter().rev() {
        match earlier.inside() {
            Some(inside) if joins(&text[at(earlier.whole.end..right)]) => {
                found.joined.push(innermost(text, at(inside))?);
                right = earlier.whole.start;
            }
            _ => break,
        }
    }
    if denies_next(&text[region.start..region.start + right]) {
        return Err("denied");
    }
    let after = region.start + last.whole.end;
    match sequel(&text[after..region.end]) {
        Sequel::Nothing => {}
        Sequel::TakenBack => return Err("retracted"),
        Sequel::Alternative(offset) => {
            let from = after + offset;
            found
                .rivals
                .push(trimmed(text, from..clause_end(text, from, region.end)));
        }
    }
    Ok(Some(found))
}

/// The inside of a box that holds nothing but a box, and so on.
fn innermost(text: &str, inside: Range<usize>) -> Result<Range<usize>> {
    /// Deeper nesting is left to the reader, which refuses it.
    const DEPTH: usize = 4;
    let mut span = trimmed(text, inside);
    for _ in 0..DEPTH {
        let nested = boxed::find_all(&text[span.clone()]).into_iter().next();
        let Some(nested) = nested.filter(|nested| nested.whole == (0..span.len())) else {
            break;
        };
        let Some(inside) = nested.inside() else {
            break;
        };
        span = trimmed(text, span.start + inside.start..span.start + inside.end);
    }
    match span.is_empty() {
        true => Err("empty_box"),
        false => Ok(span),
    }
}

/// What the last `<answer>` holds: a box or an announced answer in it, else all.
fn tagged(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    let bytes = &text.as_bytes()[region.clone()];
    let Some(open) = memchr::memmem::rfind(bytes, b"<answer>") else {
        return Ok(None);
    };
    let from = open + "<answer>".len();
    let Some(length) = memchr::memmem::find(&bytes[from..], b"</answer>") else {
        return Err("unclosed_answer_tag");
    };
    let inside = trimmed(text, region.start + from..region.start + from + length);
    if inside.is_empty() {
        return Err("empty");
    }
    let mut answer = match boxed(text, inside.clone())? {
        Some(boxed) => boxed,
        None => match phrase(text, inside.clone())? {
            Some(phrase) => phrase,
            None => found(inside, Source::AnswerTag),
        },
    };
    // An earlier answer section is a second commitment.
    if let Some(previous) = memchr::memmem::rfind(&bytes[..open], b"<answer>") {
        let from = previous + "<answer>".len();
        let length = memchr::memmem::find(&bytes[from..open], b"</answer>").unwrap_or(open - from);
        answer.rivals.push(trimmed(
            text,
            region.start + from..region.start + from + length,
        ));
    }
    Ok(Some(answer))
}

/// The rest of the line after the last `####`.
fn hash(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    let Some(at) = memchr::memmem::rfind(&text.as_bytes()[region.clone()], b"####") else {
        return Ok(None);
    };
    let from = region.start + at + "####".len();
    let line = text[from..region.end]
        .find('\n')
        .map_or(region.end, |n| from + n);
    let span = trimmed(text, from..line);
    match span.is_empty() {
        true => Err("empty"),
        false => Ok(Some(found(span, Source::Hash))),
    }
}

/// The clause after the last phrase that announces an answer.
fn phrase(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    let mut last = None;
    for (start, end) in phrases(&text[region.clone()]) {
        let (start, end) = (region.start + start, region.start + end);
        if let Some(from) = announced(text, start, end, region.end) {
            last = Some((start, from));
        }
    }
    let Some((start, from)) = last else {
        return Ok(None);
    };
    let before = &text[region.start..start];
    let clause = before
        .rfind(['.', ',', ';', ':', '!', '?', '\n', '。', '，', '；'])
        .unwrap_or(0);
    if denies(&before[clause..]) {
        return Err("denied");
    }
    let end = clause_end(text, from, region.end);
    // The emphasis that was opened before the phrase or the answer.
    let clause =
        text[from..end].trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_'));
    let span = trimmed(text, from..from + clause.len());
    if span.is_empty() {
        return Err("empty");
    }
    let next = &text[end..region.end];
    match retracts(next) {
        true => Err("retracted"),
        false => Ok(Some(found(span, Source::Phrase))),
    }
}

/// Where the answer begins after a phrase, or `None` where prose goes on:
/// "the final answer depends on".
fn announced(text: &str, start: usize, end: usize, limit: usize) -> Option<usize> {
    let phrase = &text[start..end];
    // `answer $` and `answer \[` announce by the delimiter itself.
    if let Some(delimiter) = phrase.rfind(['$', '\\']) {
        return Some(start + delimiter);
    }
    let rest = &text[end..limit];
    let connector = |c: char| c.is_whitespace() || matches!(c, '*' | ':' | '：' | '=' | '_');
    let mut skipped = rest.trim_start_matches(connector);
    for word in ["is", "是", "为", "為", "est", "es", "ist"] {
        if let Some(after) = skipped.strip_prefix(word)
            && after.starts_with(|c: char| connector(c) || !word.is_ascii())
        {
            skipped = after.trim_start_matches(connector);
            break;
        }
    }
    let taken = &rest[..rest.len() - skipped.len()];
    let bare = phrase.eq_ignore_ascii_case("final answer") || phrase.starts_with("最");
    let open = bare && !taken.contains(|c: char| !c.is_whitespace() || c == '\n');
    (!open).then_some(limit - skipped.len())
}

/// The end of the clause that begins at `from`: a line break, the end of the
/// sentence, or "because".
fn clause_end(text: &str, from: usize, limit: usize) -> usize {
    let rest = &text[from..limit];
    let math = [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")]
        .iter()
        .find(|(open, _)| rest.starts_with(open))
        .and_then(|(open, close)| {
            rest[open.len()..]
                .find(close)
                .map(|at| open.len() + at + close.len())
        })
        .unwrap_or(0);
    let bytes = rest.as_bytes();
    for (at, c) in rest[math..].char_indices().map(|(at, c)| (at + math, c)) {
        let after = bytes.get(at + 1);
        let ends = match c {
            '\n' | '。' => true,
            '.' => after.is_none_or(|b| b.is_ascii_whitespace() || *b == b'*'),
            ' ' => [" because ", " since "]
                .iter()
                .any(|word| rest[at..].starts_with(word)),
            '<' => after.is_some_and(|b| matches!(b, b'|' | b'/')),
            _ => false,
        };
        if ends {
            return from + at;
        }
    }
    limit
}

/// The last line, where it is nothing but bold text.
fn bold(text: &str, region: Range<usize>) -> Option<Found> {
    let from = text[region.clone()]
        .rfind('\n')
        .map_or(region.start, |at| region.start + at + 1);
    let line = trimmed(text, from..region.end);
    let inside = text[line.clone()].strip_prefix("**")?.strip_suffix("**")?;
    (!inside.trim().is_empty() && !inside.contains("**"))
        .then(|| found(line.start + 2..line.end - 2, Source::Bold))
}

/// The one expression between math delimiters, where the rest of the text is
/// prose that only presents it: "Therefore $x \ge 5$ is the solution." What
/// stands right before and after must not change its meaning, as in "at least
/// $5$" and "$5$ percent", and a second expression would make it one of several.
pub(super) fn sole(text: &str, region: Range<usize>) -> Option<Found> {
    const DELIMITERS: [(&str, &str); 4] =
        [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")];
    const BEFORE: [&str; 16] = [
        "is",
        "are",
        "that",
        "get",
        "find",
        "have",
        "obtain",
        "conclude",
        "therefore",
        "thus",
        "hence",
        "so",
        "answer",
        "solution",
        "result",
        "equals",
    ];
    let inside = &text[region.clone()];
    let at = ["$", "\\[", "\\("]
        .iter()
        .filter_map(|open| inside.find(open))
        .min()?;
    let (open, close) = DELIMITERS
        .iter()
        .find(|(open, _)| inside[at..].starts_with(open))?;
    let from = at + open.len();
    let to = from + inside[from..].find(close)?;
    let (before, after) = (&inside[..at], &inside[to + close.len()..]);
    let is_prose = |prose: &str| {
        !prose.contains(|c: char| c.is_numeric() || "$\\=<>+^{}%".contains(c)) && !wavers(prose)
    };
    let introduction = before.trim_end();
    let last = introduction
        .rsplit(|c: char| !c.is_alphabetic())
        .next()
        .unwrap_or_default();
    let presents = introduction.is_empty()
        || introduction.ends_with(':')
        || BEFORE.iter().any(|word| last.eq_ignore_ascii_case(word));
    let sequel = after.trim_start();
    let ends = sequel.is_empty()
        || sequel.starts_with(['.', '!'])
        || sequel.starts_with("is the solution")
        || sequel.starts_with("is the answer")
        || sequel.starts_with("is our answer");
    let span = trimmed(text, region.start + from..region.start + to);
    (presents && ends && is_prose(before) && is_prose(after) && !span.is_empty())
        .then(|| found(span, Source::Sole))
}

/// The range without white space at its ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let inside = &text[range.clone()];
    let start = range.end - inside.trim_start().len();
    start..start + inside.trim().len()
}
