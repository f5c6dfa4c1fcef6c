//! Words beside a box that make another value of it: "half of", "dozen", "plus 1".

use super::super::counted::resizes;
use super::super::doubt::sentence_start;
use super::super::restated::names_number;
use super::super::units::unit;
use super::{IN_EXPRESSION, IN_WORDS};

/// What is looked at on either side, in bytes.
const NEAR: usize = 48;

/// Whether the words before a box leave it what it is; they may make another value
/// of it: "negative", "half of", "2 times", "more than".
pub(super) fn before(text: &str) -> Result<(), &'static str> {
    const CHANGES: &[&str] = &[
        "minus",
        "negative",
        "negative of",
        "twice",
        "double",
        "double of",
        "triple",
        "triple of",
        "quadruple",
        "half",
        "half of",
        "third of",
        "thirds of",
        "quarter of",
        "quarters of",
        "a fourth of",
        "one fourth of",
        "one-fourth of",
        "fourths of",
        "fifth of",
        "fifths of",
        "a sixth of",
        "one sixth of",
        "one-sixth of",
        "sixths of",
        "sevenths of",
        "an eighth of",
        "one eighth of",
        "one-eighth of",
        "eighths of",
        "ninths of",
        "tenth of",
        "tenths of",
        "percent of",
        "per cent of",
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
        "to the power",
        "to the power of",
        "excluding",
        "all but",
        "without",
        "differs from",
        "different from",
        "unequal to",
    ];
    /// What does so behind a number or a formula: "3 plus", "$2x$ times".
    const OPERATIONS: [&str; 4] = ["plus", "times", "mod", "modulo"];
    /// What does so behind a number alone: "I choose" chooses.
    const OF_NUMBERS: [&str; 2] = ["over", "choose"];
    /// What may behind a number: "7 out of 10" may ask for either, and "in 2019
    /// increased by" states the answer.
    const MAY: [&str; 4] = ["out of", "increased by", "decreased by", "raised to"];
    let mut from = text.len().saturating_sub(NEAR);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    // "**half** of the"
    let tail = text[from..].to_lowercase().replace('*', "");
    let tail = tail.trim_end();
    let tail = tail.strip_suffix(" the").unwrap_or(tail).trim_end();
    let changes = CHANGES.iter().any(|change| {
        tail.strip_suffix(change).is_some_and(|ahead| {
            let bound = change.ends_with(" than") && ahead.ends_with("no ");
            !bound && !ahead.ends_with(char::is_alphanumeric)
        })
    });
    let behind_number = |words: &[&str]| {
        let mut ahead = words.iter().filter_map(|word| tail.strip_suffix(word));
        ahead.any(|ahead| is_number(last_part(ahead)))
    };
    let formula = |ahead: &str| {
        let mut letters = last_part(ahead).chars();
        let first = letters.next().filter(|c| c.is_alphabetic() && *c != 'a');
        let variable = first.is_some() && letters.next().is_none();
        ahead.trim_end().ends_with(['$', ')']) || variable
    };
    let mut ahead = OPERATIONS.iter().filter_map(|word| tail.strip_suffix(word));
    let of_formula = ahead.any(formula);
    let share = tail
        .strip_suffix("of")
        .is_some_and(|ahead| is_share(last_part(ahead)));
    // "Both 8 and \\boxed{7} work", "between 6 and".
    let both = tail.strip_suffix("and").is_some_and(|ahead| {
        ahead
            .trim_end_matches([' ', '$'])
            .ends_with(|c: char| c.is_ascii_digit())
            && ahead
                .split(' ')
                .any(|word| matches!(word, "both" | "between"))
    });
    let operates = behind_number(&OPERATIONS) || behind_number(&OF_NUMBERS) || of_formula;
    match changes || operates || share || both {
        true if is_equated(text) => Err(IN_WORDS),
        true => Err(IN_EXPRESSION),
        false if behind_number(&MAY) => Err(IN_WORDS),
        false => Ok(()),
    }
}

/// The formula or the word that a text ends with.
fn last_part(text: &str) -> &str {
    let text = text.trim_end();
    let formula = [("$", "$"), ("\\(", "\\)")]
        .iter()
        .find_map(|(open, close)| {
            let inside = text.strip_suffix(close)?;
            Some(&inside[inside.rfind(open)? + open.len()..])
        });
    formula.unwrap_or_else(|| text.rsplit(' ').next().unwrap_or_default())
}

/// Whether a part ends with a number: "5", "five", `\frac{1}{2}`.
fn is_number(part: &str) -> bool {
    let bare = part.trim_end_matches(['}', ')', '$', '%', '\\']);
    bare.ends_with(|c: char| c.is_ascii_digit()) || names_number(part)
}

/// Whether a part is a share of what follows: `\frac12`, "2/3", `30\%`.
fn is_share(part: &str) -> bool {
    let is_number = |side: &str| side.contains(|c: char| c.is_ascii_digit());
    let quotient = part
        .split_once('/')
        .is_some_and(|(one, other)| is_number(one) && is_number(other));
    quotient || holds_fraction(part) || part.ends_with(['%', '½', '⅓', '⅔', '¼', '¾'])
}

/// Whether a quotient is set in a part: `\tfrac12`.
fn holds_fraction(part: &str) -> bool {
    ["\\frac", "\\dfrac", "\\tfrac", "\\cfrac"]
        .iter()
        .any(|command| part.contains(command))
}

/// Whether the clause says what number the changed value is: in "12 is 30 % of
/// \\boxed{40}" the box may be what is asked.
fn is_equated(text: &str) -> bool {
    let clause = text[sentence_start(text)..]
        .rsplit([',', ';', ':'])
        .next()
        .unwrap_or_default();
    let subject = [" is ", " equals "]
        .iter()
        .filter_map(|verb| clause.rsplit_once(verb))
        .map(|(subject, _)| subject)
        .max_by_key(|subject| subject.len());
    subject.is_some_and(|subject| is_number(last_part(subject)))
}

/// Whether the words behind a box leave it what it is; they may make another number
/// of it: "dozen", "and a half", "times 2", `\text{ plus }1`.
pub(super) fn behind(before: &str, rest: &str) -> Result<(), &'static str> {
    const OPERATIONS: [&str; 8] = [
        "times",
        "plus",
        "minus",
        "over",
        "divided",
        "multiplied",
        "choose",
        "point",
    ];
    const COMPARED: [&str; 4] = ["more", "less", "fewer", "greater"];
    /// A full stop behind a unit of as many letters ends no sentence: "ft."
    const ABBREVIATED: usize = 3;
    /// How far a value is rounded, "to 2 decimal places".
    const PRECISIONS: [&str; 5] = ["decimal", "significant", "places", "d.p", "s.f"];
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
    let third = words.next().unwrap_or_default();
    // `\;2`
    let value = next.trim_start_matches(['$', '\\', '(', '-', ',', ';', ':', '!']);
    let is_digits = value.starts_with(|c: char| c.is_ascii_digit());
    let is_value = value.starts_with(|c: char| c.is_numeric())
        || value.starts_with("boxed")
        || names_number(value);
    // "million" belongs to the number, which is read with it.
    let counts = matches!(name, "hundred" | "thousand" | "million" | "pair" | "pairs");
    let rounded = name == "to" && PRECISIONS.iter().any(|word| third.starts_with(word));
    // "3 feet 5 inches", and quarters may be coins.
    let is_unit = |word: &str| unit(word.trim_matches(|c: char| !c.is_alphabetic()), 1).is_some();
    let ends = first.ends_with(['.', ';', ':', '!']) && name.len() > ABBREVIATED;
    let compound = is_digits && is_unit(name) && is_unit(third) && !ends;
    // The remainder of 5 modulo 2, or 5 as a residue modulo 7.
    let remainder = matches!(name, "mod" | "modulo") && is_value && !speaks_of_residue(before);
    let changes = resizes(name) && !counts && name != "quarters"
        || OPERATIONS.contains(&name) && is_value
        || COMPARED.contains(&name) && second == "than" && is_value
        || name == "raised" && second == "to"
        || lower.trim_start().starts_with("to the power")
        || matches!(name, "to" | "through") && is_digits && !rounded
        || name == "followed" && next != first && !value.is_empty() && lower.contains("zero")
        || name == "and" && is_part(next, third);
    match changes {
        true => Err(IN_EXPRESSION),
        false if compound || remainder || name == "quarters" => Err(IN_WORDS),
        false => Ok(()),
    }
}

/// Whether the sentence says that what follows is a residue: "is congruent to".
fn speaks_of_residue(before: &str) -> bool {
    let sentence = before[sentence_start(before)..].to_lowercase();
    ["congruent", "equiv", "remainder", "residue", "≡"]
        .iter()
        .any(|word| sentence.contains(word))
}

/// Whether two words are a part of one: "a half", "two thirds", `\frac{1}{2}`.
fn is_part(first: &str, second: &str) -> bool {
    const PARTS: [&str; 10] = [
        "half", "halve", "third", "quarter", "fourth", "fifth", "sixth", "seventh", "eighth",
        "tenth",
    ];
    let (number, part) = first.split_once('-').unwrap_or((first, second));
    let counted = matches!(number, "a" | "an") || names_number(number);
    holds_fraction(first) || counted && PARTS.iter().any(|word| part.starts_with(word))
}

/// The words of a text without the commands that set them.
fn unset(text: &str) -> String {
    let mut words = text.to_owned();
    for face in super::FACES {
        words = words.replace(&format!("\\{face}{{"), "");
    }
    words.replace(['}', '~'], " ")
}
