//! Exponentials, logarithms, roots of unity, absolute values of forms.
//!
//! Each rule is an identity of principal values; its condition is beside it.
//! Trigonometric functions become exponentials: `sin a = (E - 1/E) / 2i` with
//! `E = exp(i a)`.

use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::budget::Stop;
use super::form::{Atom, Form, FormId, Forms, Weighted};
use super::rational::{self, integer, ratio};
use crate::math::expr::Function;

impl Forms<'_> {
    /// `exp(e)`.
    pub(super) fn exp(&mut self, e: FormId) -> Result<FormId, Stop> {
        let terms: Vec<Weighted> = match self.node(e) {
            Form::Sum(list) => list.to_vec(),
            Form::Number(value) => vec![(self.one, value.clone())],
            _ => vec![(e, BigRational::one())],
        };
        let mut factors = Vec::with_capacity(terms.len());
        for (t, c) in terms {
            if c.is_zero() {
                continue;
            }
            if t == self.i_pi {
                factors.push((self.unity(&c)?, BigRational::one()));
                continue;
            }
            if let Form::Atom(Atom::Ln(argument)) = self.node(t) {
                // The definition of a principal power.
                factors.push((*argument, c));
                continue;
            }
            if c.denom().is_one()
                && let Some(value) = self.exp_of_arc(t)?
            {
                factors.push((value, c));
                continue;
            }
            if self.traits(t).real {
                factors.push((self.atom(Atom::Exp(t))?, c));
                continue;
            }
            let part = BigRational::new(One::one(), c.denom().clone());
            let t = self.scale(&part, t)?;
            let times = BigRational::from_integer(c.numer().clone());
            factors.push((self.atom(Atom::Exp(t))?, times));
        }
        self.product(&factors)
    }

    /// `exp(i arcsin a) = √(1-a²) + i a`; for real a also
    /// `exp(i arctan a) = (1 + i a) / √(1+a²)`.
    fn exp_of_arc(&mut self, t: FormId) -> Result<Option<FormId>, Stop> {
        let Form::Product(list) = self.node(t) else {
            return Ok(None);
        };
        let [(first, one), (second, other)] = &**list else {
            return Ok(None);
        };
        if *first != self.i || !one.is_one() || !other.is_one() {
            return Ok(None);
        }
        let Form::Atom(Atom::Apply(function, a)) = *self.node(*second) else {
            return Ok(None);
        };
        let half = ratio(1, 2);
        let square = self.power(a, &integer(2))?;
        let turned = self.product(&[(self.i, integer(1)), (a, integer(1))])?;
        match function {
            Function::Arcsin => {
                let rest = self.difference(self.one, square)?;
                let root = self.power(rest, &half)?;
                Ok(Some(self.sum(&[(root, integer(1)), (turned, integer(1))])?))
            }
            Function::Arctan if self.traits(a).real => {
                let size = self.sum(&[(self.one, integer(1)), (square, integer(1))])?;
                let top = self.sum(&[(self.one, integer(1)), (turned, integer(1))])?;
                Ok(Some(self.product(&[(top, integer(1)), (size, -half)])?))
            }
            _ => Ok(None),
        }
    }

    /// Principal `ln(a)`; `a` must not be zero.
    pub(super) fn ln(&mut self, a: FormId) -> Result<FormId, Stop> {
        self.fuel.spend(64)?;
        match self.node(a).clone() {
            Form::Number(value) => self.ln_number(a, &value),
            Form::Sum(list) if list.len() == 1 => {
                // ln(c t) = ln c + ln t for c > 0; a sign stays inside.
                let (t, c) = &list[0];
                let inner = match c.is_negative() {
                    false => *t,
                    true => self.scale(&integer(-1), *t)?,
                };
                if c.abs().is_one() {
                    return match c.is_negative() {
                        true => self.atom(Atom::Ln(inner)),
                        false => self.ln(inner),
                    };
                }
                let size = self.number(c.abs());
                let size = self.ln(size)?;
                let inner = match c.is_negative() {
                    true => self.atom(Atom::Ln(inner))?,
                    false => self.ln(inner)?,
                };
                self.sum(&[(size, integer(1)), (inner, integer(1))])
            }
            Form::Product(list) => {
                let mut terms = Vec::new();
                let mut rest = Vec::new();
                for (b, q) in list.iter() {
                    let traits = self.traits(*b);
                    let even = q.denom().is_one() && num_integer::Integer::is_even(q.numer());
                    if traits.positive {
                        terms.push((self.ln_positive(*b)?, q.clone()));
                    } else if even && traits.real {
                        // ln(b^2k) = 2k ln |b| for real b.
                        let size = self.abs(*b)?;
                        terms.push((self.ln(size)?, q.clone()));
                    } else {
                        rest.push((*b, q.clone()));
                    }
                }
                match &*rest {
                    [] => {}
                    [(b, q)] if *b == self.i && q.is_one() => {
                        terms.push((self.i_pi, ratio(1, 2)));
                    }
                    [(b, q)] if q.abs() < BigRational::one() => {
                        terms.push((self.atom(Atom::Ln(*b))?, q.clone()));
                    }
                    _ => {
                        let rest = self.product(&rest)?;
                        terms.push((self.atom(Atom::Ln(rest))?, integer(1)));
                    }
                }
                self.sum(&terms)
            }
            Form::Atom(Atom::I) => self.scale(&ratio(1, 2), self.i_pi),
            _ => self.ln_positive(a),
        }
    }

    fn ln_positive(&mut self, b: FormId) -> Result<FormId, Stop> {
        match self.node(b) {
            // ln(exp t) = t for real t.
            Form::Atom(Atom::Exp(t)) if self.traits(*t).real => Ok(*t),
            _ => self.atom(Atom::Ln(b)),
        }
    }

    fn ln_number(&mut self, a: FormId, value: &BigRational) -> Result<FormId, Stop> {
        if value.is_zero() {
            return Err(Stop::Undefined);
        }
        if rational::bits(value) > 1 << 12 {
            return self.atom(Atom::Ln(a));
        }
        self.fuel.spend(4096)?;
        let mut terms = Vec::new();
        if value.is_negative() {
            terms.push((self.i_pi, integer(1)));
        }
        for (part, sign) in [(value.numer(), 1), (value.denom(), -1)] {
            let factors = rational::factor(part.magnitude());
            for (factor, times) in factors.list {
                let proven = match factor.bits() <= 22 {
                    true => rational::Primes::Proven,
                    false => factors.primes,
                };
                let prime = self.atom(Atom::Prime(factor, proven))?;
                let ln = self.atom(Atom::Ln(prime))?;
                terms.push((ln, integer(sign) * BigRational::from_integer(times.into())));
            }
        }
        self.sum(&terms)
    }

    /// `exp(i π q)`.
    pub(super) fn unity(&mut self, q: &BigRational) -> Result<FormId, Stop> {
        let quarters = q * integer(2);
        let (turns, rest) = rational::split(&quarters);
        let turns = BigRational::from_integer(num_integer::Integer::mod_floor(&turns, &4.into()));
        let turn = self.power(self.i, &turns)?;
        if rest.is_zero() {
            return Ok(turn);
        }
        let angle = rest / integer(2);
        let cos = self.cos_pi(&angle)?;
        let sin = self.cos_pi(&(ratio(1, 2) - angle))?;
        let sin = self.product(&[(self.i, integer(1)), (sin, integer(1))])?;
        let value = self.sum(&[(cos, integer(1)), (sin, integer(1))])?;
        // i^k (c + i s), written out so that it stays a sum.
        if turns.is_zero() {
            return Ok(value);
        }
        let first = self.product(&[(turn, integer(1)), (cos, integer(1))])?;
        let second = self.product(&[(turn, integer(1)), (sin, integer(1))])?;
        self.sum(&[(first, integer(1)), (second, integer(1))])
    }

    /// `cos(π q)`: radicals for the angles that have short ones.
    pub(super) fn cos_pi(&mut self, q: &BigRational) -> Result<FormId, Stop> {
        let (turns, _) = rational::split(&(q / integer(2)));
        let q = q - BigRational::from_integer(turns) * integer(2);
        let one = integer(1);
        // cos is even about 1, odd about 1/2.
        let q = if q > one { integer(2) - q } else { q };
        let (q, sign) = match q > ratio(1, 2) {
            true => (one - q, integer(-1)),
            false => (q, one),
        };
        let root = |forms: &mut Self, n: i64| {
            let n = forms.number(integer(n));
            forms.power(n, &ratio(1, 2))
        };
        let small = |n: i64, d: i64| q == ratio(n, d);
        let value = if q.is_zero() {
            self.one
        } else if small(1, 2) {
            self.zero
        } else if small(1, 3) {
            self.number(ratio(1, 2))
        } else if small(1, 4) {
            let two = root(self, 2)?;
            self.scale(&ratio(1, 2), two)?
        } else if small(1, 6) {
            let three = root(self, 3)?;
            self.scale(&ratio(1, 2), three)?
        } else if small(1, 5) || small(2, 5) {
            let five = root(self, 5)?;
            let unit = if small(1, 5) {
                ratio(1, 4)
            } else {
                ratio(-1, 4)
            };
            self.sum(&[(five, ratio(1, 4)), (self.one, unit)])?
        } else if small(1, 12) || small(5, 12) {
            let (six, two) = (root(self, 6)?, root(self, 2)?);
            let unit = if small(1, 12) {
                ratio(1, 4)
            } else {
                ratio(-1, 4)
            };
            self.sum(&[(six, ratio(1, 4)), (two, unit)])?
        } else {
            self.atom(Atom::CosPi(q))?
        };
        self.scale(&sign, value)
    }

    /// The rational q of `q π`.
    fn turns(&self, a: FormId) -> Option<BigRational> {
        match self.node(a) {
            Form::Number(value) if value.is_zero() => Some(value.clone()),
            Form::Sum(list) => match &**list {
                [(t, c)] if *t == self.pi => Some(c.clone()),
                _ => None,
            },
            _ => (a == self.pi).then(BigRational::one),
        }
    }

    pub(super) fn cos(&mut self, a: FormId) -> Result<FormId, Stop> {
        if let Some(q) = self.turns(a) {
            return self.cos_pi(&q);
        }
        let (up, down) = self.rotations(a)?;
        self.sum(&[(up, ratio(1, 2)), (down, ratio(1, 2))])
    }

    pub(super) fn sin(&mut self, a: FormId) -> Result<FormId, Stop> {
        if let Some(q) = self.turns(a) {
            return self.cos_pi(&(ratio(1, 2) - q));
        }
        let (up, down) = self.rotations(a)?;
        let up = self.product(&[(self.i, integer(1)), (up, integer(1))])?;
        let down = self.product(&[(self.i, integer(1)), (down, integer(1))])?;
        self.sum(&[(up, ratio(-1, 2)), (down, ratio(1, 2))])
    }

    /// `exp(i a)` and `exp(-i a)`.
    fn rotations(&mut self, a: FormId) -> Result<(FormId, FormId), Stop> {
        let terms: Vec<Weighted> = match self.node(a) {
            Form::Sum(list) => list.to_vec(),
            _ => vec![(a, integer(1))],
        };
        let mut turned = Vec::with_capacity(terms.len());
        for (t, c) in terms {
            turned.push((self.product(&[(self.i, integer(1)), (t, integer(1))])?, c));
        }
        let exponent = self.sum(&turned)?;
        let up = self.exp(exponent)?;
        let back = self.scale(&integer(-1), exponent)?;
        let down = self.exp(back)?;
        Ok((up, down))
    }

    /// `|a|`.
    pub(super) fn abs(&mut self, a: FormId) -> Result<FormId, Stop> {
        self.fuel.spend(64)?;
        if self.traits(a).positive {
            return Ok(a);
        }
        match self.node(a).clone() {
            Form::Number(value) => Ok(self.number(value.abs())),
            Form::Atom(Atom::I) => Ok(self.one),
            Form::Atom(Atom::Apply(Function::Abs, _)) => Ok(a),
            Form::Atom(_) => self.atom(Atom::Apply(Function::Abs, a)),
            Form::Sum(list) => {
                // |c t| = |c| |t|; the leading coefficient becomes 1.
                let lead = list[0].1.clone();
                let primitive = match rational::bits(&lead) < 1 << 10 {
                    true => self.scale(&lead.recip(), a)?,
                    false => return self.atom(Atom::Apply(Function::Abs, a)),
                };
                let size = match list.len() {
                    1 if !matches!(self.node(primitive), Form::Sum(_)) => self.abs(primitive)?,
                    _ => self.atom(Atom::Apply(Function::Abs, primitive))?,
                };
                self.scale(&lead.abs(), size)
            }
            Form::Product(list) => {
                // |b^q| = |b|^q for real q.
                let mut factors = Vec::with_capacity(list.len());
                for (b, q) in list.iter() {
                    let size = match self.node(*b) {
                        Form::Atom(_) => self.abs(*b)?,
                        _ if self.traits(*b).positive => *b,
                        _ => self.atom(Atom::Apply(Function::Abs, *b))?,
                    };
                    factors.push((size, q.clone()));
                }
                self.product(&factors)
            }
        }
    }
}
