//! How near to zero an algebraic number can be without being zero.
//!
//! A value is written `U / L` with algebraic integers in a field of degree D;
//! `u` and `l` bound the logarithms of all conjugates of U and L. The norm of a
//! non-zero U is a non-zero integer, so `|U / L| >= 2^-((D - 1) u + l)` (Burnikel
//! et al., ESA 2001, theorem 1 and their rule for roots of quotients).

use std::collections::{BTreeMap, BTreeSet};

use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive};

use super::form::{Atom, Form, FormId, Forms};

/// Logarithms of the bounds of numerator and denominator.
#[derive(Clone, Copy)]
struct Bound {
    u: f64,
    l: f64,
}

/// Bits b such that the value of a form is zero or at least `2^-b` in size;
/// `None` where the form is not known to be algebraic.
pub(super) fn bits(forms: &Forms<'_>, root: FormId) -> Option<u64> {
    let mut wanted = BTreeSet::from([root]);
    let mut work = vec![root];
    // Degrees of the radicals of each base, and of the roots of unity.
    let mut radicals: BTreeMap<FormId, u64> = BTreeMap::new();
    let mut order = 1u64;
    while let Some(id) = work.pop() {
        match forms.node(id) {
            Form::Number(_) => {}
            Form::Atom(Atom::I) => order = order.lcm(&2),
            Form::Atom(Atom::CosPi(q)) => order = order.lcm(&q.denom().to_u64()?),
            Form::Atom(Atom::Prime(..)) => {}
            Form::Atom(Atom::RealRoot(degree, inner)) => {
                radicals.insert(id, u64::from(*degree));
                if wanted.insert(*inner) {
                    work.push(*inner);
                }
            }
            Form::Atom(_) => return None,
            Form::Sum(list) => {
                work.extend(list.iter().map(|(t, _)| *t).filter(|t| wanted.insert(*t)));
            }
            Form::Product(list) => {
                for (base, q) in list {
                    let degree = q.denom().to_u64()?;
                    if degree > 1 {
                        let known = radicals.entry(*base).or_insert(1);
                        *known = known.lcm(&degree);
                    }
                    if wanted.insert(*base) {
                        work.push(*base);
                    }
                }
            }
        }
        if order > 1 << 20 {
            return None;
        }
    }
    // exp(i π / order) has degree φ(2 order).
    let mut degree = if order == 1 {
        1.0
    } else {
        totient(2 * order) as f64
    };
    degree *= radicals.values().map(|d| *d as f64).product::<f64>();
    let mut known: BTreeMap<FormId, Bound> = BTreeMap::new();
    for id in wanted {
        let bound = match forms.node(id) {
            Form::Number(value) => Bound {
                u: value.numer().bits() as f64,
                l: if value.denom().is_one() {
                    0.0
                } else {
                    value.denom().bits() as f64
                },
            },
            Form::Atom(Atom::I) => Bound { u: 0.0, l: 0.0 },
            // (ζ + 1/ζ) / 2.
            Form::Atom(Atom::CosPi(_)) => Bound { u: 1.0, l: 1.0 },
            Form::Atom(Atom::Prime(prime, _)) => Bound {
                u: prime.bits() as f64,
                l: 0.0,
            },
            Form::Atom(Atom::RealRoot(degree, inner)) => known[inner].root(f64::from(*degree)),
            Form::Atom(_) => return None,
            Form::Sum(list) => sum(list.iter().map(|(t, c)| (known[t], c))),
            Form::Product(list) => {
                let mut total = Bound { u: 0.0, l: 0.0 };
                for (base, q) in list {
                    let factor = known[base].power(q)?;
                    total = Bound {
                        u: total.u + factor.u,
                        l: total.l + factor.l,
                    };
                }
                total
            }
        };
        known.insert(id, bound);
    }
    let bound = known[&root];
    let bits = (degree - 1.0) * bound.u.max(0.0) + bound.l.max(0.0) + 4.0;
    (bits < 1e9).then_some(bits.ceil() as u64)
}

fn sum<'a>(terms: impl Iterator<Item = (Bound, &'a BigRational)>) -> Bound {
    let mut parts = Vec::new();
    let mut l = 0.0;
    for (term, c) in terms {
        let below = if c.denom().is_one() {
            0.0
        } else {
            c.denom().bits() as f64
        };
        let part = Bound {
            u: term.u + c.numer().bits() as f64,
            l: term.l + below,
        };
        l += part.l;
        parts.push(part);
    }
    // Each numerator times the denominators of the others.
    let largest = parts
        .iter()
        .map(|part| part.u + l - part.l)
        .fold(0.0, f64::max);
    Bound {
        u: largest + (parts.len() as f64).log2() + 0.01,
        l,
    }
}

impl Bound {
    /// `√[k](U/L) = √[k](U L^(k-1)) / L`, or `U / √[k](U^(k-1) L)`.
    fn root(self, k: f64) -> Self {
        match self.u >= self.l {
            true => Bound {
                u: (self.u + (k - 1.0) * self.l) / k,
                l: self.l,
            },
            false => Bound {
                u: self.u,
                l: ((k - 1.0) * self.u + self.l) / k,
            },
        }
    }

    fn power(self, q: &BigRational) -> Option<Self> {
        let k = q.denom().to_f64()?;
        let base = if q.denom().is_one() {
            self
        } else {
            self.root(k)
        };
        let times = q.numer().abs().to_f64()?;
        let (u, l) = (base.u * times, base.l * times);
        Some(match q.is_negative() {
            true => Bound { u: l, l: u },
            false => Bound { u, l },
        })
    }
}

fn totient(mut n: u64) -> u64 {
    let mut result = n;
    let mut p = 2;
    while p * p <= n {
        if n.is_multiple_of(p) {
            result -= result / p;
            while n.is_multiple_of(p) {
                n /= p;
            }
        }
        p += 1;
    }
    match n > 1 {
        true => result - result / n,
        false => result,
    }
}
