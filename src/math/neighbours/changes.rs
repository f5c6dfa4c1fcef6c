//! Words beside a box that make another value of it: "half of", "dozen", "plus 1".

use super::super::counted::resizes;
use super::super::restated::names_number;

/// What is looked at on either side, in bytes.
const NEAR: usize = 48;

/// Whether the words before a box make another value of it: "negative", "half of",
/// "2 times", "more than".
pub(super) fn before(text: &str) -> bool {
    const CHANGES: &[&str] = &[
        "minus",
        "negative",
        "negative of",
        "twice",
        "double",
        "double of",
        "triple",
        "triple of",
        "half",
        "half of",
        "third of",
        "thirds of",
        "quarter of",
        "quarters of",
        "fourths of",
        "fifth of",
        "fifths of",
        "tenth of",
        "tenths of",
        "percent of",
        "square of",
        "cube of",
        "root of",
        "reciprocal of",
        "opposite of",
        "negation of",
        "inverse of",
        "factorial of",
        "logarithm of",
        "log of",
        "multiple of",
        "more than",
        "less than",
        "fewer than",
        "greater than",
        "divided by",
        "multiplied by",
        "increased by",
        "decreased by",
        "raised to",
        "to the power",
        "to the power of",
        "excluding",
        "all but",
        "without",
        "differs from",
        "different from",
        "unequal to",
    ];
    /// What does so behind a number: "3 over", "5 out of".
    const OF_NUMBERS: [&str; 7] = ["plus", "times", "mod", "modulo", "over", "out of", "choose"];
    let mut from = text.len().saturating_sub(NEAR);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let tail = text[from..].trim_end().to_lowercase();
    let percent = tail.trim_end_matches("of").trim_end().ends_with('%');
    let changes = CHANGES.iter().any(|change| {
        tail.strip_suffix(change).is_some_and(|ahead| {
            let bound = change.ends_with(" than") && ahead.ends_with("no ");
            !bound && !ahead.ends_with(char::is_alphanumeric)
        })
    });
    let of_number = OF_NUMBERS.iter().any(|change| {
        let ahead = tail.strip_suffix(change).map(str::trim_end);
        ahead.is_some_and(|ahead| {
            let word = ahead.rsplit(' ').next().unwrap_or_default();
            word.ends_with(|c: char| c.is_ascii_digit()) || names_number(word)
        })
    });
    // "Both 8 and \\boxed{7} work", "between 6 and".
    let both = tail.strip_suffix("and").is_some_and(|ahead| {
        ahead
            .trim_end_matches([' ', '$'])
            .ends_with(|c: char| c.is_ascii_digit())
            && ahead
                .split(' ')
                .any(|word| matches!(word, "both" | "between"))
    });
    changes || of_number || both || (percent && tail.ends_with("of"))
}

/// Whether the words behind a box make another number of it: "dozen", "and a
/// half", "times 2", `\text{ plus }1`.
pub(super) fn behind(rest: &str) -> bool {
    const OPERATIONS: [&str; 9] = [
        "times",
        "plus",
        "minus",
        "over",
        "divided",
        "multiplied",
        "choose",
        "mod",
        "point",
    ];
    const PARTS: [&str; 4] = ["half", "third", "quarter", "fifth"];
    const COMPARED: [&str; 4] = ["more", "less", "fewer", "greater"];
    let mut near = rest.len().min(NEAR);
    while !rest.is_char_boundary(near) {
        near -= 1;
    }
    let lower = unset(&rest[..near]).to_lowercase();
    let mut words = lower.split_whitespace();
    let first = words.next().unwrap_or_default();
    let name = first.trim_end_matches(|c: char| !c.is_alphabetic());
    let second = words.next().unwrap_or_default();
    let next = match second {
        "by" | "than" => words.next().unwrap_or_default(),
        next => next,
    };
    let value = next.trim_start_matches(['$', '\\', '(', '-']);
    let is_value = value.starts_with(|c: char| c.is_numeric())
        || value.starts_with("boxed")
        || names_number(value);
    let part = |word: Option<&str>| {
        word.is_some_and(|word| PARTS.iter().any(|part| word.starts_with(part)))
    };
    // "million" belongs to the number, which is read with it.
    let counts = matches!(name, "hundred" | "thousand" | "million" | "pair" | "pairs");
    resizes(name) && !counts
        || OPERATIONS.contains(&name) && is_value
        || COMPARED.contains(&name) && second == "than" && is_value
        || name == "raised" && second == "to"
        || lower.trim_start().starts_with("to the power")
        || matches!(name, "to" | "through") && value.starts_with(|c: char| c.is_ascii_digit())
        || name == "followed" && next != first && !value.is_empty() && lower.contains("zero")
        || name == "and" && (value.starts_with("frac") || value.starts_with("dfrac"))
        || name == "and" && matches!(next, "a" | "one") && part(words.next())
}

/// The words of a text without the commands that set them.
fn unset(text: &str) -> String {
    let mut words = text.to_owned();
    for face in super::FACES {
        words = words.replace(&format!("\\{face}{{"), "");
    }
    words.replace(['}', '~'], " ")
}
