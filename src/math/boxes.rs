//! Boxes as commitments: a response in, the box that it commits to out, with
//! those that are joined to it and those that must not differ from it. Linear.

use std::ops::Range;

use crate::boxed::{self, Boxed, Group};

use super::between::{joined, leaves_open};
use super::doubt;
use super::extract::{Found, MOST, Result, Source, aftermath, found, phrase, trimmed};
use super::neighbours;
use super::open_case::{Alone, depends};

/// The last outermost box; boxes joined to it by commas or connectives belong
/// to it. Where it is malformed, no earlier box is looked at.
pub(super) fn boxed(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    let outermost = outermost(&text[region.clone()]);
    let at = |range: Range<usize>| range.start + region.start..range.end + region.start;
    let Some((last, earlier)) = outermost.split_last() else {
        return Ok(None);
    };
    let inside = last.inside().ok_or("malformed_box")?;
    let mut found = found(innermost(text, at(inside))?, Source::Boxed);
    let mut right = last.whole.start;
    let mut apart = earlier.len();
    for earlier in earlier.iter().rev() {
        match earlier.inside() {
            Some(inside) if joined(&text[at(earlier.whole.end..right)]) => {
                found.joined.push(innermost(text, at(inside))?);
                right = earlier.whole.start;
                apart -= 1;
            }
            _ => break,
        }
    }
    if found.joined.len() > MOST {
        return Err("several_answers");
    }
    let answer = region.start + right..region.start + last.whole.end;
    let beside = neighbours::beside(text, region.clone(), answer.clone())?;
    let before = &text[region.start..answer.start];
    match doubt::before(before) {
        Some("conditional") => {
            let alone = match earlier.is_empty() {
                true => Alone::Yes,
                false => Alone::No,
            };
            if depends(before, &text[beside.after..region.end], alone) {
                return Err("conditional");
            }
        }
        Some(reason) => return Err(reason),
        None => {}
    }
    // The last box is judged. Another one differs only where the text leaves open
    // which of the two it is.
    let mut next = right;
    for other in earlier[..apart].iter().rev() {
        let between = &text[at(other.whole.end..next)];
        if !leaves_open(between) {
            break;
        }
        if let Some(Ok(inside)) = other.inside().map(|inside| innermost(text, at(inside))) {
            found.rivals.push(inside);
        }
        if found.rivals.len() > MOST {
            return Err("several_answers");
        }
        next = other.whole.start;
    }
    aftermath(text, beside.after, region.end, &mut found)?;
    found.suffix = beside.suffix;
    found.open = beside.open.or(found.open);
    found.rivals.extend(beside.equated);
    Ok(Some(found))
}

/// The range of the name in a text that ends with `name =`.
pub(super) fn name_at_end(text: &str) -> Option<Range<usize>> {
    let before = text.trim_end().strip_suffix('=')?.trim_end();
    let name = before
        .trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '{' | '}'));
    let name = name.strip_suffix('\\').unwrap_or(name).len()..before.len();
    let is_name = before[name.clone()]
        .trim_start_matches('\\')
        .starts_with(|c: char| c.is_ascii_alphabetic());
    is_name.then_some(name)
}

/// What a box holds at `inside`, with the name that stands before the box: `x=5`
/// for `x = \boxed{5}`.
pub(super) fn with_name(text: &str, inside: Range<usize>) -> String {
    let held = text[inside.clone()].trim();
    let before = text[..inside.start].trim_end();
    let name = ["\\boxed", "\\fbox"]
        .iter()
        .find_map(|command| {
            let before = before.strip_suffix('{').unwrap_or(before).trim_end();
            before.strip_suffix(command)
        })
        .and_then(|before| Some(&before[name_at_end(before)?]));
    match name {
        Some(name) => format!("{name} = {held}"),
        None => held.to_owned(),
    }
}

/// The boxes that stand in no other; the one character of a box without braces
/// counts as its inside.
fn outermost(text: &str) -> Vec<Boxed> {
    boxed::find_all(text)
        .into_iter()
        .filter(|found| found.level == 0)
        .map(|found| match found.token(text) {
            Some(token) => Boxed {
                whole: found.whole.start..token.end,
                group: Group::Closed(token),
                ..found
            },
            None => found,
        })
        .collect()
}

/// Whether the text ends with a phrase that announces the final answer, with
/// nothing but layout and "is" behind it.
pub(super) fn announces_final(before: &str) -> bool {
    let tail = before.trim_end_matches(|c: char| c.is_whitespace() || "*:#$\\[(".contains(c));
    let tail = tail.strip_suffix("is").map_or(tail, str::trim_end);
    ends_with_ignoring_case(tail, "final answer")
}

fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    text.len()
        .checked_sub(end.len())
        .and_then(|at| text.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// Whether a box behind `before` holds the result of a step: it is equated to a
/// computation with numbers, and its sentence does not speak of the answer.
fn is_step(before: &str) -> bool {
    /// A computation is shorter.
    const WINDOW: usize = 200;
    let mut from = before.len().saturating_sub(WINDOW);
    while !before.is_char_boundary(from) {
        from += 1;
    }
    let window = &before[from..];
    let sentence = &window[doubt::sentence_start(window)..];
    let Some(computed) = sentence.trim_end().strip_suffix('=') else {
        return false;
    };
    let side = computed.rsplit(['=', ':', '$']).next().unwrap_or_default();
    let operates = side.contains(['+', '-', '*', '/', '×', '^'])
        || ["\\cdot", "\\times", "\\frac", "\\div", "\\sqrt"]
            .iter()
            .any(|sign| side.contains(sign));
    let speaks = ["answer", "final", "result", "therefore", "conclu"]
        .iter()
        .any(|word| computed.to_lowercase().contains(word));
    operates && side.contains(|c: char| c.is_ascii_digit()) && !speaks
}

/// An announcement of the final answer behind boxes that hold nothing but steps.
pub(super) fn final_after_steps(text: &str, region: Range<usize>) -> Option<Found> {
    // Nearly every response stops here.
    memchr::memmem::find(&text.as_bytes()[region.clone()], b"inal ")?;
    let boxes = outermost(&text[region.clone()]);
    let last = boxes.last()?;
    let steps = boxes.len() <= MOST
        && boxes.iter().all(|found| {
            found.inside().is_some()
                && is_step(&text[region.start..region.start + found.whole.start])
        });
    if !steps {
        return None;
    }
    let after = region.start + last.whole.end..region.end;
    let found = phrase(text, after.clone()).ok()??;
    announces_final(&text[after.start..found.span.start]).then_some(found)
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
