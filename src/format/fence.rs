//! Markdown code: fenced blocks and inline code, in linear time.
//!
//! A simplification of CommonMark that errs towards "no code": a block that is
//! never closed hides nothing, quotes and lists are not followed, and inline
//! code ends on its line.

use std::collections::HashMap;
use std::ops::Range;

use super::codes;
use super::completion::{BLANKS, Violation};

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    /// From its opening line to the end of its closing line.
    pub(crate) whole: Range<usize>,
    /// The first word after the opening backticks.
    pub(crate) label: Range<usize>,
    /// What stands between the fences; `None` where it is never closed.
    pub(crate) code: Option<Range<usize>>,
}

/// The fenced blocks of `text[range]`; an unclosed block is the last one.
pub(super) fn fences(text: &str, range: Range<usize>) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut open: Option<(u8, usize, Range<usize>, Range<usize>)> = None;
    let mut at = range.start;
    for line in text[range.clone()].split_inclusive('\n') {
        let start = at;
        at += line.len();
        let bare = line.trim_start_matches([' ', '\t']);
        let Some(mark) = bare
            .bytes()
            .next()
            .filter(|byte| matches!(byte, b'`' | b'~'))
        else {
            continue;
        };
        let length = bare.bytes().take_while(|byte| *byte == mark).count();
        let info = bare[length..].trim_matches(BLANKS);
        match &open {
            Some((open_mark, open_length, line, label))
                if mark == *open_mark && length >= *open_length && info.is_empty() =>
            {
                fences.push(Fence {
                    whole: line.start..at,
                    label: label.clone(),
                    code: Some(line.end..start),
                });
                open = None;
            }
            Some(_) => {}
            // Backticks in the info string make it inline code.
            None if length >= 3 && !(mark == b'`' && info.contains('`')) => {
                let indent = line.len() - bare.len();
                let after = start + indent + length;
                let gap = bare[length..].len() - bare[length..].trim_start_matches(BLANKS).len();
                let word = info.find(BLANKS).unwrap_or(info.len());
                open = Some((mark, length, start..at, after + gap..after + gap + word));
            }
            None => {}
        }
    }
    if let Some((_, _, line, label)) = open {
        fences.push(Fence {
            whole: line.start..range.end,
            label,
            code: None,
        });
    }
    fences
}

/// Demands a closed, non-blank block labelled `python`, and no unclosed one.
pub(super) fn demand_python(text: &str, answer: Range<usize>) -> Result<(), Violation> {
    let fences = fences(text, answer.clone());
    let mut python = fences
        .iter()
        .filter(|fence| &text[fence.label.clone()] == "python");
    if let Some(open) = python.clone().find(|fence| fence.code.is_none()) {
        return Err(Violation {
            code: codes::UNCLOSED_CODE,
            at: open.whole.start,
        });
    }
    let blank = |code: &Range<usize>| text[code.clone()].trim_matches(BLANKS).is_empty();
    match python.find(|fence| fence.code.as_ref().is_some_and(|code| !blank(code))) {
        Some(_) => Ok(()),
        None => Err(Violation {
            code: codes::MISSING_CODE,
            at: answer.start,
        }),
    }
}

/// The ranges of closed blocks and inline code, in order and disjoint.
pub(super) fn code_ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    for fence in fences(text, 0..text.len()) {
        if fence.code.is_some() {
            inline(text, at..fence.whole.start, &mut ranges);
            at = fence.whole.end;
            ranges.push(fence.whole);
        }
    }
    inline(text, at..text.len(), &mut ranges);
    ranges
}

/// Runs of backticks paired with the next run of the same length on the line.
fn inline(text: &str, range: Range<usize>, ranges: &mut Vec<Range<usize>>) {
    let mut start = range.start;
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut next: HashMap<usize, usize> = HashMap::new();
    for line in text[range].split_inclusive('\n') {
        runs.clear();
        next.clear();
        let mut from = 0;
        while let Some(found) = memchr::memchr(b'`', &line.as_bytes()[from..]) {
            let begin = from + found;
            from = begin
                + line[begin..]
                    .bytes()
                    .take_while(|byte| *byte == b'`')
                    .count();
            runs.push(start + begin..start + from);
        }
        // Backwards, so that every run knows the next of its length.
        let mut partner = vec![None; runs.len()];
        for (index, run) in runs.iter().enumerate().rev() {
            partner[index] = next.insert(run.len(), index);
        }
        let mut index = 0;
        while index < runs.len() {
            match partner[index] {
                Some(end) => {
                    ranges.push(runs[index].start..runs[end].end);
                    index = end + 1;
                }
                None => index += 1,
            }
        }
        start += line.len();
    }
}
