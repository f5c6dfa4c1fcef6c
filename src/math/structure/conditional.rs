//! Values under conditions: functions by branches, and answers with a
//! qualifier in words.
//!
//! Branches are matched by their conditions, then their values are compared; a
//! condition in words matches the same words alone. A qualifier is a part of
//! the answer: neither side may leave it out.

use crate::math::typed::{Branch, Condition, Typed};

use super::judgement::all;
use super::{Context, Judgement};

impl Context<'_> {
    /// Two functions by branches, in any order.
    pub(super) fn branches(&self, gold: &[Branch], answer: &[Branch]) -> Judgement {
        if gold.len() != answer.len() {
            // `x ≥ 0` may be split into `x > 0` and `x = 0`.
            return Judgement::Unknown("undecided");
        }
        let mut free: Vec<&Branch> = answer.iter().collect();
        let mut pairs = Vec::with_capacity(gold.len());
        for branch in gold {
            let same = |other: &&Branch| self.same_condition(&branch.condition, &other.condition);
            let Some(at) = free.iter().position(same) else {
                return Judgement::Unknown("undecided");
            };
            pairs.push((branch, free.remove(at)));
        }
        all(
            "cases",
            pairs
                .into_iter()
                .map(|(gold, answer)| self.typed(&gold.value, &answer.value)),
        )
    }

    /// Whether two conditions are proved to be one.
    fn same_condition(&self, one: &Condition, other: &Condition) -> bool {
        match (one, other) {
            (Condition::Otherwise, Condition::Otherwise) => true,
            (Condition::Relation(one), Condition::Relation(other)) => {
                // A bare value has any name, a condition does not.
                std::mem::discriminant(one) == std::mem::discriminant(other)
                    && self.typed(one, other).is_correct()
            }
            (Condition::Words(one), Condition::Words(other)) => one == other,
            _ => false,
        }
    }

    /// Two answers with qualifiers, which must be the same words.
    pub(super) fn qualified(
        &self,
        (gold, wanted): (&Typed, &str),
        (answer, offered): (&Typed, &str),
    ) -> Judgement {
        let judged = self.typed(gold, answer);
        match wanted == offered {
            true => judged,
            false => judged.doubted("different_condition"),
        }
    }
}
