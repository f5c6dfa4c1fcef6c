//! Digits: groups, separators and the point in, an exact decimal out.
//!
//! Which separator groups and which is the point is decided here, once, from
//! the shape of the whole number; what has no single reading is refused.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::number::{Fault, Reader};
use super::scan::Token;
use super::value::Style;

/// Digits with a point, before they become a number.
#[derive(Default)]
pub(super) struct Decimal {
    /// All digits, without the point.
    digits: String,
    /// How many of them stand after the point.
    fraction: usize,
    /// The digits that repeat for ever.
    repeating: String,
    pub(super) style: Option<Style>,
}

impl Reader<'_, '_> {
    /// Digits with separators and a point.
    pub(super) fn decimal(&mut self) -> Result<Decimal, Fault> {
        let mut groups = Groups::default();
        if let [Token::Digits(first), rest @ ..] = self.rest {
            groups.first = first;
            self.rest = rest;
        }
        while let Some((separator, digits, rest)) = separated(self.rest) {
            groups.more.push((separator, digits));
            self.rest = rest;
        }
        let mut decimal = groups.decimal()?;
        // `0.1\overline{6}` and `0.\dot{3}`.
        let rest = match self.rest {
            [Token::Mark('.'), rest @ ..] if decimal.style == Some(Style::Plain) => rest,
            rest if decimal.style == Some(Style::Decimal) => rest,
            _ => return Ok(decimal),
        };
        let ([
            Token::Command("overline"),
            Token::Mark('{'),
            Token::Digits(d),
            Token::Mark('}'),
            rest @ ..,
        ]
        | [
            Token::Command("dot"),
            Token::Mark('{'),
            Token::Digits(d),
            Token::Mark('}'),
            rest @ ..,
        ]) = rest
        else {
            return Ok(decimal);
        };
        decimal.repeating = (*d).to_owned();
        decimal.style = Some(Style::Decimal);
        self.rest = rest;
        Ok(decimal)
    }

    /// The exact value of a decimal.
    pub(super) fn exact(&self, decimal: &Decimal) -> Result<BigRational, Fault> {
        let places = (decimal.fraction + decimal.repeating.len()) as u64;
        // A decimal digit has fewer than 10/3 bits.
        if (decimal.digits.len() as u64).max(places) * 10 / 3 > self.limits.bits {
            return Err(Fault::Limit);
        }
        let mut value = BigRational::from_integer(integer(&decimal.digits));
        if !decimal.repeating.is_empty() {
            let period = power_of_ten(decimal.repeating.len() as u64) - 1;
            value += BigRational::new(integer(&decimal.repeating), period);
        }
        if decimal.fraction > 0 {
            value /= BigRational::from_integer(power_of_ten(decimal.fraction as u64));
        }
        Ok(value)
    }
}

/// What stands between two groups of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Comma,
    /// A comma that LaTeX writes tight, `{,}` or `,\!`; it only groups digits.
    TightComma,
    Gap,
    Point,
}

/// A separator and the digits after it.
fn separated<'s, 't>(rest: &'s [Token<'t>]) -> Option<(Separator, &'t str, &'s [Token<'t>])> {
    match rest {
        [Token::Mark('.'), Token::Digits(d), rest @ ..] => Some((Separator::Point, d, rest)),
        [Token::Mark(','), Token::Digits(d), rest @ ..] => Some((Separator::Comma, d, rest)),
        [
            Token::Mark(','),
            Token::NegativeThin,
            Token::Digits(d),
            rest @ ..,
        ]
        | [
            Token::Mark(','),
            Token::NegativeThin,
            Token::Space,
            Token::Digits(d),
            rest @ ..,
        ]
        | [
            Token::Mark('{'),
            Token::Mark(','),
            Token::Mark('}'),
            Token::Digits(d),
            rest @ ..,
        ] => Some((Separator::TightComma, d, rest)),
        // `1 234/5` might be a mixed number.
        [Token::Space | Token::Thin, Token::Digits(d), rest @ ..]
            if d.len() == 3 && !matches!(rest, [Token::Mark('/'), ..]) =>
        {
            Some((Separator::Gap, d, rest))
        }
        _ => None,
    }
}

/// Groups of digits and what separates them.
#[derive(Default)]
struct Groups<'t> {
    first: &'t str,
    more: Vec<(Separator, &'t str)>,
}

impl Groups<'_> {
    fn decimal(&self) -> Result<Decimal, Fault> {
        use Separator::{Comma, Gap, Point, TightComma};
        let (leading, last) = match self.more.split_last() {
            None if self.first.is_empty() => return Err(Fault::Unsupported),
            None => return Ok(self.joined(0, Style::Plain)),
            Some((last, leading)) => (leading, *last),
        };
        if self.first.is_empty() {
            return match (leading, last.0) {
                ([], Point) => Ok(self.joined(last.1.len(), Style::Decimal)),
                _ => Err(Fault::Unsupported),
            };
        }
        let grouped = |groups: &[(Separator, &str)], separator: Separator| {
            !groups.is_empty()
                && (1..=3).contains(&self.first.len())
                && !self.first.starts_with('0')
                && groups
                    .iter()
                    .all(|(s, digits)| *s == separator && digits.len() == 3)
        };
        match last.0 {
            Point
                if leading.is_empty()
                    || [Comma, TightComma, Gap]
                        .iter()
                        .any(|s| grouped(leading, *s)) =>
            {
                Ok(self.joined(last.1.len(), Style::Decimal))
            }
            Comma | TightComma | Gap if grouped(&self.more, last.0) => {
                Ok(self.joined(0, Style::Plain))
            }
            Point if grouped(&self.more, Point) => Ok(self.joined(0, Style::Plain)),
            // `12,5`, and `1.234,5` whose points can only group.
            Comma if leading.is_empty() || grouped(leading, Point) => {
                Ok(self.joined(last.1.len(), Style::DecimalComma))
            }
            _ => Err(Fault::Unsupported),
        }
    }

    fn joined(&self, fraction: usize, style: Style) -> Decimal {
        let mut digits = self.first.to_owned();
        self.more
            .iter()
            .for_each(|(_, group)| digits.push_str(group));
        Decimal {
            digits,
            fraction,
            repeating: String::new(),
            style: Some(style),
        }
    }
}

fn power_of_ten(exponent: u64) -> BigInt {
    num_traits::pow(
        BigInt::from(10),
        usize::try_from(exponent).unwrap_or(usize::MAX),
    )
}

/// The integer of ASCII digits; none are 0.
pub(super) fn integer(digits: &str) -> BigInt {
    match digits.len() {
        0 => BigInt::zero(),
        1..=18 => BigInt::from(
            digits
                .bytes()
                .fold(0_i64, |n, b| n * 10 + i64::from(b - b'0')),
        ),
        _ => BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default(),
    }
}
