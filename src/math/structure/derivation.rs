//! Chains of equal signs: `x = 2 + 2 = 4` is 4 only where 2 + 2 is.
//!
//! Two sides in the same variables say an identity, which the decider has to prove;
//! the value of the name is put in its place first. Sides in other variables,
//! `A = \pi r^2 = 25\pi`, put in what the question gives, which is not seen here.

use std::collections::BTreeSet;

use crate::math::expr::{Expr, Node};
use crate::math::options::MathOptions;
use crate::math::typed::{Derivation, Reading, Scalar, Typed};
use crate::math::units::Dimension;

use super::build::{substitute, symbols};
use super::judgement::all;
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
        let is_foreign = have_foreign_units(one, other);
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
        if has_variables(&one) || has_variables(&other) || is_foreign {
            return Judgement::Unknown("undecided");
        }
        let near = match (&one, &other) {
            (Typed::Scalar(one), Typed::Scalar(other)) => self.inexact_step(one, other),
            (Typed::Tuple(these), Typed::Tuple(those)) if these.len() == those.len() => {
                let pairs = these.iter().zip(those);
                Some(all(
                    "chain",
                    pairs.map(|(one, other)| self.link(one, other)),
                ))
            }
            (Typed::Set(these) | Typed::List(these), Typed::Set(those) | Typed::List(those)) => {
                let each = |all: &[Typed], partner: &dyn Fn(&Typed) -> Judgement| {
                    all.iter()
                        .map(partner)
                        .fold(Judgement::exact("chain"), |whole, one| whole.and(|| one))
                };
                let forth = each(these, &|one| {
                    self.link_to_any(those, |other| self.link(one, other))
                });
                Some(forth.and(|| {
                    each(those, &|other| {
                        self.link_to_any(these, |one| self.link(one, other))
                    })
                }))
            }
            // `x = \frac{1 \pm 3}{2} = 2` chooses one of them.
            (Typed::Set(these), Typed::Scalar(_)) => Some(
                self.link_to_any(these, |one| self.link(one, &other))
                    .doubted("undecided"),
            ),
            _ => None,
        };
        near.unwrap_or(Judgement::Wrong {
            rule: "hedged",
            witness,
        })
    }

    /// The links to each of several values: one of them has to hold.
    fn link_to_any(&self, all: &[Typed], link: impl Fn(&Typed) -> Judgement) -> Judgement {
        let wrong = Judgement::wrong("hedged");
        all.iter().fold(wrong, |best, one| best.or(|| link(one)))
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

/// Whether two numbers have units of which nothing says how one is converted into the
/// other: 5 N m and 5 J.
fn have_foreign_units(one: &Typed, other: &Typed) -> bool {
    match (one, other) {
        (Typed::Labelled { label, .. }, Typed::Labelled { label: second, .. }) => label != second,
        (Typed::Labelled { .. }, Typed::Scalar(scalar))
        | (Typed::Scalar(scalar), Typed::Labelled { .. }) => scalar.unit_or_degrees().is_some(),
        _ => false,
    }
}

/// `12 \text{ toys}` and `12 \text{ units}` as 12: what is counted is named once.
fn without_label(side: &Typed) -> Typed {
    match side {
        Typed::Scalar(scalar)
            if let Some(Dimension::Unnamed(_)) = scalar.unit.map(|unit| unit.dimension) =>
        {
            Typed::Scalar(Scalar {
                unit: None,
                ..scalar.clone()
            })
        }
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
