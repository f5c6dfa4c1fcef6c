//! Statements by their numbers: `(1)(3)` and `①③` name two of them. The text of an
//! answer in, the numbers out.

use std::ops::RangeInclusive;

/// The rule of a reading of statements in brackets as a product.
pub(super) const FACTORS: &str = "factors";

/// The same with a factor 1.
pub(super) const UNLIKELY_FACTORS: &str = "unlikely_factors";

/// The rule of a reference that is the number of one statement.
pub(super) const ONE: &str = "statement";

/// A question has no more statements.
const NUMBERS: RangeInclusive<u32> = 1..=20;

/// The numbers of a text that is two or more of them in brackets or circles, side
/// by side. In brackets they may be factors as well.
pub(super) fn numbered(text: &str) -> Option<Numbered> {
    read(text).filter(|numbered| numbered.numbers.len() > 1)
}

/// Whether a text is the number of one statement: `③` or `(3)`.
pub(super) fn is_one(text: &str) -> bool {
    read(text).is_some_and(|numbered| numbered.numbers.len() == 1)
}

fn read(text: &str) -> Option<Numbered> {
    let text = text.trim().trim_matches('$').trim();
    let in_brackets = text.starts_with('(');
    let numbers = match in_brackets {
        true => bracketed(text)?,
        false => text.chars().map(circled).collect::<Option<_>>()?,
    };
    Some(Numbered {
        numbers,
        in_brackets,
    })
}

/// The numbers of some statements.
pub(super) struct Numbered {
    numbers: Vec<u32>,
    in_brackets: bool,
}

impl Numbered {
    /// As a list: `2, 3`.
    pub(super) fn list(&self) -> String {
        self.joined(", ")
    }

    /// As the product that it may be, and the rule of that reading. Nobody writes a
    /// factor 1: `(1)(3)` is hardly 3.
    pub(super) fn product(&self) -> Option<(String, &'static str)> {
        let rule = match self.numbers.contains(&1) {
            true => UNLIKELY_FACTORS,
            false => FACTORS,
        };
        self.in_brackets.then(|| (self.joined(" * "), rule))
    }

    fn joined(&self, separator: &str) -> String {
        let all: Vec<String> = self.numbers.iter().map(u32::to_string).collect();
        all.join(separator)
    }
}

fn bracketed(text: &str) -> Option<Vec<u32>> {
    text.strip_prefix('(')?
        .strip_suffix(')')?
        .split(')')
        .enumerate()
        .map(|(at, part)| {
            let digits = match at {
                0 => part,
                _ => part.trim_start().strip_prefix('(')?,
            };
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            let number = plain.then(|| digits.parse().ok())??;
            (NUMBERS.contains(&number) && !digits.starts_with('0')).then_some(number)
        })
        .collect()
}

fn circled(c: char) -> Option<u32> {
    let at = u32::from(c).checked_sub(u32::from('①'))? + 1;
    NUMBERS.contains(&at).then_some(at)
}
