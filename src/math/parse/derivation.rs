//! Chains of equal signs: the sides of one in, what has to be equal out.

use pest::iterators::Pair;

use super::super::expr::Node;
use super::super::typed::{Derivation, Form, Typed};
use super::answer::bare_name;
use super::scalar::Builder;
use super::settings::Operators;
use super::{ParseFault, Rule};

type Fault = ParseFault;

impl Builder<'_> {
    /// `x = 2 + 2 = 4`: every side must parse, the last one counts, and all are kept
    /// to be compared.
    pub(super) fn derivation(&self, sides: &[Pair<'_, Rule>]) -> Result<(), Fault> {
        let name = sides.first().and_then(bare_name);
        let (mut all, mut numbers) = (Vec::new(), Vec::new());
        for (nth, side) in sides.iter().enumerate() {
            // The first may be any name.
            let typed = match (nth, self.evaluated(side)) {
                (0, Err(_)) => continue,
                (_, typed) => typed?,
            };
            if let Typed::Scalar(scalar) = &typed
                && (nth > 0 || scalar.form == Form::Plain && scalar.unit.is_none())
                && let Node::Number(value) = scalar.value.arena.node(scalar.value.root)
            {
                numbers.push(value.clone());
            }
            if nth > 0 || name.is_none() {
                all.push(typed);
            }
        }
        // `x = 3 = 5` answers twice.
        if numbers.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(Fault::Hedge);
        }
        // Another value of the index says nothing new.
        if self.settings.index.is_none() {
            self.derivations
                .borrow_mut()
                .push(Derivation { name, sides: all });
        }
        Ok(())
    }

    /// A side with its sums and products carried out, where they can be.
    fn evaluated(&self, side: &Pair<'_, Rule>) -> Result<Typed, Fault> {
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
