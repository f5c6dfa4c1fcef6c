//! Which part of a response counts: after the thinking, inside the answer tags.
//!
//! Text in, byte ranges out. One pass each, no recursion.

use std::ops::Range;

use super::commit::{Refusal, window, window_before};
use super::letter;

/// A `\boxed{…}` or `\fbox{…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Box {
    /// From the backslash to the closing brace, or to the end of the command
    /// where the box is not closed.
    pub(super) whole: Range<usize>,
    /// What is between the braces; `None` where they do not match.
    pub(super) inside: Option<Range<usize>>,
}

/// The part of `text` that can commit to an answer.
pub(super) fn answer(text: &str) -> Result<Range<usize>, Refusal> {
    let start = text.rfind("</think>").map_or(0, |at| at + "</think>".len());
    if let Some(at) = text[start..].find("<think>") {
        return Err(Refusal::at(
            "unclosed_think",
            start + at..start + at + "<think>".len(),
        ));
    }
    let open: Vec<usize> = text[start..]
        .match_indices("<answer>")
        .map(|(at, _)| at)
        .collect();
    let close: Vec<usize> = text[start..]
        .match_indices("</answer>")
        .map(|(at, _)| at)
        .collect();
    match (open.as_slice(), close.as_slice()) {
        ([], []) => Ok(start..text.len()),
        ([open], [close]) if open < close => Ok(start + open + "<answer>".len()..start + close),
        ([at, ..], _) | ([], [at, ..]) => {
            Err(Refusal::at("bad_answer_tags", start + at..start + at + 1))
        }
    }
}

/// All boxes of `text`, in the order in which they begin.
pub(super) fn boxes(text: &str) -> Vec<Box> {
    let mut boxes: Vec<Box> = Vec::new();
    // Open braces; a box's brace remembers which box it opened.
    let mut open: Vec<(usize, Option<usize>)> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => {
                let Some(command) = box_command(&text[at..]) else {
                    // Skips an escaped brace or backslash as well.
                    at += 2;
                    continue;
                };
                let brace = at + command;
                if bytes.get(brace) == Some(&b'{') {
                    open.push((brace, Some(boxes.len())));
                }
                boxes.push(Box {
                    whole: at..brace,
                    inside: None,
                });
                at = brace + usize::from(bytes.get(brace) == Some(&b'{'));
                continue;
            }
            b'{' => open.push((at, None)),
            b'}' => {
                if let Some((brace, Some(index))) = open.pop() {
                    let found: &mut Box = &mut boxes[index];
                    found.inside = Some(brace + 1..at);
                    found.whole.end = at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    boxes
}

/// The length of a box command with the spaces after it.
fn box_command(text: &str) -> Option<usize> {
    let name = [r"\boxed", r"\fbox"]
        .into_iter()
        .find(|name| text.starts_with(name))?;
    let rest = &text[name.len()..];
    if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    Some(name.len() + (rest.len() - rest.trim_start_matches([' ', '\t']).len()))
}

/// Commands that may stand before a box or around it: they only set it.
const SETTING: [&str; 25] = [
    "text",
    "textbf",
    "textit",
    "textrm",
    "mathbf",
    "mathrm",
    "mathsf",
    "mbox",
    "bm",
    "boldsymbol",
    "large",
    "Large",
    "huge",
    "Huge",
    "displaystyle",
    "quad",
    "qquad",
    "left",
    "Rightarrow",
    "rightarrow",
    "implies",
    "therefore",
    "to",
    "newline",
    "color",
];

/// Whether a box stands for itself: `\neq \boxed{C}`, `-\boxed{C}`,
/// `\boxed{C}^2` and `\boxed{C} + 1` are parts of something else.
///
/// What may stand beside it is listed, not what may not.
pub(super) fn stands_free(body: &str, whole: &Range<usize>) -> bool {
    is_free_before(window_before(body, whole.start)) && is_free_after(window(body, whole.end))
}

fn is_free_before(before: &str) -> bool {
    let is_opener = |c: char| {
        matches!(
            c,
            ' ' | '\t' | '$' | '*' | '_' | '`' | '"' | '“' | '(' | '[' | '{' | '「' | '【'
        )
    };
    let mut rest = before;
    loop {
        let inner = rest.trim_end_matches(is_opener);
        let is_group = rest[inner.len()..].trim_start().starts_with('{');
        let is_spaced = rest[inner.len()..].starts_with([' ', '\t']);
        let name_at = inner.rfind(|c: char| !c.is_ascii_alphabetic()).unwrap_or(0);
        // A command: it may set the box, and then what is before it counts.
        if inner[name_at..].starts_with('\\') {
            let name = &inner[name_at + 1..];
            if !name.is_empty() && !SETTING.contains(&name) {
                return false;
            }
            rest = &inner[..name_at];
            continue;
        }
        let Some(last) = inner.chars().next_back() else {
            return true;
        };
        return match last {
            // `\sqrt[3]{…}`, `\frac{1}{…}`, `x_{…}`.
            ')' | ']' | '}' => !is_group,
            '=' => !inner.ends_with("!=") && !inner.ends_with("\\not="),
            '>' => inner.ends_with("->") || inner.ends_with("=>") || inner.ends_with("n>"),
            '-' | '–' | '—' | '#' => is_spaced,
            '\n' | '.' | ',' | ';' | ':' | '!' | '?' | '。' | '，' | '：' | '；' | '、' | '→'
            | '⇒' | '∴' | '\'' | '’' | '”' | '&' => true,
            c if letter::is_unspaced(c) || c.is_whitespace() => true,
            c if c.is_ascii_digit() => is_spaced,
            c => c.is_alphabetic() && (is_spaced || rest.len() > inner.len()),
        };
    }
}

fn is_free_after(after: &str) -> bool {
    let line = after.split('\n').next().unwrap_or_default();
    let rest = line.trim_start_matches(['$', '*', '`', '"', '}', ')', ']', '”', '_']);
    let trimmed = rest.trim_start();
    let (rest, is_spaced) = (trimmed, trimmed.len() < rest.len());
    let Some(c) = rest.chars().next() else {
        return true;
    };
    match c {
        '<' => rest.starts_with("</") || rest.starts_with("<|"),
        // Ends of formulas and spaces, not operators.
        '\\' => [
            r"\)",
            r"\]",
            r"\\",
            r"\,",
            r"\;",
            r"\ ",
            r"\quad",
            r"\text",
            r"\end",
            r"\boxed",
            r"\blacksquare",
            r"\square",
        ]
        .iter()
        .any(|end| rest.starts_with(end)),
        '.' | ',' => !rest[1..].starts_with(|c: char| c.is_ascii_digit()),
        '-' | '–' | '—' | '(' | '[' => is_spaced,
        ';' | ':' | '!' | '?' | '\'' | '’' | '$' | '*' | ')' | ']' | '|' => true,
        c if letter::is_unspaced(c) => true,
        '。' | '，' | '：' | '；' | '！' | '？' | '、' | '」' | '】' | '』' | '）' => {
            true
        }
        c => {
            is_spaced
                && !matches!(
                    c,
                    '+' | '=' | '^' | '/' | '>' | '~' | '≠' | '≈' | '&' | '_' | '×' | '·'
                )
        }
    }
}

/// Whether a box that is not the last holds a value, not an answer: digits and
/// signs, and no letter but those of commands.
pub(super) fn is_value(inside: &str) -> bool {
    let mut has_digit = false;
    let mut rest = inside;
    while let Some(c) = rest.chars().next() {
        if c == '\\' {
            let name = rest[1..].trim_start_matches(|c: char| c.is_ascii_alphabetic());
            rest = if name.len() + 1 == rest.len() {
                rest[1..].get(1..).unwrap_or_default()
            } else {
                name
            };
            continue;
        }
        if c.is_alphabetic() {
            return false;
        }
        has_digit |= c.is_numeric();
        rest = &rest[c.len_utf8()..];
    }
    has_digit
}
