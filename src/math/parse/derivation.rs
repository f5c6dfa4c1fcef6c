//! Chains of equal signs: the sides of one in, what has to be equal out.

use pest::iterators::Pair;

use super::super::typed::{Derivation, Typed};
use super::answer::{bare_name, is_set};
use super::scalar::Builder;
use super::settings::{Branch, Operators};
use super::{ParseFault, Rule};

type Fault = ParseFault;

impl Builder<'_> {
    /// `x = 2 + 2 = 4`: every side must parse, the last one counts, and all are kept
    /// to be compared.
    pub(super) fn derivation(&self, sides: &[Pair<'_, Rule>]) -> Result<(), Fault> {
        self.chain_to(sides, None)
    }

    /// `x = \frac{5 \pm 1}{2} = 3 \text{ or } 2`: the sides with a `±` are both values,
    /// and so is the last one with the items that follow it.
    pub(super) fn two_valued(
        &self,
        item: &Pair<'_, Rule>,
        further: &[Pair<'_, Rule>],
    ) -> Result<Option<Typed>, Fault> {
        let parts: Vec<_> = item.clone().into_inner().collect();
        let is_chain = parts.iter().all(|part| match part.as_rule() {
            Rule::side => true,
            _ => part.as_str() == "=",
        });
        let sides: Vec<_> = parts
            .into_iter()
            .filter(|part| part.as_rule() == Rule::side)
            .collect();
        let [left, _, .., last] = sides.as_slice() else {
            return Ok(None);
        };
        if !is_chain || self.settings.branch.is_some() || has_sign(last) {
            return Ok(None);
        }
        let value = match bare_name(left) {
            Some(_) => self.equation(left, last)?,
            None => self.side(last.clone())?,
        };
        let (name, mut values) = match value.clone() {
            Typed::Named { name, value } => (Some(name), vec![*value]),
            value => (None, vec![value]),
        };
        for item in further {
            match self.plain_item(item.clone()) {
                Ok(value @ Typed::Scalar(_)) => values.push(value),
                Ok(Typed::Named { name: other, value }) if name.as_ref() == Some(&other) => {
                    values.push(*value);
                }
                _ => break,
            }
        }
        let all = match values.len() {
            1 => values.remove(0),
            _ => Typed::Set(values),
        };
        self.chain_to(&sides, Some(all))?;
        Ok(Some(value))
    }

    /// Keeps the sides of a chain, the last one perhaps as what it is together with
    /// other items.
    fn chain_to(&self, sides: &[Pair<'_, Rule>], last: Option<Typed>) -> Result<(), Fault> {
        let name = sides.first().and_then(bare_name);
        let own = match last {
            Some(_) => &sides[..sides.len() - 1],
            None => sides,
        };
        let mut all = Vec::new();
        for (nth, side) in own.iter().enumerate() {
            // The first may be any name.
            let typed = match (nth, self.evaluated(side)) {
                (0, Err(_)) => continue,
                (_, typed) => typed?,
            };
            if nth > 0 || name.is_none() {
                all.push(typed);
            }
        }
        all.extend(last);
        // Another value of the index says nothing new.
        if self.settings.index.is_none() {
            self.derivations
                .borrow_mut()
                .push(Derivation { name, sides: all });
        }
        Ok(())
    }

    /// A side with its sums and products carried out, where they can be; both values
    /// of one with a `±` that no branch decides.
    fn evaluated(&self, side: &Pair<'_, Rule>) -> Result<Typed, Fault> {
        if self.settings.branch.is_none() && has_sign(side) && !is_set(side) {
            let of = |branch| self.with(|s| s.branch = Some(branch)).evaluated(side);
            return Ok(Typed::Set(vec![of(Branch::Upper)?, of(Branch::Lower)?]));
        }
        let text = side.as_str();
        match text.contains("\\sum") || text.contains("\\prod") {
            true => self
                .with(|s| s.operators = Operators::CarriedOut)
                .side(side.clone())
                .or_else(|_| self.side(side.clone())),
            false => self.side(side.clone()),
        }
    }
}

/// Whether a side has two values.
fn has_sign(side: &Pair<'_, Rule>) -> bool {
    side.as_str().contains(['±', '∓'])
}
