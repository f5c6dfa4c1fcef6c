//! Canonical forms: sums and products over atoms, hash-consed for both sides.
//!
//! A form is a rational number, an atom, a linear combination `Σ c·t` or a
//! product of powers `∏ b^q` with rational exponents, where `b^q` always means
//! the principal value `exp(q ln b)`. Constructors flatten, sort, fold and
//! collect, and only by identities that hold wherever both sides are defined;
//! what has to be non-zero for that is the business of `lower.rs`. Equal ids
//! are therefore equal values; different ids say nothing.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use num_bigint::BigUint;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::budget::{Fuel, Limits, Stop};
use super::rational::{self, Primes};
use crate::math::expr::Function;
use crate::math::interner::Interner;

/// Sums and products longer than this stay nested, so that a graph with many
/// paths is not written out.
pub(super) const FLAT: usize = 32;

/// Index of a form; smaller than those of the forms that hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FormId(u32);

impl FormId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Coefficient of a term or exponent of a factor.
pub(super) type Weighted = (FormId, BigRational);

/// A canonical form.
#[derive(Clone, Debug, Eq)]
pub(super) enum Form {
    Number(BigRational),
    Atom(Atom),
    /// Terms with non-zero coefficients, ascending; the constant is a term of
    /// the form 1.
    Sum(Box<[Weighted]>),
    /// Factors with non-zero exponents, ascending.
    Product(Box<[Weighted]>),
}

// Numbers are in lowest terms, so that equal ones have equal parts; `Ratio`
// would divide to find out.
impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        let same =
            |a: &BigRational, b: &BigRational| a.numer() == b.numer() && a.denom() == b.denom();
        match (self, other) {
            (Form::Number(a), Form::Number(b)) => same(a, b),
            (Form::Atom(a), Form::Atom(b)) => a == b,
            (Form::Sum(a), Form::Sum(b)) | (Form::Product(a), Form::Product(b)) => {
                let parts = || a.iter().zip(b.iter());
                a.len() == b.len() && parts().all(|((x, p), (y, q))| x == y && same(p, q))
            }
            _ => false,
        }
    }
}

// The parts again: `Ratio` would hash a continued fraction.
impl Hash for Form {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Form::Number(value) => (value.numer(), value.denom()).hash(state),
            Form::Atom(atom) => atom.hash(state),
            Form::Sum(list) | Form::Product(list) => {
                for (id, value) in list {
                    (id, value.numer(), value.denom()).hash(state);
                }
            }
        }
    }
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
    nodes: Interner<Form>,
    traits: Vec<Traits>,
    /// Forms that must not be zero for the expressions to be defined.
    pub(super) needs: std::collections::BTreeSet<FormId>,
    pub(super) fuel: &'a Fuel<'a>,
    pub(super) limits: &'a Limits,
    pub(super) zero: FormId,
    pub(super) one: FormId,
    pub(super) pi: FormId,
    pub(super) i: FormId,
    pub(super) i_pi: FormId,
}

impl<'a> Forms<'a> {
    pub(super) fn new(fuel: &'a Fuel<'a>, limits: &'a Limits) -> Self {
        let mut forms = Forms {
            nodes: Interner::with_room(),
            traits: Vec::with_capacity(16),
            needs: std::collections::BTreeSet::new(),
            fuel,
            limits,
            zero: FormId(0),
            one: FormId(1),
            pi: FormId(2),
            i: FormId(3),
            i_pi: FormId(4),
        };
        // Distinct as they are, and in the places that the fields name.
        let unit = BigRational::one();
        for form in [
            Form::Number(BigRational::zero()),
            Form::Number(unit.clone()),
            Form::Atom(Atom::Pi),
            Form::Atom(Atom::I),
            Form::Product(Box::new([(forms.pi, unit.clone()), (forms.i, unit)])),
        ] {
            forms.traits.push(forms.traits_of(&form));
            forms.nodes.push(form);
        }
        forms
    }

    pub(super) fn node(&self, id: FormId) -> &Form {
        &self.nodes.values()[id.index()]
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

    pub(super) fn intern(&mut self, form: Form) -> FormId {
        if let Some(place) = self.nodes.find(&form) {
            return FormId(place);
        }
        self.traits.push(self.traits_of(&form));
        FormId(self.nodes.push(form))
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

    pub(super) fn checked(&self) -> Result<(), Stop> {
        self.fuel.spend(8)?;
        match self.nodes.values().len() < self.limits.nodes {
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

    /// The sum of one part, where all coefficients are short: nothing has to be
    /// collected. It costs what collecting does.
    fn scaled(&mut self, id: FormId, weight: &BigRational) -> Option<Result<FormId, Stop>> {
        let limit = self.limits.bits;
        let fits = |c: &BigRational| rational::is_short(c);
        if limit < rational::SHORT_BITS || weight.is_zero() || !fits(weight) {
            return None;
        }
        let terms = match self.node(id) {
            Form::Number(value) if fits(value) => 1,
            Form::Sum(list) if list.iter().all(|(_, c)| fits(c)) => list.len(),
            Form::Number(_) | Form::Sum(_) => return None,
            Form::Atom(_) | Form::Product(_) => 1,
        };
        if let Err(stop) = self.fuel.spend(24 * terms as u64) {
            return Some(Err(stop));
        }
        if weight.is_one() {
            return Some(Ok(id));
        }
        let times = |c: &BigRational| rational::mul(c, weight, limit);
        let list: Box<[Weighted]> = match self.node(id) {
            Form::Number(value) => {
                let product = times(value)?;
                return Some(Ok(self.number(product)));
            }
            Form::Sum(list) => list
                .iter()
                .map(|(t, c)| Some((*t, times(c)?)))
                .collect::<Option<_>>()?,
            Form::Atom(_) | Form::Product(_) => Box::new([(id, weight.clone())]),
        };
        let extra: u64 = list.iter().map(|(_, c)| rational::bits(c) / 64).sum();
        if let Err(stop) = self.fuel.spend(extra) {
            return Some(Err(stop));
        }
        Some(Ok(match &*list {
            [(t, c)] if *t == self.one => self.number(c.clone()),
            [(t, c)] if c.is_one() => *t,
            _ => self.intern(Form::Sum(list)),
        }))
    }

    /// `Σ c·t`, flattened, collected and sorted.
    pub(super) fn sum(&mut self, parts: &[Weighted]) -> Result<FormId, Stop> {
        self.checked()?;
        if let [(id, weight)] = parts
            && let Some(scaled) = self.scaled(*id, weight)
        {
            return scaled;
        }
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
            let long = nested.iter().map(|(_, c)| rational::cost(c, weight));
            self.fuel
                .spend(24 * nested.len() as u64 + long.sum::<u64>())?;
            let scaled: Option<Vec<Weighted>> = nested
                .iter()
                .map(|(t, c)| Some((*t, rational::mul(c, weight, limit)?)))
                .collect();
            let Some(scaled) = scaled else {
                unfolded.push((*id, weight.clone()));
                continue;
            };
            for (t, c) in scaled {
                let known = terms.entry(t).or_insert_with(BigRational::zero);
                self.fuel
                    .spend(rational::bits(&c) / 64 + rational::cost(known, &c))?;
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
}
