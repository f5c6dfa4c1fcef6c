//! Words: which are answers, which count things, which make prose of a text.

use std::borrow::Cow;

use super::super::anchors::is_hedge;
use super::super::typed::{Half, Reading, Typed};
use super::super::units::unit;

/// What Chinese counts with; the number before it is the whole answer.
const CLASSIFIERS: &[&str] = &["个", "人", "种", "条", "次", "只", "本"];

/// Answers in words that hold a word of doubt, or say that there is none.
const PHRASES: &[&str] = &[
    "does not exist",
    "not defined",
    "not possible",
    "not enough information",
    "cannot be determined",
    "can not be determined",
    "no real solution",
    "no real solutions",
    "no solution",
    "no solutions",
    "infinitely many",
    "infinitely many solutions",
    "all real numbers",
    "none of these",
    "none of the above",
    "all of the above",
    "neither",
    "undefined",
    "dne",
    "infinity",
];

/// Words that make a sentence of a text, which is then no answer.
const PROSE: &[&str] = &[
    "is",
    "are",
    "was",
    "the",
    "therefore",
    "thus",
    "hence",
    "so",
    "because",
    "we",
    "answer",
    "equals",
    "equal",
    "let",
    "where",
    "for",
    "which",
    "that",
    "this",
    "it",
    "approximately",
    "about",
    "around",
    "at",
    "least",
    "most",
    "more",
    "less",
    "than",
    "times",
    "dozen",
];

/// What a day of one digit may stand behind.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Short words that are never products of letters.
const NEVER_PRODUCTS: &[&str] = &[
    "is", "to", "of", "by", "the", "no", "yes", "as", "at", "on", "it", "its", "an", "are", "was",
    "so", "we", "be", "for", "from", "then", "than", "each", "per", "all", "any", "one", "two",
    "six", "ten", "half", "more", "less", "over", "plus", "none", "both", "even", "odd", "true",
    "can", "get", "has", "let", "our", "she", "he", "sum", "max", "min", "lim", "int", "old",
    "that", "this", "with", "will", "zero", "four", "five", "nine", "left", "cube", "line", "root",
    "base", "area", "case", "east", "west", "red", "blue", "tie", "dne", "am", "pm",
];

/// The most words of an answer in words.
const WORDS: usize = 5;

/// Whether the word belongs to a sentence.
pub(super) fn is_prose(word: &str) -> bool {
    PROSE.contains(&word)
}

/// Whether the word is a classifier, which adds nothing to its number.
pub(super) fn is_classifier(word: &str) -> bool {
    CLASSIFIERS.contains(&word.trim())
}

/// Whether the word takes the answer back; "or" is a separator.
pub(super) fn is_doubt(word: &str) -> bool {
    is_hedge(word)
        && !matches!(
            word.to_lowercase().as_str(),
            "or" | "ou" | "oder" | "或" | "или" | "または"
        )
}

/// A Greek letter stands for itself, except in Greek words.
fn greek_letter(c: char) -> bool {
    ('Α'..='ω').contains(&c) || ('\u{1d400}'..='\u{1d7ff}').contains(&c)
}

/// Whether letters without spaces may be a product of variables.
pub(super) fn may_be_product(word: &str) -> bool {
    /// `abcd`, not `even`.
    const LETTERS: usize = 4;
    word.len() <= LETTERS
        && unit(word, 1).is_none()
        && !NEVER_PRODUCTS.contains(&word.to_ascii_lowercase().as_str())
}

/// Lower case, single spaces, no outer punctuation.
pub(super) fn fold_words(words: &str) -> String {
    words
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '"' | '*'))
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// What a text in words is.
#[derive(Debug)]
pub(super) enum InWords {
    /// An answer.
    Answer(Vec<Reading>),
    /// An answer that is denied or one of several.
    Doubt,
    /// Not words alone; to be read as mathematics.
    Mathematics,
}

/// Reads a text that was set as words, `\text{…}`, or stands alone.
pub(super) fn answer_in_words(words: &str, set: Setting) -> InWords {
    let folded = fold_words(words);
    if PHRASES.contains(&folded.as_str()) && folded != "infinity" {
        return InWords::Answer(plain(Typed::Text(folded)));
    }
    if let Some(letter) = choice(words, set) {
        return InWords::Answer(plain(Typed::Choice(letter)));
    }
    if let Some(time) = time(&folded) {
        return InWords::Answer(plain(time));
    }
    let parts: Vec<&str> = folded.split(' ').collect();
    let is_word = |word: &&str| {
        /// Scripts without spaces write sentences as one word.
        const LETTERS: usize = 5;
        let word = word.trim_end_matches(',');
        let letters = word.chars().filter(|c| *c > '\u{2fff}').count();
        !word.is_empty()
            && letters <= LETTERS
            && word
                .chars()
                .all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'))
    };
    // "June 20"
    let is_words = is_word(&parts[0])
        && match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) => {
                rest.len() == 1 && rest[0].is_ascii() && rest[0].len() > 2
            }
            _ => parts.iter().all(is_word),
        };
    if !is_words {
        return InWords::Mathematics;
    }
    if parts.iter().any(|word| is_hedge(word)) {
        return match parts.iter().all(|word| !is_doubt(word)) {
            // "A or B" may still be a list.
            true => InWords::Mathematics,
            false => InWords::Doubt,
        };
    }
    let first = parts[0];
    let symbol = |c: char| {
        greek_letter(c)
            || super::symbols::superscript(c).is_some()
            || super::symbols::subscript(c).is_some()
    };
    let single_letter = |word: &&str| word.trim_end_matches(',').chars().count() == 1;
    let is_date = parts.len() == 2 && MONTHS.contains(&parts[0]) && parts[1] != "0";
    if words.contains(symbol) || (parts.len() > 1 && !is_date && parts.iter().any(single_letter)) {
        return InWords::Mathematics;
    }
    if parts.len() > WORDS
        || PROSE.contains(&first)
        || (parts.len() > 1
            && parts
                .iter()
                .any(|word| PROSE.contains(word) || *word == "and"))
    {
        return InWords::Mathematics;
    }
    if set == Setting::Bare {
        let single = parts.len() == 1;
        if single
            && (super::symbols::word(words.trim()).is_some()
                || words.trim().chars().count() == 1
                || (first.is_ascii() && may_be_product(first)))
        {
            return InWords::Mathematics;
        }
        if parts
            .iter()
            .any(|word| super::symbols::word(word).is_some())
        {
            return InWords::Mathematics;
        }
        let letters = parts.iter().all(|word| word.chars().count() < 3);
        if !single && letters {
            return InWords::Mathematics;
        }
        if parts
            .iter()
            .any(|word| unit(word, 1).is_some() && word.chars().count() < 3)
        {
            return InWords::Mathematics;
        }
    } else if words.trim().chars().count() == 1 {
        return InWords::Mathematics;
    }
    let mut readings = plain(Typed::Text(folded.clone()));
    let word = words.trim().trim_end_matches('.');
    readings.extend(choices(word).map(|list| Reading::new(list, Some("choice_letters"))));
    InWords::Answer(readings)
}

/// Whether words stand in `\text{…}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// Nothing round them.
    Bare,
    /// Set as text.
    Text,
}

/// `ACF` as three choices.
pub(super) fn choices(word: &str) -> Option<Typed> {
    let ascending = word.as_bytes().windows(2).all(|pair| pair[0] < pair[1]);
    let letters = word.len() > 1 && word.bytes().all(|b| (b'A'..=b'J').contains(&b));
    (letters && ascending).then(|| Typed::List(word.chars().map(Typed::Choice).collect()))
}

/// `\textbf{(C)}\ 42` as `(C) 42`, and so with other fonts.
fn without_font(words: &str) -> Cow<'_, str> {
    const FONTS: [&str; 5] = ["text", "textbf", "textrm", "mathrm", "mathbf"];
    let plain = || {
        let rest = words
            .strip_prefix('(')
            .unwrap_or(words)
            .strip_prefix('\\')?;
        let inside = FONTS
            .iter()
            .find_map(|font| rest.strip_prefix(font)?.strip_prefix('{'))?;
        // `\textbf{(C)}` and `(\textbf{C})`
        let (label, tail) = match words.starts_with('(') {
            true => inside.split_once("})")?,
            false => inside.strip_prefix('(')?.split_once(')')?,
        };
        let tail = match words.starts_with('(') {
            true => tail,
            false => tail.trim_start_matches(['~', ' ']).strip_prefix('}')?,
        };
        let text = tail.trim_start_matches(['~', ' ', '\\']);
        // `\ 42`, and no command that lost its backslash.
        let spaced = tail.strip_suffix(text)?.trim_end_matches(' ').len() < 2 || text.is_empty();
        let command = tail.starts_with('\\') && text.starts_with(char::is_alphabetic);
        (label.len() == 1 && spaced && !command).then(|| format!("({label}) {text}"))
    };
    match words.contains('\\').then(plain).flatten() {
        Some(plain) => Cow::Owned(plain),
        None => Cow::Borrowed(words),
    }
}

/// `(C)`, `C.`, `C) 42`, `(C) 42`, `Option C`, and `C` where it is set as text.
fn choice(words: &str, set: Setting) -> Option<char> {
    let words = words.trim().trim_matches('*');
    for label in ["option ", "choice "] {
        // The words alone say that a letter follows.
        if words
            .get(..label.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(label))
        {
            let rest = words[label.len()..].trim();
            let bare = rest
                .strip_prefix('(')
                .and_then(|rest| rest.strip_suffix(')'));
            let mut chars = bare.unwrap_or(rest).trim_end_matches('.').chars();
            return chars
                .next()
                .filter(|c| ('A'..='J').contains(c) && chars.next().is_none());
        }
    }
    let words = &*without_font(words);
    let (inside, bracketed) = match words.strip_prefix('(') {
        Some(rest) => (rest, true),
        None => (words, false),
    };
    let mut chars = inside.chars();
    let letter = chars.next().filter(|c| ('A'..='J').contains(c))?;
    let rest = chars.as_str();
    let more = match bracketed {
        true => rest.strip_prefix(')')?,
        false => match rest.strip_prefix([')', '.', ':']) {
            Some(more) => more,
            None if rest.is_empty() && set == Setting::Text => return Some(letter),
            None => return None,
        },
    };
    let more = more.trim_start_matches(['.', ':', ')']).trim();
    if more.is_empty() {
        // `(A)` alone is also a variable in brackets; the caller adds that.
        return (!bracketed || set == Setting::Text).then_some(letter);
    }
    // `B. 42`: the text of the choice, and no second choice.
    let second = more.split(|c: char| !c.is_alphanumeric()).any(|word| {
        word.len() == 1 && word.bytes().all(|b| (b'A'..=b'J').contains(&b)) || is_hedge(word)
    });
    let label = rest.starts_with(['.', ':', ')']) && rest[1..].starts_with(' ');
    (!second && label && !more.contains('?')).then_some(letter)
}

/// `3:30 pm`, `9 a.m.`
pub(super) fn time(folded: &str) -> Option<Typed> {
    if !ends_as_time(folded) {
        return None;
    }
    let compact: String = folded.chars().filter(|c| *c != ' ' && *c != '.').collect();
    let (clock, half) = match compact.strip_suffix("am") {
        Some(clock) => (clock, Half::Am),
        None => (compact.strip_suffix("pm")?, Half::Pm),
    };
    let mut seconds = 0;
    let mut parts = clock.split(':');
    for (unit, limit) in [(3600, 12), (60, 59), (1, 59)] {
        let Some(part) = parts.next() else { break };
        let digits =
            part.len() <= 2 && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let value: u64 = digits.then(|| part.parse().ok())??;
        if value > limit || (unit == 3600 && value == 0) {
            return None;
        }
        // Since midnight: 12 am is 0 o'clock.
        seconds += unit
            * match unit {
                3600 => value % 12 + if half == Half::Pm { 12 } else { 0 },
                _ => value,
            };
    }
    if parts.next().is_some() {
        return None;
    }
    Some(Typed::Time {
        seconds,
        half: Some(half),
    })
}

/// Whether the last letter or digit is that of "am" and "pm": no other text need be
/// looked at, nor folded.
pub(super) fn ends_as_time(words: &str) -> bool {
    words
        .trim_end_matches(|c: char| !c.is_alphanumeric())
        .ends_with(['m', 'M'])
}

fn plain(value: Typed) -> Vec<Reading> {
    vec![Reading::new(value, None)]
}
