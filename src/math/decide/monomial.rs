//! Monomials: products of forms with rational exponents, ascending. Nearly all
//! have a few factors, which need no store.

use std::cmp::Ordering;

use num_integer::Integer;
use num_rational::BigRational;
use num_traits::ToPrimitive;

use super::budget::Stop;
use super::form::FormId;

/// Exponents and their parts are at most this; sums and products of two fit.
const EXPONENT_LIMIT: i64 = 1 << 30;

/// An exponent in machine words, in lowest terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exponent {
    pub(super) numer: i32,
    /// Positive.
    pub(super) denom: i32,
}

impl Exponent {
    pub(super) const ONE: Exponent = Exponent { numer: 1, denom: 1 };

    /// # Errors
    /// [`Stop::Limit`] for exponents beyond machine words.
    pub(super) fn new(q: &BigRational) -> Result<Exponent, Stop> {
        match (q.numer().to_i64(), q.denom().to_i64()) {
            (Some(numer), Some(denom)) => bounded(numer, denom),
            _ => Err(Stop::Limit),
        }
    }

    pub(super) fn to_rational(self) -> BigRational {
        BigRational::new_raw(self.numer.into(), self.denom.into())
    }

    pub(super) fn is_zero(self) -> bool {
        self.numer == 0
    }

    pub(super) fn is_at_least_one(self) -> bool {
        self.numer >= self.denom
    }

    pub(super) fn negative(self) -> Exponent {
        Exponent {
            numer: -self.numer,
            denom: self.denom,
        }
    }

    pub(super) fn less_one(self) -> Result<Exponent, Stop> {
        bounded(
            i64::from(self.numer) - i64::from(self.denom),
            self.denom.into(),
        )
    }

    fn plus(self, other: Exponent) -> Result<Exponent, Stop> {
        let wide = |n: i32| i64::from(n);
        if self.denom == 1 && other.denom == 1 {
            return bounded(wide(self.numer) + wide(other.numer), 1);
        }
        let numer = wide(self.numer) * wide(other.denom) + wide(other.numer) * wide(self.denom);
        let denom = wide(self.denom) * wide(other.denom);
        let common = numer.gcd(&denom);
        bounded(numer / common, denom / common)
    }
}

impl Ord for Exponent {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = i64::from(self.numer) * i64::from(other.denom);
        left.cmp(&(i64::from(other.numer) * i64::from(self.denom)))
    }
}

impl PartialOrd for Exponent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn bounded(numer: i64, denom: i64) -> Result<Exponent, Stop> {
    let fits = numer.unsigned_abs() <= EXPONENT_LIMIT.unsigned_abs() && denom <= EXPONENT_LIMIT;
    match (fits, i32::try_from(numer), i32::try_from(denom)) {
        (true, Ok(numer), Ok(denom)) => Ok(Exponent { numer, denom }),
        _ => Err(Stop::Limit),
    }
}

/// A form to a power.
pub(super) type Factor = (FormId, Exponent);

/// Factors that are held in place.
const FEW: usize = 4;

/// A product of factors, ascending by form.
#[derive(Clone, Debug)]
pub(super) enum Monomial {
    /// So many of the factors.
    Few(usize, [Factor; FEW]),
    Many(Vec<Factor>),
}

impl Default for Monomial {
    fn default() -> Self {
        Monomial::Few(0, [Factor::default(); FEW])
    }
}

impl Monomial {
    pub(super) fn single(base: FormId, exponent: Exponent) -> Self {
        let mut single = Monomial::default();
        single.push((base, exponent));
        single
    }

    pub(super) fn factors(&self) -> &[Factor] {
        match self {
            Monomial::Few(count, list) => &list[..*count],
            Monomial::Many(list) => list,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.factors().is_empty()
    }

    /// Appends a factor of a later form than all others.
    pub(super) fn push(&mut self, factor: Factor) {
        match self {
            Monomial::Few(count, list) if *count < FEW => {
                list[*count] = factor;
                *count += 1;
            }
            Monomial::Few(_, list) => {
                let mut many = Vec::with_capacity(2 * FEW);
                many.extend_from_slice(&*list);
                many.push(factor);
                *self = Monomial::Many(many);
            }
            Monomial::Many(list) => list.push(factor),
        }
    }

    /// The product of two monomials.
    pub(super) fn times(&self, other: &Monomial) -> Result<Monomial, Stop> {
        let (a, b) = (self.factors(), other.factors());
        if a.is_empty() {
            return Ok(other.clone());
        }
        if b.is_empty() {
            return Ok(self.clone());
        }
        let mut product = Monomial::default();
        let (mut i, mut j) = (0, 0);
        while let (Some(left), Some(right)) = (a.get(i), b.get(j)) {
            match left.0.cmp(&right.0) {
                Ordering::Less => {
                    product.push(*left);
                    i += 1;
                }
                Ordering::Greater => {
                    product.push(*right);
                    j += 1;
                }
                Ordering::Equal => {
                    let exponent = left.1.plus(right.1)?;
                    if !exponent.is_zero() {
                        product.push((left.0, exponent));
                    }
                    i += 1;
                    j += 1;
                }
            }
        }
        for factor in a[i..].iter().chain(&b[j..]) {
            product.push(*factor);
        }
        Ok(product)
    }
}

impl PartialEq for Monomial {
    fn eq(&self, other: &Self) -> bool {
        self.factors() == other.factors()
    }
}

impl Eq for Monomial {}

impl Ord for Monomial {
    fn cmp(&self, other: &Self) -> Ordering {
        self.factors().cmp(other.factors())
    }
}

impl PartialOrd for Monomial {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromIterator<Factor> for Monomial {
    fn from_iter<I: IntoIterator<Item = Factor>>(factors: I) -> Self {
        let mut monomial = Monomial::default();
        for factor in factors {
            monomial.push(factor);
        }
        monomial
    }
}
