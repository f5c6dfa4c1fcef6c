//! Where the answer stands: a response in, the byte range of the answer that it
//! commits to out. Linear; numbers are never picked out of prose.

use std::ops::Range;

use super::aftermath::{self, Aftermath};
use super::anchors::{phrases, without_copula};
use super::boxes::{boxed, final_after_steps};
use super::doubt;
use super::options::Extract;
use super::restated;
use super::unannounced::bold;

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
    /// The last line, a number.
    LastLine,
    /// The conclusion at the end.
    Concluded,
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
            Source::LastLine => "last_line",
            Source::Concluded => "conclusion",
            Source::Whole => "whole",
        }
    }
}

/// The answer that is judged, and others that must not differ from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) span: Range<usize>,
    pub(super) source: Source,
    /// What stands right behind its box and may belong to it: a percent sign,
    /// a unit, the base.
    pub(super) suffix: Option<Range<usize>>,
    /// Boxes that form one answer with it.
    pub(super) joined: Vec<Range<usize>>,
    /// Other commitments of the same response.
    pub(super) rivals: Vec<Range<usize>>,
    /// Why the words round it leave open whether it is the answer: it is never
    /// correct then.
    pub(super) open: Option<&'static str>,
}

/// The most commitments of one response that are compared; each costs one
/// comparison, and honest responses have a handful.
pub(super) const MOST: usize = 32;

pub(super) type Result<T> = std::result::Result<T, &'static str>;

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
        Extract::Hash => marked(text, region)?.ok_or("no_answer_found"),
        Extract::Phrase => phrase(text, region)?.ok_or("no_answer_found"),
    }
}

fn auto(text: &str, region: Range<usize>, scope: Scope) -> Result<Found> {
    let tagged = tagged(text, region.clone())?;
    if tagged.is_none()
        && let Some(found) = final_after_steps(text, region.clone())
    {
        return limited(found);
    }
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
                        .filter(|span| span.start > hash.span.end && commits(&text[span.clone()])),
                );
                return limited(hash);
            }
            (None, Some(phrase)) => return limited(phrase),
            (None, None) => {
                if let Some(marked) = marked_at_end(text, region.clone())? {
                    return limited(marked);
                }
                return match (bold(text, region.clone())?, scope) {
                    (Some(bold), Scope::Response) => Ok(bold),
                    _ => whole(region, Source::Whole),
                };
            }
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
            .map(|found| found.span)
            .filter(|span| commits(&text[span.clone()])),
    );
    limited(found)
}

/// Refuses more commitments than can be compared.
fn limited(found: Found) -> Result<Found> {
    match found.joined.len() + found.rivals.len() > MOST {
        true => Err("several_answers"),
        false => Ok(found),
    }
}

/// Whether a later announcement names a value: "The answer is therefore clear"
/// does not.
fn commits(span: &str) -> bool {
    let prose = span
        .split(|c: char| !c.is_alphabetic())
        .any(|word| word.chars().count() > 2);
    !prose || span.contains(char::is_numeric) || restated::names_number(span)
}

/// The part of a response that is looked at: after the thinking, up to the end
/// of the turn.
pub(super) fn region(text: &str) -> Result<Range<usize>> {
    let start = response_start(text)?;
    Ok(trimmed(text, start..end_of_turn(text, start)))
}

/// Where the response proper begins: after the last `</think>`, and after the
/// last heading "### Response", which some templates put between the two.
fn response_start(text: &str) -> Result<usize> {
    let start =
        memchr::memmem::rfind(text.as_bytes(), b"</think>").map_or(0, |at| at + "</think>".len());
    match memchr::memmem::find(&text.as_bytes()[start..], b"<think>") {
        Some(_) => Err("unfinished_thinking"),
        None => Ok(start + heading_end(&text[start..])),
    }
}

/// The end of the last heading "### Response"; 0 where there is none, or nothing
/// behind it.
fn heading_end(text: &str) -> usize {
    ["###Response", "### Response"]
        .iter()
        .filter_map(|heading| {
            let end = memchr::memmem::rfind(text.as_bytes(), heading.as_bytes())? + heading.len();
            let rest = text[end..].strip_prefix(':').unwrap_or(&text[end..]);
            let ends = !rest.starts_with(char::is_alphanumeric) && !rest.trim().is_empty();
            ends.then_some(text.len() - rest.len())
        })
        .max()
        .unwrap_or(0)
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

pub(super) fn found(span: Range<usize>, source: Source) -> Found {
    Found {
        span,
        source,
        suffix: None,
        joined: Vec::new(),
        rivals: Vec::new(),
        open: None,
    }
}

fn whole(region: Range<usize>, source: Source) -> Result<Found> {
    match region.is_empty() {
        true => Err("empty"),
        false => Ok(found(region, source)),
    }
}

/// Reads what follows an answer that ends at `from`.
pub(super) fn aftermath(text: &str, from: usize, end: usize, found: &mut Found) -> Result<()> {
    match aftermath::after(&text[from..end]) {
        Aftermath::Stands => {}
        Aftermath::Open(reason) => found.open = Some(reason),
        Aftermath::Refused(reason) => return Err(reason),
        Aftermath::Rival(span) => found
            .rivals
            .push(trimmed(text, from + span.start..from + span.end)),
    }
    found.rivals.extend(
        restated::values(&text[from..end], MOST + 1).map(|at| at.start + from..at.end + from),
    );
    Ok(())
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
    if let Some(reason) = doubt::before(&text[region.start..region.start + open]) {
        return Err(reason);
    }
    let close = region.start + from + length + "</answer>".len();
    aftermath(text, close, region.end, &mut answer)?;
    // Earlier answer sections are commitments of their own.
    let mut before = open;
    while let Some(previous) = memchr::memmem::rfind(&bytes[..before], b"<answer>") {
        let from = previous + "<answer>".len();
        let length =
            memchr::memmem::find(&bytes[from..before], b"</answer>").unwrap_or(before - from);
        let inside = trimmed(text, region.start + from..region.start + from + length);
        if !inside.is_empty() {
            answer.rivals.push(inside);
        }
        if answer.rivals.len() > MOST {
            return Err("several_answers");
        }
        before = previous;
    }
    Ok(Some(answer))
}

/// The rest of the line after the last `####`, where it is no heading: `#### Solution`.
fn hash(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    let is_heading = |line: &str| !line.contains(char::is_numeric) && !commits(line);
    match marked_line(text, region.clone()) {
        Some((_, span)) if !span.is_empty() && is_heading(&text[span.clone()]) => Ok(None),
        _ => marked(text, region),
    }
}

/// The last line, where it is marked: `#### Evelyn`. What heads nothing is no heading.
fn marked_at_end(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    match marked_line(text, region.clone()) {
        Some((_, span)) if span.end == region.end => marked(text, region),
        _ => Ok(None),
    }
}

/// The rest of the line after the last `####`, whatever it is.
fn marked(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    let Some((at, span)) = marked_line(text, region.clone()) else {
        return Ok(None);
    };
    if span.is_empty() {
        return Err("empty");
    }
    let same_line = text[region.start..at]
        .rsplit('\n')
        .next()
        .unwrap_or_default();
    if same_line.contains(char::is_alphabetic)
        && let Some(reason) = doubt::before(same_line)
    {
        return Err(reason);
    }
    let line = text[span.end..region.end]
        .find('\n')
        .map_or(region.end, |n| span.end + n);
    let mut answer = found(span, Source::Hash);
    aftermath(text, line, region.end, &mut answer)?;
    Ok(Some(answer))
}

/// Where the last `####` stands, and the rest of its line.
fn marked_line(text: &str, region: Range<usize>) -> Option<(usize, Range<usize>)> {
    let at = region.start + memchr::memmem::rfind(&text.as_bytes()[region.clone()], b"####")?;
    let from = at + "####".len();
    let line = text[from..region.end]
        .find('\n')
        .map_or(region.end, |n| from + n);
    Some((at, trimmed(text, from..line)))
}

/// The clause after the last phrase that announces an answer.
pub(super) fn phrase(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    let mut announcements = Vec::new();
    for (start, end) in phrases(&text[region.clone()]) {
        let (start, end) = (region.start + start, region.start + end);
        let own = text[start..].starts_with(|c: char| !c.is_ascii())
            || !doubt::is_attributed(&text[region.start..start])
                && !doubt::is_part(&text[region.start..start]);
        if own && let Some(from) = announced(text, start, end, region.end) {
            announcements.push((start, from));
        }
    }
    let Some((start, from)) = announcements.pop() else {
        return Ok(None);
    };
    if let Some(reason) = doubt::before(&text[region.start..start]) {
        return Err(reason);
    }
    let end = clause_end(text, from, region.end);
    // The emphasis that was opened before the phrase or the answer.
    let clause =
        text[from..end].trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_'));
    let clause = without_copula(clause);
    let span = unquoted(text, trimmed(text, from..from + clause.len()));
    if span.is_empty() {
        return Err("empty");
    }
    let mut answer = found(span, Source::Phrase);
    // The reason that follows may deny other things.
    let rest = &text[end..region.end];
    let reason = match rest.starts_with(" because ") || rest.starts_with(" since ") {
        true => rest.find(['\n', '.']).unwrap_or(rest.len()),
        false => 0,
    };
    aftermath(text, end + reason, region.end, &mut answer)?;
    let mut next = start;
    for (start, from) in announcements.into_iter().rev() {
        if let Some(span) = restated::earlier(text, from.min(next)..next)
            && doubt::before(&text[region.start..start]).is_none()
        {
            answer.rivals.push(span);
        }
        if answer.rivals.len() > MOST {
            return Err("several_answers");
        }
        next = start;
    }
    Ok(Some(answer))
}

/// The range within the quotation marks that enclose it.
fn unquoted(text: &str, span: Range<usize>) -> Range<usize> {
    const MARKS: [(&str, &str); 3] = [("\\\"", "\\\""), ("\"", "\""), ("“", "”")];
    let clause = &text[span.clone()];
    MARKS
        .iter()
        .find_map(|(open, close)| {
            let inside = clause.strip_prefix(open)?.strip_suffix(close)?;
            let from = span.start + open.len();
            (!inside.contains(['"', '“', '”'])).then(|| trimmed(text, from..from + inside.len()))
        })
        .unwrap_or(span)
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
    // "est donc" and "est" end where the value begins.
    for word in ["is", "是", "为", "為", "est", "es", "ist", "donc"] {
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
            // The dots of `0.333...` belong to the number.
            '.' => {
                after.is_none_or(|b| b.is_ascii_whitespace() || *b == b'*')
                    && !rest[..at].ends_with('.')
            }
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

/// The range without white space at its ends.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let inside = &text[range.clone()];
    let start = range.end - inside.trim_start().len();
    start..start + inside.trim().len()
}
