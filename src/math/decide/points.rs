//! Secret rational points for the symbols of two expressions.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;

use super::interval::{self, Interval};
use super::secrets::Secrets;

/// What values symbols may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grid {
    /// Fractions of either sign, below and above 1.
    Fractions,
    /// Integers from 2 to 33, for factorials and signs like `(-1)^n`.
    Integers,
}

/// Values of symbols.
pub(super) type Point = BTreeMap<Box<str>, BigRational>;

/// The point of an index. Indices 0 and 1 are positive in all symbols; of the
/// others, the sign pattern is the index in binary.
pub(super) fn point(secrets: &Secrets, symbols: &[Box<str>], index: u64, grid: Grid) -> Point {
    let value = |position: usize| {
        let (numerator, denominator) = coordinate(secrets, position, index, grid);
        BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
    };
    symbols
        .iter()
        .enumerate()
        .map(|(position, name)| (name.clone(), value(position)))
        .collect()
}

/// Intervals round the coordinates of the point of an index.
pub(super) fn intervals(
    secrets: &Secrets,
    symbols: usize,
    index: u64,
    grid: Grid,
) -> Vec<Option<Interval>> {
    (0..symbols)
        .map(|position| {
            let (numerator, denominator) = coordinate(secrets, position, index, grid);
            interval::from_ratio(numerator, denominator)
        })
        .collect()
}

/// Numerator and denominator of the symbol at a position.
fn coordinate(secrets: &Secrets, position: usize, index: u64, grid: Grid) -> (i64, u64) {
    let secret = secrets.number(&[0x0070_6f69_6e74, index, position as u64]);
    if grid == Grid::Integers {
        return (2 + (secret % 32) as i64, 1);
    }
    // 40 secret bits over 2^40: in (0, 1), then moved up by the class.
    let fraction = ((secret >> 24) | 1) as i64;
    let (lift, scale) = match (index + position as u64) % 3 {
        0 => (0, 1),
        1 => (1 << 40, 4),
        _ => (1 << 40, 40),
    };
    let negative = index >= 2 && (index >> (position % 3)) & 1 == 1;
    let numerator = lift + fraction * scale;
    (if negative { -numerator } else { numerator }, 1 << 40)
}
