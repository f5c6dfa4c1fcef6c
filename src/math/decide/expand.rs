//! Forms multiplied out exactly, and what that says of them.
//!
//! A monomial is a product of atoms with rational exponents in which `i` has
//! exponent 0 or 1 and a prime an exponent in [0, 1). Over distinct primes such
//! monomials are linearly independent over Q (Besicovitch 1940), also with `i`
//! and with independent symbols, so that a numerator decides: empty means zero,
//! and non-empty means non-zero where only such atoms occur. Denominators need
//! no rationalising: they are non-zero, or the expression is undefined.

use std::collections::BTreeSet;

use num_rational::BigRational;
use num_traits::Zero;

use super::budget::Stop;
use super::coefficient::Coefficient;
use super::expansion::{Expansion, Poly};
use super::form::{Atom, Form, FormId, Forms};
use super::rational::Primes;

/// Terms of a numerator or denominator at most.
const TERMS: usize = 96;

/// Terms of an exponent or angle that is written out at most.
const SHORT: usize = 12;

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
    let Some((monomial, c)) = fraction.num.first() else {
        return Some(BigRational::zero());
    };
    let den = fraction.denominator();
    // num = value · den, term by term.
    let of = |poly: &Poly, monomial| {
        let at = poly
            .binary_search_by(|(known, _)| known.cmp(monomial))
            .ok()?;
        Some(poly[at].1.to_rational())
    };
    let value = c.to_rational() / of(&den, monomial)?;
    let same = fraction.num.len() == den.len()
        && fraction
            .num
            .iter()
            .all(|(m, c)| of(&den, m).is_some_and(|d| c.to_rational() == d * &value));
    same.then_some(value)
}

/// A form as a sum of monomials, where it has no denominator and few terms.
pub(super) fn as_sum(forms: &mut Forms<'_>, root: FormId) -> Result<FormId, Stop> {
    let fraction = Expansion::new(forms, SHORT).run(root)?;
    if fraction.den.is_some() {
        return Err(Stop::Unsupported);
    }
    let mut terms = Vec::with_capacity(fraction.num.len());
    for (monomial, c) in fraction.num {
        let factors = monomial.factors().iter();
        let powers: Vec<_> = factors.map(|(b, q)| (*b, q.to_rational())).collect();
        terms.push((forms.product(&powers)?, Coefficient::to_rational(&c)));
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
    let bases = || {
        poly.iter()
            .flat_map(|(monomial, _)| monomial.factors())
            .map(|(base, _)| forms.node(*base))
    };
    let pi = bases().any(|base| matches!(base, Form::Atom(Atom::Pi)));
    let e = bases().any(|base| matches!(base, Form::Atom(Atom::Exp(_))));
    if pi && e {
        return false;
    }
    bases().all(|base| match base {
        Form::Atom(Atom::Prime(_, Primes::Proven) | Atom::I | Atom::Symbol(_) | Atom::Pi) => true,
        Form::Atom(Atom::Exp(t)) => *t == forms.one,
        _ => false,
    })
}
