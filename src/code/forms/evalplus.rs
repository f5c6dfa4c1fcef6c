//! EvalPlus's special oracles (commit 26d6d00): tasks whose text has two readings, of
//! which the expectation is one.
//!
//! Not followed: `are_equivalent` (Mbpp/164) accepts every answer, `sum_div`
//! (Mbpp/295) also 0. A policy would learn to answer so; the expectation decides.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use crate::code::oracle::Oracle;
use crate::code::value::Value;

/// How near a surface must be, as far as EvalPlus's floats.
const NEAR: f64 = 1e-6;

/// A special oracle.
#[derive(Clone, Copy)]
pub(super) enum Special {
    /// The expectation alone.
    Expectation,
    /// Mbpp/581: the height of a pyramid may be that of its sides or its own.
    SurfaceArea,
    /// Mbpp/558: digits are aligned from the left, or the shorter number is padded.
    DigitDistance,
}

impl Special {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "are_equivalent" | "sum_div" => Some(Self::Expectation),
            "surface_Area" => Some(Self::SurfaceArea),
            "digit_distance_nums" => Some(Self::DigitDistance),
            _ => None,
        }
    }

    /// The oracle for one case; `None` where the arguments are not the task's.
    pub(super) fn oracle(self, args: &[Value], expected: Value) -> Option<Oracle> {
        let other = match (self, args) {
            (Self::Expectation, _) => return Some(Oracle::Equals(expected)),
            (Self::SurfaceArea, [base, height]) => Oracle::Within {
                center: surface(number(base)?, number(height)?),
                limit: NEAR,
                inclusive: true,
            },
            (Self::DigitDistance, [Value::Int(one), Value::Int(other)]) => {
                Oracle::Equals(Value::Int(digit_distance(one, other).into()))
            }
            _ => return None,
        };
        let expected = Oracle::Equals(expected);
        Some(Oracle::Either(Box::new([expected, other])))
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => number.to_f64().filter(|number| number.is_finite()),
        Value::Float(number) => Some(*number).filter(|number| number.is_finite()),
        _ => None,
    }
}

/// Of a square pyramid with this edge and this height of its own.
fn surface(edge: f64, height: f64) -> f64 {
    let side = (edge / 2.0).hypot(height);
    edge * edge + 2.0 * edge * side
}

/// The distances of the digits, the last beside the last.
fn digit_distance(one: &BigInt, other: &BigInt) -> u64 {
    let digits = |number: &BigInt| number.abs().to_string().into_bytes();
    let (one, other) = (digits(one), digits(other));
    let length = one.len().max(other.len());
    let at = |digits: &[u8], place: usize| match (place + digits.len()).checked_sub(length) {
        Some(index) => digits[index],
        None => b'0',
    };
    (0..length)
        .map(|place| u64::from(at(&one, place).abs_diff(at(&other, place))))
        .sum()
}
