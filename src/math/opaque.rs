//! Answers that are not numbers: kept as canonical text, equal only to the same
//! text, and classed as hedged, undefined or a list where that shows.

use std::borrow::Cow;

use super::anchors::is_hedge;
use super::number::{Limits, read_tokens};
use super::scan::{Brackets, Token, peel, tokens};

/// An answer that could not be read as a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opaque {
    text: String,
    hedged: bool,
    undefined: bool,
    prose: bool,
}

impl Opaque {
    /// Classes the tokens of an answer; delimiters are already resolved.
    pub(super) fn new(all: &[Token<'_>]) -> Self {
        let mut peeled = peel(all, Brackets::Keep);
        let inner;
        if let [Token::Text(inside)] = peeled {
            inner = tokens(inside);
            peeled = peel(&inner, Brackets::Keep);
        }
        Self {
            text: print(peeled),
            hedged: hedged(peeled),
            undefined: undefined(peeled),
            prose: prose(peeled),
        }
    }

    /// Tokens printed without layout.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it offers several answers, denies one, or asks.
    pub(super) fn is_hedged(&self) -> bool {
        self.hedged
    }

    /// Whether it has a `±`: two values, which is an honest reference but never
    /// one number.
    pub(super) fn is_plus_minus(&self) -> bool {
        self.text.contains("\\pm ") || self.text.contains("\\mp ") || self.text.contains('±')
    }

    /// Whether it reads as prose: two bare words of two letters or more.
    pub(super) fn is_prose(&self) -> bool {
        self.prose
    }

    /// Whether it holds a division by a literal zero or `∞ - ∞`.
    pub(super) fn is_undefined(&self) -> bool {
        self.undefined
    }
}

/// How many numbers the answer lists; 0 when it is no list of numbers.
pub(super) fn listed(all: &[Token<'_>], limits: Limits) -> usize {
    let mut inside = peel(all, Brackets::Keep);
    if let [
        Token::Mark('(' | '[' | '{') | Token::SetBrace('{'),
        rest @ ..,
        Token::Mark(')' | ']' | '}') | Token::SetBrace('}'),
    ] = inside
    {
        inside = rest;
    }
    let is_separator = |token: &Token<'_>| {
        matches!(token, Token::Mark(',' | ';' | '、'))
            || matches!(token, Token::Word(word) | Token::Text(word) if word.eq_ignore_ascii_case("and") || *word == "和")
    };
    let parts: Vec<_> = inside
        .split(is_separator)
        .filter(|part| !peel(part, Brackets::Keep).is_empty())
        .collect();
    match parts.iter().all(|part| read_tokens(part, limits).is_ok()) {
        true if parts.len() > 1 => parts.len(),
        _ => 0,
    }
}

/// One word may be an answer (`yes`, `ABC`), two in a row are prose.
fn prose(all: &[Token<'_>]) -> bool {
    all.windows(3).any(|window| {
        matches!(window, [Token::Word(a), Token::Space | Token::Break, Token::Word(b)] if a.chars().count() > 1 && b.chars().count() > 1)
    }) || all.iter().any(|token| matches!(token, Token::Word(word) if !word.is_ascii() && word.chars().count() > 3))
}

fn hedged(all: &[Token<'_>]) -> bool {
    all.iter().any(|token| match token {
        Token::Word(word) => is_hedge(word),
        Token::Text(words) => {
            words.split(|c: char| !c.is_alphabetic()).any(is_hedge) || words.contains('?')
        }
        Token::Command("lor" | "vee") | Token::Mark('?' | '？') => true,
        _ => false,
    })
}

/// A literal zero under a fraction, or the difference of infinities.
fn undefined(all: &[Token<'_>]) -> bool {
    let zero = |digits: &str| digits.bytes().all(|b| b == b'0');
    let compact: Vec<Token<'_>> = all
        .iter()
        .copied()
        .filter(|token| {
            !matches!(
                token,
                Token::Space | Token::Break | Token::Thin | Token::NegativeThin
            )
        })
        .collect();
    let fraction = compact.contains(&Token::Command("frac"));
    compact.windows(4).any(|window| match window {
        [
            Token::Mark('}'),
            Token::Mark('{'),
            Token::Digits(d),
            Token::Mark('}'),
        ] => fraction && zero(d),
        [
            Token::Command("infty"),
            Token::Mark('-'),
            Token::Command("infty"),
            _,
        ] => true,
        _ => false,
    }) || compact.windows(3).any(|window| {
        matches!(
            window,
            [
                Token::Command("infty"),
                Token::Mark('-'),
                Token::Command("infty")
            ]
        )
    }) || (0..compact.len()).any(|at| match &compact[at..] {
        [
            Token::Mark('/') | Token::Command("div"),
            Token::Digits(d),
            rest @ ..,
        ] => zero(d) && !matches!(rest, [Token::Mark('.' | ','), Token::Digits(_), ..]),
        _ => false,
    })
}

/// Tokens as text; a space stays only where it separates letters or digits.
fn print(all: &[Token<'_>]) -> String {
    let mut out = String::new();
    let mut gap = false;
    for token in all {
        let mut character = [0; 4];
        let piece: Cow<'_, str> = match token {
            Token::Space | Token::Break | Token::Thin | Token::NegativeThin => {
                gap = true;
                continue;
            }
            Token::Digits(text) | Token::Word(text) => Cow::Borrowed(text),
            Token::Command(name) => Cow::Owned(format!("\\{name} ")),
            Token::Text(text) => Cow::Owned(format!(
                "\\text{{{}}}",
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            )),
            Token::Mark(c) => Cow::Borrowed(c.encode_utf8(&mut character)),
            Token::SetBrace(c) => Cow::Owned(format!("\\{c}")),
            Token::Dollar => Cow::Borrowed("$"),
        };
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if gap && joins(out.chars().next_back()) && joins(piece.chars().next()) {
            out.push(' ');
        }
        gap = false;
        out.push_str(&piece);
    }
    out.truncate(out.trim_end().len());
    out
}
