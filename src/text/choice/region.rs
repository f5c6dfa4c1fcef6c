//! Which part of a response counts: after the thinking, inside the answer tags.
//!
//! Text in, byte ranges out. One pass each, no recursion.

use std::ops::Range;

use super::commit::Refusal;

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
