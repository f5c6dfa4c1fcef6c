//! The words of Punkt: a line in, its tokens out.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::python::is_digit;
use super::Lists;

/// A word, a number, or a piece of punctuation.
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
}

/// The tokens of one line.
pub(super) fn tokens(line: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let length = run_of_marks(rest).unwrap_or_else(|| {
            if starts_word(first) {
                word_length(rest)
            } else {
                first.len_utf8()
            }
        });
        let (text, after) = rest.split_at(length);
        rest = after;
        Some(Token { text })
    })
}

/// The length of `--`, `...` or `. . .` at the start.
fn run_of_marks(text: &str) -> Option<usize> {
    let run = |mark: char| text.len() - text.trim_start_matches(mark).len();
    match text.as_bytes().first()? {
        b'-' => Some(run('-')).filter(|&length| length > 1),
        b'.' if run('.') > 1 => Some(run('.')),
        b'.' => spaced_points(text),
        _ => None,
    }
}

/// The length of three points or more with one white space between each.
fn spaced_points(text: &str) -> Option<usize> {
    let (mut end, mut points) = (1, 1);
    loop {
        let mut next = text[end..].chars();
        match (next.next(), next.next()) {
            (Some(space), Some('.')) if space.is_whitespace() => {
                end += space.len_utf8() + 1;
                points += 1;
            }
            _ => return (points > 2).then_some(end),
        }
    }
}

fn starts_word(c: char) -> bool {
    !matches!(
        c,
        '(' | '"'
            | '`'
            | '{'
            | '['
            | ':'
            | ';'
            | '&'
            | '#'
            | '*'
            | '@'
            | ')'
            | '}'
            | ']'
            | '-'
            | ','
    )
}

/// Punctuation that is in no word.
pub(super) fn ends_word(c: char) -> bool {
    matches!(
        c,
        ')' | '"'
            | ';'
            | '}'
            | ']'
            | '*'
            | ':'
            | '@'
            | '\''
            | '('
            | '{'
            | '['
            | '?'
            | '!'
            | '‘'
            | '’'
            | '“'
            | '”'
            | '«'
            | '»'
    )
}

/// The length of a word that has at least one character.
fn word_length(text: &str) -> usize {
    let ends =
        |at: usize, c: char| c.is_whitespace() || ends_word(c) || begins_run_of_marks(&text[at..]);
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        let last_comma = c == ','
            && chars
                .peek()
                .is_none_or(|&(next_at, next)| ends(next_at, next));
        if last_comma || ends(at, c) {
            return at;
        }
    }
    text.len()
}

/// As [`run_of_marks`], without reading to the end of the run.
fn begins_run_of_marks(text: &str) -> bool {
    if text.starts_with("--") || text.starts_with("..") {
        return true;
    }
    let mut chars = text.chars();
    chars.next() == Some('.')
        && (0..2)
            .all(|_| chars.next().is_some_and(char::is_whitespace) && chars.next() == Some('.'))
}

impl Token<'_> {
    /// One letter and a point.
    pub(super) fn is_initial(&self) -> bool {
        static INITIAL: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^[\w&&[^\d]]\.$").expect("the pattern is written here"));
        self.text.len() < 6 && INITIAL.is_match(self.text)
    }

    /// `-1,000.50`, `3.`
    pub(super) fn is_number(&self) -> bool {
        let text = self.text.strip_prefix('-').unwrap_or(self.text);
        let text = text.strip_prefix(['.', ',']).unwrap_or(text);
        text.starts_with(is_digit)
            && text
                .chars()
                .all(|c| is_digit(c) || matches!(c, ',' | '.' | '-'))
    }

    /// Two points or more, and nothing else.
    pub(super) fn is_ellipsis(&self) -> bool {
        self.text.len() > 1 && self.text.bytes().all(|byte| byte == b'.')
    }

    /// A word of the list and a point; of a compound, its last part.
    pub(super) fn is_abbreviation(&self, list: &HashSet<&str>) -> bool {
        let Some(word) = self.text.strip_suffix('.') else {
            return false;
        };
        let part = word.rsplit('-').next().unwrap_or(word);
        is_listed(word, list) || is_listed(part, list)
    }

    pub(super) fn first_upper(&self) -> bool {
        self.text.starts_with(char::is_uppercase)
    }

    /// Whether the word, because it is capital or small, says that a sentence
    /// starts with it (`Some(true)`), or that none does; most tell nothing.
    pub(super) fn starts_sentence(&self, lists: &Lists) -> Option<bool> {
        let is_mark = matches!(self.text, ";" | ":" | "," | "." | "!" | "?");
        if is_mark || self.text.starts_with(char::is_lowercase) {
            return Some(false);
        }
        // The point of an abbreviation is part of the word.
        let word = match self.text.strip_suffix('.') {
            Some(word) if !word.ends_with('.') && !self.is_abbreviation(&lists.abbreviations) => {
                word
            }
            _ => self.text,
        };
        (self.first_upper() && is_listed(word, &lists.starters)).then_some(true)
    }
}

/// Whether the list has `word` in lower case; no entry is as long as 64 bytes.
fn is_listed(word: &str, list: &HashSet<&str>) -> bool {
    word.len() < 64 && list.contains(word.to_lowercase().as_str())
}
