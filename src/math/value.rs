//! Exact values: what a plain numeric answer is after reading.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One;

use super::units::Unit;

/// What an answer or a reference was read as.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A rational number with what was written round it.
    Quantity(Quantity),
    /// An integer too long to compute with, as its digits.
    Digits(LongInteger),
}

/// A rational number, in percent or with a unit or neither.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantity {
    /// The value; a percentage is already divided by 100.
    pub(super) value: BigRational,
    pub(super) style: Style,
    pub(super) unit: Option<Unit>,
    /// `x` of `x = 5`.
    pub(super) name: Option<String>,
}

/// How the number was written, where that selects a reading of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// An integer, a fraction, a power of ten, …
    Plain,
    /// With a decimal point.
    Decimal,
    /// With a comma that can only be a decimal comma, `12,5`; a list otherwise.
    DecimalComma,
    /// With a percent sign.
    Percent,
}

/// An integer as its digits, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LongInteger {
    pub(super) negative: bool,
    pub(super) digits: String,
}

impl Quantity {
    /// The value in base units.
    pub(super) fn in_base_units(&self) -> BigRational {
        match self.unit {
            Some(Unit { factor: (n, d), .. }) if (n, d) != (1, 1) => {
                &self.value * BigRational::new(BigInt::from(n), BigInt::from(d))
            }
            _ => self.value.clone(),
        }
    }
}

/// The bits of the larger of numerator and denominator.
pub(super) fn bits(value: &BigRational) -> u64 {
    value.numer().bits().max(value.denom().bits())
}

/// `p/q` in lowest terms, `p` where q is 1; sizes instead of digits where the
/// number is too long to read.
pub(super) fn print(value: &BigRational) -> String {
    /// About 300 digits.
    const READABLE_BITS: u64 = 1000;
    if bits(value) > READABLE_BITS {
        return format!(
            "<rational of {}/{} bits>",
            value.numer().bits(),
            value.denom().bits()
        );
    }
    match value.denom().is_one() {
        true => value.numer().to_string(),
        false => format!("{}/{}", value.numer(), value.denom()),
    }
}

impl Value {
    /// The canonical form: exact value in lowest terms, name, unit.
    pub(super) fn canonical(&self) -> String {
        let quantity = match self {
            Value::Quantity(quantity) => quantity,
            Value::Digits(long) => {
                return format!("<integer of {} digits>", long.digits.len());
            }
        };
        let mut text = String::new();
        if let Some(name) = &quantity.name {
            text.push_str(name);
            text.push('=');
        }
        text.push_str(&print(&quantity.value));
        if let Some(unit) = quantity.unit {
            text.push(' ');
            text.push_str(unit.name);
        }
        text
    }
}
