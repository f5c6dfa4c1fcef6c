//! Two values in, a verdict out. Exact; no tolerance anywhere.

use num_bigint::BigInt;
use num_rational::BigRational;

use crate::verdict::Verdict;

use super::options::{DecimalComma, DegreeSign, MathOptions, Percent, Units};
use super::units::Dimension;
use super::value::{LongInteger, Quantity, Style, Value, bits, print};

/// Compares a numeric answer with a numeric reference.
pub(super) fn compare(gold: &Value, answer: &Value, options: &MathOptions) -> Verdict {
    match (gold, answer) {
        (Value::Quantity(gold), Value::Quantity(answer)) => quantities(gold, answer, options),
        (Value::Digits(gold), Value::Digits(answer)) => match gold == answer {
            true => Verdict::correct("digits"),
            false => Verdict::wrong("different_value"),
        },
        (Value::Quantity(quantity), Value::Digits(long))
        | (Value::Digits(long), Value::Quantity(quantity)) => long_and_short(long, quantity),
    }
}

fn quantities(gold: &Quantity, answer: &Quantity, options: &MathOptions) -> Verdict {
    if let (Some(gold), Some(answer)) = (&gold.name, &answer.name)
        && gold != answer
    {
        return Verdict::wrong("different_name");
    }
    if answer.style == Style::DecimalComma {
        match (options.decimal_comma, gold.style) {
            (DecimalComma::WhenReferenceIsDecimal, Style::Decimal) => {}
            _ => return Verdict::wrong("several_answers"),
        }
    }
    let unit = match (gold.unit, answer.unit) {
        (Some(gold), Some(answer)) if gold.dimension != answer.dimension => {
            return Verdict::wrong("different_unit");
        }
        (Some(gold), Some(answer)) => match gold.factor == answer.factor {
            true => UnitCase::Same,
            false => UnitCase::Convert,
        },
        (None, Some(_)) if options.units == Units::Strict => {
            return Verdict::wrong("unit_unexpected");
        }
        // `90^\circ` and 90.
        (Some(unit), None)
            if unit.dimension == Dimension::Angle
                && options.degree_sign == DegreeSign::Optional =>
        {
            UnitCase::Same
        }
        (Some(unit), None)
            if options.units != Units::Optional || unit.dimension == Dimension::Angle =>
        {
            return Verdict::wrong("unit_missing");
        }
        _ => UnitCase::Same,
    };
    let (left, right, rule) = match unit {
        UnitCase::Same => (&gold.value, &answer.value, "rational"),
        UnitCase::Convert => (
            &gold.in_base_units(),
            &answer.in_base_units(),
            "unit_conversion",
        ),
    };
    if left == right {
        return Verdict::correct(rule);
    }
    let bare =
        gold.style == Style::Percent && answer.style != Style::Percent && answer.unit.is_none();
    if bare && options.percent == Percent::BareIfReferencePercent {
        let hundredfold = left * BigRational::from_integer(BigInt::from(100));
        if hundredfold == *right {
            return Verdict::correct("bare_percent");
        }
    }
    Verdict::wrong("different_value").with("witness", witness(left, right))
}

enum UnitCase {
    Same,
    Convert,
}

/// What shows that the values differ: the exact difference, where it is small
/// enough to compute and to read.
fn witness(gold: &BigRational, answer: &BigRational) -> String {
    /// Larger values speak for themselves.
    const READABLE_BITS: u64 = 512;
    match bits(gold).max(bits(answer)) > READABLE_BITS {
        true => "values differ".to_owned(),
        false => format!("answer - reference = {}", print(&(answer - gold))),
    }
}

/// An integer kept as digits against a computed value.
fn long_and_short(long: &LongInteger, quantity: &Quantity) -> Verdict {
    let magnitude = quantity.value.numer().magnitude();
    // 10^(n-1) has more than 3.3219 (n-1) bits and 10^n fewer than 3.3220 n + 1.
    let digits = long.digits.len() as u64;
    let low = (digits - 1) * 33_219 / 10_000;
    let high = digits * 33_220 / 10_000 + 1;
    let same = quantity.value.is_integer()
        && quantity.unit.is_none()
        && (low..=high).contains(&magnitude.bits())
        && (quantity.value < BigRational::from_integer(BigInt::from(0))) == long.negative
        && magnitude.to_string() == long.digits;
    match same {
        true => Verdict::correct("digits"),
        false => Verdict::wrong("different_value"),
    }
}
