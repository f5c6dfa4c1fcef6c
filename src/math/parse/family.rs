//! Families `a + bk, k \in \mathbb{Z}`: offset and step of a linear expression.

use num_rational::BigRational;
use pest::iterators::Pair;

use super::super::expr::{Expr, Id, Node};
use super::super::typed::Typed;
use super::answer::bare_name;
use super::scalar::{Builder, unparsed};
use super::{ParseFault, Rule};

type Fault = ParseFault;

impl Builder<'_> {
    /// `a + bk, k \in \mathbb{Z}`.
    pub(super) fn family(
        &self,
        value: &Pair<'_, Rule>,
        index: &Pair<'_, Rule>,
    ) -> Result<Option<Typed>, Fault> {
        let parts: Vec<_> = index.clone().into_inner().collect();
        let name = match parts.as_slice() {
            [left, relation, right] if relation.as_str() == "∈" && right.as_str().trim() == "ℤ" => {
                bare_name(left)
            }
            _ => None,
        };
        let Some(name) = name else {
            return Ok(None);
        };
        let at = |k: i32| {
            self.with(|settings| settings.index = Some((name.clone(), k)))
                .item(value.clone())
        };
        let (zero, one) = (at(0)?, at(1)?);
        let general = self.item(value.clone())?;
        Ok(Some(
            linear(zero, one, &general, &name).ok_or(unparsed(value))?,
        ))
    }
}

/// Offset and step from the values at 0 and 1, if the expression is linear.
pub(super) fn linear(zero: Typed, one: Typed, general: &Typed, name: &str) -> Option<Typed> {
    match (zero, one, general) {
        (Typed::Scalar(zero), Typed::Scalar(one), Typed::Scalar(general)) => {
            (degree(&general.value, name)? == 1).then_some(())?;
            let mut step = one.value;
            let offset = zero.value;
            let minus = step
                .arena
                .add(Node::Number(BigRational::from_integer((-1).into())));
            let start = offset.copied_into(&mut step.arena, &|_, _| None);
            let negative = step.arena.add(Node::Mul(Box::new([minus, start])));
            step.root = step.arena.add(Node::Add(Box::new([step.root, negative])));
            Some(Typed::Family { offset, step })
        }
        (
            Typed::Named {
                name: x,
                value: zero,
            },
            Typed::Named { value: one, .. },
            Typed::Named { value: general, .. },
        ) => Some(Typed::Named {
            name: x,
            value: Box::new(linear(*zero, *one, general, name)?),
        }),
        (Typed::Set(zeros), Typed::Set(ones), Typed::Set(generals)) => {
            let families = zeros
                .into_iter()
                .zip(ones)
                .zip(generals)
                .map(|((zero, one), general)| linear(zero, one, general, name));
            families.collect::<Option<Vec<_>>>().map(Typed::Set)
        }
        _ => None,
    }
}

/// The degree of an expression in a variable; `None` where it is no polynomial.
pub(super) fn degree(expr: &Expr, name: &str) -> Option<u32> {
    let mut degrees: Vec<u32> = Vec::with_capacity(expr.arena.len());
    for (_, node) in expr.arena.iter() {
        let of = |id: &Id| degrees[id.index()];
        degrees.push(match node {
            Node::Symbol(symbol) => u32::from(**symbol == *name),
            Node::Number(_) | Node::Constant(_) => 0,
            Node::Add(ids) => ids.iter().map(of).max().unwrap_or(0),
            Node::Mul(ids) => ids.iter().map(of).fold(0, u32::saturating_add),
            Node::Pow(base, exponent) => constant(&[of(base), of(exponent)])?,
            Node::Root { radicand, .. } => constant(&[of(radicand)])?,
            Node::Apply(_, id) | Node::Factorial(id) => constant(&[of(id)])?,
            Node::Log { base, argument } => constant(&[of(base), of(argument)])?,
            Node::Binomial(n, k) => constant(&[of(n), of(k)])?,
            Node::Call(_, ids) => constant(&ids.iter().map(of).collect::<Vec<_>>())?,
        });
    }
    degrees.get(expr.root.index()).copied()
}

pub(super) fn constant(degrees: &[u32]) -> Option<u32> {
    degrees.iter().all(|degree| *degree == 0).then_some(0)
}
