//! Multiplying out: a form in, a quotient of two sums of monomials out.
//!
//! Every step is paid for by the terms that it looks at, also where nothing has
//! to be computed, so that what a form costs does not depend on short cuts.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::budget::Stop;
use super::coefficient::Coefficient;
use super::form::{Atom, Form, FormId, Forms};
use super::monomial::{Exponent, Monomial};
use super::rational;

/// Exponents to which a sum is multiplied out at most.
const EXPONENT: u64 = 64;

/// Terms with coefficients other than 0, ascending by monomial.
pub(super) type Poly = Vec<(Monomial, Coefficient)>;

/// A numerator over a denominator that is not the empty sum.
#[derive(Clone, Debug)]
pub(super) struct Fraction {
    pub(super) num: Poly,
    /// `None` for 1.
    pub(super) den: Option<Poly>,
}

impl Fraction {
    fn whole(num: Poly) -> Self {
        Fraction { num, den: None }
    }

    /// The denominator written out.
    pub(super) fn denominator(&self) -> Poly {
        self.den.clone().unwrap_or_else(unit)
    }
}

fn unit() -> Poly {
    vec![(Monomial::default(), Coefficient::ONE)]
}

/// Whether a sum is the number 1.
fn is_unit(poly: &Poly) -> bool {
    matches!(poly.as_slice(), [(monomial, c)] if monomial.is_empty() && c.is_one())
}

pub(super) struct Expansion<'a, 'b> {
    forms: &'a Forms<'b>,
    /// What is multiplied out, ascending by form.
    known: Vec<(FormId, Fraction)>,
    terms: usize,
}

impl<'a, 'b> Expansion<'a, 'b> {
    pub(super) fn new(forms: &'a Forms<'b>, terms: usize) -> Self {
        Expansion {
            forms,
            known: Vec::new(),
            terms,
        }
    }

    /// # Errors
    /// [`Stop`] where fuel, terms or bits run out, or the form is undefined.
    pub(super) fn run(mut self, root: FormId) -> Result<Fraction, Stop> {
        let mut seen = vec![false; root.index() + 1];
        seen[root.index()] = true;
        let mut wanted = vec![root];
        let mut next = 0;
        while let Some(id) = wanted.get(next) {
            next += 1;
            self.forms.fuel.spend(8)?;
            if let Form::Sum(list) | Form::Product(list) = self.forms.node(*id) {
                for (t, _) in list {
                    // Forms come after those that they hold.
                    if !std::mem::replace(&mut seen[t.index()], true) {
                        wanted.push(*t);
                    }
                }
            }
        }
        wanted.sort_unstable();
        self.known.reserve(wanted.len());
        for id in wanted {
            let fraction = self.one(id)?;
            self.known.push((id, fraction));
        }
        self.known
            .pop()
            .map(|(_, fraction)| fraction)
            .ok_or(Stop::Unsupported)
    }

    /// A form whose parts are known.
    fn one(&self, id: FormId) -> Result<Fraction, Stop> {
        Ok(match self.forms.node(id) {
            Form::Number(value) => Fraction::whole(match value.is_zero() {
                true => Poly::new(),
                false => vec![(Monomial::default(), value.into())],
            }),
            Form::Atom(_) => self.monomial(id, Exponent::ONE)?,
            Form::Sum(list) => {
                let mut total = Fraction::whole(Poly::new());
                for (t, c) in list {
                    let term = self.scaled(self.known(*t)?, &c.into())?;
                    total = self.add(total, term)?;
                }
                total
            }
            Form::Product(list) => {
                let mut total = Fraction::whole(unit());
                for (b, q) in list {
                    let factor = self.power(*b, q)?;
                    total = self.multiply(&total, &factor)?;
                }
                total
            }
        })
    }

    fn known(&self, id: FormId) -> Result<&Fraction, Stop> {
        let at = self.known.binary_search_by_key(&id, |(known, _)| *known);
        at.map(|at| &self.known[at].1)
            .map_err(|_| Stop::Unsupported)
    }

    /// `atom^q` as a quotient of monomials.
    fn monomial(&self, base: FormId, q: Exponent) -> Result<Fraction, Stop> {
        let (c, monomial) = self.normal(Monomial::single(base, q))?;
        Ok(Fraction::whole(vec![(monomial, c)]))
    }

    fn power(&self, base: FormId, q: &BigRational) -> Result<Fraction, Stop> {
        if matches!(self.forms.node(base), Form::Atom(_)) {
            return self.monomial(base, Exponent::new(q)?);
        }
        let (floor, rest) = rational::split(q);
        let times: u64 = floor.magnitude().try_into().map_err(|_| Stop::Limit)?;
        let known = self.known(base)?;
        let single = known.num.len() == 1 && known.den.as_ref().is_none_or(|den| den.len() == 1);
        if times > EXPONENT && !single {
            return Err(Stop::Limit);
        }
        let mut power = Fraction::whole(unit());
        let mut square = known.clone();
        let mut left = times;
        while left > 0 {
            if left & 1 == 1 {
                power = self.multiply(&power, &square)?;
            }
            left >>= 1;
            if left > 0 {
                square = self.multiply(&square, &square)?;
            }
        }
        if floor.is_negative() {
            power = self.inverse(power)?;
        }
        if !rest.is_zero() {
            // A fractional power of a sum is a variable of its own.
            let root = Monomial::single(base, Exponent::new(&rest)?);
            let root = Fraction::whole(vec![(root, Coefficient::ONE)]);
            power = self.multiply(&power, &root)?;
        }
        Ok(power)
    }

    fn inverse(&self, fraction: Fraction) -> Result<Fraction, Stop> {
        if fraction.num.is_empty() {
            return Err(Stop::Undefined);
        }
        let turned = Fraction {
            num: fraction.denominator(),
            den: (!is_unit(&fraction.num)).then_some(fraction.num),
        };
        self.tidy(turned)
    }

    /// Moves a denominator of one term into the numerator.
    fn tidy(&self, fraction: Fraction) -> Result<Fraction, Stop> {
        let Some([(monomial, c)]) = fraction.den.as_deref() else {
            return Ok(fraction);
        };
        let mut factors = monomial.factors().iter();
        if !factors.all(|(b, _)| matches!(self.forms.node(*b), Form::Atom(_))) {
            return Ok(fraction);
        }
        let negated = monomial.factors().iter().map(|(b, q)| (*b, q.negative()));
        let (d, monomial) = self.normal(negated.collect())?;
        let limit = self.forms.limits.bits;
        let d = d.multiply(&c.reciprocal(), limit).ok_or(Stop::Limit)?;
        let num = self.multiply_poly(&fraction.num, &vec![(monomial, d)])?;
        Ok(Fraction::whole(num))
    }

    fn scaled(&self, fraction: &Fraction, c: &Coefficient) -> Result<Fraction, Stop> {
        let mut scaled = fraction.clone();
        for (_, value) in &mut scaled.num {
            self.forms.fuel.spend(8 + (value.bits() + c.bits()) / 8)?;
            if !c.is_one() {
                let limit = self.forms.limits.bits;
                *value = value.multiply(c, limit).ok_or(Stop::Limit)?;
            }
        }
        Ok(scaled)
    }

    fn add(&self, a: Fraction, b: Fraction) -> Result<Fraction, Stop> {
        if a.num.is_empty() && a.den.is_none() && b.den.is_none() {
            self.forms.fuel.spend(b.num.iter().map(adding).sum())?;
            return Ok(b);
        }
        if a.den == b.den {
            return Ok(Fraction {
                num: self.add_poly(a.num, b.num)?,
                den: a.den,
            });
        }
        let (above, below) = (a.denominator(), b.denominator());
        let left = self.multiply_poly(&a.num, &below)?;
        let right = self.multiply_poly(&b.num, &above)?;
        Ok(Fraction {
            num: self.add_poly(left, right)?,
            den: self.nonzero(self.multiply_poly(&above, &below)?)?,
        })
    }

    fn multiply(&self, a: &Fraction, b: &Fraction) -> Result<Fraction, Stop> {
        if a.den.as_ref() == Some(&b.num) {
            return Ok(Fraction {
                num: a.num.clone(),
                den: b.den.clone(),
            });
        }
        if b.den.as_ref() == Some(&a.num) {
            return Ok(Fraction {
                num: b.num.clone(),
                den: a.den.clone(),
            });
        }
        let den = match &b.den {
            None => a.den.clone(),
            Some(below) => self.nonzero(self.multiply_poly(&a.denominator(), below)?)?,
        };
        self.tidy(Fraction {
            num: self.multiply_poly(&a.num, &b.num)?,
            den,
        })
    }

    /// Denominators that cancel to nothing have multiplied zero divisors.
    fn nonzero(&self, den: Poly) -> Result<Option<Poly>, Stop> {
        match den.is_empty() {
            true => Err(Stop::Unsupported),
            false => Ok((!is_unit(&den)).then_some(den)),
        }
    }

    fn add_poly(&self, mut a: Poly, b: Poly) -> Result<Poly, Stop> {
        for (monomial, c) in b {
            self.add_term(&mut a, monomial, c)?;
        }
        Ok(a)
    }

    fn add_term(&self, poly: &mut Poly, monomial: Monomial, c: Coefficient) -> Result<(), Stop> {
        self.forms.fuel.spend(24 + c.bits() / 8)?;
        match poly.binary_search_by(|(known, _)| known.cmp(&monomial)) {
            Err(_) if c.is_zero() => {}
            Err(at) => poly.insert(at, (monomial, c)),
            Ok(at) => {
                let sum = poly[at].1.add(&c, self.forms.limits.bits);
                let sum = sum.ok_or(Stop::Limit)?;
                match sum.is_zero() {
                    true => drop(poly.remove(at)),
                    false => poly[at].1 = sum,
                }
            }
        }
        match poly.len() <= self.terms {
            true => Ok(()),
            false => Err(Stop::Limit),
        }
    }

    fn multiply_poly(&self, a: &Poly, b: &Poly) -> Result<Poly, Stop> {
        // What is multiplied out stays so.
        for (one, other) in [(a, b), (b, a)] {
            if is_unit(one) {
                let units = |term| adding(term) + 36 + (2 + bits(term)) / 8;
                self.forms.fuel.spend(other.iter().map(units).sum())?;
                return Ok(other.clone());
            }
        }
        let limit = self.forms.limits.bits;
        let mut total = Poly::new();
        for (left, c) in a {
            for (right, d) in b {
                self.forms.fuel.spend(36 + (c.bits() + d.bits()) / 8)?;
                let c = c.multiply(d, limit).ok_or(Stop::Limit)?;
                let (e, monomial) = self.normal(left.times(right)?)?;
                let c = c.multiply(&e, limit).ok_or(Stop::Limit)?;
                match self.reducible(&monomial) {
                    None => self.add_term(&mut total, monomial, c)?,
                    Some(at) => self.add_reduced(&mut total, &monomial, at, &c)?,
                }
            }
        }
        Ok(total)
    }

    /// Adds a term with `B^q` for a sum B and q >= 1: B itself, multiplied out,
    /// times `B^(q-1)`.
    fn add_reduced(
        &self,
        total: &mut Poly,
        monomial: &Monomial,
        at: usize,
        c: &Coefficient,
    ) -> Result<(), Stop> {
        let limit = self.forms.limits.bits;
        let (base, q) = monomial.factors()[at];
        let rest = q.less_one()?;
        let mut others = Monomial::default();
        for (n, factor) in monomial.factors().iter().enumerate() {
            match n == at {
                true if rest.is_zero() => {}
                true => others.push((base, rest)),
                false => others.push(*factor),
            }
        }
        let known = self.known(base)?;
        if self.reducible(&others).is_some() || known.den.is_some() {
            return Err(Stop::Unsupported);
        }
        for (inner, d) in &known.num {
            let d = c.multiply(d, limit).ok_or(Stop::Limit)?;
            let (e, product) = self.normal(others.times(inner)?)?;
            if self.reducible(&product).is_some() {
                return Err(Stop::Unsupported);
            }
            let d = d.multiply(&e, limit).ok_or(Stop::Limit)?;
            self.add_term(total, product, d)?;
        }
        Ok(())
    }

    /// The place of a sum with an exponent of 1 or more.
    fn reducible(&self, monomial: &Monomial) -> Option<usize> {
        monomial
            .factors()
            .iter()
            .position(|(b, q)| q.is_at_least_one() && !matches!(self.forms.node(*b), Form::Atom(_)))
    }

    /// Reduces the powers of i and of primes; the number that comes out.
    fn normal(&self, monomial: Monomial) -> Result<(Coefficient, Monomial), Stop> {
        let is_plain = |(base, _): &(FormId, Exponent)| {
            !matches!(
                self.forms.node(*base),
                Form::Atom(Atom::I | Atom::Prime(..))
            )
        };
        if monomial.factors().iter().all(is_plain) {
            return Ok((Coefficient::ONE, monomial));
        }
        let mut c = Coefficient::ONE;
        let mut normal = Monomial::default();
        for &(base, q) in monomial.factors() {
            match self.forms.node(base) {
                Form::Atom(Atom::I) => {
                    let turns = q.numer.mod_floor(&4);
                    if turns >= 2 {
                        c = c.negative();
                    }
                    if turns.is_odd() {
                        normal.push((base, Exponent::ONE));
                    }
                }
                Form::Atom(Atom::Prime(prime, _)) => {
                    let (floor, rest) = q.numer.div_mod_floor(&q.denom);
                    if floor != 0 {
                        let value = BigRational::from_integer(BigInt::from(prime.clone()));
                        let limit = self.forms.limits.bits;
                        let power = rational::power(&value, floor.into(), limit);
                        let power = Coefficient::from(&power.ok_or(Stop::Limit)?);
                        c = c.multiply(&power, limit).ok_or(Stop::Limit)?;
                    }
                    if rest != 0 {
                        let rest = Exponent {
                            numer: rest,
                            denom: q.denom,
                        };
                        normal.push((base, rest));
                    }
                }
                _ => normal.push((base, q)),
            }
        }
        Ok((c, normal))
    }
}

fn bits(term: &(Monomial, Coefficient)) -> u64 {
    term.1.bits()
}

/// What adding a term costs.
fn adding(term: &(Monomial, Coefficient)) -> u64 {
    24 + bits(term) / 8
}
