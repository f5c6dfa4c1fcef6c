//! Coefficients of polynomials: nearly all fit machine words, which need no store.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::ToPrimitive;

use super::rational;

/// A rational number in lowest terms; short wherever both parts fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coefficient {
    /// Numerator and positive denominator.
    Short(i64, i64),
    /// One of them is longer.
    Long(Box<BigRational>),
}

impl From<&BigRational> for Coefficient {
    fn from(value: &BigRational) -> Self {
        match (value.numer().to_i64(), value.denom().to_i64()) {
            (Some(n), Some(d)) => Coefficient::Short(n, d),
            _ => Coefficient::Long(Box::new(value.clone())),
        }
    }
}

impl Coefficient {
    pub(super) const ONE: Coefficient = Coefficient::Short(1, 1);

    pub(super) fn to_rational(&self) -> BigRational {
        match self {
            Coefficient::Short(n, d) => BigRational::new_raw(BigInt::from(*n), BigInt::from(*d)),
            Coefficient::Long(value) => (**value).clone(),
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        matches!(self, Coefficient::Short(0, _))
    }

    pub(super) fn is_one(&self) -> bool {
        matches!(self, Coefficient::Short(1, 1))
    }

    /// Bits of numerator and denominator together.
    pub(super) fn bits(&self) -> u64 {
        let length = |n: u64| u64::from(u64::BITS - n.leading_zeros());
        match self {
            Coefficient::Short(n, d) => length(n.unsigned_abs()) + length(d.unsigned_abs()),
            Coefficient::Long(value) => rational::bits(value),
        }
    }

    pub(super) fn negative(&self) -> Coefficient {
        match self {
            Coefficient::Short(n, d) if *n != i64::MIN => Coefficient::Short(-n, *d),
            _ => Coefficient::from(&-self.to_rational()),
        }
    }

    /// One over a number that is not zero.
    pub(super) fn reciprocal(&self) -> Coefficient {
        match self {
            Coefficient::Short(n, d) if *n > 0 => Coefficient::Short(*d, *n),
            _ => Coefficient::from(&self.to_rational().recip()),
        }
    }

    pub(super) fn add(&self, other: &Coefficient, limit: u64) -> Option<Coefficient> {
        if let (Coefficient::Short(n, d), Coefficient::Short(m, e)) = (self, other)
            && limit >= rational::SHORT_BITS
            && let (Some(left), Some(right)) = (n.checked_mul(*e), m.checked_mul(*d))
            && let (Some(sum), Some(denominator)) = (left.checked_add(right), d.checked_mul(*e))
            && sum != i64::MIN
        {
            return Some(reduced(sum, denominator));
        }
        let sum = rational::add(&self.to_rational(), &other.to_rational(), limit)?;
        Some(Coefficient::from(&sum))
    }

    pub(super) fn multiply(&self, other: &Coefficient, limit: u64) -> Option<Coefficient> {
        if let (Coefficient::Short(n, d), Coefficient::Short(m, e)) = (self, other)
            && limit >= rational::SHORT_BITS
            && let (Some(product), Some(denominator)) = (n.checked_mul(*m), d.checked_mul(*e))
            && product != i64::MIN
        {
            return Some(reduced(product, denominator));
        }
        let product = rational::mul(&self.to_rational(), &other.to_rational(), limit)?;
        Some(Coefficient::from(&product))
    }
}

/// `n/d` in lowest terms, for positive d.
fn reduced(n: i64, d: i64) -> Coefficient {
    match d {
        1 => Coefficient::Short(n, 1),
        _ => {
            let common = n.gcd(&d);
            Coefficient::Short(n / common, d / common)
        }
    }
}
