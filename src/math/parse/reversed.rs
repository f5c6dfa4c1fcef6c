//! Intervals with reversed brackets: `]2,5]` for (2, 5], as French and German
//! texts write them. Any spelling in, the same with round brackets out.

use std::borrow::Cow;

/// The text with every reversed bracket as a round one, where it is a union of
/// intervals in square brackets and one of them is reversed; else as it is.
pub(super) fn round_brackets(text: &str) -> Cow<'_, str> {
    let brackets: Vec<usize> = text
        .match_indices(['[', ']'])
        .map(|(at, _)| at)
        .take(MOST + 1)
        .collect();
    let is = |at: usize, bracket: u8| text.as_bytes()[at] == bracket;
    let pairs = || brackets.chunks_exact(2).map(|pair| (pair[0], pair[1]));
    let reversed = pairs().any(|(open, close)| is(open, b']') || is(close, b'['));
    if !reversed || brackets.len() > MOST || !brackets.len().is_multiple_of(2) {
        return Cow::Borrowed(text);
    }
    let gaps_join = brackets
        .windows(2)
        .skip(1)
        .step_by(2)
        .all(|gap| joins(&text[gap[0] + 1..gap[1]]));
    let ends = brackets
        .last()
        .is_some_and(|last| text[last + 1..].trim_matches([' ', '.', '$']).is_empty());
    if !gaps_join || !ends || !pairs().all(|(open, close)| has_ends(&text[open + 1..close])) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut from = 0;
    // (2, 5) would be a point; a union is none.
    if let ([open, close], true) = (
        brackets.as_slice(),
        pairs().all(|(open, close)| is(open, b']') && is(close, b'[')),
    ) && close > open
    {
        let start = text[..*open].trim_end().trim_end_matches("\\left").len();
        out.push_str(&text[..start]);
        out.push_str("\\emptyset\\cup ");
        from = start;
    }
    for (open, close) in pairs() {
        for (at, plain, round) in [(open, b'[', '('), (close, b']', ')')] {
            out.push_str(&text[from..at]);
            out.push(match is(at, plain) {
                true => char::from(plain),
                false => round,
            });
            from = at + 1;
        }
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// More brackets are no answer of this kind.
const MOST: usize = 32;

/// Whether what stands between two intervals makes a union of them.
fn joins(gap: &str) -> bool {
    let gap = gap.trim().trim_end_matches("\\left").trim();
    matches!(gap, "\\cup" | "∪" | "U")
}

/// Whether there are exactly two ends between the brackets.
fn has_ends(inside: &str) -> bool {
    let mut depth = 0_i32;
    let mut separators = 0;
    for c in inside.chars() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            ',' | ';' if depth == 0 => separators += 1,
            _ => {}
        }
    }
    separators == 1
}
