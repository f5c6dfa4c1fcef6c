//! Several items: what the signs and words between them make of them. "or" gives a
//! set, a comma and "and" a list; `\land` and `\lor` between letters a proposition.

use pest::iterators::Pair;

use super::super::expr::{Arena, Expr, Node};
use super::super::typed::{Form, Scalar, Typed};
use super::scalar::{Builder, unparsed};
use super::{ParseFault, Rule};

type Fault = ParseFault;

impl Builder<'_> {
    /// `p \land q`: signs of logic between letters are no commas. Between relations and
    /// numbers they are "and" and "or".
    pub(super) fn proposition(
        &self,
        parts: &[Pair<'_, Rule>],
        separators: &[&str],
    ) -> Result<Option<Typed>, Fault> {
        let mut signs = separators.iter().map(|separator| separator.trim());
        let head = match signs.find(|sign| matches!(*sign, "⋀" | "⋁")) {
            Some("⋀") => "\\land",
            Some(_) => "\\lor",
            None => return Ok(None),
        };
        let mut arena = Arena::default();
        let mut terms = Vec::with_capacity(parts.len());
        for part in parts {
            let mut sides = part.clone().into_inner();
            let term = match (sides.next(), sides.next()) {
                (Some(side), None) => self.side_expression(&side).ok(),
                _ => None,
            };
            let Some(term) = term.filter(is_of_letters) else {
                return Ok(None);
            };
            terms.push(term.copied_into(&mut arena, &|_, _| None));
        }
        // Which of two signs binds first would have to be known.
        if separators
            .iter()
            .any(|other| other.trim() != separators[0].trim())
        {
            return Err(parts.first().map_or(Fault::Limit, unparsed));
        }
        let root = arena.add(Node::Call(head.into(), terms.into()));
        Ok(Some(Typed::Scalar(Scalar {
            value: Expr { arena, root },
            form: Form::Plain,
            unit: None,
        })))
    }
}

/// The collection that several values are.
pub(super) fn joined(values: Vec<Typed>, separators: &[&str]) -> Typed {
    let is_or = |separator: &&str| separator.contains(['∨', '⋁']);
    let any_or = separators.iter().any(is_or);
    if any_or
        && values
            .iter()
            .all(|value| matches!(value, Typed::Inequality(_)))
    {
        let chains = values.into_iter().filter_map(|value| match value {
            Typed::Inequality(chains) => Some(chains),
            _ => None,
        });
        return Typed::Inequality(chains.flatten().collect());
    }
    // `1 or 2` are not to be taken in order; `x = 1, y = 2 or x = 3, y = 4` are
    // two of two.
    let is_choice = separators.iter().all(is_or)
        || separators.last().is_some_and(is_or)
            && values
                .iter()
                .all(|value| !matches!(value, Typed::Named { .. }));
    same_name(match any_or && is_choice {
        true => Typed::Set(values),
        false => Typed::List(values),
    })
}

/// `x = 2 or x = 3` and `x = 2, 3` name one collection.
fn same_name(collection: Typed) -> Typed {
    let (Typed::List(values) | Typed::Set(values)) = &collection else {
        return collection;
    };
    let Some(Typed::Named { name: first, .. }) = values.first() else {
        return collection;
    };
    let first = first.clone();
    let bare = values
        .iter()
        .skip(1)
        .all(|value| matches!(value, Typed::Scalar(_)));
    let named = values
        .iter()
        .all(|value| matches!(value, Typed::Named { name, .. } if *name == first));
    if !bare && !named {
        return collection;
    }
    let inner = |values: Vec<Typed>| {
        let inner = values.into_iter().map(|value| match value {
            Typed::Named { value, .. } => *value,
            value => value,
        });
        inner.collect()
    };
    Typed::Named {
        name: first,
        value: Box::new(match collection {
            Typed::Set(values) => Typed::Set(inner(values)),
            Typed::List(values) => Typed::List(inner(values)),
            other => other,
        }),
    }
}

/// Whether the expression is a letter or a product of letters, as propositions and
/// vectors are.
fn is_of_letters(expr: &Expr) -> bool {
    let mut nodes = expr.arena.iter().map(|(_, node)| node);
    nodes.all(|node| matches!(node, Node::Symbol(_) | Node::Mul(_) | Node::Call(..)))
}
