//! Values that a text states beside its judged answer: prose in, byte ranges of
//! plain values out. They are compared with the answer, never judged.

use std::ops::Range;

use super::doubt::is_attributed;

/// What a restatement is about.
const SUBJECTS: [&str; 5] = ["it", "result", "value", "answer", "solution"];

/// What stands between subject and value, the longest first.
const COPULAS: [&str; 6] = [" should be", " equals", " is", "'s", "’s", " ="];

const NUMBER_WORDS: &[&str] = &[
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty",
    "ninety", "hundred", "thousand", "million", "half", "third", "quarter", "dozen",
];

/// Whether a number is spelled out.
pub(super) fn names_number(text: &str) -> bool {
    text.split(|c: char| !c.is_alphabetic()).any(|word| {
        NUMBER_WORDS
            .iter()
            .any(|number| word.eq_ignore_ascii_case(number))
    })
}

/// Values after an answer, at most `most`: lines that are nothing but a number,
/// and sentences that state one.
pub(super) fn values(after: &str, most: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    let stated = after
        .split_inclusive(['!', ';', '\n', ' '])
        .scan(0, move |sentence, piece| {
            // A sentence ends at a full stop before white space, too.
            let from = *sentence;
            start += piece.len();
            // `\!` and `\;` are spaces of LaTeX: `16,\!386`.
            let space = piece.ends_with("\\!") || piece.ends_with("\\;");
            let ends = !space
                && piece.trim_end() != piece.trim_end_matches(['.', '!', ';', '\n', ' '])
                || piece.ends_with('\n')
                || start == after.len();
            if ends {
                *sentence = start;
            }
            Some(ends.then_some(from..start))
        })
        .flatten()
        .filter_map(|range| {
            stated(&after[range.clone()]).map(|at| range.start + at.start..range.start + at.end)
        });
    // The rest of the answer's own line is no line.
    let first = after.find('\n').map_or(after.len(), |at| at + 1);
    let mut at = first;
    let lines = after[first..]
        .split_inclusive('\n')
        .filter_map(move |line| {
            let from = at;
            at += line.len();
            bare(line).map(|span| from + span.start..from + span.end)
        });
    stated.chain(lines).take(most)
}

/// The value that a sentence such as "it is 43" or "so the result is 41" ends
/// with.
fn stated(sentence: &str) -> Option<Range<usize>> {
    let around = |c: char| {
        c.is_whitespace() || matches!(c, '*' | '$' | '.' | '!' | ';' | ',' | ')' | ']' | '\\')
    };
    let closed = sentence.trim_end_matches(around);
    let head =
        closed.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | '-'));
    let number = &closed[head.len()..];
    if !number.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let lead = |c: char| c.is_whitespace() || matches!(c, '*' | '$' | ':' | '(' | '[' | '\\');
    let lower = head.trim_end_matches(lead).to_ascii_lowercase();
    let subject = COPULAS
        .iter()
        .find_map(|copula| lower.strip_suffix(copula))
        .unwrap_or(&lower);
    let before = SUBJECTS
        .iter()
        .find_map(|word| subject.strip_suffix(word))?;
    // "The wrong answer is 41" states nothing; "profit" is no "it".
    (!is_attributed(before)).then_some(head.len()..closed.len())
}

/// The number that an earlier announcement names, within `range`.
pub(super) fn earlier(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let clause = &text[range.clone()];
    let sentence = clause.find(['\n', '!', '?', '。']).unwrap_or(clause.len());
    let stop = clause[..sentence].find(". ").unwrap_or(sentence);
    if let Some(span) = bare(&clause[..stop]) {
        return Some(range.start + span.start..range.start + span.end);
    }
    // In one sentence the first word counts: "is 41 and the answer is 42".
    let word = clause.find(char::is_whitespace).unwrap_or(clause.len());
    match stop == clause.len() {
        true => bare(&clause[..word]).map(|span| range.start + span.start..range.start + span.end),
        false => None,
    }
}

/// The range of a text that is nothing but a plain number, without emphasis and
/// delimiters.
pub(super) fn bare(line: &str) -> Option<Range<usize>> {
    let around = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '*' | '$' | '.' | ',' | ';' | '`' | '(' | ')' | '[' | ']' | '\\' | '#'
            )
    };
    let start = line.len() - line.trim_start_matches(around).len();
    let inside = line.trim_matches(around);
    let plain = inside.contains(|c: char| c.is_ascii_digit())
        && inside
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '-' | '−' | '.' | ',' | '/'));
    plain.then(|| start..start + inside.len())
}
