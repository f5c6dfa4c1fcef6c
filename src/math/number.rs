//! Numeric answers: tokens in, one exact value out, or why there is none.
//!
//! The whole answer must be used up; what is left over makes it `unsupported`.
//! Sizes are estimated before every power. No recursion: a fraction's parts are
//! plain signed numbers.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::digits::integer;
use super::scan::{Brackets, Token, fold, peel, tokens, without_delimiters};
use super::units::{Dimension, Unit};
use super::value::{LongInteger, Quantity, Style, Value, bits};

/// Why an answer is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Something other than a number.
    Unsupported,
    /// A number beyond the limits.
    Limit,
    /// A division by zero or `0^0`.
    Undefined,
}

/// The limits of reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) answer_bytes: usize,
    pub(super) bits: u64,
}

/// Reads a whole answer as a number.
pub(super) fn read(text: &str, limits: Limits) -> Result<Value, Fault> {
    let text = text.trim();
    if text.len() > limits.answer_bytes {
        return long_integer(text, limits);
    }
    let folded = fold(text);
    let all = without_delimiters(tokens(&folded));
    read_tokens(&all, limits)
}

/// Reads tokens as a number; `\text{13}` alone is the number in it.
pub(super) fn read_tokens(all: &[Token<'_>], limits: Limits) -> Result<Value, Fault> {
    let peeled = peel(all, Brackets::Peel);
    match peeled {
        [Token::Text(inside)] => {
            let inner = without_delimiters(tokens(inside));
            Reader {
                rest: peel(&inner, Brackets::Peel),
                limits,
            }
            .whole()
        }
        _ => Reader {
            rest: peeled,
            limits,
        }
        .whole(),
    }
}

/// A text of nothing but digits, of any length.
fn long_integer(text: &str, limits: Limits) -> Result<Value, Fault> {
    let (negative, digits) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::Limit);
    }
    let digits = digits.trim_start_matches('0');
    if digits.len() > limits.answer_bytes {
        return Ok(Value::Digits(LongInteger {
            negative,
            digits: digits.to_owned(),
        }));
    }
    let magnitude = integer(digits);
    let value = BigRational::from_integer(if negative { -magnitude } else { magnitude });
    Ok(Value::Quantity(Quantity {
        value,
        style: Style::Plain,
        unit: None,
        name: None,
    }))
}

/// A place in the tokens.
pub(super) struct Reader<'s, 't> {
    pub(super) rest: &'s [Token<'t>],
    pub(super) limits: Limits,
}

impl<'s, 't> Reader<'s, 't> {
    fn whole(mut self) -> Result<Value, Fault> {
        let name = self.name();
        self.spaces();
        let mut sign = self.sign();
        let mut sign_unit = self.currency();
        if sign.is_none() {
            sign = self.sign();
        }
        self.spaces();
        let (mut value, mut style) = self.magnitude()?;
        if sign == Some('-') {
            value = -value;
        }
        self.spaces();
        if let Some(factor) = self.scale() {
            value *= BigRational::from_integer(BigInt::from(factor));
            self.spaces();
        }
        if sign_unit.is_none() && self.percent() {
            value /= BigRational::from_integer(BigInt::from(100));
            style = Style::Percent;
        } else if let Some(suffix) = self.unit() {
            sign_unit = match sign_unit {
                None => Some(suffix),
                Some(prefix) if prefix == suffix => Some(prefix),
                Some(_) => return Err(Fault::Unsupported),
            };
        }
        if let (Some(unit), Style::Plain) = (sign_unit, style) {
            value += self.smaller_units(&value, unit)?;
        }
        if !peel(self.rest, Brackets::Keep).is_empty() {
            return Err(Fault::Unsupported);
        }
        if bits(&value) > self.limits.bits {
            return Err(Fault::Limit);
        }
        Ok(Value::Quantity(Quantity {
            value,
            style,
            unit: sign_unit,
            name,
        }))
    }

    /// What `30 minutes` adds behind `1 hour`, in hours: whole numbers of ever
    /// smaller units of a length, a mass or a time, each less than one of the
    /// unit before.
    fn smaller_units(&mut self, first: &BigRational, unit: Unit) -> Result<BigRational, Fault> {
        let mixes = matches!(
            unit.dimension,
            Dimension::Length | Dimension::Mass | Dimension::Time
        );
        let factor = |unit: Unit| BigRational::new(unit.factor.0.into(), unit.factor.1.into());
        let mut added = BigRational::zero();
        let mut before = unit;
        loop {
            self.spaces();
            let [Token::Digits(_), ..] = self.rest else {
                return Ok(added);
            };
            if !mixes || !first.is_integer() || *first <= BigRational::zero() {
                return Err(Fault::Unsupported);
            }
            let decimal = self.decimal()?;
            let count = self.exact(&decimal)?;
            self.spaces();
            let next = self.unit().ok_or(Fault::Unsupported)?;
            let share = &count * factor(next) / factor(before);
            if next.dimension != unit.dimension
                || !count.is_integer()
                || share >= BigRational::one()
            {
                return Err(Fault::Unsupported);
            }
            added += count * factor(next) / factor(unit);
            before = next;
        }
    }

    /// `x =` or `= x`, where x is one letter or one command.
    fn name(&mut self) -> Option<String> {
        let spaceless: Vec<usize> = (0..self.rest.len())
            .filter(|at| !is_space(self.rest[*at]))
            .collect();
        let at = |n: usize| spaceless.get(n).map(|at| self.rest[*at]);
        let last = spaceless.len().checked_sub(1)?;
        if last < 2 {
            return None;
        }
        if let (Some(name), Some(Token::Mark('='))) = (at(0).and_then(letter), at(1)) {
            let taken = spaceless[1] + 1;
            self.rest = &self.rest[taken..];
            return Some(name);
        }
        match (at(last - 1), at(last).and_then(letter)) {
            (Some(Token::Mark('=')), Some(name)) => {
                let kept = spaceless[last - 1];
                self.rest = &self.rest[..kept];
                Some(name)
            }
            _ => None,
        }
    }

    fn sign(&mut self) -> Option<char> {
        match self.rest {
            [Token::Mark(c @ ('-' | '+')), rest @ ..] => {
                self.rest = rest;
                self.spaces();
                Some(*c)
            }
            _ => None,
        }
    }

    /// An unsigned number: fraction, mixed number, power, decimal.
    fn magnitude(&mut self) -> Result<(BigRational, Style), Fault> {
        if let Some(fraction) = self.fraction()? {
            return Ok((fraction, Style::Plain));
        }
        let decimal = self.decimal()?;
        let whole = decimal.style == Some(Style::Plain);
        let mut style = decimal.style.unwrap_or(Style::Plain);
        let mut value = self.exact(&decimal)?;
        if whole {
            if let Some(part) = self.mixed_part()? {
                return Ok((value + part, Style::Plain));
            }
            if let Some(exponent) = self.power()? {
                value = self.raise(&value, exponent)?;
                style = Style::Plain;
            }
        }
        if let Some(exponent) = self.exponent_letter()? {
            value *= self.ten_to(exponent)?;
        } else if let Some(exponent) = self.times_ten()? {
            value *= self.ten_to(exponent)?;
        }
        if let Some(divisor) = self.divisor()? {
            // `1,2/3` is a list; its comma would be lost in the quotient.
            if style == Style::DecimalComma {
                return Err(Fault::Unsupported);
            }
            return Ok((quotient(value, &divisor)?, Style::Plain));
        }
        Ok((value, style))
    }

    /// `\frac{a}{b}` and its short forms.
    fn fraction(&mut self) -> Result<Option<BigRational>, Fault> {
        let [Token::Command("frac"), rest @ ..] = self.rest else {
            return Ok(None);
        };
        self.rest = rest;
        self.spaces();
        // `\frac12`: the first two digits of one token.
        if let [Token::Digits(digits), rest @ ..] = self.rest
            && let &[n, d] = digits.as_bytes()
        {
            self.rest = rest;
            return quotient(small(n), &small(d)).map(Some);
        }
        let numerator = self.argument()?;
        self.spaces();
        let denominator = self.argument()?;
        quotient(numerator, &denominator).map(Some)
    }

    /// An argument of `\frac`: a group, or a single digit.
    fn argument(&mut self) -> Result<BigRational, Fault> {
        match self.rest {
            [Token::Digits(digits), rest @ ..] if digits.len() == 1 => {
                self.rest = rest;
                Ok(small(digits.as_bytes()[0]))
            }
            [Token::Mark('{'), ..] => self.grouped(),
            _ => Err(Fault::Unsupported),
        }
    }

    /// A signed number in braces or parentheses.
    fn grouped(&mut self) -> Result<BigRational, Fault> {
        let mut depth = 0_usize;
        let close = self
            .rest
            .iter()
            .position(|token| {
                match token {
                    Token::Mark('{' | '(') => depth += 1,
                    Token::Mark('}' | ')') => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0
            })
            .ok_or(Fault::Unsupported)?;
        let inside = peel(&self.rest[..=close], Brackets::Peel);
        self.rest = &self.rest[close + 1..];
        let mut inner = Reader {
            rest: inside,
            limits: self.limits,
        };
        let negative = inner.sign() == Some('-');
        let decimal = inner.decimal()?;
        if decimal.style == Some(Style::DecimalComma) || !inner.rest.is_empty() {
            return Err(Fault::Unsupported);
        }
        let value = inner.exact(&decimal)?;
        Ok(if negative { -value } else { value })
    }

    /// The fraction of a mixed number; it must be proper.
    fn mixed_part(&mut self) -> Result<Option<BigRational>, Fault> {
        let before = self.rest;
        self.spaces();
        let part = match self.rest {
            [Token::Command("frac"), ..] => self.fraction()?,
            [
                Token::Digits(n),
                Token::Mark('/'),
                Token::Digits(d),
                rest @ ..,
            ] if before.len() > self.rest.len() && before[0] != Token::Break => {
                self.rest = rest;
                Some(quotient(
                    BigRational::from_integer(integer(n)),
                    &BigRational::from_integer(integer(d)),
                )?)
            }
            _ => {
                self.rest = before;
                return Ok(None);
            }
        };
        match part {
            // `2\frac{3}{2}` and `2\frac{-1}{2}` are no mixed numbers.
            Some(part) if part < BigRational::one() && part > BigRational::zero() => Ok(Some(part)),
            _ => Err(Fault::Unsupported),
        }
    }

    /// `^{n}` or `^n` with one digit: `^10` means 1 then 0 in LaTeX and 10 in
    /// plain text, so it is neither.
    fn power(&mut self) -> Result<Option<i64>, Fault> {
        let [Token::Mark('^'), rest @ ..] = self.rest else {
            return Ok(None);
        };
        if matches!(
            rest,
            [Token::Command("circ"), ..] | [Token::Mark('{'), Token::Command("circ"), ..]
        ) {
            return Ok(None);
        }
        self.rest = rest;
        let signed = match self.rest {
            [Token::Digits(d), rest @ ..] | [Token::Mark('+'), Token::Digits(d), rest @ ..]
                if d.len() == 1 =>
            {
                self.rest = rest;
                return Ok(Some(i64::from(d.as_bytes()[0] - b'0')));
            }
            [Token::Mark('-'), Token::Digits(d), rest @ ..] if d.len() == 1 => {
                self.rest = rest;
                return Ok(Some(-i64::from(d.as_bytes()[0] - b'0')));
            }
            [Token::Mark('{' | '('), ..] => self.grouped()?,
            _ => return Err(Fault::Unsupported),
        };
        if !signed.is_integer() {
            return Err(Fault::Unsupported);
        }
        i64::try_from(signed.to_integer())
            .map(Some)
            .map_err(|_| Fault::Limit)
    }

    /// `e3` right after a number.
    fn exponent_letter(&mut self) -> Result<Option<i64>, Fault> {
        let [Token::Word("e" | "E"), rest @ ..] = self.rest else {
            return Ok(None);
        };
        let (negative, digits, rest) = match rest {
            [Token::Digits(d), rest @ ..] | [Token::Mark('+'), Token::Digits(d), rest @ ..] => {
                (false, d, rest)
            }
            [Token::Mark('-'), Token::Digits(d), rest @ ..] => (true, d, rest),
            _ => return Err(Fault::Unsupported),
        };
        self.rest = rest;
        let exponent: i64 = digits.parse().map_err(|_| Fault::Limit)?;
        Ok(Some(if negative { -exponent } else { exponent }))
    }

    /// `\times 10^{3}`.
    fn times_ten(&mut self) -> Result<Option<i64>, Fault> {
        let before = self.rest;
        self.spaces();
        let [
            Token::Command("times" | "cdot") | Token::Mark('*'),
            rest @ ..,
        ] = self.rest
        else {
            self.rest = before;
            return Ok(None);
        };
        self.rest = rest;
        self.spaces();
        let [Token::Digits("10"), rest @ ..] = self.rest else {
            return Err(Fault::Unsupported);
        };
        self.rest = rest;
        self.power()?.map(Some).ok_or(Fault::Unsupported)
    }

    /// `/ b`, where b is a number or a signed number in brackets.
    fn divisor(&mut self) -> Result<Option<BigRational>, Fault> {
        let before = self.rest;
        self.spaces();
        let [Token::Mark('/'), rest @ ..] = self.rest else {
            self.rest = before;
            return Ok(None);
        };
        self.rest = rest;
        self.spaces();
        if let [Token::Mark('(' | '{'), ..] = self.rest {
            return self.grouped().map(Some);
        }
        let negative = self.sign() == Some('-');
        let decimal = self.decimal()?;
        if decimal.style == Some(Style::DecimalComma) {
            return Err(Fault::Unsupported);
        }
        let value = self.exact(&decimal)?;
        Ok(Some(if negative { -value } else { value }))
    }

    fn ten_to(&self, exponent: i64) -> Result<BigRational, Fault> {
        self.raise(&BigRational::from_integer(BigInt::from(10)), exponent)
    }

    /// A power whose size is checked before it is computed.
    fn raise(&self, base: &BigRational, exponent: i64) -> Result<BigRational, Fault> {
        if base.is_zero() && exponent <= 0 {
            return Err(Fault::Undefined);
        }
        let size = exponent.unsigned_abs();
        if !base.is_one() && bits(base).saturating_mul(size) > self.limits.bits {
            return Err(Fault::Limit);
        }
        if base.is_one() {
            return Ok(base.clone());
        }
        let exponent = i32::try_from(exponent).map_err(|_| Fault::Limit)?;
        Ok(base.pow(exponent))
    }

    pub(super) fn spaces(&mut self) {
        while let [
            Token::Space | Token::Break | Token::Thin | Token::NegativeThin,
            rest @ ..,
        ] = self.rest
        {
            self.rest = rest;
        }
    }
}

fn is_space(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Space | Token::Break | Token::Thin | Token::NegativeThin
    )
}

/// A variable's name: one letter, or a command such as `\theta`.
fn letter(token: Token<'_>) -> Option<String> {
    const GREEK: [&str; 14] = [
        "alpha", "beta", "gamma", "delta", "theta", "lambda", "mu", "phi", "varphi", "omega",
        "rho", "sigma", "tau", "epsilon",
    ];
    match token {
        Token::Word(word) if word.chars().count() == 1 => Some(word.to_owned()),
        Token::Command(name) if GREEK.contains(&name) => Some(format!("\\{name}")),
        _ => None,
    }
}

fn quotient(numerator: BigRational, denominator: &BigRational) -> Result<BigRational, Fault> {
    match denominator.is_zero() {
        true => Err(Fault::Undefined),
        false => Ok(numerator / denominator),
    }
}

/// One ASCII digit.
fn small(digit: u8) -> BigRational {
    BigRational::from_integer(BigInt::from(digit - b'0'))
}
