//! What the comparer asks the decider about scalar expressions; every question
//! is counted.

use std::cmp::Ordering;

use num_rational::BigRational;

use crate::math::decide::{self, Decision, Limits};
use crate::math::expr::Expr;

use super::{Context, Judgement, QUESTIONS};

impl Context<'_> {
    /// Whether two scalar expressions are equal.
    pub(super) fn equal(&self, gold: &Expr, answer: &Expr) -> Judgement {
        let Some(limits) = self.pay() else {
            return Judgement::Unknown("limit");
        };
        match decide::decide(gold, answer, self.secrets, &limits) {
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
        decide::compare(left, right, self.secrets, &self.pay()?)
    }

    /// The value of a rational constant.
    pub(super) fn rational(&self, expr: &Expr) -> Option<BigRational> {
        decide::to_rational(expr, &self.pay()?)
    }

    /// Takes one question off what is left. The first ones may use all the
    /// fuel of a comparison, later ones a share, so that a set of hostile
    /// members costs a few comparisons and not thousands.
    fn pay(&self) -> Option<Limits> {
        let asked = self.asked.get();
        self.asked.set(asked.saturating_add(1));
        let share = match asked {
            0..8 => 1,
            8..64 => 16,
            64..QUESTIONS => 256,
            _ => return None,
        };
        Some(Limits {
            fuel: self.limits.fuel / share,
            ..self.limits.clone()
        })
    }
}
