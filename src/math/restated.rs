//! Values that a text states beside its judged answer: prose in, byte ranges of
//! plain values out. They are compared with the answer, never judged.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// "It is 43", "so the result is 41": a value with nothing behind it.
static STATED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:it(?:['’]s| is| should be)|(?:result|value|answer|solution)(?: is| equals| should be|:| =))[ :$*\\(\[]*(-?[0-9][0-9.,/]*)[ \\)\]$*]*(?:[.!;\n]|$)",
    )
    .expect("the pattern is short and valid")
});

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
    let stated = STATED.captures_iter(after).filter_map(|found| {
        let number = found.get(1)?;
        // "The wrong answer is 41" states nothing.
        let subject = found.get(0)?.start();
        if super::doubt::is_attributed(&after[..subject]) {
            return None;
        }
        let kept = number.as_str().trim_end_matches(['.', ',', '/']);
        Some(number.start()..number.start() + kept.len())
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
fn bare(line: &str) -> Option<Range<usize>> {
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
