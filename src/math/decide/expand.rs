//! Forms multiplied out exactly, as a quotient of two sums of monomials.
//!
//! A monomial is a product of atoms with rational exponents in which `i` has
//! exponent 0 or 1 and a prime an exponent in [0, 1). Over distinct primes such
//! monomials are linearly independent over Q (Besicovitch 1940), also with `i`
//! and with independent symbols, so that a numerator decides: empty means zero,
//! and non-empty means non-zero where only such atoms occur. Denominators need
//! no rationalising: they are non-zero, or the expression is undefined.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use num_integer::Integer;
use num_rational::{BigRational, Ratio};
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::budget::Stop;
use super::form::{Atom, Form, FormId, Forms};
use super::rational::{self, Primes};

/// Terms of a numerator or denominator at most.
const TERMS: usize = 96;

/// Terms of an exponent or angle that is written out at most.
const SHORT: usize = 12;

/// Exponents to which a sum is multiplied out at most.
const EXPONENT: u64 = 64;

/// Exponents in machine words: nearly all of what is multiplied are monomials.
type Exponent = Ratio<i64>;
type Monomial = Vec<(FormId, Exponent)>;
type Poly = BTreeMap<Monomial, BigRational>;

/// A numerator over a denominator that is not the empty sum.
#[derive(Clone, Debug)]
struct Fraction {
    num: Poly,
    den: Poly,
}

/// What multiplying out says of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is zero.
    Zero,
    /// It is not zero.
    NonZero,
    /// It is not zero as long as its atoms are unrelated, which is not known.
    Unclear,
}

/// Whether a form is zero.
pub(super) fn zero(forms: &Forms<'_>, root: FormId) -> Result<Outcome, Stop> {
    let fraction = Expansion::new(forms, TERMS).run(root)?;
    if fraction.num.is_empty() {
        return Ok(Outcome::Zero);
    }
    match independent(forms, &fraction.num) {
        true => Ok(Outcome::NonZero),
        false => Ok(Outcome::Unclear),
    }
}

/// The value of a form that multiplies out to a number.
pub(super) fn number(forms: &Forms<'_>, root: FormId) -> Option<BigRational> {
    if let Some(value) = forms.as_number(root) {
        return Some(value.clone());
    }
    let fraction = Expansion::new(forms, TERMS).run(root).ok()?;
    let (monomial, c) = fraction.num.first_key_value().map_or_else(
        || (Vec::new(), BigRational::zero()),
        |(monomial, c)| (monomial.clone(), c.clone()),
    );
    if c.is_zero() {
        return Some(c);
    }
    // num = value · den, term by term.
    let value = c / fraction.den.get(&monomial)?;
    let same = fraction.num.len() == fraction.den.len()
        && fraction
            .num
            .iter()
            .all(|(m, c)| fraction.den.get(m).is_some_and(|d| *c == d * &value));
    same.then_some(value)
}

/// A form as a sum of monomials, where it has no denominator and few terms.
pub(super) fn as_sum(forms: &mut Forms<'_>, root: FormId) -> Result<FormId, Stop> {
    let fraction = Expansion::new(forms, SHORT).run(root)?;
    if !is_unit(&fraction.den) {
        return Err(Stop::Unsupported);
    }
    let mut terms = Vec::with_capacity(fraction.num.len());
    for (monomial, c) in fraction.num {
        let monomial: Vec<_> = monomial.into_iter().map(|(b, q)| (b, long(q))).collect();
        terms.push((forms.product(&monomial)?, c));
    }
    forms.sum(&terms)
}

/// Whether an atom of some kind occurs in a form, at any depth.
pub(super) fn reaches(forms: &Forms<'_>, root: FormId, kind: impl Fn(&Atom) -> bool) -> bool {
    let mut work = vec![root];
    let mut seen = BTreeSet::new();
    while let Some(id) = work.pop() {
        if !seen.insert(id) {
            continue;
        }
        match forms.node(id) {
            Form::Number(_) => {}
            Form::Sum(list) | Form::Product(list) => work.extend(list.iter().map(|(t, _)| *t)),
            Form::Atom(atom) => {
                if kind(atom) {
                    return true;
                }
                work.extend(arguments(atom));
            }
        }
    }
    false
}

/// The forms inside an atom.
pub(super) fn arguments(atom: &Atom) -> Vec<FormId> {
    match atom {
        Atom::Symbol(_) | Atom::Pi | Atom::I | Atom::Prime(..) | Atom::CosPi(_) => Vec::new(),
        Atom::Exp(t)
        | Atom::Ln(t)
        | Atom::RealRoot(_, t)
        | Atom::Apply(_, t)
        | Atom::Factorial(t) => vec![*t],
        Atom::Call(_, list) => list.to_vec(),
    }
}

/// Whether distinct monomials over these atoms are linearly independent.
///
/// Symbols are independent of all numbers; π alone, and e alone, are
/// transcendental, so that their powers are independent over the radicals.
fn independent(forms: &Forms<'_>, poly: &Poly) -> bool {
    let holds = |wanted: fn(&Forms<'_>, &Atom) -> bool| {
        poly.keys()
            .flatten()
            .any(|(base, _)| match forms.node(*base) {
                Form::Atom(atom) => wanted(forms, atom),
                _ => false,
            })
    };
    let pi = holds(|_, atom| matches!(atom, Atom::Pi));
    let e = holds(|_, atom| matches!(atom, Atom::Exp(_)));
    if pi && e {
        return false;
    }
    poly.keys()
        .flatten()
        .all(|(base, _)| match forms.node(*base) {
            Form::Atom(Atom::Prime(_, Primes::Proven) | Atom::I | Atom::Symbol(_) | Atom::Pi) => {
                true
            }
            Form::Atom(Atom::Exp(t)) => *t == forms.one,
            _ => false,
        })
}

/// Sums of two exponents below this fit.
const EXPONENT_LIMIT: i64 = 1 << 30;

/// An exponent in machine words.
fn exponent(q: &BigRational) -> Result<Exponent, Stop> {
    match (q.numer().to_i64(), q.denom().to_i64()) {
        (Some(n), Some(d)) => bounded(Ratio::new_raw(n, d)),
        _ => Err(Stop::Limit),
    }
}

fn bounded(q: Exponent) -> Result<Exponent, Stop> {
    match q.numer().abs() <= EXPONENT_LIMIT && *q.denom() <= EXPONENT_LIMIT {
        true => Ok(q),
        false => Err(Stop::Limit),
    }
}

fn long(q: Exponent) -> BigRational {
    BigRational::new_raw((*q.numer()).into(), (*q.denom()).into())
}

fn unit() -> Poly {
    Poly::from([(Vec::new(), BigRational::one())])
}

/// Whether a sum is the number 1.
fn is_unit(poly: &Poly) -> bool {
    match poly.first_key_value() {
        Some((monomial, c)) => poly.len() == 1 && monomial.is_empty() && c.is_one(),
        None => false,
    }
}

struct Expansion<'a, 'b> {
    forms: &'a Forms<'b>,
    known: HashMap<FormId, Fraction>,
    terms: usize,
}

impl<'a, 'b> Expansion<'a, 'b> {
    fn new(forms: &'a Forms<'b>, terms: usize) -> Self {
        Expansion {
            forms,
            known: HashMap::new(),
            terms,
        }
    }

    fn run(mut self, root: FormId) -> Result<Fraction, Stop> {
        let mut wanted = BTreeSet::from([root]);
        let mut work = vec![root];
        while let Some(id) = work.pop() {
            self.forms.fuel.spend(8)?;
            if let Form::Sum(list) | Form::Product(list) = self.forms.node(id) {
                work.extend(list.iter().map(|(t, _)| *t).filter(|t| wanted.insert(*t)));
            }
        }
        for id in wanted {
            let fraction = match self.forms.node(id) {
                Form::Number(value) => Fraction::whole(match value.is_zero() {
                    true => Poly::new(),
                    false => Poly::from([(Vec::new(), value.clone())]),
                }),
                Form::Atom(_) => self.monomial(id, &BigRational::one())?,
                Form::Sum(list) => {
                    let mut total = Fraction::whole(Poly::new());
                    for (t, c) in list {
                        let term = self.scaled(&self.known[t], c)?;
                        total = self.add(total, &term)?;
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
            };
            self.known.insert(id, fraction);
        }
        self.known.remove(&root).ok_or(Stop::Unsupported)
    }

    /// `atom^q` as a quotient of monomials.
    fn monomial(&self, base: FormId, q: &BigRational) -> Result<Fraction, Stop> {
        let (c, monomial) = self.normal(vec![(base, exponent(q)?)])?;
        Ok(Fraction::whole(Poly::from([(monomial, c)])))
    }

    fn power(&self, base: FormId, q: &BigRational) -> Result<Fraction, Stop> {
        if matches!(self.forms.node(base), Form::Atom(_)) {
            return self.monomial(base, q);
        }
        let (floor, rest) = rational::split(q);
        let times: u64 = floor.magnitude().try_into().map_err(|_| Stop::Limit)?;
        let known = &self.known[&base];
        let single = known.num.len() == 1 && known.den.len() == 1;
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
            let root = Poly::from([(vec![(base, exponent(&rest)?)], BigRational::one())]);
            power = self.multiply(&power, &Fraction::whole(root))?;
        }
        Ok(power)
    }

    fn inverse(&self, fraction: Fraction) -> Result<Fraction, Stop> {
        if fraction.num.is_empty() {
            return Err(Stop::Undefined);
        }
        let turned = Fraction {
            num: fraction.den,
            den: fraction.num,
        };
        self.tidy(turned)
    }

    /// Moves a denominator of one term into the numerator.
    fn tidy(&self, fraction: Fraction) -> Result<Fraction, Stop> {
        if fraction.den.len() != 1 || is_unit(&fraction.den) {
            return Ok(fraction);
        }
        let Some((monomial, c)) = fraction.den.first_key_value() else {
            return Ok(fraction);
        };
        let atoms = |(b, _): &(FormId, Exponent)| matches!(self.forms.node(*b), Form::Atom(_));
        if !monomial.iter().all(atoms) {
            return Ok(fraction);
        }
        let negated = monomial.iter().map(|(b, q)| (*b, -q)).collect();
        let (d, monomial) = self.normal(negated)?;
        let limit = self.forms.limits.bits;
        let d = rational::mul(&d, &c.recip(), limit).ok_or(Stop::Limit)?;
        let num = self.multiply_poly(&fraction.num, &Poly::from([(monomial, d)]))?;
        Ok(Fraction::whole(num))
    }

    fn scaled(&self, fraction: &Fraction, c: &BigRational) -> Result<Fraction, Stop> {
        let mut scaled = fraction.clone();
        for value in scaled.num.values_mut() {
            self.forms
                .fuel
                .spend(8 + (rational::bits(value) + rational::bits(c)) / 8)?;
            *value = rational::mul(value, c, self.forms.limits.bits).ok_or(Stop::Limit)?;
        }
        Ok(scaled)
    }

    fn add(&self, a: Fraction, b: &Fraction) -> Result<Fraction, Stop> {
        if a.den == b.den {
            return Ok(Fraction {
                num: self.add_poly(a.num, &b.num)?,
                den: a.den,
            });
        }
        let left = self.multiply_poly(&a.num, &b.den)?;
        let right = self.multiply_poly(&b.num, &a.den)?;
        Ok(Fraction {
            num: self.add_poly(left, &right)?,
            den: self.nonzero(self.multiply_poly(&a.den, &b.den)?)?,
        })
    }

    fn multiply(&self, a: &Fraction, b: &Fraction) -> Result<Fraction, Stop> {
        if a.den == b.num && !is_unit(&a.den) {
            return Ok(Fraction {
                num: a.num.clone(),
                den: b.den.clone(),
            });
        }
        if a.num == b.den && !is_unit(&a.num) {
            return Ok(Fraction {
                num: b.num.clone(),
                den: a.den.clone(),
            });
        }
        let den = match is_unit(&b.den) {
            true => a.den.clone(),
            false => self.nonzero(self.multiply_poly(&a.den, &b.den)?)?,
        };
        self.tidy(Fraction {
            num: self.multiply_poly(&a.num, &b.num)?,
            den,
        })
    }

    /// Denominators that cancel to nothing have multiplied zero divisors.
    fn nonzero(&self, den: Poly) -> Result<Poly, Stop> {
        match den.is_empty() {
            true => Err(Stop::Unsupported),
            false => Ok(den),
        }
    }

    fn add_poly(&self, mut a: Poly, b: &Poly) -> Result<Poly, Stop> {
        for (monomial, c) in b {
            self.add_term(&mut a, monomial.clone(), c)?;
        }
        Ok(a)
    }

    fn add_term(&self, poly: &mut Poly, monomial: Monomial, c: &BigRational) -> Result<(), Stop> {
        self.forms.fuel.spend(24 + rational::bits(c) / 8)?;
        match poly.entry(monomial) {
            Entry::Vacant(place) => {
                if !c.is_zero() {
                    place.insert(c.clone());
                }
            }
            Entry::Occupied(mut known) => {
                let sum = rational::add(known.get(), c, self.forms.limits.bits);
                let sum = sum.ok_or(Stop::Limit)?;
                match sum.is_zero() {
                    true => drop(known.remove()),
                    false => *known.get_mut() = sum,
                }
            }
        }
        match poly.len() <= self.terms {
            true => Ok(()),
            false => Err(Stop::Limit),
        }
    }

    fn multiply_poly(&self, a: &Poly, b: &Poly) -> Result<Poly, Stop> {
        let limit = self.forms.limits.bits;
        let mut total = Poly::new();
        for (left, c) in a {
            for (right, d) in b {
                self.forms
                    .fuel
                    .spend(36 + (rational::bits(c) + rational::bits(d)) / 8)?;
                let c = rational::mul(c, d, limit).ok_or(Stop::Limit)?;
                let (e, monomial) = self.normal(merge(left, right)?)?;
                let c = rational::mul(&c, &e, limit).ok_or(Stop::Limit)?;
                match self.reducible(&monomial) {
                    None => self.add_term(&mut total, monomial, &c)?,
                    Some(position) => {
                        // B^q with q >= 1 for a sum B: B itself, multiplied out,
                        // times B^(q-1).
                        let mut monomial = monomial;
                        let (base, q) = monomial.remove(position);
                        let rest = q - Exponent::one();
                        if !rest.is_zero() {
                            monomial.insert(position, (base, rest));
                        }
                        if self.reducible(&monomial).is_some() || !is_unit(&self.known[&base].den) {
                            return Err(Stop::Unsupported);
                        }
                        for (inner, d) in &self.known[&base].num {
                            let d = rational::mul(&c, d, limit).ok_or(Stop::Limit)?;
                            let (e, product) = self.normal(merge(&monomial, inner)?)?;
                            if self.reducible(&product).is_some() {
                                return Err(Stop::Unsupported);
                            }
                            let d = rational::mul(&d, &e, limit).ok_or(Stop::Limit)?;
                            self.add_term(&mut total, product, &d)?;
                        }
                    }
                }
            }
        }
        Ok(total)
    }

    /// The place of a sum with an exponent of 1 or more.
    fn reducible(&self, monomial: &Monomial) -> Option<usize> {
        monomial.iter().position(|(b, q)| {
            !matches!(self.forms.node(*b), Form::Atom(_)) && *q >= Exponent::one()
        })
    }

    /// Reduces the powers of i and of primes; the number that comes out.
    fn normal(&self, monomial: Monomial) -> Result<(BigRational, Monomial), Stop> {
        let mut c = BigRational::one();
        let mut normal = Vec::with_capacity(monomial.len());
        for (base, q) in monomial {
            match self.forms.node(base) {
                Form::Atom(Atom::I) => {
                    let turns = q.numer().mod_floor(&4);
                    if turns >= 2 {
                        c = -c;
                    }
                    if turns.is_odd() {
                        normal.push((base, Exponent::one()));
                    }
                }
                Form::Atom(Atom::Prime(prime, _)) => {
                    let (floor, rest) = q.numer().div_mod_floor(q.denom());
                    if floor != 0 {
                        let value = BigRational::from_integer(prime.clone().into());
                        let limit = self.forms.limits.bits;
                        let power = rational::power(&value, floor, limit).ok_or(Stop::Limit)?;
                        c = rational::mul(&c, &power, limit).ok_or(Stop::Limit)?;
                    }
                    if rest != 0 {
                        normal.push((base, Ratio::new_raw(rest, *q.denom())));
                    }
                }
                _ => normal.push((base, q)),
            }
        }
        Ok((c, normal))
    }
}

impl Fraction {
    fn whole(num: Poly) -> Self {
        Fraction { num, den: unit() }
    }
}

/// The product of two sorted monomials.
fn merge(a: &Monomial, b: &Monomial) -> Result<Monomial, Stop> {
    let mut merged: Monomial = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let order = match (a.get(i), b.get(j)) {
            (Some((x, _)), Some((y, _))) => x.cmp(y),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        match order {
            std::cmp::Ordering::Less => {
                merged.push(a[i]);
                i += 1;
            }
            std::cmp::Ordering::Greater => {
                merged.push(b[j]);
                j += 1;
            }
            std::cmp::Ordering::Equal => {
                let q = bounded(a[i].1 + b[j].1)?;
                if !q.is_zero() {
                    merged.push((a[i].0, q));
                }
                i += 1;
                j += 1;
            }
        }
    }
    Ok(merged)
}
