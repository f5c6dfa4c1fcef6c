//! Answers that no phrase announces: the bold last line, and the sole
//! expression of a response.

use std::ops::Range;

use super::counted::resizes;
use super::doubt;
use super::extract::{Found, Result, Source, found, trimmed};
use super::stated::withholds;

/// The last line, where it is nothing but bold text.
pub(super) fn bold(text: &str, region: Range<usize>) -> Result<Option<Found>> {
    let from = text[region.clone()]
        .rfind('\n')
        .map_or(region.start, |at| region.start + at + 1);
    let line = trimmed(text, from..region.end);
    let inside = text[line.clone()]
        .strip_prefix("**")
        .and_then(|rest| rest.strip_suffix("**"));
    match inside {
        Some(inside) if !inside.trim().is_empty() && !inside.contains("**") => {
            match doubt::before(&text[region.start..line.start]) {
                Some(reason) => Err(reason),
                None => Ok(Some(found(line.start + 2..line.end - 2, Source::Bold))),
            }
        }
        _ => Ok(None),
    }
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
    /// Names what is no answer: "Upper bound: $5$".
    const OTHERS: [&str; 34] = [
        "mistake",
        "error",
        "choices",
        "possible",
        "old",
        "their",
        "his",
        "her",
        "divide",
        "divisor",
        "bound",
        "upper",
        "lower",
        "let",
        "given",
        "case",
        "check",
        "test",
        "try",
        "attempt",
        "reject",
        "rejected",
        "discard",
        "discarded",
        "extraneous",
        "exclude",
        "excluding",
        "without",
        "avoid",
        "question",
        "problem",
        "exercise",
        "hint",
        "input",
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
        !prose.contains(|c: char| c.is_numeric() || "$\\=<>+^{}%".contains(c))
            && !withholds(prose)
            && !prose
                .split(|c: char| !c.is_alphabetic())
                .map(str::to_lowercase)
                .any(|word| resizes(&word) || OTHERS.contains(&word.as_str()))
    };
    let introduction = before.trim_end();
    let last = introduction
        .trim_end_matches(',')
        .rsplit(|c: char| !c.is_alphabetic())
        .next()
        .unwrap_or_default();
    let presents = introduction.is_empty()
        || introduction.ends_with(':')
        || BEFORE.iter().any(|word| last.eq_ignore_ascii_case(word));
    let sequel = after.trim_start();
    let ends = sequel.is_empty()
        || sequel.starts_with('.')
        // `$8$!` may be a factorial.
        || sequel.starts_with('!') && !inside[from..to].trim_end().ends_with(char::is_numeric)
        || sequel.starts_with("is the solution")
        || sequel.starts_with("is the answer")
        || sequel.starts_with("is our answer");
    let span = trimmed(text, region.start + from..region.start + to);
    (presents && ends && is_prose(before) && is_prose(after) && !span.is_empty())
        .then(|| found(span, Source::Sole))
}
