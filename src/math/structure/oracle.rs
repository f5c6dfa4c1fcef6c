//! What the comparer asks the decider about scalar expressions; every question
//! is counted.

use std::cmp::Ordering;

use num_rational::BigRational;

use crate::math::decide::{self, Decision};
use crate::math::expr::Expr;

use super::{Context, Judgement};

impl Context<'_> {
    /// Whether two scalar expressions are equal.
    pub(super) fn equal(&self, gold: &Expr, answer: &Expr) -> Judgement {
        if !self.pay() {
            return Judgement::Unknown("limit");
        }
        match decide::decide(gold, answer, self.secrets, self.limits) {
            Decision::Equal { rule, proof } => Judgement::Correct {
                rule,
                proof,
                policy: Vec::new(),
            },
            Decision::Different { witness, .. } => Judgement::Wrong {
                rule: "different_value",
                witness: Some(witness),
            },
            Decision::Unknown(reason) => Judgement::Unknown(reason),
            Decision::Undefined => Judgement::wrong("undefined"),
        }
    }

    /// The order of two real constants.
    pub(super) fn order(&self, left: &Expr, right: &Expr) -> Option<Ordering> {
        match self.pay() {
            true => decide::compare(left, right, self.secrets, self.limits),
            false => None,
        }
    }

    /// The value of a rational constant.
    pub(super) fn rational(&self, expr: &Expr) -> Option<BigRational> {
        match self.pay() {
            true => decide::to_rational(expr, self.limits),
            false => None,
        }
    }

    /// Takes one question off what is left.
    fn pay(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}
