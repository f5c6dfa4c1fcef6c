//! Chains of equal signs: `x = 2 + 2 = 4` is 4 only where 2 + 2 is.
//!
//! Two sides in the same variables say an identity, which the decider has to prove;
//! the value of the name is put in its place first. Sides in other variables,
//! `A = \pi r^2 = 25\pi`, put in what the question gives, which is not seen here.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::math::declared;
use crate::math::expr::{Expr, Node};
use crate::math::options::MathOptions;
use crate::math::typed::{Derivation, Form, Reading, Scalar, Typed};

use super::build::{Builder, difference, integer, product, substitute, symbols};
use super::{Context, Judgement};

impl Context<'_> {
    /// Whether every chain behind a reading is true; `hedged` where one is not, since
    /// it states two values.
    pub(super) fn derived(&self, reading: &Reading) -> Judgement {
        // What a data set asks of answers is not asked of the steps to them.
        let options = MathOptions::default();
        let lenient = Context {
            options: &options,
            asked: self.asked.clone(),
            ..*self
        };
        let mut whole = Judgement::exact("chain");
        for derivation in &reading.derivations {
            whole = whole.and(|| lenient.chain_of_equals(derivation));
        }
        self.asked.set(lenient.asked.get());
        whole
    }

    /// Each side and the next one in the same variables.
    fn chain_of_equals(&self, derivation: &Derivation) -> Judgement {
        let sides = with_value_of_name(derivation);
        let mut whole = Judgement::exact("chain");
        let free: Vec<_> = sides.iter().map(variables).collect();
        for (at, side) in sides.iter().enumerate() {
            // What comes first may be defined here: `a + b = 7 = 7`.
            let is_definition = at == 0 && derivation.name.is_none();
            let Some(own) = &free[at] else { continue };
            if is_definition && !own.is_empty() {
                continue;
            }
            let next = (at + 1..sides.len()).find(|next| free[*next].as_ref() == Some(own));
            if let Some(next) = next {
                whole = whole.and(|| self.link(side, &sides[next]));
            }
        }
        whole
    }

    /// Whether one side of a chain is the other.
    fn link(&self, one: &Typed, other: &Typed) -> Judgement {
        let (one, other) = (without_label(one), without_label(other));
        let judged = self.typed(&one, &other);
        let Judgement::Wrong { witness, .. } = judged else {
            // What nobody can compute is no sign of two values.
            return match judged {
                Judgement::Unknown(_) => Judgement::exact("chain"),
                judged => judged,
            };
        };
        let is_time = |side: &Typed| matches!(side, Typed::Time { .. });
        if self.is_rounded(&one, &other) || is_time(&one) || is_time(&other) {
            return Judgement::exact("chain");
        }
        // `\sqrt{x^2} = x` holds for the x of the question, perhaps.
        let has_variables = |side: &Typed| variables(side).is_none_or(|names| !names.is_empty());
        if has_variables(&one) || has_variables(&other) {
            return Judgement::Unknown("undecided");
        }
        let far = Judgement::Wrong {
            rule: "hedged",
            witness,
        };
        match (&one, &other) {
            (Typed::Scalar(one), Typed::Scalar(other)) => {
                self.nearly(&one.value, &other.value).unwrap_or(far)
            }
            _ => far,
        }
    }

    /// Whether two numbers are so near that one is the other rounded on the way, as
    /// with 3.14 for pi, or in degrees; `None` where they are clearly apart. A factor of
    /// 100 may be a percent sign that is written on one side alone.
    fn nearly(&self, one: &Expr, other: &Expr) -> Option<Judgement> {
        let mut degree = Builder::default();
        let (pi, half_turn) = (degree.pi(), degree.number(180));
        let root = degree.quotient(pi, half_turn);
        let degree = degree.finish(root);
        let is_near = |one: &Expr, other: &Expr| !self.is_apart(one, other);
        let in_other = |unit: &Expr| {
            is_near(&product(one, unit), other) || is_near(one, &product(other, unit))
        };
        if is_near(one, other) || in_other(&degree) {
            return Some(Judgement::exact("chain"));
        }
        in_other(&integer(100)).then_some(Judgement::Unknown("undecided"))
    }

    /// Whether two numbers differ by more than a hundredth of the second.
    fn is_apart(&self, one: &Expr, other: &Expr) -> bool {
        let gap = product(&integer(100), &difference(one, other));
        let order = self.order(&product(&gap, &gap), &product(other, other));
        order == Some(Ordering::Greater)
    }

    /// `\sqrt2 = 1.414` and `\frac{20}{100} \cdot 100 = 20\%`: no equality, and written
    /// for one.
    fn is_rounded(&self, one: &Typed, other: &Typed) -> bool {
        let rounded = self.as_declared(other, one, declared::ROUNDED);
        if rounded.is_some_and(|judged| judged.is_correct()) {
            return true;
        }
        match (one, other) {
            (Typed::Scalar(bare), Typed::Scalar(percent)) => {
                (bare.form == Form::Plain && percent.form == Form::Percent)
                    && self
                        .equal(&bare.value, &product(&percent.value, &integer(100)))
                        .is_correct()
            }
            _ => false,
        }
    }
}

/// The sides with the last one in the place of the name: `x = 8x = 7` says 56 = 7.
fn with_value_of_name(derivation: &Derivation) -> Vec<Typed> {
    let mut sides = derivation.sides.clone();
    if let (Some(name), Some(Typed::Scalar(last))) = (&derivation.name, derivation.sides.last())
        && !symbols(&last.value).contains(&name.as_str())
    {
        for side in &mut sides {
            if let Typed::Scalar(scalar) = side
                && symbols(&scalar.value).contains(&name.as_str())
            {
                scalar.value = substitute(&scalar.value, name, &last.value);
            }
        }
    }
    sides
}

/// `12 \text{ toys}` as 12: what is counted is named once.
fn without_label(side: &Typed) -> Typed {
    match side {
        Typed::Labelled { value, .. } => Typed::Scalar(Scalar {
            unit: None,
            ..value.clone()
        }),
        side => side.clone(),
    }
}

/// The variables of a side; `None` where more than those may be unknown of it.
fn variables(side: &Typed) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    collect(side, &mut all).then_some(all)
}

/// Adds the variables of a value; whether it is nothing but expressions in them.
fn collect(side: &Typed, all: &mut BTreeSet<String>) -> bool {
    let mut expressions = |these: &mut dyn Iterator<Item = &Expr>| {
        let mut known = true;
        for expr in these {
            all.extend(symbols(expr).into_iter().map(str::to_owned));
            let is_call = |node: &Node| matches!(node, Node::Call(..));
            known &= !expr.arena.iter().any(|(_, node)| is_call(node));
        }
        known
    };
    match side {
        Typed::Scalar(scalar) => expressions(&mut std::iter::once(&scalar.value)),
        Typed::Labelled { value, .. } => expressions(&mut std::iter::once(&value.value)),
        Typed::Matrix(rows) => expressions(&mut rows.iter().flatten()),
        Typed::Ratio(terms) => expressions(&mut terms.iter()),
        Typed::Intervals(pieces) => expressions(
            &mut pieces
                .iter()
                .flat_map(|piece| [&piece.low, &piece.high])
                .flatten()
                .map(|end| &end.at),
        ),
        Typed::Set(members) | Typed::List(members) | Typed::Tuple(members) => {
            members.iter().all(|member| collect(member, all))
        }
        Typed::Time { .. } => true,
        // Other words may be a name.
        Typed::Text(words) => words.ends_with("infinity"),
        _ => false,
    }
}
