//! Tokens of an answer: text in, tokens out; linear, never fails.
//!
//! Layout is dropped here (`\left`, `\displaystyle`, `\!`, math delimiters at
//! the ends), look-alike characters become ASCII (`−`, `×`, full-width and
//! other decimal digits), and nothing else is interpreted.

use std::borrow::Cow;

/// One token, borrowed from the folded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A run of ASCII digits.
    Digits(&'t str),
    /// A run of letters.
    Word(&'t str),
    /// A command, without its backslash.
    Command(&'t str),
    /// The content of `\text{…}` and its kin.
    Text(&'t str),
    /// Any other character; `\%`, `\$`, `\#`, `\&` and `\_` are the bare ones.
    Mark(char),
    /// `\{` or `\}`: a brace that is printed.
    SetBrace(char),
    /// A bare `$`: a math delimiter or a currency.
    Dollar,
    /// White space between tokens.
    Space,
    /// White space that separates answers: a line break, a tab or several
    /// blanks. No two numbers are joined across it.
    Break,
    /// A thin space: `\,`, `\:`, `\;`, `\ `, `~` or U+2009, U+202F, U+00A0.
    Thin,
    /// `\!`, which closes the gap after a thousands comma.
    NegativeThin,
}

/// Look-alikes replaced by ASCII or by commands; most answers are ASCII already.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Invisible: zero-width spaces and joiners, direction marks, BOM.
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{feff}' => {}
            '−' | '‐' | '‑' | '–' | '－' | '﹣' => folded.push('-'),
            '×' => folded.push_str("\\times "),
            '·' | '⋅' => folded.push_str("\\cdot "),
            '÷' => folded.push_str("\\div "),
            '°' | 'º' => folded.push_str("^\\circ "),
            '²' => folded.push_str("^2"),
            '³' => folded.push_str("^3"),
            '½' => folded.push_str("\\frac12 "),
            '⅓' => folded.push_str("\\frac13 "),
            '⅔' => folded.push_str("\\frac23 "),
            '¼' => folded.push_str("\\frac14 "),
            '¾' => folded.push_str("\\frac34 "),
            '⁄' | '∕' => folded.push('/'),
            '\u{2009}' | '\u{202f}' | '\u{a0}' => folded.push_str("\\,"),
            '\u{3000}' | '\u{2002}' | '\u{2003}' => folded.push(' '),
            '。' => folded.push('.'),
            '，' => folded.push(','),
            '\u{ff01}'..='\u{ff5e}' => {
                folded.extend(char::from_u32(u32::from(c) - 0xfee0));
            }
            _ => match decimal_digit(c) {
                Some(digit) => folded.push(char::from(b'0' + digit)),
                None => folded.push(c),
            },
        }
    }
    Cow::Owned(folded)
}

/// The value of a decimal digit outside ASCII: Arabic-Indic, Persian,
/// Devanagari, Bengali and Thai.
fn decimal_digit(c: char) -> Option<u8> {
    const ZEROS: [u32; 5] = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50];
    let code = u32::from(c);
    ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))
        .and_then(|zero| u8::try_from(code - zero).ok())
}

/// The tokens of a folded text. `Space` and `Break` appear only between other
/// tokens, at most one in a row.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::with_capacity(16);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, length) = match c {
            '0'..='9' => {
                let n = run(rest, |c| c.is_ascii_digit());
                (Some(Token::Digits(&rest[..n])), n)
            }
            '\\' => command(rest),
            '$' if rest.starts_with("$$") => (Some(Token::Dollar), 2),
            '$' => (Some(Token::Dollar), 1),
            // Between tokens a blank; before one it means "about", and two
            // strike out.
            '~' if out.is_empty()
                || out.last() == Some(&Token::Dollar)
                || rest.starts_with("~~")
                || out.last() == Some(&Token::Mark('~')) =>
            {
                (Some(Token::Mark('~')), 1)
            }
            '~' => (Some(Token::Thin), 1),
            c if c.is_whitespace() => {
                let n = run(rest, char::is_whitespace);
                let token = match &rest[..n] {
                    " " => Token::Space,
                    _ => Token::Break,
                };
                (Some(token), n)
            }
            c if c.is_alphabetic() => {
                let n = run(rest, char::is_alphabetic);
                (Some(Token::Word(&rest[..n])), n)
            }
            c => (Some(Token::Mark(c)), c.len_utf8()),
        };
        at += length;
        match token {
            Some(Token::Space | Token::Break) if out.is_empty() => {}
            Some(Token::Break) if out.last() == Some(&Token::Space) => {
                out.pop();
                out.push(Token::Break);
            }
            Some(Token::Space | Token::Break)
                if matches!(out.last(), Some(Token::Space | Token::Break)) => {}
            Some(token) => out.push(token),
            None => {}
        }
    }
    if matches!(out.last(), Some(Token::Space | Token::Break)) {
        out.pop();
    }
    out
}

/// The token at a backslash, and its length.
fn command(rest: &str) -> (Option<Token<'_>>, usize) {
    let name = &rest[1..1 + run(&rest[1..], |c| c.is_ascii_alphabetic())];
    let length = 1 + name.len();
    match name {
        "" => match rest[1..].chars().next() {
            Some(c @ ('{' | '}')) => (Some(Token::SetBrace(c)), 2),
            Some(c @ ('%' | '$' | '#' | '&' | '_')) => (Some(Token::Mark(c)), 2),
            Some('(' | ')' | '[' | ']') => (Some(Token::Dollar), 2),
            Some(',' | ':' | ';' | ' ') => (Some(Token::Thin), 2),
            Some('!') => (Some(Token::NegativeThin), 2),
            Some('\\') => (Some(Token::Command("\\")), 2),
            _ => (Some(Token::Mark('\\')), 1),
        },
        "left" | "right" | "big" | "Big" | "bigl" | "bigr" | "Bigl" | "Bigr" | "displaystyle"
        | "textstyle" => (None, length),
        "quad" | "qquad" => (Some(Token::Space), length),
        "text" | "textbf" | "textit" | "textrm" | "textnormal" | "mbox" | "mathrm" | "mathbf"
        | "rm" => match group(&rest[length..]) {
            Some((inside, taken)) => (Some(Token::Text(inside)), length + taken),
            None => (Some(Token::Command(name)), length),
        },
        "lbrace" => (Some(Token::SetBrace('{')), length),
        "rbrace" => (Some(Token::SetBrace('}')), length),
        "dfrac" | "tfrac" | "cfrac" => (Some(Token::Command("frac")), length),
        "degree" => (Some(Token::Command("circ")), length),
        _ => (Some(Token::Command(name)), length),
    }
}

/// A `{…}` without braces inside, after optional spaces, and what it takes up.
fn group(rest: &str) -> Option<(&str, usize)> {
    let open = rest.find(|c: char| !c.is_whitespace())?;
    let inside = rest[open..].strip_prefix('{')?;
    let close = inside.find(['{', '}'])?;
    inside[close..]
        .starts_with('}')
        .then(|| (inside[..close].trim(), open + close + 2))
}

/// The length in bytes of the longest prefix whose characters all satisfy `is`.
fn run(text: &str, is: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is(c)).unwrap_or(text.len())
}

/// What [`peel`] does with brackets round the whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brackets {
    /// They are part of the answer: `(1,2)` is not `1,2`.
    Keep,
    /// They only group, unless there is a comma.
    Peel,
}

/// Math delimiters resolved: a pair becomes space, so that `$1$,$234$` stays
/// two numbers; a single `$` is a currency.
pub(super) fn without_delimiters(mut tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let count = tokens
        .iter()
        .filter(|token| **token == Token::Dollar)
        .count();
    let meaning = match count % 2 {
        0 => Token::Space,
        _ => Token::Mark('$'),
    };
    if count > 0 {
        tokens
            .iter_mut()
            .filter(|token| **token == Token::Dollar)
            .for_each(|token| *token = meaning);
    }
    tokens
}

/// What is left when emphasis, the final full stop and, on demand, brackets
/// that hold the whole answer are taken off.
pub(super) fn peel<'s, 't>(tokens: &'s [Token<'t>], brackets: Brackets) -> &'s [Token<'t>] {
    let comma = tokens.contains(&Token::Mark(','));
    let partner = match brackets {
        Brackets::Peel if !comma => partners(tokens),
        _ => Vec::new(),
    };
    let (mut from, mut to) = (0, tokens.len());
    while from < to {
        match (tokens[from], tokens[to - 1]) {
            (Token::Space | Token::Break | Token::Thin | Token::NegativeThin, _) => from += 1,
            (_, Token::Space | Token::Break | Token::Thin | Token::NegativeThin) => to -= 1,
            // `0.333...` is not 0.333.
            (_, Token::Mark('.')) if to - from > 1 && tokens[to - 2] != Token::Mark('.') => to -= 1,
            (Token::Mark('*'), Token::Mark('*')) | (Token::Mark('`'), Token::Mark('`'))
                if to - from > 2 =>
            {
                (from, to) = (from + 1, to - 1);
            }
            (Token::Mark('{' | '('), Token::Mark('}' | ')'))
                if partner.get(from) == Some(&Some(to - 1)) =>
            {
                (from, to) = (from + 1, to - 1);
            }
            _ => break,
        }
    }
    &tokens[from..to]
}

/// For each opening `{` or `(`, the index of the bracket that closes it.
fn partners(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    let mut partner = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark(c @ ('{' | '(')) => open.push((*c, at)),
            Token::Mark(c @ ('}' | ')')) => match open.pop() {
                Some((o, from)) if (o == '{') == (*c == '}') => partner[from] = Some(at),
                // Crossed or unopened brackets: nothing may be peeled.
                _ => return vec![None; tokens.len()],
            },
            _ => {}
        }
    }
    partner
}
