//! What a bar stands for: the conjugate of what is complex, else a name of its own.
//!
//! `\overline{A}` is a complement, `\overline{abc}` a number by its digits, `\bar x`
//! a mean: none of them is what stands under the bar, and none is a product.

use std::collections::HashSet;

use pest::iterators::Pair;

use super::super::expr::{Arena, Constant, Function, Id, Node};
use super::scalar::{Builder, unparsed};
use super::{ParseFault, Rule};

impl Builder<'_> {
    /// `\overline{…}` with anything but digits.
    pub(super) fn barred(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let name = name(&pair);
        let inner = self
            .primary(pair.into_inner().next().ok_or(fault)?, arena)?
            .0;
        Ok(arena.add(match name {
            _ if is_complex(inner, arena) => Node::Apply(Function::Conj, inner),
            Some(name) => Node::Symbol(name.into()),
            None => Node::Call("\\overline".into(), Box::new([inner])),
        }))
    }
}

/// The name that a letter is under a bar, where it is not complex.
pub(super) fn bare_name(pair: &Pair<'_, Rule>) -> Option<String> {
    name(pair).filter(|name| !name["\\overline".len()..].contains(['i', 'z', 'w']))
}

/// The name that a bar over letters and digits makes.
fn name(pair: &Pair<'_, Rule>) -> Option<String> {
    let text = pair.as_str().strip_prefix("\\conj")?.replace(' ', "");
    let plain = text
        .chars()
        .all(|c| c.is_alphanumeric() || "{}_'".contains(c));
    plain.then(|| format!("\\overline{text}"))
}

/// Whether an expression holds i or a variable that is complex by custom.
fn is_complex(root: Id, arena: &Arena) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        match arena.node(id) {
            Node::Constant(Constant::I) => return true,
            Node::Symbol(name) if name.starts_with(['z', 'w']) => return true,
            node => open.extend(node.children().filter(|child| seen.insert(*child))),
        }
    }
    false
}
