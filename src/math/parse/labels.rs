//! Units that no table knows: `\text{ toys}`, `\text{ J/kg}`,
//! `\mathrm{m}\cdot\mathrm{s}^{-2}` as one label in a fixed spelling.
//!
//! A label is compared with labels alone: nothing is converted. Words that say
//! how large the number is, or that more is to come, are no label.

use std::borrow::Cow;

use super::super::anchors::is_hedge;
use super::super::counted::{counts_things, resizes};
use super::super::typed::{Scalar, Typed};
use super::super::units::{Dimension, Unit, unit};
use super::words::is_prose;

/// Words of sums, relations and parts, which are no label either; those that make
/// another number of theirs are [`resizes`].
const RELATES: &[&str] = &[
    "percent",
    "percentage",
    "and",
    "by",
    "over",
    "of",
    "to",
    "mod",
    "per",
    "pi",
    "ish",
    "approx",
    "base",
    "digits",
    "radians",
    "rad",
    "remainder",
    "each",
    "pair",
    "times",
    "billion",
    "trillion",
    "ten",
    "even",
    "odd",
    "only",
    "mil",
    "ths",
    "below",
    "under",
    "zero",
    "negative",
    "positive",
    "less",
    "fewer",
    "remaining",
];

/// The most words of a label.
const WORDS: usize = 3;

/// The number with its label; `None` where the words are none.
pub(super) fn labelled(scalar: Scalar, written: &str) -> Option<Typed> {
    let powers = powers(written);
    if let Some(unit) = powers.as_deref().and_then(known)
        && unit.dimension != Dimension::Angle
    {
        return Some(Typed::Scalar(Scalar {
            unit: Some(unit),
            ..scalar
        }));
    }
    let label = powers.or_else(|| words(written))?;
    Some(Typed::Labelled {
        value: scalar,
        label,
    })
}

/// The text of a unit with its commands as characters: `m\,s^{-1}`.
pub(super) fn without_commands(unit: &str) -> Cow<'_, str> {
    const COMMANDS: [(&str, &str); 9] = [
        ("\\,", " "),
        ("\\;", " "),
        ("\\:", " "),
        ("\\ ", " "),
        ("\\cdot", "·"),
        ("\\Omega", "Ω"),
        ("\\mu ", "μ"),
        ("\\mu", "μ"),
        ("\\!", ""),
    ];
    if !unit.contains('\\') {
        return Cow::Borrowed(unit);
    }
    let spelled = COMMANDS
        .iter()
        .fold(unit.to_owned(), |unit, (command, plain)| {
            unit.replace(command, plain)
        });
    Cow::Owned(spelled)
}

/// The unit of the table that a label spells: `m s^-1` is m/s.
fn known(label: &str) -> Option<Unit> {
    let mut factors = label.split(' ');
    let (first, second) = (factors.next()?, factors.next());
    if factors.next().is_some() {
        return None;
    }
    match (first.split_once('^'), second) {
        (None, None) => unit(first, 1),
        (Some((name, power)), None) => unit(name, power.parse().ok()?),
        (None, Some(other)) => unit(&format!("{first}/{}", other.strip_suffix("^-1")?), 1),
        (Some((name, "-1")), Some(other)) => unit(&format!("{other}/{name}"), 1),
        _ => None,
    }
}

/// `\text{any text}` as `any text`.
fn words(written: &str) -> Option<String> {
    let inside = written.strip_prefix("\\text{")?.strip_suffix('}')?;
    if matches!(inside, "°C" | "°F") {
        return Some(inside.to_owned());
    }
    let lower = inside.trim().trim_end_matches('.').to_lowercase();
    let parts: Vec<&str> = lower.split_whitespace().collect();
    let is_word = |word: &&str| {
        word.chars().count() > 1
            // Scripts without spaces write sentences as one word.
            && word.chars().all(|c| c < '\u{2000}' && c.is_alphabetic() || c == '-')
            && !RELATES.contains(word)
            && !resizes(word)
            && !is_prose(word)
            && !is_hedge(word)
    };
    let fits = (1..=WORDS).contains(&parts.len()) && parts.iter().all(is_word);
    fits.then(|| parts.join(" "))
}

/// Whether bare words behind a number are the plural of what it counts: "eggs",
/// "red apples".
pub(super) fn names_things(written: &str) -> bool {
    let text = format!("\\text{{{}}}", written.trim());
    let several = written.trim().contains(' ');
    let measures = several
        && written
            .split_whitespace()
            .any(|word| unit(word, 1).is_some());
    !measures && words(&text).is_some_and(|label| counts_things(&label))
}

/// A product of powers of symbols of the International System, sorted:
/// `m s^-2`.
fn powers(written: &str) -> Option<String> {
    let mut factors: Vec<(String, i32)> = Vec::new();
    let mut sign = 1;
    let mut rest = written.trim();
    let mut divided = false;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => rest = rest.strip_prefix("text{")?,
            '{' | '}' | ' ' | '*' | '.' | '·' => {}
            // `a/b c` and `a/b/c` are written for different things.
            '/' if divided => return None,
            '/' => (sign, divided) = (-1, true),
            '^' => {
                let power = rest.trim_start_matches(['{', ' ']);
                let digits = power.strip_prefix('-').unwrap_or(power);
                let digit = digits.chars().next().filter(|c| ('1'..='9').contains(c))?;
                let exponent = i32::try_from(digit.to_digit(10)?).ok()?;
                let negative = if digits.len() < power.len() { -1 } else { 1 };
                factors.last_mut()?.1 *= exponent * negative;
                rest = &digits[1..];
            }
            c if c.is_alphabetic() || c == 'Ω' => {
                if divided && factors.iter().any(|(_, power)| *power < 0) {
                    return None;
                }
                let end = rest
                    .find(|c: char| !c.is_alphabetic())
                    .unwrap_or(rest.len());
                factors.push((format!("{c}{}", &rest[..end]), sign));
                rest = &rest[end..];
            }
            _ => return None,
        }
    }
    factors.sort();
    let distinct = factors.windows(2).all(|pair| pair[0].0 != pair[1].0);
    let known = factors.iter().all(|(name, _)| is_symbol(name));
    (known && distinct && !factors.is_empty()).then(|| {
        let factors = factors.iter().map(|(name, power)| match power {
            1 => name.clone(),
            power => format!("{name}^{power}"),
        });
        factors.collect::<Vec<_>>().join(" ")
    })
}

/// Whether the name is a symbol of a unit, perhaps with a prefix.
fn is_symbol(name: &str) -> bool {
    const SYMBOLS: [&str; 34] = [
        "m", "g", "s", "A", "K", "mol", "cd", "Hz", "N", "Pa", "J", "W", "C", "V", "F", "Ω", "S",
        "Wb", "T", "H", "lm", "lx", "Bq", "Gy", "Sv", "eV", "L", "l", "bar", "atm", "cal", "rad",
        "u", "pc",
    ];
    const PREFIXES: [&str; 13] = [
        "k", "M", "G", "T", "P", "m", "μ", "u", "n", "p", "f", "c", "d",
    ];
    unit(name, 1).is_some_and(|unit| unit.name.len() <= 3)
        || SYMBOLS.contains(&name)
        || PREFIXES.iter().any(|prefix| {
            name.strip_prefix(prefix)
                .is_some_and(|name| SYMBOLS.contains(&name))
        })
}
