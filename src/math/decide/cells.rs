//! Where an expression can change its branch: points in every cell.
//!
//! Absolute values, roots, logarithms and arcsin are analytic only between the
//! zeros of their arguments. Agreement at random points says nothing of a cell
//! that holds none of them (`|x-1000| + |x-1001|` against `|2x-2001|`), so that
//! numeric equality needs a point in each cell, or it is not claimed.

use std::collections::BTreeSet;

use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::expand::arguments;
use super::form::{Atom, Form, FormId, Forms};
use super::points::Point;
use super::rational::integer;
use super::secrets::Secrets;
use super::sectors::{self, Line};
use crate::math::expr::Function;

/// Symbols at most for which the sample covers every pattern of signs.
const SIGNED: usize = 3;

/// Points that cover the cells beside the usual sample; `None` where the cells
/// are not known.
pub(super) fn points(
    forms: &Forms<'_>,
    roots: [FormId; 2],
    symbols: &[Box<str>],
    secrets: &Secrets,
) -> Option<Vec<Point>> {
    let mut breaks = Breaks::default();
    let mut work = roots.to_vec();
    let mut seen = BTreeSet::new();
    let mut branches = false;
    while let Some(id) = work.pop() {
        if !seen.insert(id) {
            continue;
        }
        let mut branch = |argument: FormId, levels: &[i64]| {
            if !symbolic(forms, argument) {
                return Some(());
            }
            branches = true;
            levels
                .iter()
                .try_for_each(|level| zeros(forms, argument, *level, symbols, &mut breaks))
        };
        match forms.node(id) {
            Form::Number(_) => {}
            Form::Sum(list) => work.extend(list.iter().map(|(t, _)| *t)),
            Form::Product(list) => {
                for (base, q) in list {
                    if !q.denom().is_one() {
                        branch(*base, &[0])?;
                    }
                    work.push(*base);
                }
            }
            Form::Atom(atom) => {
                match atom {
                    Atom::Ln(t) | Atom::RealRoot(_, t) | Atom::Apply(Function::Abs, t) => {
                        branch(*t, &[0])?;
                    }
                    Atom::Apply(Function::Arcsin, t) => branch(*t, &[-1, 1])?,
                    Atom::Apply(Function::Arctan, t) if forms.traits(*t).real => {}
                    Atom::Apply(..) | Atom::Factorial(_) | Atom::Call(..)
                        if symbolic(forms, id) =>
                    {
                        return None;
                    }
                    _ => {}
                }
                work.extend(arguments(atom));
            }
        }
    }
    if branches && symbols.len() > SIGNED {
        return None;
    }
    match (symbols, breaks.lines.as_slice(), breaks.places.as_slice()) {
        (_, [], []) => Some(Vec::new()),
        ([name], [], _) => between(breaks.places, name, secrets),
        (_, lines, []) => sectors::points(lines, symbols, secrets),
        _ => None,
    }
}

/// Where arguments vanish.
#[derive(Default)]
struct Breaks {
    /// Values of the only symbol.
    places: Vec<f64>,
    /// Lines in the plane of two symbols.
    lines: Vec<Line>,
}

/// Whether a symbol occurs in a form.
fn symbolic(forms: &Forms<'_>, id: FormId) -> bool {
    super::expand::reaches(forms, id, |atom| matches!(atom, Atom::Symbol(_)))
}

/// Adds the zeros of `argument - level`; `None` where they are not known.
/// Signs of monomials need none: the sample covers them.
fn zeros(
    forms: &Forms<'_>,
    argument: FormId,
    level: i64,
    symbols: &[Box<str>],
    breaks: &mut Breaks,
) -> Option<()> {
    let symbol = |id: FormId| matches!(forms.node(id), Form::Atom(Atom::Symbol(_)));
    let known = |id: FormId| symbol(id) || forms.traits(id).positive;
    match forms.node(argument) {
        Form::Atom(_) if level == 0 && known(argument) => return Some(()),
        Form::Product(list) if level == 0 => {
            return list
                .iter()
                .try_for_each(|(base, _)| zeros(forms, *base, 0, symbols, breaks));
        }
        Form::Sum(list) if level == 0 && list.len() == 1 => {
            return zeros(forms, list[0].0, 0, symbols, breaks);
        }
        Form::Sum(list)
            if level == 0
                && list
                    .iter()
                    .all(|(t, c)| c.is_positive() && square(forms, *t)) =>
        {
            return Some(());
        }
        _ => {}
    }
    // A polynomial of degree 2 at most in the only symbol.
    if symbols.len() != 1 {
        let line = line(forms, argument, symbols).filter(|_| level == 0)?;
        breaks.lines.push(line);
        return Some(());
    }
    let mut coefficients = [integer(-level), BigRational::zero(), BigRational::zero()];
    let terms: Vec<(FormId, BigRational)> = match forms.node(argument) {
        Form::Sum(list) => list.to_vec(),
        _ => vec![(argument, BigRational::one())],
    };
    for (t, c) in terms {
        let degree = match forms.node(t) {
            Form::Number(value) if value.is_one() => 0,
            _ if symbol(t) => 1,
            Form::Product(list) => match &**list {
                [(base, q)] if symbol(*base) && *q == integer(2) => 2,
                _ => return None,
            },
            _ => return None,
        };
        coefficients[degree] += c;
    }
    let [constant, linear, square] = &coefficients;
    if square.is_zero() {
        breaks
            .places
            .push((-constant / linear).to_f64().filter(|x| x.is_finite())?);
        return Some(());
    }
    let discriminant = linear * linear - square * constant * integer(4);
    if discriminant.is_negative() {
        return Some(());
    }
    let root = discriminant.to_f64()?.sqrt();
    let (middle, twice) = ((-linear).to_f64()?, (square * integer(2)).to_f64()?);
    for zero in [(middle - root) / twice, (middle + root) / twice] {
        breaks.places.push(Some(zero).filter(|x| x.is_finite())?);
    }
    Some(())
}

/// The zeros of `a·x + b·y`, also times a monomial: `1 + x/y` is `(x + y)/y`.
fn line(forms: &Forms<'_>, argument: FormId, symbols: &[Box<str>]) -> Option<Line> {
    let Form::Sum(terms) = forms.node(argument) else {
        return None;
    };
    let [(one, a), (other, b)] = &**terms else {
        return None;
    };
    let mut powers = monomial(forms, *one, symbols)?;
    for (power, other) in powers.iter_mut().zip(monomial(forms, *other, symbols)?) {
        *power -= other;
    }
    let at = |wanted: i64| powers.iter().position(|power| *power == wanted);
    let (x, y) = (at(1)?, at(-1)?);
    let homogeneous = powers.iter().filter(|power| **power != 0).count() == 2;
    let weight = |c: &BigRational| c.to_f64().filter(|c| c.is_normal());
    let (a, b) = (weight(a)?, weight(b)?);
    homogeneous.then_some(match x < y {
        true => Line {
            symbols: [x, y],
            weights: [a, b],
        },
        false => Line {
            symbols: [y, x],
            weights: [b, a],
        },
    })
}

/// The powers of the symbols in a product of them.
fn monomial(forms: &Forms<'_>, id: FormId, symbols: &[Box<str>]) -> Option<Vec<i64>> {
    let mut powers = vec![0_i64; symbols.len()];
    let mut add = |id: FormId, power: i64| match forms.node(id) {
        Form::Atom(Atom::Symbol(name)) => {
            let at = symbols.iter().position(|known| known == name)?;
            powers[at] = powers[at].checked_add(power)?;
            Some(())
        }
        _ => None,
    };
    match forms.node(id) {
        Form::Number(value) if value.is_one() => {}
        Form::Atom(_) => add(id, 1)?,
        Form::Product(factors) => {
            for (base, power) in factors {
                let power = i64::try_from(power.numer())
                    .ok()
                    .filter(|_| power.is_integer())?;
                add(*base, power)?;
            }
        }
        Form::Number(_) | Form::Sum(_) => return None,
    }
    Some(powers)
}

/// Whether a form is never negative: positive, or an even power of a real.
fn square(forms: &Forms<'_>, id: FormId) -> bool {
    if forms.traits(id).positive {
        return true;
    }
    match forms.node(id) {
        Form::Product(list) => list.iter().all(|(base, q)| {
            forms.traits(*base).positive
                || (forms.traits(*base).real
                    && q.denom().is_one()
                    && num_integer::Integer::is_even(q.numer()))
        }),
        _ => false,
    }
}

/// A secret point in each gap between the breaks and 0, and beyond them.
fn between(mut breaks: Vec<f64>, name: &str, secrets: &Secrets) -> Option<Vec<Point>> {
    breaks.push(0.0);
    breaks.sort_by(f64::total_cmp);
    breaks.dedup();
    if breaks.len() > 12 {
        return None;
    }
    let random = |key: usize| {
        let bits = secrets.number(&[0x6365_6c6c, key as u64]) >> 12;
        0.1 + 0.8 * (bits as f64 / (1u64 << 52) as f64)
    };
    let (first, last) = (breaks[0], breaks[breaks.len() - 1]);
    let mut places = vec![
        first - (1.0 + first.abs()) * random(0),
        last + (1.0 + last.abs()) * random(1),
    ];
    for (index, pair) in breaks.windows(2).enumerate() {
        let gap = pair[1] - pair[0];
        // Zeros that may be one zero are not told apart here.
        if gap < 1e-6 * (1.0 + pair[0].abs()) {
            return None;
        }
        places.push(pair[0] + gap * random(index + 2));
    }
    places
        .into_iter()
        .map(|place| {
            Some(Point::from([(
                name.into(),
                BigRational::from_float(place)?,
            )]))
        })
        .collect()
}
