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
use super::form::{Atom, Form, FormId, Forms};
use super::rational::Primes;
use super::secrets::{ORDER, Prime, Secrets};

/// Degree of a difference at most.
const DEGREE: f64 = (1u64 << 20) as f64;

/// Bits of the coefficients of a difference at most.
const HEIGHT: f64 = (1u64 << 32) as f64;

/// Choices of roots that are tried at most.
const CHOICES: u64 = 36;

/// Points that are tried for one prime before the stage gives up.
const TRIES: u64 = 240;

/// Bits of certainty.
const CERTAINTY: f64 = 81.0;

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
enum Key {
    Atom(FormId),
    Exp(FormId),
}

struct Plan<'a, 'b> {
    forms: &'a Forms<'b>,
    /// Forms to evaluate, children first.
    order: Vec<FormId>,
    /// Least common denominators of the exponents of free atoms and primes.
    denominators: BTreeMap<Key, u64>,
    /// Radicals of forms: (base, degree).
    radicals: Vec<(FormId, u64)>,
}

/// Degrees and logarithms of coefficient sums of a numerator and denominator.
#[derive(Clone, Copy)]
struct Size {
    degree: [f64; 2],
    log: [f64; 2],
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
        let mut choices = 1u64;
        for degree in radicals.values() {
            if *degree == 0 || ORDER % degree != 0 {
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

    fn choices(&self) -> u64 {
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

    /// The number of tests that certainty takes.
    fn tests(&self, a: FormId, b: FormId) -> Result<u32, Stop> {
        let mut sizes: BTreeMap<FormId, Size> = BTreeMap::new();
        let mut halvings = 0.0;
        for id in &self.order {
            let size = match self.forms.node(*id) {
                Form::Number(value) => Size {
                    degree: [0.0; 2],
                    log: [value.numer().bits() as f64, value.denom().bits() as f64],
                },
                Form::Atom(_) => self.atom_size(*id, &BigRational::one(), &sizes),
                Form::Sum(list) => {
                    let mut total = Size {
                        degree: [0.0; 2],
                        log: [0.0; 2],
                    };
                    for (t, c) in list {
                        let term = sizes[t];
                        let c = [c.numer().bits() as f64, c.denom().bits() as f64];
                        let log = [term.log[0] + c[0], term.log[1] + c[1]];
                        total = Size {
                            degree: [
                                (total.degree[0] + term.degree[1])
                                    .max(term.degree[0] + total.degree[1]),
                                total.degree[1] + term.degree[1],
                            ],
                            log: [
                                (total.log[0] + log[1]).max(log[0] + total.log[1]),
                                total.log[1] + log[1],
                            ],
                        };
                    }
                    total.log[0] += (list.len() as f64).log2() + 1.0;
                    total
                }
                Form::Product(list) => {
                    let mut total = Size {
                        degree: [0.0; 2],
                        log: [0.0; 2],
                    };
                    for (base, q) in list {
                        let mut factor = match self.forms.node(*base) {
                            Form::Atom(_) => self.atom_size(*base, q, &sizes),
                            _ => {
                                let size = sizes[base];
                                let times = q.abs().to_f64().unwrap_or(f64::INFINITY).max(1.0);
                                Size {
                                    degree: size.degree.map(|d| d * times),
                                    log: size.log.map(|d| d * times),
                                }
                            }
                        };
                        if q.is_negative() && !matches!(self.forms.node(*base), Form::Atom(_)) {
                            factor.degree.swap(0, 1);
                            factor.log.swap(0, 1);
                        }
                        for part in 0..2 {
                            total.degree[part] += factor.degree[part];
                            total.log[part] += factor.log[part];
                        }
                    }
                    total
                }
            };
            if let Form::Atom(Atom::Prime(..)) = self.forms.node(*id)
                && self
                    .denominators
                    .get(&Key::Atom(*id))
                    .is_some_and(|d| *d > 1)
            {
                halvings += 1.0;
            }
            sizes.insert(*id, size);
        }
        let conjugates = self.choices() as f64 * 2f64.powf(halvings);
        let degree: f64 = [a, b].iter().flat_map(|id| sizes[id].degree).sum::<f64>() * conjugates;
        let log: f64 = ([a, b].iter().flat_map(|id| sizes[id].log).sum::<f64>() + 2.0) * conjugates;
        if !(degree <= DEGREE && log <= HEIGHT) {
            return Err(Stop::Limit);
        }
        let by_degree = 58.0 - (degree + 1.0).log2();
        let by_prime = 48.0 - halvings - (log / 60.0 + 1.0).log2();
        let each = by_degree.min(by_prime);
        if each < 8.0 {
            return Err(Stop::Limit);
        }
        Ok(((CERTAINTY / each).ceil() as u32).max(3))
    }

    /// The size of `atom^q`.
    fn atom_size(&self, id: FormId, q: &BigRational, sizes: &BTreeMap<FormId, Size>) -> Size {
        let times = q.abs().to_f64().unwrap_or(f64::INFINITY);
        let part = usize::from(q.is_negative());
        let mut size = Size {
            degree: [0.0; 2],
            log: [0.0; 2],
        };
        match self.forms.node(id) {
            Form::Atom(Atom::Prime(prime, _)) => {
                size.log[part] = prime.bits() as f64 * times.max(1.0)
            }
            Form::Atom(Atom::I) => {}
            Form::Atom(Atom::RealRoot(_, inner)) => {
                let inner = sizes[inner];
                size.degree = [times.max(1.0) * inner.degree.iter().sum::<f64>(); 2];
                size.log = [times.max(1.0) * inner.log.iter().sum::<f64>(); 2];
            }
            _ => {
                let (key, part_of) = generator(self.forms, id);
                let whole = self.denominators.get(&key).copied().unwrap_or(1);
                size.degree[part] = times * whole as f64 / part_of as f64;
            }
        }
        size
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
fn generator(forms: &Forms<'_>, id: FormId) -> (Key, u64) {
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
