//! What may stand round a number: currency signs, scale words, percent, units.

use super::number::Reader;
use super::scan::Token;
use super::units::{Unit, currency, currency_code, unit};

impl Reader<'_, '_> {
    pub(super) fn currency(&mut self) -> Option<Unit> {
        match self.rest {
            [Token::Mark(c), rest @ ..] => {
                let unit = currency(*c)?;
                self.rest = rest;
                self.spaces();
                Some(unit)
            }
            [Token::Word(code), rest @ ..] => {
                let unit = currency_code(code)?;
                self.rest = match rest {
                    [Token::Mark('.'), rest @ ..] => rest,
                    rest => rest,
                };
                self.spaces();
                Some(unit)
            }
            _ => None,
        }
    }

    /// thousand, million, …
    pub(super) fn scale(&mut self) -> Option<u64> {
        let ([Token::Word(word), rest @ ..] | [Token::Text(word), rest @ ..]) = self.rest else {
            return None;
        };
        let factor = match word.to_ascii_lowercase().as_str() {
            "hundred" => 100,
            "thousand" | "千" => 1000,
            "万" | "萬" => 10_000,
            "million" => 1_000_000,
            "亿" | "億" => 100_000_000,
            "billion" => 1_000_000_000,
            "trillion" => 1_000_000_000_000,
            _ => return None,
        };
        self.rest = rest;
        Some(factor)
    }

    pub(super) fn percent(&mut self) -> bool {
        let rest = match self.rest {
            [Token::Mark('%'), rest @ ..] => rest,
            [Token::Word(word), rest @ ..] | [Token::Text(word), rest @ ..]
                if matches!(
                    word.to_ascii_lowercase().as_str(),
                    "percent" | "pct" | "percentage" | "%"
                ) =>
            {
                rest
            }
            _ => return false,
        };
        self.rest = rest;
        true
    }

    /// A unit of the table, or a currency sign, or a degree sign.
    pub(super) fn unit(&mut self) -> Option<Unit> {
        let (found, rest) = match self.rest {
            [Token::Mark('^'), Token::Command("circ"), rest @ ..]
            | [
                Token::Mark('^'),
                Token::Mark('{'),
                Token::Command("circ"),
                Token::Mark('}'),
                rest @ ..,
            ] => (unit("degrees", 1)?, rest),
            [Token::Mark(sign), rest @ ..] => (currency(*sign)?, rest),
            [Token::Text(words), rest @ ..] => {
                let (words, inner) = match words.split_once('^') {
                    Some((words, power)) => (words, Some(power.trim().parse::<u8>().ok()?)),
                    None => (*words, None),
                };
                let spelling: String = words.split_whitespace().collect();
                let (exponent, rest) = match inner {
                    Some(power) => (power, rest),
                    None => exponent_of_unit(rest),
                };
                (unit(spelling.trim_end_matches('.'), exponent)?, rest)
            }
            // A bare letter after a number is a variable.
            [Token::Word(word), ..] if word.len() > 1 => {
                let mut spelling = (*word).to_owned();
                let mut rest = &self.rest[1..];
                while let [Token::Space, Token::Word(word), after @ ..] = rest {
                    // `mi n` is no minute; one-letter parts are other things.
                    if word.chars().count() < 2 {
                        return None;
                    }
                    spelling.push_str(word);
                    rest = after;
                }
                let (exponent, rest) = exponent_of_unit(rest);
                (unit(&spelling, exponent)?, rest)
            }
            _ => return None,
        };
        self.rest = rest;
        Some(found)
    }
}

/// `^2` or `^{2}` after a unit.
fn exponent_of_unit<'s, 't>(rest: &'s [Token<'t>]) -> (u8, &'s [Token<'t>]) {
    match rest {
        [Token::Mark('^'), Token::Digits(d @ ("2" | "3")), rest @ ..]
        | [
            Token::Mark('^'),
            Token::Mark('{'),
            Token::Digits(d @ ("2" | "3")),
            Token::Mark('}'),
            rest @ ..,
        ] => (if *d == "2" { 2 } else { 3 }, rest),
        _ => (1, rest),
    }
}
