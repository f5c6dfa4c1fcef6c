//! References in words: the text of a reference in, what its prose announces or
//! says out.

use crate::boxed;

use super::anchors::is_hedge;
use super::extract::{Scope, extract};
use super::options::{Extract, MathOptions};
use super::reading::read;
use super::sentence::{Kind, parts};

/// The words of a reference in words and punctuation, `\text{…}` or bare;
/// `None` where anything looks like mathematics.
pub(super) fn plain_text(text: &str) -> Option<String> {
    let text = without_lone_letters(text);
    let text = text.trim_matches(['$', ' ']);
    let inside = ["\\text{", "\\textbf{", "\\mbox{", "\\mathrm{"]
        .iter()
        .find_map(|open| text.strip_prefix(open)?.strip_suffix('}'));
    let words = inside.unwrap_or(text);
    let is_text = words.contains(char::is_alphabetic)
        && !words.contains(|c: char| c.is_numeric() || "\\^_=<>+*/|{}[]$".contains(c));
    is_text.then(|| words.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The text with `$n$` as `n`: a letter in words is a word.
fn without_lone_letters(text: &str) -> String {
    let mut parts: Vec<&str> = text.split('$').collect();
    let odd = parts.len() % 2 == 1;
    let letters = parts.iter().skip(1).step_by(2).all(|part| {
        let mut chars = part.trim().chars();
        chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
    });
    if !odd || !letters {
        return text.to_owned();
    }
    for part in &mut parts {
        *part = part.trim();
    }
    parts.join(" ")
}

/// The letter of a multiple choice with the name behind it: `C Cecile`. "A" may
/// be the article, "I" the pronoun, and `D Major` is a name of its own.
pub(super) fn lettered(text: &str) -> Option<&str> {
    const NAMES: [&str; 4] = ["Major", "Minor", "Sharp", "Flat"];
    let (letter, name) = text.split_at_checked(1)?;
    let name = name.strip_prefix(' ')?;
    let is_letter = letter.starts_with(|c: char| ('B'..='H').contains(&c));
    let is_name = name.split(' ').all(|word| {
        word.len() > 1
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word[1..].chars().all(|c| c.is_ascii_lowercase())
            && !NAMES.contains(&word)
    });
    (is_letter && is_name).then_some(letter)
}

/// The answer that a reference in prose announces once: "The answer is 33".
pub(super) fn announced_in(reference: &str) -> Option<&str> {
    if !boxed::find_all(reference).is_empty() || reference.contains("####") {
        return None;
    }
    let found = extract(reference, Scope::Response, Extract::Phrase).ok()?;
    let alone = found.joined.is_empty() && found.rivals.is_empty();
    alone.then(|| &reference[found.span])
}

/// Whether a reference is a short text of words and mathematics: `odd $n$`.
pub(super) fn is_worded(reference: &str, options: &MathOptions) -> bool {
    /// Longer ones are solutions that lack an answer.
    const LONGEST: usize = 120;
    let text = reference.trim().trim_end_matches('.');
    if text.len() > LONGEST || text.contains(['\n', '?', ';']) || text.contains(". ") {
        return false;
    }
    let Some(parts) = parts(text) else {
        return false;
    };
    let words = parts.iter().filter(|part| part.kind == Kind::Word).count();
    let formulas: Vec<&str> = parts
        .iter()
        .filter(|part| part.kind == Kind::Math)
        .map(|part| &text[part.span.clone()])
        .collect();
    let plain = parts.iter().all(|part| match part.kind {
        Kind::Word => !is_hedge(&text[part.span.clone()]),
        Kind::Math => true,
        Kind::Mark => matches!(&text[part.span.clone()], "," | "(" | ")"),
        Kind::Number | Kind::Odd | Kind::Symbol => false,
    });
    let readable = formulas
        .iter()
        .all(|formula| read(formula, options).is_ok());
    plain && words > 0 && !formulas.is_empty() && readable
}
