//! Products of powers, kept canonical.
//!
//! `b^q` is the principal value `exp(q ln b)`; each rule that splits or merges
//! powers says when that holds.

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::budget::Stop;
use super::form::{Atom, FLAT, Form, FormId, Forms, Weighted};
use super::rational::{self, Primes};
use crate::math::expr::Function;

impl Forms<'_> {
    pub(super) fn power(&mut self, base: FormId, q: &BigRational) -> Result<FormId, Stop> {
        match q.is_one() {
            true => Ok(base),
            false => self.product(&[(base, q.clone())]),
        }
    }

    /// `∏ b^q`, flattened, collected and sorted; `b^q` is the principal value.
    pub(super) fn product(&mut self, parts: &[Weighted]) -> Result<FormId, Stop> {
        self.checked()?;
        let mut open = Open {
            coefficient: BigRational::one(),
            factors: BTreeMap::new(),
            work: parts.to_vec(),
        };
        for round in 0.. {
            while let Some((base, q)) = open.work.pop() {
                self.fuel.spend(24 + rational::bits(&q) / 32)?;
                if !q.is_zero() {
                    self.multiply(&mut open, base, q)?;
                }
            }
            open.factors.retain(|_, q| !q.is_zero());
            if round < 4 {
                self.reopen(&mut open);
            }
            if open.work.is_empty() {
                break;
            }
        }
        if open.coefficient.is_zero() {
            return Ok(self.zero);
        }
        self.settle(&mut open)?;
        let list: Box<[Weighted]> = open.factors.into_iter().collect();
        let product = match &*list {
            [] => return Ok(self.number(open.coefficient)),
            [(b, q)] if q.is_one() => *b,
            _ => self.intern(Form::Product(list)),
        };
        self.scale(&open.coefficient, product)
    }

    /// Multiplies `base^q` into an open product.
    fn multiply(&mut self, open: &mut Open, base: FormId, q: BigRational) -> Result<(), Stop> {
        let whole = q.denom().is_one();
        match self.node(base) {
            Form::Number(value) if value.is_one() => Ok(()),
            Form::Number(value) => {
                let value = value.clone();
                self.multiply_number(open, base, &value, q)
            }
            Form::Atom(Atom::I) if !whole => {
                let unity = self.unity(&(q / rational::integer(2)))?;
                open.work.push((unity, BigRational::one()));
                Ok(())
            }
            Form::Product(list) if whole && list.len() <= FLAT => {
                for (b, k) in list.iter() {
                    open.work.push((
                        *b,
                        rational::mul(k, &q, self.limits.bits).ok_or(Stop::Limit)?,
                    ));
                }
                Ok(())
            }
            Form::Product(list) if !whole && list.len() <= FLAT => {
                let list = list.clone();
                self.multiply_root_of_product(open, base, &list, &q)
            }
            Form::Sum(_) => self.multiply_sum(open, base, q),
            _ => open.collect(base, q),
        }
    }

    fn multiply_number(
        &mut self,
        open: &mut Open,
        base: FormId,
        value: &BigRational,
        q: BigRational,
    ) -> Result<(), Stop> {
        let limit = self.limits.bits;
        if value.is_zero() {
            if q.is_negative() {
                return Err(Stop::Undefined);
            }
            open.coefficient = BigRational::zero();
            return Ok(());
        }
        if value.is_one() {
            return Ok(());
        }
        if let Some(exponent) = rational::to_i64(&q)
            && let Some(power) = rational::power(value, exponent, limit)
        {
            self.fuel.spend(
                rational::bits(&power).pow(2) / 4096 + rational::cost(&open.coefficient, &power),
            )?;
            if let Some(total) = rational::mul(&open.coefficient, &power, limit) {
                open.coefficient = total;
                return Ok(());
            }
            // Not folded: the power stays a factor of its own.
            if q.is_one() {
                return open.collect(base, q);
            }
        }
        if value.is_negative() {
            match q.denom().is_one() {
                true if num_integer::Integer::is_odd(q.numer()) => {
                    open.coefficient = -open.coefficient.clone();
                }
                true => {}
                false => {
                    let unity = self.unity(&q)?;
                    open.work.push((unity, BigRational::one()));
                }
            }
            let positive = self.number(-value);
            open.work.push((positive, q));
            return Ok(());
        }
        // Trial division ends at the square root.
        let short = value.numer().bits().max(value.denom().bits()) <= 16;
        self.fuel.spend(if short { 256 } else { 4096 })?;
        for (part, sign) in [(value.numer(), 1), (value.denom(), -1)] {
            let factors = rational::factor(part.magnitude());
            for (factor, times) in factors.list {
                let proven = match factor.bits() <= 22 {
                    true => Primes::Proven,
                    false => factors.primes,
                };
                let times = rational::integer(sign) * BigRational::from_integer(times.into());
                let exponent = rational::mul(&times, &q, limit).ok_or(Stop::Limit)?;
                let prime = self.atom(Atom::Prime(factor, proven))?;
                open.collect(prime, exponent)?;
            }
        }
        Ok(())
    }

    /// `(∏ b^k)^q` for a fraction q: positive factors come out, squares of
    /// reals come out as absolute values, the rest stays together.
    fn multiply_root_of_product(
        &mut self,
        open: &mut Open,
        base: FormId,
        list: &[Weighted],
        q: &BigRational,
    ) -> Result<(), Stop> {
        let mut rest = Vec::new();
        for (b, k) in list {
            let traits = self.traits(*b);
            let even = k.denom().is_one() && num_integer::Integer::is_even(k.numer());
            let exponent = k * q;
            if traits.positive {
                open.work.push((*b, exponent));
            } else if even && traits.real {
                let size = self.abs(*b)?;
                open.work.push((size, exponent));
            } else {
                rest.push((*b, k.clone()));
            }
        }
        match &*rest {
            [] => Ok(()),
            // ln(b^k) = k ln b where |k| < 1.
            [(b, k)] if k.abs() < BigRational::one() => open.collect(*b, k * q),
            _ if rest.len() == list.len() => open.collect(base, q.clone()),
            _ => {
                let rest = self.product(&rest)?;
                open.work.push((rest, q.clone()));
                Ok(())
            }
        }
    }

    /// `(Σ c·t)^q`: a rational factor comes out, positive unless q is whole.
    fn multiply_sum(&mut self, open: &mut Open, base: FormId, q: BigRational) -> Result<(), Stop> {
        let Form::Sum(list) = self.node(base) else {
            return open.collect(base, q);
        };
        let single = list.len() == 1;
        let whole = q.denom().is_one();
        if list.len() > FLAT || list.iter().any(|(_, c)| rational::bits(c) > 1 << 11) {
            return open.collect(base, q);
        }
        self.fuel.spend(64 * list.len() as u64)?;
        let content = rational::content(list.iter().map(|(_, c)| c));
        let content = match whole && list[0].1.is_negative() {
            true => -content,
            false => content,
        };
        if content.is_one() || rational::bits(&content) > 1 << 11 {
            return open.collect(base, q);
        }
        let primitive = self.scale(&content.recip(), base)?;
        let content = self.number(content);
        open.work.push((content, q.clone()));
        if single && !matches!(self.node(primitive), Form::Sum(_)) {
            open.work.push((primitive, q));
            return Ok(());
        }
        open.collect(primitive, q)
    }

    /// Puts factors back to work that collecting has made reducible.
    fn reopen(&mut self, open: &mut Open) {
        let mut again = Vec::new();
        for (base, q) in &open.factors {
            if !q.denom().is_one() {
                continue;
            }
            match self.node(*base) {
                Form::Product(list) if list.len() <= FLAT => again.push(*base),
                Form::Sum(list) if list.len() == 1 => again.push(*base),
                Form::Atom(Atom::Apply(Function::Abs, inner))
                    if num_integer::Integer::is_even(q.numer()) && self.traits(*inner).real =>
                {
                    again.push(*base);
                }
                _ => {}
            }
        }
        for base in again {
            if let Some(q) = open.factors.remove(&base) {
                let inner = match self.node(base) {
                    Form::Atom(Atom::Apply(Function::Abs, inner)) => *inner,
                    _ => base,
                };
                open.work.push((inner, q));
            }
        }
    }

    /// Reduces powers of i and of primes.
    fn settle(&mut self, open: &mut Open) -> Result<(), Stop> {
        let limit = self.limits.bits;
        if let Some(q) = open.factors.remove(&self.i) {
            let turns = num_integer::Integer::mod_floor(q.numer(), &4.into());
            let turns = rational::to_i64(&BigRational::from_integer(turns)).unwrap_or(0);
            if turns % 2 == 1 {
                open.factors.insert(self.i, BigRational::one());
            }
            if turns >= 2 {
                open.coefficient = -open.coefficient.clone();
            }
        }
        let primes: Vec<FormId> = open
            .factors
            .keys()
            .copied()
            .filter(|b| matches!(self.node(*b), Form::Atom(Atom::Prime(..))))
            .collect();
        // A long list, such as that of a factorial, stays factored.
        let primes = if primes.len() > FLAT {
            Vec::new()
        } else {
            primes
        };
        for base in primes {
            let Form::Atom(Atom::Prime(prime, _)) = self.node(base) else {
                continue;
            };
            let (floor, rest) = rational::split(&open.factors[&base]);
            let Some(exponent) = rational::to_i64(&BigRational::from_integer(floor)) else {
                continue;
            };
            let value = BigRational::from_integer(prime.clone().into());
            let folded = rational::power(&value, exponent, limit)
                .and_then(|power| rational::mul(&open.coefficient, &power, limit));
            if let Some(total) = folded {
                self.fuel.spend(rational::bits(&total).pow(2) / 4096)?;
                open.coefficient = total;
                match rest.is_zero() {
                    true => open.factors.remove(&base),
                    false => open.factors.insert(base, rest),
                };
            }
        }
        Ok(())
    }
}

/// A product under construction.
struct Open {
    coefficient: BigRational,
    factors: BTreeMap<FormId, BigRational>,
    work: Vec<Weighted>,
}

impl Open {
    fn collect(&mut self, base: FormId, q: BigRational) -> Result<(), Stop> {
        let known = self.factors.entry(base).or_insert_with(BigRational::zero);
        *known = rational::add(known, &q, 1 << 20).ok_or(Stop::Limit)?;
        Ok(())
    }
}
