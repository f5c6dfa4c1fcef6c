//! Answers that leave arithmetic undone: `6 \cdot 7` for 42, `17 \bmod 5` for 2.
//!
//! They have the reference's value. Whether they answer the question depends on
//! the question, which is not seen here; the policy `unevaluated` decides. What
//! cannot be computed further without writing out digits, or is how such answers
//! are left, is a final form: `\frac{6}{4}`, `2^{10}`, `2 \cdot 3^5`,
//! `2^{10} - 1`, `5!`, `\binom{5}{2}`, `1 + \sqrt{2}`.

use num_traits::{One, Signed, Zero};

use crate::math::expr::{Expr, Function, Id, Node};
use crate::math::typed::{Modulo, Reading, Typed};

/// Whether the answer leaves work undone that the reference does not leave, too.
pub(super) fn is_unevaluated(gold: &Reading, answer: &Reading) -> bool {
    let rational = is_rational(&gold.value);
    let open = answer.computed && rational || leaves_work(&answer.value, rational);
    open && !gold.computed && !leaves_work(&gold.value, false)
}

/// Whether a part of the value could be computed; for a rational one, functions
/// and roots could.
fn leaves_work(value: &Typed, rational: bool) -> bool {
    match value {
        Typed::Scalar(scalar) => is_open(&scalar.value, rational),
        Typed::Named { value, .. } | Typed::Qualified { value, .. } => leaves_work(value, rational),
        Typed::Labelled { value, .. } => is_open(&value.value, rational),
        Typed::Set(all) | Typed::List(all) | Typed::Tuple(all) => {
            all.iter().any(|member| leaves_work(member, false))
        }
        Typed::Matrix(rows) => rows.iter().flatten().any(|entry| is_open(entry, false)),
        Typed::Intervals(pieces) => pieces
            .iter()
            .flat_map(|piece| [&piece.low, &piece.high])
            .flatten()
            .any(|end| is_open(&end.at, false)),
        Typed::Congruence { modulo, .. } => *modulo == Modulo::Operation,
        _ => false,
    }
}

/// Whether the value is a rational number, written as one.
fn is_rational(value: &Typed) -> bool {
    match value {
        Typed::Scalar(scalar) => is_number(scalar.value.arena.node(scalar.value.root)),
        Typed::Named { value, .. } => is_rational(value),
        Typed::Labelled { value, .. } => is_number(value.value.arena.node(value.value.root)),
        _ => false,
    }
}

fn is_number(node: &Node) -> bool {
    matches!(node, Node::Number(_))
}

/// Whether an operation of the expression could be carried out.
fn is_open(expr: &Expr, rational: bool) -> bool {
    let reached = expr.reachable();
    let number = |id: &Id| is_number(expr.arena.node(*id));
    expr.arena
        .iter()
        .take(reached.len())
        .filter(|(id, _)| reached[id.index()])
        .any(|(_, node)| match node {
            Node::Add(terms) => terms.iter().filter(|id| is_computed(expr, **id)).count() > 1,
            Node::Mul(factors) => is_open_product(expr, factors),
            Node::Pow(base, exponent) => is_open_power(expr, *base, *exponent, rational),
            // `\binom{1234}{1}` is 1234.
            Node::Binomial(n, k) => match (expr.arena.node(*n), expr.arena.node(*k)) {
                (Node::Number(n), Node::Number(k)) => {
                    let end = n - k;
                    [k, &end].iter().any(|k| k.is_zero() || k.is_one())
                }
                _ => false,
            },
            Node::Apply(Function::Floor | Function::Ceil | Function::Abs, argument) => {
                rational || number(argument)
            }
            Node::Apply(..) | Node::Log { .. } | Node::Root { .. } | Node::Constant(_) => rational,
            _ => false,
        })
}

/// A number, or a product of nothing but numbers, as determinants leave them.
fn is_computed(expr: &Expr, id: Id) -> bool {
    match expr.arena.node(id) {
        Node::Number(_) => true,
        Node::Mul(factors) => factors.iter().all(|id| is_computed(expr, *id)),
        _ => false,
    }
}

/// `7^1`, `7^0`, and for a rational value `49^{1/2}` and `7^{2 \cdot 1}`; `2^{10}` is
/// final.
fn is_open_power(expr: &Expr, base: Id, exponent: Id, rational: bool) -> bool {
    if !is_computed(expr, base) {
        return false;
    }
    match expr.arena.node(exponent) {
        Node::Number(value) if value.is_integer() => value.is_zero() || value.is_one(),
        _ => rational,
    }
}

/// Two numbers that could be multiplied; `2 \cdot 3^5` and `2^2 \cdot 3 \cdot 5` are
/// factorised.
fn is_open_product(expr: &Expr, factors: &[Id]) -> bool {
    let numbers = factors
        .iter()
        .filter(|id| match expr.arena.node(**id) {
            Node::Number(value) => !value.abs().is_one(),
            _ => false,
        })
        .count();
    // `42 \cdot 1`, but not the sign of a product.
    let by_one = factors
        .iter()
        .filter(|id| matches!(expr.arena.node(**id), Node::Number(value) if value.is_one()))
        .count();
    let is_power = |id: &Id| match expr.arena.node(*id) {
        Node::Pow(base, exponent) => {
            is_number(expr.arena.node(*base)) && is_number(expr.arena.node(*exponent))
        }
        _ => false,
    };
    numbers > 0 && by_one > 0 || numbers > 1 && !factors.iter().any(is_power)
}
