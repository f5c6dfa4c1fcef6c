//! Steps of a chain that are no equality and were written for one: numbers rounded on
//! the way, angles without their unit, a percent sign on one side alone.
//!
//! Exact numbers have to be equal, or the second the first one rounded to the digits it
//! shows: 1023 is no 1024. Where one has no end, as with 3.14 for pi, or both are of
//! decimals that were rounded before, a hundredth is let pass.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_rational::BigRational;

use crate::math::declared;
use crate::math::expr::{Arena, Constant, Expr, Function, Id, Node};
use crate::math::typed::{Form, Scalar, Typed};
use crate::math::units::{Dimension, Unit};

use super::build::{difference, integer, product, rational};
use super::{Context, Judgement};

impl Context<'_> {
    /// `\sqrt2 = 1.414` and `\frac{20}{100} \cdot 100 = 20\%`: no equality, and written
    /// for one.
    pub(super) fn is_rounded(&self, one: &Typed, other: &Typed) -> bool {
        if let (Typed::Scalar(one), Typed::Scalar(other)) = (one, other)
            && are_decimals(one, other)
        {
            return false;
        }
        let rounded = self.as_declared(other, one, declared::ROUNDED);
        if rounded.is_some_and(|judged| judged.is_correct()) {
            return true;
        }
        match (one, other) {
            (Typed::Scalar(bare), Typed::Scalar(percent)) => {
                // `50 = 50\%` are two numbers as they stand.
                (bare.form == Form::Plain && percent.form == Form::Percent)
                    && !is_literal(&bare.value)
                    && self
                        .equal(&bare.value, &product(&percent.value, &integer(100)))
                        .is_correct()
            }
            _ => false,
        }
    }

    /// What is to be said of two numbers that differ; `None` where they are clearly two
    /// values.
    pub(super) fn inexact_step(&self, one: &Scalar, other: &Scalar) -> Option<Judgement> {
        let value = in_unit_of(one, other.unit)?;
        let next = &other.value;
        let of_angles = is_angle(one) || is_angle(other);
        if of_angles && self.differ_by(&degree(), &value, next) {
            return Some(Judgement::exact("chain"));
        }
        let exact = self.rational(&value).is_some() && self.rational(next).is_some();
        let shows = exact && self.shows(other, &value);
        match (self.is_near(&value, next), exact) {
            (Some(true), false) => {
                let nothing_rounded = !is_inexact(one) && !is_inexact(other);
                // `\sqrt{99} = \sqrt{100}`
                if nothing_rounded && !is_literal(next) && !has_node(&value, is_pi) {
                    return Some(Judgement::Unknown("undecided"));
                }
                return Some(Judgement::exact("chain"));
            }
            (Some(true), true) if shows && !are_decimals(one, other) => {
                return Some(Judgement::exact("chain"));
            }
            (Some(false), true) if shows && other.form != Form::Plain => {
                return Some(Judgement::Unknown("undecided"));
            }
            // Digits that are not shown may have been dropped before.
            (Some(true), true) => {
                let is_computed = !is_literal(&one.value) || !is_literal(next);
                match (is_inexact(one), is_inexact(other)) {
                    (true, true) if is_computed => return Some(Judgement::exact("chain")),
                    (false, false) => {}
                    _ => return Some(Judgement::Unknown("undecided")),
                }
            }
            (None, _) => return Some(Judgement::Unknown("undecided")),
            _ => {}
        }
        let is_count = |scalar: &Scalar| scalar.form == Form::Plain && is_integer(&scalar.value);
        let have_units = one.unit.is_some() || other.unit.is_some();
        let are_counts = is_count(one) && is_count(other);
        if !have_units && !are_counts && self.differ_by(&integer(100), &value, next) {
            return Some(Judgement::Unknown("undecided"));
        }
        // `10 \sin 30 = 5`
        let may_lack_degrees = has_angle(&value) || has_angle(next);
        let near = |one: &Expr, other: &Expr| self.is_near(one, other) == Some(true);
        (may_lack_degrees && near(&with_degrees(&value), &with_degrees(next)))
            .then_some(Judgement::Unknown("undecided"))
    }

    /// Whether the digits that a number shows are those of a value, rounded or cut.
    fn shows(&self, number: &Scalar, value: &Expr) -> bool {
        let hundred = integer(100);
        let (number_value, value) = match number.form {
            Form::Percent => (product(&number.value, &hundred), product(value, &hundred)),
            _ => (number.value.clone(), value.clone()),
        };
        let Some(digits) = self.rational(&number_value).and_then(|shown| {
            match (number.form, digits_behind_point(&shown)?) {
                (Form::Decimal(digits), _) => Some(digits),
                (Form::Plain, 0) => Some(0),
                (Form::Percent | Form::Currency | Form::Degrees, digits) => Some(digits),
                (Form::Plain | Form::Base(_), _) => None,
            }
        }) else {
            return false;
        };
        let is_cut = || digits > 0 && self.begins_with(&number_value, digits, &value).is_some();
        let rounded = self.rounds_to(&number_value, digits, &value, declared::ROUNDED);
        rounded.is_some() || is_cut()
    }

    /// Whether one number is near the other times a factor, or the other way round.
    fn differ_by(&self, factor: &Expr, one: &Expr, other: &Expr) -> bool {
        self.is_near(&product(one, factor), other) == Some(true)
            || self.is_near(one, &product(other, factor)) == Some(true)
    }

    /// Whether two numbers differ by no more than a hundredth of the second; `None`
    /// where that can't be computed.
    fn is_near(&self, one: &Expr, other: &Expr) -> Option<bool> {
        let gap = size(&product(&integer(100), &difference(one, other)));
        let order = self.order(&gap, &size(other))?;
        Some(order != Ordering::Greater)
    }
}

/// The value in another unit of the same dimension; `None` where there is none.
fn in_unit_of(scalar: &Scalar, unit: Option<Unit>) -> Option<Expr> {
    let (Some(own), Some(other)) = (scalar.unit, unit) else {
        return Some(scalar.value.clone());
    };
    let factor = BigRational::new(
        BigInt::from(own.factor.0) * other.factor.1,
        BigInt::from(own.factor.1) * other.factor.0,
    );
    (own.dimension == other.dimension).then(|| match own.factor == other.factor {
        true => scalar.value.clone(),
        false => product(&scalar.value, &rational(factor)),
    })
}

/// The radians of a degree.
fn degree() -> Expr {
    let mut arena = Arena::default();
    let root = add_degree(&mut arena);
    Expr { arena, root }
}

fn add_degree(arena: &mut Arena) -> Id {
    let pi = arena.add(Node::Constant(Constant::Pi));
    let part = arena.add(Node::Number(BigRational::new(1.into(), 180.into())));
    arena.add(Node::Mul([pi, part].into()))
}

/// The absolute value.
fn size(of: &Expr) -> Expr {
    let mut arena = Arena::default();
    let inside = of.copied_into(&mut arena, &|_, _| None);
    let root = arena.add(Node::Apply(Function::Abs, inside));
    Expr { arena, root }
}

fn is_pi(node: &Node) -> bool {
    matches!(node, Node::Constant(Constant::Pi))
}

/// Whether a function is of an angle.
fn is_of_angle(node: &Node) -> bool {
    use Function::{Cos, Cot, Csc, Sec, Sin, Tan};
    matches!(node, Node::Apply(Sin | Cos | Tan | Cot | Sec | Csc, _))
}

/// Whether a value holds the function of an angle, and no pi that says in which unit.
fn has_angle(value: &Expr) -> bool {
    has_node(value, is_of_angle) && !has_node(value, is_pi)
}

/// The value where the angles of all functions are in degrees.
fn with_degrees(value: &Expr) -> Expr {
    let mut arena = Arena::default();
    let root = value.copied_into(&mut arena, &|arena, node| match node {
        Node::Apply(function, angle) if is_of_angle(node) => {
            let degree = add_degree(arena);
            let angle = arena.add(Node::Mul([*angle, degree].into()));
            Some(arena.add(Node::Apply(*function, angle)))
        }
        _ => None,
    });
    Expr { arena, root }
}

/// Whether a number may be an angle: in degrees, with pi, or of a function that gives
/// angles.
fn is_angle(number: &Scalar) -> bool {
    use Function::{Arccos, Arcsin, Arctan};
    let in_degrees = number.unit_or_degrees().map(|unit| unit.dimension) == Some(Dimension::Angle);
    in_degrees
        || has_node(&number.value, |node| {
            is_pi(node) || matches!(node, Node::Apply(Arcsin | Arccos | Arctan, _))
        })
}

/// Whether a number is written as a decimal, or one is in its expression.
fn is_inexact(number: &Scalar) -> bool {
    let is_decimal = |node: &Node| {
        matches!(node, Node::Number(value)
            if !value.is_integer() && digits_behind_point(value).is_some())
    };
    !matches!(number.form, Form::Plain | Form::Base(_))
        || !is_literal(&number.value) && has_node(&number.value, is_decimal)
}

/// Whether a decimal stands beside another number, neither computed: `2.96 = 3.0`. Which
/// of them is meant is not said.
fn are_decimals(one: &Scalar, other: &Scalar) -> bool {
    let is_plain = one.form == Form::Plain;
    !is_plain && is_literal(&one.value) && is_literal(&other.value)
}

fn is_literal(value: &Expr) -> bool {
    matches!(value.arena.node(value.root), Node::Number(_))
}

fn is_integer(value: &Expr) -> bool {
    matches!(value.arena.node(value.root), Node::Number(value) if value.is_integer())
}

fn has_node(value: &Expr, is_it: impl Fn(&Node) -> bool) -> bool {
    let reached = value.reachable();
    let mut nodes = value.arena.iter().take(reached.len());
    nodes.any(|(id, node)| reached[id.index()] && is_it(node))
}

/// How many digits a decimal has behind its point; `None` where they don't end.
fn digits_behind_point(value: &BigRational) -> Option<u32> {
    /// Nobody writes more.
    const MOST: u32 = 40;
    (0..=MOST).find(|digits| (value * BigInt::from(10).pow(*digits)).is_integer())
}
