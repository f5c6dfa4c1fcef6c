//! One letter as it is written: `C`, `(C)`, `**C**`, `C.`, `\text{C}`, `Ｃ`.
//!
//! Text and a position in, a [`Letter`] or nothing out. Every look forward is
//! bounded, so the callers stay linear.

use std::ops::Range;

/// A letter that stands for an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// Upper-case ASCII.
    pub(super) letter: u8,
    /// Whether it was written so.
    pub(super) case: Case,
    /// What surrounds it.
    pub(super) dress: Dress,
    /// Its bytes.
    pub(super) span: Range<usize>,
    /// Where its form ends: after brackets, label marks and emphasis.
    pub(super) end: usize,
}

/// The case a letter was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
}

/// What surrounds a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dress {
    /// Nothing.
    Bare,
    /// Emphasis, quotes, `$…$` or `\text{…}`.
    Marked,
    /// A full stop: `C.`; also the end of a sentence.
    Stop,
    /// Brackets or a label mark: `(C)`, `C)`, `C:`.
    Label,
}

/// At most this many brackets, quotes and commands may surround a letter.
const MAX_OPENERS: usize = 8;

/// Opening marks and what closes them. Longer ones come first.
const PAIRS: [(&str, &str, Dress); 22] = [
    (r"\textbf{", "}", Dress::Marked),
    (r"\mathbf{", "}", Dress::Marked),
    (r"\mathrm{", "}", Dress::Marked),
    (r"\textrm{", "}", Dress::Marked),
    (r"\textit{", "}", Dress::Marked),
    (r"\mathsf{", "}", Dress::Marked),
    (r"\text{", "}", Dress::Marked),
    (r"\mbox{", "}", Dress::Marked),
    (r"\(", r"\)", Dress::Marked),
    ("(", ")", Dress::Label),
    ("[", "]", Dress::Label),
    ("{", "}", Dress::Label),
    ("（", "）", Dress::Label),
    ("【", "】", Dress::Label),
    ("「", "」", Dress::Marked),
    ("『", "』", Dress::Marked),
    ("“", "”", Dress::Marked),
    ("‘", "’", Dress::Marked),
    ("«", "»", Dress::Marked),
    ("\"", "\"", Dress::Marked),
    ("'", "'", Dress::Marked),
    ("$", "$", Dress::Marked),
];

/// The letter at `at`, after white space and opening marks.
pub(super) fn at(text: &str, at: usize) -> Option<Letter> {
    let mut position = at;
    let mut closers: Vec<(&str, Dress)> = Vec::new();
    let mut dress = Dress::Bare;
    loop {
        let rest = text.get(position..)?;
        let c = rest.chars().next()?;
        if c.is_whitespace() || is_emphasis(c) {
            if is_emphasis(c) {
                dress = stronger(dress, Dress::Marked);
            }
            position += c.len_utf8();
        } else if let Some((open, close, kind)) =
            PAIRS.iter().find(|(open, ..)| rest.starts_with(open))
        {
            if closers.len() == MAX_OPENERS {
                return None;
            }
            closers.push((close, *kind));
            dress = stronger(dress, *kind);
            position += open.len();
        } else {
            break;
        }
    }
    let c = text[position..].chars().next()?;
    let plain = narrow(c);
    if !plain.is_ascii_alphabetic() {
        return None;
    }
    let span = position..position + c.len_utf8();
    let mut end = span.end;
    if joins(text, end) {
        return None;
    }
    // Closing marks and at most one label mark, in any order: `**C.**`, `(C).`.
    let (mut labelled, mut marked) = (false, false);
    loop {
        let rest = &text[end..];
        let Some(c) = rest.chars().next() else { break };
        if let Some((closer, kind)) = closers.pop_if(|(closer, _)| rest.starts_with(*closer)) {
            end += closer.len();
            labelled |= kind == Dress::Label;
        } else if is_emphasis(c) {
            end += c.len_utf8();
            dress = stronger(dress, Dress::Marked);
        } else if !marked && let Some(kind) = label_mark(c) {
            (labelled, marked) = (true, true);
            dress = stronger(dress, kind);
            end += c.len_utf8();
        } else {
            break;
        }
    }
    // `(C` alone is the beginning of something else, `(C. Rome)` is a label.
    if !closers.is_empty() && !labelled {
        return None;
    }
    // `C.5`, `C)x`, `**C**2`: part of a longer word.
    let c = narrow(text[end..].chars().next().unwrap_or(' '));
    if c.is_alphanumeric() && !is_unspaced(c) && !text[..end].ends_with(')') {
        return None;
    }
    let case = if plain.is_ascii_uppercase() {
        Case::Upper
    } else {
        Case::Lower
    };
    Some(Letter {
        letter: plain.to_ascii_uppercase() as u8,
        case,
        dress,
        span,
        end,
    })
}

/// The letter, where `text` is nothing else.
pub(super) fn alone(text: &str) -> Option<Letter> {
    at(text, 0).filter(|letter| {
        text[letter.end..]
            .chars()
            .all(|c| c.is_whitespace() || matches!(narrow(c), '.' | '!' | '。'))
    })
}

/// Full-width forms as ASCII, other characters as they are.
pub(super) fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(c as u32 - 0xfee0).expect("the full-width block maps onto ASCII")
        }
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// Characters of scripts that are written without spaces: a Latin letter next
/// to them is a word of its own.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
        | '\u{0e00}'..='\u{0eff}')
}

/// Whether the character is emphasis in Markdown, or a code mark.
pub(super) fn is_emphasis(c: char) -> bool {
    matches!(c, '*' | '_' | '`')
}

/// Whether what begins at `at` makes the letter before it part of a word or of
/// a formula: `Cat`, `C++`, `C-4`, `C's`, `C3`.
pub(super) fn joins(text: &str, at: usize) -> bool {
    let mut next = text[at..].chars();
    let Some(c) = next.next().map(narrow) else {
        return false;
    };
    let after = next.next().map_or(' ', narrow);
    match c {
        '\'' | '’' => after.is_alphanumeric() && !is_turkish_copula(&text[at + c.len_utf8()..]),
        '-' | '&' | '^' => after.is_alphanumeric(),
        '+' | '#' | '=' | '<' => after != '/' && after != '|',
        _ => continues_word(c),
    }
}

/// `C'dir`: "is C", written as one word.
fn is_turkish_copula(text: &str) -> bool {
    ["dir", "dır", "tir", "tır"].iter().any(|copula| {
        text.strip_prefix(copula)
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    })
}

/// Whether the character before `at` makes a letter at `at` part of a word.
pub(super) fn joined_before(text: &str, at: usize) -> bool {
    let mut before = text[..at].chars().rev();
    let Some(c) = before.next() else { return false };
    let earlier = before.next().unwrap_or(' ');
    match c {
        '\'' | '’' | '-' | '&' | '.' => earlier.is_alphanumeric() && !is_unspaced(earlier),
        '°' | '^' | '#' | '\\' => true,
        _ => continues_word(c) && !is_emphasis(c),
    }
}

/// Letters, digits and marks of scripts that separate words by spaces.
fn continues_word(c: char) -> bool {
    (c.is_alphanumeric() && !is_unspaced(c))
        || matches!(c, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{20d0}'..='\u{20ff}')
}

fn label_mark(c: char) -> Option<Dress> {
    match c {
        '.' | '．' => Some(Dress::Stop),
        ')' | '）' | ':' | '：' | '、' => Some(Dress::Label),
        _ => None,
    }
}

fn stronger(one: Dress, other: Dress) -> Dress {
    if one as u8 >= other as u8 { one } else { other }
}
