//! Units that an answer writes as plain letters: `5 m`, `5m^2`.
//!
//! Alone `5m` is five times a variable. Beside a reference in centimetres the m
//! is the metre: the two are compared as quantities, whichever is larger.

use crate::math::expr::{Expr, Id, Node};
use crate::math::typed::Scalar;
use crate::math::units::{Dimension, Unit, unit};

use super::build::at;

/// The number and the unit of `5 m`, where the one variable of a product is a
/// unit of that dimension.
pub(super) fn as_quantity(scalar: &Scalar, dimension: Dimension) -> Option<Scalar> {
    let (name, exponent, value) = number_times_letter(&scalar.value)?;
    let unit: Unit = unit(&name, exponent).filter(|unit| unit.dimension == dimension)?;
    Some(Scalar {
        value,
        form: scalar.form,
        unit: Some(unit),
    })
}

/// The letter behind a product of constants, its power, and the product without
/// it.
fn number_times_letter(expr: &Expr) -> Option<(String, u8, Expr)> {
    let Node::Mul(factors) = expr.arena.node(expr.root) else {
        return None;
    };
    let (last, numbers) = factors.split_last()?;
    let (name, exponent) = letter(expr, *last)?;
    let mut rest = expr.clone();
    rest.root = match numbers {
        [] => return None,
        [one] => *one,
        several => rest.arena.add(Node::Mul(several.into())),
    };
    let rest = at(&rest, rest.root);
    let is_constant = rest
        .arena
        .iter()
        .all(|(_, node)| !matches!(node, Node::Symbol(_) | Node::Call(..)));
    is_constant.then_some((name, exponent, rest))
}

/// The letter and its power, 1 to 3.
fn letter(expr: &Expr, id: Id) -> Option<(String, u8)> {
    match expr.arena.node(id) {
        Node::Symbol(name) => Some((name.to_string(), 1)),
        Node::Pow(base, power) => {
            let (Node::Symbol(name), Node::Number(power)) =
                (expr.arena.node(*base), expr.arena.node(*power))
            else {
                return None;
            };
            let power = u8::try_from(power.numer())
                .ok()
                .filter(|_| power.is_integer())?;
            (2..=3).contains(&power).then(|| (name.to_string(), power))
        }
        _ => None,
    }
}
