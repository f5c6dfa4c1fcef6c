//! Identities tested modulo secret primes at secret points.
//!
//! Symbols, exponentials, logarithms and other atoms take random residues, so
//! that an identity of forms shows whatever the atoms are. Radicals of forms
//! take *every* root of the residue of their radicand: equality under all
//! choices is equality in the ring with the formal radicals, even where a
//! radicand is secretly a square. A non-zero difference of degree D whose
//! coefficients have L bits survives k independent tests with probability
//! `(D / 2^60 + L / 2^55)^k` at most (Schwartz 1980, Zippel 1979; a prime is bad
//! if it divides the content or the norm, and there are about 2^49 of them to
//! draw from); k is chosen for 2^-80.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::budget::Stop;
use super::expand::reaches;
use super::form::{Atom, Form, FormId, Forms};
use super::rational::Primes;
use super::secrets::{ORDER, Prime, Secrets};

/// Choices of roots that are tried at most.
const CHOICES: u64 = 9;

/// One prime in this many, at least, must have the radicals of numbers.
const SHARE: u64 = 4;

/// Points that are tried for one prime before the stage gives up.
const TRIES: u64 = 2000;

/// What the tests say of two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Equal but for an error below 2^-80.
    Same,
    /// Different for certain.
    Different,
    /// Different as long as the atoms are unrelated, which is not known.
    Unclear,
}

/// Compares two forms.
pub(super) fn compare(
    forms: &Forms<'_>,
    a: FormId,
    b: FormId,
    secrets: &Secrets,
) -> Result<Outcome, Stop> {
    let plan = Plan::new(forms, &[a, b])?;
    let tests = plan.tests(a, b)?;
    let mut passed = 0;
    for prime in 0..secrets.primes.len() {
        match plan.test(prime, a, b, secrets)? {
            Test::Equal => passed += 1,
            Test::NoPrime => {}
            Test::Different if plan.independent() => return Ok(Outcome::Different),
            Test::Different => return Ok(Outcome::Unclear),
        }
        if passed == tests {
            return Ok(Outcome::Same);
        }
    }
    Err(Stop::Unsupported)
}

/// One prime's result.
enum Test {
    Equal,
    Different,
    /// A radical of a number does not exist modulo this prime.
    NoPrime,
}

/// Why a point cannot be used.
enum Miss {
    /// A radicand has no root here; another point may have.
    Root,
    /// A divisor vanishes here.
    Divisor,
    /// The prime itself is unusable.
    Prime,
    Stop(Stop),
}

impl From<Stop> for Miss {
    fn from(stop: Stop) -> Self {
        Miss::Stop(stop)
    }
}

/// What a residue stands for: an atom, or `exp` of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Atom(FormId),
    Exp(FormId),
}

pub(super) struct Plan<'a, 'b> {
    pub(super) forms: &'a Forms<'b>,
    /// Forms to evaluate, children first.
    pub(super) order: Vec<FormId>,
    /// Least common denominators of the exponents of free atoms and primes.
    pub(super) denominators: BTreeMap<Key, u64>,
    /// Radicals of forms: (base, degree).
    radicals: Vec<(FormId, u64)>,
}

impl<'a, 'b> Plan<'a, 'b> {
    fn new(forms: &'a Forms<'b>, roots: &[FormId]) -> Result<Self, Stop> {
        let mut wanted: BTreeSet<FormId> = roots.iter().copied().collect();
        let mut work: Vec<FormId> = roots.to_vec();
        let mut denominators = BTreeMap::new();
        let mut radicals = BTreeMap::new();
        while let Some(id) = work.pop() {
            forms.fuel.spend(8)?;
            match forms.node(id) {
                Form::Number(_) => {}
                Form::Atom(Atom::RealRoot(degree, inner)) => {
                    radicals.insert(id, u64::from(*degree));
                    if wanted.insert(*inner) {
                        work.push(*inner);
                    }
                }
                Form::Atom(_) => {
                    let (key, part) = generator(forms, id);
                    let known = denominators.entry(key).or_insert(1);
                    *known = known.lcm(&part);
                }
                Form::Sum(list) => {
                    work.extend(list.iter().map(|(t, _)| *t).filter(|t| wanted.insert(*t)));
                }
                Form::Product(list) => {
                    for (base, q) in list {
                        let d = q
                            .denom()
                            .to_u64()
                            .filter(|d| *d <= 1 << 20)
                            .ok_or(Stop::Unsupported)?;
                        let (key, part) = generator(forms, *base);
                        let free = is_free(forms, *base);
                        if free {
                            let known = denominators.entry(key).or_insert(1);
                            *known = known.lcm(&(part * d));
                        } else if d > 1 {
                            let known = radicals.entry(*base).or_insert(1);
                            *known = known.lcm(&d);
                        }
                        if wanted.insert(*base) {
                            work.push(*base);
                        }
                    }
                }
            }
            if radicals.len() > 6 {
                return Err(Stop::Unsupported);
            }
        }
        // What is tested must not depend on which primes were drawn: radicals
        // of numbers exist modulo few primes, so only a few are taken.
        let mut share = 1u64;
        for (key, degree) in &denominators {
            if let Key::Atom(id) = key
                && let Form::Atom(Atom::Prime(prime, _)) = forms.node(*id)
            {
                let always = *degree <= 2 && prime.to_u32().is_some_and(|p| p <= 3);
                share = share.saturating_mul(if always { 1 } else { *degree });
            }
        }
        let symbolic = |atom: &Atom| matches!(atom, Atom::Symbol(_));
        if share > SHARE || radicals.keys().any(|id| !reaches(forms, *id, symbolic)) {
            return Err(Stop::Unsupported);
        }
        let mut choices = 1u64;
        for degree in radicals.values() {
            if *degree == 0 || !ORDER.is_multiple_of(*degree) {
                return Err(Stop::Unsupported);
            }
            choices = choices.saturating_mul(*degree);
        }
        if choices > CHOICES {
            return Err(Stop::Unsupported);
        }
        Ok(Plan {
            forms,
            order: wanted.into_iter().collect(),
            denominators,
            radicals: radicals.into_iter().collect(),
        })
    }

    pub(super) fn choices(&self) -> u64 {
        self.radicals.iter().map(|(_, degree)| degree).product()
    }

    /// Whether different residues mean different values: only for atoms that
    /// are algebraically independent.
    fn independent(&self) -> bool {
        let kind = |wanted: fn(&Atom) -> bool| {
            self.order
                .iter()
                .any(|id| matches!(self.forms.node(*id), Form::Atom(atom) if wanted(atom)))
        };
        let known = !kind(|atom| {
            !matches!(
                atom,
                Atom::Symbol(_)
                    | Atom::I
                    | Atom::Prime(_, Primes::Proven)
                    | Atom::Pi
                    | Atom::Exp(_)
            )
        });
        let exponentials: Vec<&Atom> = self
            .order
            .iter()
            .filter_map(|id| match self.forms.node(*id) {
                Form::Atom(atom @ Atom::Exp(_)) => Some(atom),
                _ => None,
            })
            .collect();
        // e alone is transcendental; with π nothing is known.
        let exponentials = match &*exponentials {
            [] => true,
            [Atom::Exp(t)] => *t == self.forms.one && !kind(|atom| matches!(atom, Atom::Pi)),
            _ => false,
        };
        known && exponentials && self.radicals.is_empty()
    }

    /// One prime: looks for a point where all radicals exist.
    fn test(&self, index: usize, a: FormId, b: FormId, secrets: &Secrets) -> Result<Test, Stop> {
        let prime = &secrets.primes[index];
        let mut vanished = 0;
        for point in 0..TRIES {
            let mut same = true;
            let mut missed = None;
            for choice in 0..self.choices() {
                match self.evaluate(prime, secrets, [index as u64, point], choice) {
                    Ok(values) => {
                        if values[&a] != values[&b] {
                            same = false;
                            break;
                        }
                    }
                    Err(miss) => {
                        missed = Some(miss);
                        break;
                    }
                }
            }
            match missed {
                None if same => return Ok(Test::Equal),
                None => return Ok(Test::Different),
                Some(Miss::Prime) => return Ok(Test::NoPrime),
                Some(Miss::Stop(stop)) => return Err(stop),
                Some(Miss::Root) => {}
                Some(Miss::Divisor) => {
                    vanished += 1;
                    if vanished == 4 {
                        return Err(match self.radicals.is_empty() {
                            true => Stop::Undefined,
                            false => Stop::Unsupported,
                        });
                    }
                }
            }
        }
        Err(Stop::Unsupported)
    }

    fn evaluate(
        &self,
        prime: &Prime,
        secrets: &Secrets,
        point: [u64; 2],
        choice: u64,
    ) -> Result<BTreeMap<FormId, u64>, Miss> {
        let mut values: BTreeMap<FormId, u64> = BTreeMap::new();
        // A residue h for each free atom; the atom is h^d for its denominator d.
        let mut residues: BTreeMap<Key, u64> = BTreeMap::new();
        for (key, d) in &self.denominators {
            self.forms.fuel.spend(4)?;
            let node = match key {
                Key::Atom(id) => Some(self.forms.node(*id)),
                Key::Exp(_) => None,
            };
            let residue = match node {
                Some(Form::Atom(Atom::I)) => prime.roots(prime.p - 1, 2)[0],
                Some(Form::Atom(Atom::Prime(number, _))) => {
                    let residue = (number % prime.p).to_u64().unwrap_or(0);
                    match *d {
                        1 => residue,
                        2 | 3 | 4 | 6 => {
                            self.forms.fuel.spend(200)?;
                            *prime.roots(residue, *d).first().ok_or(Miss::Prime)?
                        }
                        _ => return Err(Miss::Stop(Stop::Unsupported)),
                    }
                }
                _ => {
                    let (kind, id) = match key {
                        Key::Atom(id) => (0, id.index()),
                        Key::Exp(id) => (1, id.index()),
                    };
                    let key = [point[0], point[1], kind, id as u64];
                    2 + secrets.number(&key) % (prime.p - 2)
                }
            };
            residues.insert(*key, residue);
        }
        let mut digits = choice;
        let mut roots: BTreeMap<FormId, u64> = BTreeMap::new();
        for id in &self.order {
            self.forms.fuel.spend(6)?;
            let value = match self.forms.node(*id) {
                Form::Number(value) => self.number(value, prime)?,
                Form::Atom(Atom::RealRoot(degree, inner)) => {
                    let degree = u64::from(*degree);
                    let root = self.choose(values[inner], degree, &mut digits, prime)?;
                    roots.insert(*id, root);
                    root
                }
                Form::Atom(_) => self.free_power(*id, &BigRational::one(), &residues, prime)?,
                Form::Sum(list) => {
                    let mut total = 0;
                    for (t, c) in list {
                        let term = prime.mul(values[t], self.number(c, prime)?);
                        total = prime.add(total, term);
                    }
                    total
                }
                Form::Product(list) => {
                    let mut total = 1;
                    for (base, q) in list {
                        let factor = if is_free(self.forms, *base) {
                            self.free_power(*base, q, &residues, prime)?
                        } else {
                            self.base_power(*base, q, &values, &roots, prime)?
                        };
                        total = prime.mul(total, factor);
                    }
                    total
                }
            };
            values.insert(*id, value);
            // Radicals of this form, once its residue is known.
            if let Some((_, degree)) = self.radicals.iter().find(|(base, _)| base == id)
                && !matches!(self.forms.node(*id), Form::Atom(Atom::RealRoot(..)))
            {
                let root = self.choose(value, *degree, &mut digits, prime)?;
                roots.insert(*id, root);
            }
        }
        Ok(values)
    }

    /// One of the roots of a residue; `digits` says which.
    fn choose(
        &self,
        value: u64,
        degree: u64,
        digits: &mut u64,
        prime: &Prime,
    ) -> Result<u64, Miss> {
        self.forms.fuel.spend(200)?;
        let digit = *digits % degree;
        *digits /= degree;
        if value == 0 {
            return Err(Miss::Divisor);
        }
        let roots = prime.roots(value, degree);
        let digit = usize::try_from(digit).map_err(|_| Miss::Stop(Stop::Limit))?;
        roots.get(digit).copied().ok_or(Miss::Root)
    }

    fn free_power(
        &self,
        base: FormId,
        q: &BigRational,
        residues: &BTreeMap<Key, u64>,
        prime: &Prime,
    ) -> Result<u64, Miss> {
        let (key, part) = generator(self.forms, base);
        let whole = self.denominators.get(&key).copied().unwrap_or(1);
        let exponent = q * BigRational::new(BigInt::from(whole), BigInt::from(part));
        self.power(residues[&key], &exponent, prime)
    }

    fn base_power(
        &self,
        base: FormId,
        q: &BigRational,
        values: &BTreeMap<FormId, u64>,
        roots: &BTreeMap<FormId, u64>,
        prime: &Prime,
    ) -> Result<u64, Miss> {
        let radical = self.radicals.iter().find(|(known, _)| *known == base);
        match (radical, self.forms.node(base)) {
            (Some((_, degree)), node) if !matches!(node, Form::Atom(Atom::RealRoot(..))) => {
                let exponent = q * BigRational::from_integer(BigInt::from(*degree));
                self.power(roots[&base], &exponent, prime)
            }
            _ => self.power(values[&base], q, prime),
        }
    }

    /// `residue^exponent` for a whole exponent.
    fn power(&self, residue: u64, exponent: &BigRational, prime: &Prime) -> Result<u64, Miss> {
        if !exponent.denom().is_one() {
            return Err(Miss::Stop(Stop::Unsupported));
        }
        if exponent.is_one() {
            return Ok(residue);
        }
        if residue == 0 {
            return match exponent.is_positive() {
                true => Ok(0),
                false => Err(Miss::Divisor),
            };
        }
        self.forms.fuel.spend(32)?;
        let reduced = exponent.numer().mod_floor(&BigInt::from(prime.p - 1));
        let reduced = reduced.to_u64().ok_or(Miss::Stop(Stop::Limit))?;
        Ok(prime.power(residue, reduced))
    }

    fn number(&self, value: &BigRational, prime: &Prime) -> Result<u64, Miss> {
        let top = residue(value.numer(), prime);
        if value.denom().is_one() {
            self.forms.fuel.spend(2 + value.numer().bits() / 32)?;
            return Ok(top);
        }
        self.forms
            .fuel
            .spend(64 + (value.numer().bits() + value.denom().bits()) / 32)?;
        let bottom = prime
            .inverse(residue(value.denom(), prime))
            .ok_or(Miss::Prime)?;
        Ok(prime.mul(top, bottom))
    }
}

fn residue(value: &BigInt, prime: &Prime) -> u64 {
    if value.is_zero() {
        return 0;
    }
    if let Some(small) = value.to_i64() {
        let size = small.unsigned_abs() % prime.p;
        return if small < 0 && size > 0 {
            prime.p - size
        } else {
            size
        };
    }
    let size = (value.magnitude() % prime.p).to_u64().unwrap_or(0);
    if value.is_negative() && size > 0 {
        prime.p - size
    } else {
        size
    }
}

/// Whether a base takes a residue of its own.
fn is_free(forms: &Forms<'_>, base: FormId) -> bool {
    match forms.node(base) {
        Form::Atom(Atom::RealRoot(..)) => false,
        // A fractional power of exp(i x) is a radical, but its whole powers
        // are free; the exponents of such atoms are whole by construction
        // unless the power is a principal one.
        Form::Atom(Atom::Exp(_)) => forms.traits(base).positive,
        Form::Atom(_) => true,
        _ => false,
    }
}

/// The free variable of an atom, and which part of its exponent the atom is:
/// `exp(t / 3)` is a third of `exp(t)`.
pub(super) fn generator(forms: &Forms<'_>, id: FormId) -> (Key, u64) {
    if let Form::Atom(Atom::Exp(t)) = forms.node(id)
        && let Form::Sum(list) = forms.node(*t)
        && let [(inner, c)] = &**list
        && c.numer().is_one()
        && let Some(part) = c.denom().to_u64()
        && part <= 1 << 20
    {
        return (Key::Exp(*inner), part);
    }
    match forms.node(id) {
        Form::Atom(Atom::Exp(t)) => (Key::Exp(*t), 1),
        _ => (Key::Atom(id), 1),
    }
}
