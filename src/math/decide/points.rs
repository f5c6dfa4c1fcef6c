//! Secret rational points for the symbols of two expressions.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;

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
        let secret = secrets.number(&[0x0070_6f69_6e74, index, position as u64]);
        if grid == Grid::Integers {
            return BigRational::from_integer(BigInt::from(2 + secret % 32));
        }
        // 40 secret bits over 2^40: in (0, 1), then moved up by the class.
        let fraction = (secret >> 24) | 1;
        let scale: u64 = match (index + position as u64) % 3 {
            0 => 1,
            1 => 4,
            _ => 40,
        };
        let lift = if scale == 1 { 0u128 } else { 1u128 << 40 };
        let numerator = lift + u128::from(fraction) * u128::from(scale);
        let negative = index >= 2 && (index >> (position % 3)) & 1 == 1;
        let numerator = match negative {
            true => -BigInt::from(numerator),
            false => BigInt::from(numerator),
        };
        BigRational::new(numerator, BigInt::from(1u64 << 40))
    };
    symbols
        .iter()
        .enumerate()
        .map(|(position, name)| (name.clone(), value(position)))
        .collect()
}
