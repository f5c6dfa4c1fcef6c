//! What the comparer asks about scalar expressions.

use std::cmp::Ordering;

use num_rational::BigRational;
use num_traits::Zero;

use crate::math::expr::{Expr, Node};

use super::{Context, Judgement};

/// How firmly two expressions were proved equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::math) enum Proof {
    Exact,
    Probabilistic,
    Numeric { bits: u32 },
}

impl Context<'_> {
    /// Whether two scalar expressions are equal.
    pub(super) fn equal(&self, gold: &Expr, answer: &Expr) -> Judgement {
        match (self.rational(gold), self.rational(answer)) {
            (Some(gold), Some(answer)) if gold == answer => Judgement::Correct {
                rule: "rational",
                proof: Proof::Exact,
                policy: Vec::new(),
            },
            (Some(gold), Some(answer)) => Judgement::Wrong {
                rule: "different_value",
                witness: Some(format!("answer - reference = {}", answer - gold)),
            },
            _ => Judgement::Unknown("undecided"),
        }
    }

    /// The order of two real constants.
    pub(super) fn order(&self, left: &Expr, right: &Expr) -> Option<Ordering> {
        Some(self.rational(left)?.cmp(&self.rational(right)?))
    }

    /// The value of a rational constant.
    pub(super) fn rational(&self, expr: &Expr) -> Option<BigRational> {
        let mut values: Vec<Option<BigRational>> = Vec::new();
        for (_, node) in expr.arena.iter() {
            let at = |id: &crate::math::expr::Id| values[id.index()].clone();
            let value = match node {
                Node::Number(value) => Some(value.clone()),
                Node::Add(terms) => terms
                    .iter()
                    .map(at)
                    .try_fold(BigRational::zero(), |a, b| b.map(|b| a + b)),
                Node::Mul(terms) => terms
                    .iter()
                    .map(at)
                    .try_fold(BigRational::from_integer(1.into()), |a, b| b.map(|b| a * b)),
                Node::Pow(base, exponent) => match (at(base), at(exponent)) {
                    (Some(b), Some(e))
                        if e == BigRational::from_integer((-1).into()) && !b.is_zero() =>
                    {
                        Some(b.recip())
                    }
                    _ => None,
                },
                _ => None,
            };
            values.push(value);
        }
        values.get(expr.root.index()).cloned().flatten()
    }
}
