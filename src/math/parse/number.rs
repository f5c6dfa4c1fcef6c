//! Literals: digits in any spelling in, an exact rational out.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use pest::iterators::Pair;

use super::super::typed::Form;
use super::{ParseFault, Rule};

/// A literal and how it was written.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    pub(super) value: BigRational,
    pub(super) form: Form,
    /// A power of ten too large to write out.
    pub(super) ten_to: Option<i64>,
}

/// The largest power of ten that is written out; 10^400 has 1,329 bits, so that
/// a text full of them is still quick.
const WRITTEN_OUT: i64 = 400;

/// The value of a `number` pair.
pub(super) fn number(pair: Pair<'_, Rule>) -> Result<Literal, ParseFault> {
    let at = pair.as_span().start();
    let mut parts = pair.into_inner();
    let digits = parts.next().ok_or(ParseFault::Unparsed { at })?.as_str();
    let mut literal = decimal(digits);
    let Some(more) = parts.next() else {
        return Ok(literal);
    };
    match more.as_rule() {
        Rule::repeat => literal.value = repeating(digits, more)?,
        Rule::exponent => {
            let text = more.into_inner().as_str();
            let exponent: i64 = text.trim_end().parse().map_err(|_| ParseFault::Limit)?;
            literal.form = Form::Plain;
            match exponent.abs() <= WRITTEN_OUT {
                true => literal.value *= ten_to(exponent),
                false => literal.ten_to = Some(exponent),
            }
        }
        _ => return Err(ParseFault::Unparsed { at }),
    }
    Ok(literal)
}

/// `12.50`
pub(super) fn decimal(text: &str) -> Literal {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let form = match text.contains('.') {
        true => Form::Decimal(u32::try_from(fraction.len()).unwrap_or(u32::MAX)),
        false => Form::Plain,
    };
    let mut value = BigRational::from_integer(integer(whole));
    if !fraction.is_empty() {
        value += BigRational::new(integer(fraction), power_of_ten(fraction.len()));
    }
    Literal {
        value,
        form,
        ten_to: None,
    }
}

/// `0.1` and the digits that repeat.
fn repeating(digits: &str, repeat: Pair<'_, Rule>) -> Result<BigRational, ParseFault> {
    let at = repeat.as_span().start();
    let (_, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let ellipsis = repeat.as_str() == "…";
    let (mut base, mut start, mut period) = (digits.to_owned(), fraction.len(), String::new());
    for part in repeat.into_inner() {
        period.push_str(part.as_str());
    }
    if ellipsis {
        // `0.333…`: three equal digits at least, or a block written twice and
        // more; anything else has no single meaning.
        period = ellipsis_period(fraction).ok_or(ParseFault::Unparsed { at })?;
        start = fraction.len() - period.len();
        base.truncate(base.len() - period.len());
    }
    let cycle = power_of_ten(period.len()) - BigInt::one();
    let tail = BigRational::new(integer(&period), cycle);
    Ok(decimal(&base).value + tail / BigRational::from_integer(power_of_ten(start)))
}

/// The block that `0.333…` or `0.142857142857…` repeats.
fn ellipsis_period(fraction: &str) -> Option<String> {
    let last = fraction.chars().next_back()?;
    if fraction.len() >= 3 && fraction.chars().rev().take(3).all(|c| c == last) {
        return Some(last.to_string());
    }
    (2..=fraction.len() / 2)
        .find(|n| {
            fraction.len().is_multiple_of(*n)
                && fraction
                    .as_bytes()
                    .chunks(*n)
                    .all(|block| block == &fraction.as_bytes()[..*n])
        })
        .map(|n| fraction[..n].to_owned())
}

/// `204_5`, `152A_{11}`, `1010_{\text{two}}`.
pub(super) fn based(pair: Pair<'_, Rule>) -> Result<Literal, ParseFault> {
    let at = pair.as_span().start();
    let fault = ParseFault::Unparsed { at };
    let mut parts = pair.into_inner();
    let (Some(digits), Some(base)) = (parts.next(), parts.next()) else {
        return Err(fault);
    };
    let base: u32 = match base.as_rule() {
        Rule::base_word => base_word(base.as_str()).ok_or(fault)?,
        _ => base.as_str().parse().map_err(|_| fault)?,
    };
    if !(2..=36).contains(&base) {
        return Err(fault);
    }
    let (whole, fraction) = digits
        .as_str()
        .split_once('.')
        .unwrap_or((digits.as_str(), ""));
    let all = format!("{whole}{fraction}");
    if !all.chars().all(|c| c.is_digit(base)) {
        return Err(fault);
    }
    let numerator = BigInt::parse_bytes(all.as_bytes(), base).ok_or(fault)?;
    let places = u32::try_from(fraction.len()).map_err(|_| ParseFault::Limit)?;
    Ok(Literal {
        value: BigRational::new(numerator, BigInt::from(base).pow(places)),
        form: Form::Base(base),
        ten_to: None,
    })
}

/// `3\frac12` and `3 1/2`; the fraction must be proper.
pub(super) fn mixed(pair: Pair<'_, Rule>) -> Result<Literal, ParseFault> {
    let at = pair.as_span().start();
    let numbers: Vec<BigInt> = pair
        .into_inner()
        .map(|part| integer(part.as_str()))
        .collect();
    let [whole, numerator, denominator] = numbers.as_slice() else {
        return Err(ParseFault::Unparsed { at });
    };
    if numerator.is_zero() || numerator >= denominator {
        return Err(ParseFault::Unparsed { at });
    }
    Ok(Literal {
        value: BigRational::from_integer(whole.clone())
            + BigRational::new(numerator.clone(), denominator.clone()),
        form: Form::Plain,
        ten_to: None,
    })
}

/// `30°15'`: degrees and minutes, in degrees.
pub(super) fn minutes(pair: Pair<'_, Rule>) -> Result<Literal, ParseFault> {
    let at = pair.as_span().start();
    let numbers: Vec<BigInt> = pair
        .into_inner()
        .map(|part| integer(part.as_str()))
        .collect();
    match numbers.as_slice() {
        [degrees, minutes] if *minutes < BigInt::from(60) => Ok(Literal {
            value: BigRational::from_integer(degrees.clone())
                + BigRational::new(minutes.clone(), BigInt::from(60)),
            form: Form::Degrees,
            ten_to: None,
        }),
        _ => Err(ParseFault::Unparsed { at }),
    }
}

/// Digits as an integer; no digits are 0.
pub(super) fn integer(digits: &str) -> BigInt {
    BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default()
}

fn power_of_ten(exponent: usize) -> BigInt {
    let exponent = u32::try_from(exponent).expect("spans are far shorter than 2^32");
    BigInt::from(10).pow(exponent)
}

fn ten_to(exponent: i64) -> BigRational {
    let power = power_of_ten(usize::try_from(exponent.unsigned_abs()).unwrap_or(0));
    match exponent < 0 {
        true => BigRational::new(BigInt::one(), power),
        false => BigRational::from_integer(power),
    }
}

fn base_word(word: &str) -> Option<u32> {
    const WORDS: [&str; 12] = [
        "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen",
    ];
    let at = WORDS.iter().position(|w| *w == word)?;
    u32::try_from(at + 2).ok()
}
