//! One sentence of prose, cut up: words, numbers, mathematics between
//! delimiters and marks, in order. Linear; bounded by [`LONGEST`].

use std::ops::Range;

/// Longer sentences state nothing; honest ones have a few dozen words.
pub(super) const LONGEST: usize = 600;

/// What a part of a sentence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, two or more, with inner apostrophes and hyphens.
    Word,
    /// A plain number, with its percent sign.
    Number,
    /// A number that something is glued to: `3x`, `2nd`, `4-digit`.
    Odd,
    /// Between math delimiters, which are a part of it.
    Math,
    /// A single letter.
    Symbol,
    /// Anything else but white space; a command without delimiters, too.
    Mark,
}

/// A part of a sentence and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

const DELIMITERS: [(&str, &str); 4] = [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")];

/// Cuts a sentence up; `None` where it is too long or a delimiter is never
/// closed.
pub(super) fn parts(sentence: &str) -> Option<Vec<Part>> {
    if sentence.len() > LONGEST {
        return None;
    }
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(c) = sentence[at..].chars().next() {
        let rest = &sentence[at..];
        let (kind, length) = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if let Some((open, close)) = DELIMITERS.iter().find(|(o, _)| rest.starts_with(o)) {
            let inside = rest[open.len()..].find(close)?;
            (Kind::Math, open.len() + inside + close.len())
        } else if let Some(length) = number(rest, sentence[..at].chars().next_back()) {
            match glued(&rest[length..]) {
                0 => (Kind::Number, length),
                more => (Kind::Odd, length + more),
            }
        } else if c.is_numeric() {
            (Kind::Odd, c.len_utf8() + glued(&rest[c.len_utf8()..]))
        } else if c.is_alphabetic() {
            let length = word(rest);
            match rest[..length].chars().count() {
                1 => (Kind::Symbol, length),
                _ => (Kind::Word, length),
            }
        } else if c == '\\' {
            let name = rest[1..]
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len() - 1);
            let next = rest[1..].chars().next().map_or(0, char::len_utf8);
            (Kind::Mark, 1 + name.max(next))
        } else {
            (Kind::Mark, c.len_utf8())
        };
        parts.push(Part {
            kind,
            span: at..at + length,
        });
        at += length;
    }
    Some(parts)
}

/// The length of the number that `rest` begins with.
fn number(rest: &str, before: Option<char>) -> Option<usize> {
    let apart = before.is_none_or(|c| c.is_whitespace() || "*:\"“(".contains(c));
    let unsigned = rest.strip_prefix(['-', '−']).unwrap_or(rest);
    let sign = rest.len() - unsigned.len();
    if sign > 0 && !apart || !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let length = unsigned
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '/')))
        .unwrap_or(unsigned.len());
    let length = unsigned[..length].trim_end_matches(['.', ',', '/']).len();
    let percent = ["%", "\\%"]
        .iter()
        .find(|sign| unsigned[length..].starts_with(**sign));
    Some(sign + length + percent.map_or(0, |sign| sign.len()))
}

/// How much is glued to a number.
fn glued(rest: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '*' | '"' | '”' | ')');
    let stop = rest.starts_with('.') && rest[1..].chars().next().is_none_or(ends);
    match rest.is_empty() || rest.starts_with(ends) || stop {
        true => 0,
        false => rest.find(ends).unwrap_or(rest.len()),
    }
}

/// The length of the word that `rest` begins with.
fn word(rest: &str) -> usize {
    let mut end = 0;
    for (at, c) in rest.char_indices() {
        let inner = matches!(c, '\'' | '’' | '-')
            && rest[at + c.len_utf8()..].starts_with(char::is_alphabetic);
        if !c.is_alphanumeric() && !inner {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}
