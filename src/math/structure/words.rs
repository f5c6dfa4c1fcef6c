//! Words and letters: equal when folded alike, or on one line of a closed table.

use crate::math::options::{LetterCase, MathOptions};
use crate::math::typed::{Interval, Scalar, Typed};

use super::Judgement;
use super::build::{as_symbol, symbols};

/// Words that mean the same; nothing else is matched loosely. The third line
/// is also the empty set.
const SYNONYMS: [&[&str]; 8] = [
    &["yes", "true", "correct"],
    &["no", "false", "incorrect"],
    NO_SOLUTION,
    &["does not exist", "doesn't exist", "dne", "doesnt exist"],
    &["undefined", "not defined", "is undefined"],
    &[
        "infinitely many",
        "infinitely many solutions",
        "infinite solutions",
        "infinite number of solutions",
    ],
    &[
        "all real numbers",
        "all reals",
        "any real number",
        "every real number",
    ],
    &[
        "cannot be determined",
        "can't be determined",
        "not enough information",
    ],
];

const NO_SOLUTION: &[&str] = &[
    "no solution",
    "no solutions",
    "none",
    "empty set",
    "there is no solution",
    "there are no solutions",
    "no real solution",
    "no real solutions",
    "no such number exists",
];

/// Number words: a text that holds one is never proved different from a number.
const NUMBER_WORDS: [&str; 32] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "half",
    "third",
];

pub(super) fn choices(gold: char, answer: char) -> Judgement {
    match gold == answer {
        true => Judgement::exact("choice"),
        false => Judgement::wrong("different_choice"),
    }
}

/// `C` and `c`, the first of them a letter of a multiple choice.
pub(super) fn choice_and_scalar(letter: char, scalar: &Scalar, options: &MathOptions) -> Judgement {
    let Some(name) = as_symbol(&scalar.value) else {
        return Judgement::wrong("different_type");
    };
    if name.chars().eq([letter]) {
        return Judgement::exact("choice");
    }
    match name.chars().eq([letter.to_ascii_lowercase()]) {
        true if options.letter_case == LetterCase::ChoicesFolded => {
            Judgement::exact("choice").thanks_to("letter_case")
        }
        true => Judgement::Unknown("letter_case"),
        false => Judgement::wrong("different_choice"),
    }
}

pub(super) fn texts(gold: &str, answer: &str) -> Judgement {
    let (gold, answer) = (fold(gold), fold(answer));
    if gold == answer {
        return Judgement::exact("text");
    }
    let unsigned = |text: &str| text.trim_start_matches(['-', '+', '−']).to_owned();
    if unsigned(&gold) == unsigned(&answer) {
        // -∞ and ∞.
        return match gold.starts_with(['-', '−']) == answer.starts_with(['-', '−']) {
            true => Judgement::exact("text"),
            false => Judgement::wrong("different_text"),
        };
    }
    match (line(&gold), line(&answer)) {
        (Some(one), Some(other)) if one == other => Judgement::exact("synonym"),
        (Some(_), Some(_)) => Judgement::wrong("different_text"),
        // Two single words that are not in the table are two words; longer
        // texts may say the same in other words.
        _ if is_word(&gold) && is_word(&answer) => Judgement::wrong("different_text"),
        _ => Judgement::Unknown("different_text"),
    }
}

/// Whether two texts of letters that may be products are one word in two cases:
/// `Rome` and `ROME` are, `xy` and `XY` are other products.
pub(super) fn may_be_one_word(one: &str, other: &str) -> bool {
    /// `Cx` is a product like any other.
    const LETTERS: usize = 3;
    let is_capitalised = |text: &str| {
        let mut letters = text.chars();
        text.chars().count() >= LETTERS
            && letters.next().is_some_and(char::is_uppercase)
            && letters.all(char::is_lowercase)
    };
    one == other || is_capitalised(one) || is_capitalised(other)
}

/// A text beside something that is no text.
pub(super) fn text_and(text: &str, other: &Typed) -> Judgement {
    let text = fold(text);
    // `ABCD` chooses everything.
    let is_letter = match other {
        Typed::Choice(_) => true,
        Typed::Scalar(scalar) => as_symbol(&scalar.value).is_some_and(|name| name.len() == 1),
        _ => false,
    };
    if is_letter && text.len() > 1 && text.bytes().all(|b| (b'a'..=b'j').contains(&b)) {
        return Judgement::wrong("different_choice");
    }
    let empty = match other {
        Typed::Set(members) => members.is_empty(),
        Typed::Intervals(pieces) => pieces.is_empty(),
        _ => false,
    };
    let everything = matches!(other, Typed::Intervals(pieces)
        if matches!(pieces.as_slice(), [Interval { low: None, high: None }]));
    if empty && NO_SOLUTION.contains(&text.as_str()) {
        return Judgement::exact("synonym");
    }
    if everything && SYNONYMS[6].contains(&text.as_str()) {
        return Judgement::exact("synonym");
    }
    let counts = text.contains(|c: char| c.is_numeric())
        || text.split(' ').any(|word| NUMBER_WORDS.contains(&word));
    let literal = matches!(other, Typed::Scalar(scalar)
        if symbols(&scalar.value).is_empty());
    match literal && !counts && text.len() > 1 {
        true => Judgement::wrong("different_type"),
        false => Judgement::Unknown("different_type"),
    }
}

/// Lower case, no outer punctuation, no leading article, single spaces. A sign
/// stays: -∞ is not ∞.
fn fold(text: &str) -> String {
    let lower = text.to_lowercase().replace('’', "'");
    let words: Vec<&str> = lower
        .trim_matches(|c: char| c.is_whitespace() || ".,;:!\"'*()[]`".contains(c))
        .split_whitespace()
        .collect();
    match words.as_slice() {
        ["the" | "a" | "an", rest @ ..] if !rest.is_empty() => rest.join(" "),
        all => all.join(" "),
    }
}

/// The line of the table that holds the text.
fn line(text: &str) -> Option<usize> {
    SYNONYMS.iter().position(|line| line.contains(&text))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(char::is_alphabetic)
}
