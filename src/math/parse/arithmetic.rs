//! Sums, products and quotients under construction, and the nodes they become.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::super::expr::{Arena, Constant, Id, Node};
use super::number::Literal;

/// A value under construction; sums and products stay open for more terms.
pub(super) struct Partial {
    pub(super) value: Value,
    pub(super) spelling: Spelling,
}

pub(super) enum Value {
    Atom(Id),
    Sum(Vec<Id>),
    Product(Vec<Id>),
}

/// How an operand was written, where juxtaposition depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Integer,
    /// `\frac` of two integers.
    Fraction,
    Other,
}

pub(super) fn atom(id: Id) -> Partial {
    Partial {
        value: Value::Atom(id),
        spelling: Spelling::Other,
    }
}

/// Closes a sum or product.
pub(super) fn finish(partial: Partial, arena: &mut Arena) -> Id {
    match partial.value {
        Value::Atom(id) => id,
        Value::Sum(terms) => arena.add(Node::Add(terms.into())),
        Value::Product(factors) => arena.add(Node::Mul(factors.into())),
    }
}

pub(super) fn product(left: Partial, right: Partial, arena: &mut Arena) -> Value {
    let mut factors = match left.value {
        Value::Product(factors) => factors,
        _ => vec![finish(left, arena)],
    };
    match right.value {
        Value::Product(more) => factors.extend(more),
        _ => factors.push(finish(right, arena)),
    }
    Value::Product(factors)
}

pub(super) fn negated(partial: Partial, arena: &mut Arena) -> Partial {
    if let Value::Atom(id) = partial.value
        && let Node::Number(value) = arena.node(id)
    {
        let value = -value;
        let id = arena.add(Node::Number(value));
        return Partial {
            value: Value::Atom(id),
            spelling: partial.spelling,
        };
    }
    let mut factors = match partial.value {
        Value::Product(factors) => factors,
        _ => vec![finish(partial, arena)],
    };
    let number = factors.first().and_then(|id| match arena.node(*id) {
        Node::Number(value) => Some(-value),
        _ => None,
    });
    match number {
        Some(value) => factors[0] = arena.add(Node::Number(value)),
        None => factors.insert(0, whole(-1, arena)),
    }
    Partial {
        value: match factors.as_slice() {
            [one] => Value::Atom(*one),
            _ => Value::Product(factors),
        },
        spelling: Spelling::Other,
    }
}

/// A quotient; of two numbers it is one number, unless the divisor is 0.
pub(super) fn quotient(numerator: Id, denominator: Id, arena: &mut Arena) -> Id {
    let inverse = reciprocal(denominator, arena);
    match (arena.node(numerator), arena.node(inverse)) {
        (Node::Number(n), Node::Number(d)) => {
            let value = n * d;
            arena.add(Node::Number(value))
        }
        (Node::Number(n), _) if n.is_one() => inverse,
        _ => arena.add(Node::Mul(Box::new([numerator, inverse]))),
    }
}

pub(super) fn reciprocal(id: Id, arena: &mut Arena) -> Id {
    match arena.node(id) {
        Node::Number(value) if !value.is_zero() => {
            let inverse = value.recip();
            arena.add(Node::Number(inverse))
        }
        _ => {
            let minus = whole(-1, arena);
            arena.add(Node::Pow(id, minus))
        }
    }
}

pub(super) fn over_number(id: Id, divisor: i32, arena: &mut Arena) -> Id {
    let divisor = whole(divisor, arena);
    quotient(id, divisor, arena)
}

/// Degrees in radians.
pub(super) fn radians(id: Id, arena: &mut Arena) -> Id {
    let pi = arena.add(Node::Constant(Constant::Pi));
    let part = over_number(id, 180, arena);
    arena.add(Node::Mul(Box::new([part, pi])))
}

/// Applies a tower of exponents, the last one first.
pub(super) fn raised(base: Id, tower: &mut Vec<Id>, arena: &mut Arena) -> Id {
    let exponent = tower
        .drain(..)
        .rev()
        .reduce(|upper, lower| arena.add(Node::Pow(lower, upper)));
    match exponent {
        None => base,
        Some(exponent) => arena.add(Node::Pow(base, exponent)),
    }
}

pub(super) fn whole(value: i32, arena: &mut Arena) -> Id {
    arena.add(Node::Number(BigRational::from_integer(BigInt::from(value))))
}

pub(super) fn literal(literal: Literal, arena: &mut Arena) -> Id {
    let id = arena.add(Node::Number(literal.value));
    match literal.ten_to {
        None => id,
        Some(exponent) => {
            let ten = whole(10, arena);
            let exponent = arena.add(Node::Number(BigRational::from_integer(BigInt::from(
                exponent,
            ))));
            let power = arena.add(Node::Pow(ten, exponent));
            arena.add(Node::Mul(Box::new([id, power])))
        }
    }
}
