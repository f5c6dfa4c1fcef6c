//! Canonical forms: sums and products over atoms, hash-consed for both sides.
//!
//! A form is a rational number, an atom, a linear combination `Σ c·t` or a
//! product of powers `∏ b^q` with rational exponents, where `b^q` always means
//! the principal value `exp(q ln b)`. Constructors flatten, sort, fold and
//! collect, and only by identities that hold wherever both sides are defined;
//! what has to be non-zero for that is the business of `lower.rs`. Equal ids
//! are therefore equal values; different ids say nothing.

use std::collections::{BTreeMap, HashMap};

use num_bigint::BigUint;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::budget::{Fuel, Limits, Stop};
use super::rational::{self, Primes};
use crate::math::expr::Function;

/// Sums and products longer than this stay nested, so that a graph with many
/// paths is not written out.
const FLAT: usize = 32;

/// Index of a form; smaller than those of the forms that hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FormId(u32);

impl FormId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Coefficient of a term or exponent of a factor.
pub(super) type Weighted = (FormId, BigRational);

/// A canonical form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Number(BigRational),
    Atom(Atom),
    /// Terms with non-zero coefficients, ascending; the constant is a term of
    /// the form 1.
    Sum(Box<[Weighted]>),
    /// Factors with non-zero exponents, ascending.
    Product(Box<[Weighted]>),
}

/// What sums and products are made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Atom {
    Symbol(Box<str>),
    Pi,
    I,
    /// A prime number (or an unfactored one), base of radicals.
    Prime(BigUint, Primes),
    /// `exp` of a monomial t. Where t is real, `Exp(t)^q` is `exp(q t)`; a
    /// fraction of another exponent is inside: `exp(i x / 2)` is `Exp(½ i x)`.
    Exp(FormId),
    /// Principal logarithm.
    Ln(FormId),
    /// `cos(q π)` for q in (0, 1/2).
    CosPi(BigRational),
    /// The real root of odd degree of a real form.
    RealRoot(u32, FormId),
    /// Abs, Floor, Ceil, Conj, Re, Im, Arcsin, Arctan of a form.
    Apply(Function, FormId),
    /// `n!` for n that is not a number.
    Factorial(FormId),
    /// An unknown function.
    Call(Box<str>, Box<[FormId]>),
}

/// What is certain of the value, for real values of the symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) real: bool,
    pub(super) positive: bool,
}

/// The forms of one decision.
pub(super) struct Forms<'a> {
    nodes: Vec<Form>,
    traits: Vec<Traits>,
    ids: HashMap<Form, FormId>,
    /// Forms that must not be zero for the expressions to be defined.
    pub(super) needs: std::collections::BTreeSet<FormId>,
    pub(super) fuel: &'a Fuel,
    pub(super) limits: &'a Limits,
    pub(super) zero: FormId,
    pub(super) one: FormId,
    pub(super) pi: FormId,
    pub(super) i: FormId,
    pub(super) i_pi: FormId,
}

impl<'a> Forms<'a> {
    pub(super) fn new(fuel: &'a Fuel, limits: &'a Limits) -> Self {
        let mut forms = Forms {
            nodes: Vec::new(),
            traits: Vec::new(),
            ids: HashMap::new(),
            needs: std::collections::BTreeSet::new(),
            fuel,
            limits,
            zero: FormId(0),
            one: FormId(1),
            pi: FormId(2),
            i: FormId(3),
            i_pi: FormId(4),
        };
        forms.intern(Form::Number(BigRational::zero()));
        forms.intern(Form::Number(BigRational::one()));
        forms.intern(Form::Atom(Atom::Pi));
        forms.intern(Form::Atom(Atom::I));
        let unit = BigRational::one();
        forms.intern(Form::Product(
            vec![(forms.pi, unit.clone()), (forms.i, unit)].into(),
        ));
        forms
    }

    pub(super) fn node(&self, id: FormId) -> &Form {
        &self.nodes[id.index()]
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn traits(&self, id: FormId) -> Traits {
        self.traits[id.index()]
    }

    /// The number a form is, if it is one.
    pub(super) fn as_number(&self, id: FormId) -> Option<&BigRational> {
        match self.node(id) {
            Form::Number(value) => Some(value),
            _ => None,
        }
    }

    fn intern(&mut self, form: Form) -> FormId {
        if let Some(id) = self.ids.get(&form) {
            return *id;
        }
        let id = FormId(u32::try_from(self.nodes.len()).expect("fuel bounds the forms"));
        self.traits.push(self.traits_of(&form));
        self.nodes.push(form.clone());
        self.ids.insert(form, id);
        id
    }

    fn traits_of(&self, form: &Form) -> Traits {
        match form {
            Form::Number(value) => Traits {
                real: true,
                positive: value.is_positive(),
            },
            Form::Atom(atom) => self.traits_of_atom(atom),
            Form::Sum(terms) => Traits {
                real: terms.iter().all(|(t, _)| self.traits(*t).real),
                positive: terms
                    .iter()
                    .all(|(t, c)| self.traits(*t).positive && c.is_positive()),
            },
            Form::Product(factors) => Traits {
                real: factors.iter().all(|(b, q)| {
                    let base = self.traits(*b);
                    base.positive || (base.real && q.denom().is_one())
                }),
                positive: factors.iter().all(|(b, _)| self.traits(*b).positive),
            },
        }
    }

    fn traits_of_atom(&self, atom: &Atom) -> Traits {
        let real = |real| Traits {
            real,
            positive: false,
        };
        match atom {
            Atom::Symbol(name) => real(!name.starts_with(['z', 'w'])),
            Atom::Pi | Atom::Prime(..) | Atom::CosPi(_) => Traits {
                real: true,
                positive: true,
            },
            Atom::I | Atom::Factorial(_) | Atom::Call(..) => real(false),
            Atom::Exp(t) => {
                let argument = self.traits(*t).real;
                Traits {
                    real: argument,
                    positive: argument,
                }
            }
            Atom::Ln(t) => Traits {
                real: self.traits(*t).positive,
                positive: matches!(self.node(*t), Form::Atom(Atom::Prime(..) | Atom::Pi)),
            },
            Atom::RealRoot(..) => real(true),
            Atom::Apply(function, t) => match function {
                Function::Abs | Function::Re | Function::Im => real(true),
                Function::Floor | Function::Ceil | Function::Arctan | Function::Conj => {
                    real(self.traits(*t).real)
                }
                Function::Arcsin => real(
                    self.as_number(*t)
                        .is_some_and(|value| value.abs() <= BigRational::one()),
                ),
                _ => real(false),
            },
        }
    }

    fn checked(&self) -> Result<(), Stop> {
        self.fuel.spend(8)?;
        match self.nodes.len() < self.limits.nodes {
            true => Ok(()),
            false => Err(Stop::Limit),
        }
    }

    pub(super) fn number(&mut self, value: BigRational) -> FormId {
        self.intern(Form::Number(value))
    }

    pub(super) fn atom(&mut self, atom: Atom) -> Result<FormId, Stop> {
        self.checked()?;
        Ok(self.intern(Form::Atom(atom)))
    }

    /// Notes that a form must not be zero.
    pub(super) fn need(&mut self, id: FormId) -> Result<(), Stop> {
        match self.node(id) {
            Form::Number(value) if value.is_zero() => Err(Stop::Undefined),
            Form::Number(_) => Ok(()),
            _ if self.never_zero(id) => Ok(()),
            _ => {
                self.needs.insert(id);
                Ok(())
            }
        }
    }

    /// Whether a value is certainly not zero, wherever it is defined.
    fn never_zero(&self, id: FormId) -> bool {
        let atom = |id: FormId| {
            self.traits(id).positive
                || matches!(
                    self.node(id),
                    Form::Atom(Atom::I | Atom::Exp(_) | Atom::Factorial(_))
                )
        };
        match self.node(id) {
            Form::Product(list) => list.iter().all(|(b, _)| atom(*b)),
            Form::Sum(list) if list.len() == 1 => atom(list[0].0),
            _ => atom(id),
        }
    }

    /// `c · f`.
    pub(super) fn scale(&mut self, c: &BigRational, f: FormId) -> Result<FormId, Stop> {
        self.sum(&[(f, c.clone())])
    }

    pub(super) fn difference(&mut self, a: FormId, b: FormId) -> Result<FormId, Stop> {
        self.sum(&[(a, BigRational::one()), (b, -BigRational::one())])
    }

    /// `Σ c·t`, flattened, collected and sorted.
    pub(super) fn sum(&mut self, parts: &[Weighted]) -> Result<FormId, Stop> {
        self.checked()?;
        let limit = self.limits.bits;
        let mut terms: BTreeMap<FormId, BigRational> = BTreeMap::new();
        let mut unfolded: Vec<Weighted> = Vec::new();
        for (id, weight) in parts {
            if weight.is_zero() {
                continue;
            }
            let nested: Vec<Weighted> = match self.node(*id) {
                Form::Number(value) => vec![(self.one, value.clone())],
                Form::Sum(list) if list.len() <= FLAT || parts.len() == 1 => list.to_vec(),
                _ => vec![(*id, BigRational::one())],
            };
            self.fuel.spend(24 * nested.len() as u64)?;
            let scaled: Option<Vec<Weighted>> = nested
                .iter()
                .map(|(t, c)| Some((*t, rational::mul(c, weight, limit)?)))
                .collect();
            let Some(scaled) = scaled else {
                unfolded.push((*id, weight.clone()));
                continue;
            };
            for (t, c) in scaled {
                self.fuel.spend(rational::bits(&c) / 64)?;
                let known = terms.entry(t).or_insert_with(BigRational::zero);
                match rational::add(known, &c, limit) {
                    Some(total) => *known = total,
                    None => unfolded.push((t, c)),
                }
            }
        }
        for (t, c) in unfolded {
            // A number too long to be folded is a term of its own, with
            // coefficient 1.
            let (t, c) = match t == self.one {
                true => (self.number(c), BigRational::one()),
                false => (t, c),
            };
            let known = terms.entry(t).or_insert_with(BigRational::zero);
            *known = rational::add(known, &c, limit).ok_or(Stop::Limit)?;
        }
        terms.retain(|_, c| !c.is_zero());
        let list: Box<[Weighted]> = terms.into_iter().collect();
        Ok(match &*list {
            [] => self.zero,
            [(t, c)] if *t == self.one => self.number(c.clone()),
            [(t, c)] if c.is_one() => *t,
            _ => self.intern(Form::Sum(list)),
        })
    }

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
        match self.node(base).clone() {
            Form::Number(value) => self.multiply_number(open, base, &value, q),
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
                self.multiply_root_of_product(open, base, &list, &q)
            }
            Form::Sum(list) => self.multiply_sum(open, base, &list, q),
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
            self.fuel.spend(rational::bits(&power).pow(2) / 4096)?;
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
        self.fuel.spend(4096)?;
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
    fn multiply_sum(
        &mut self,
        open: &mut Open,
        base: FormId,
        list: &[Weighted],
        q: BigRational,
    ) -> Result<(), Stop> {
        let whole = q.denom().is_one();
        if list.len() > FLAT || list.iter().any(|(_, c)| rational::bits(c) > 1 << 11) {
            return open.collect(base, q);
        }
        self.fuel.spend(64 * list.len() as u64)?;
        let content = match whole {
            true => content(list) * list[0].1.signum(),
            false => content(list),
        };
        if content.is_one() || rational::bits(&content) > 1 << 11 {
            return open.collect(base, q);
        }
        let primitive = self.scale(&content.recip(), base)?;
        let content = self.number(content);
        open.work.push((content, q.clone()));
        if list.len() == 1 && !matches!(self.node(primitive), Form::Sum(_)) {
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

/// The positive number by which coefficients become coprime integers.
pub(super) fn content(list: &[Weighted]) -> BigRational {
    let mut numer = list[0].1.numer().abs();
    let mut denom = list[0].1.denom().clone();
    for (_, c) in &list[1..] {
        numer = num_integer::Integer::gcd(&numer, c.numer());
        denom = num_integer::Integer::lcm(&denom, c.denom());
    }
    BigRational::new(numer, denom)
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
