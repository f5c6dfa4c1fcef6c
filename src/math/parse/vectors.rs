//! Unit vectors: `3\mathbf{i} - \hat{\jmath}` as the tuple of its components.
//!
//! Only letters in bold, with a hat or an arrow, and only where the text has a
//! second one: `3 + 4\mathbf{i}` is a complex number.

use num_rational::BigRational;
use num_traits::Zero;
use pest::iterators::Pair;

use super::super::expr::{Arena, Expr, Id, Node};
use super::super::typed::{Form, Scalar, Typed};
use super::normalise::run;
use super::scalar::{Builder, unparsed};
use super::{ParseFault, Rule};

/// The canonical letters of the three axes.
const AXES: [&str; 3] = ["𝐢", "𝐣", "𝐤"];

/// What sets a letter as a vector.
const DECORATIONS: [&str; 8] = [
    "mathbf",
    "boldsymbol",
    "bm",
    "bf",
    "hat",
    "widehat",
    "vec",
    "overrightarrow",
];

/// The axis at the start of a text, and the bytes it takes: `\hat{\imath}`,
/// `\mathbf{\hat{j}}`, `\vec k`.
pub(super) fn axis(text: &str) -> Option<(&'static str, usize)> {
    let mut rest = text;
    let mut decorated = false;
    let mut open = 0;
    loop {
        rest = rest.trim_start();
        if let Some(inside) = rest.strip_prefix('{').filter(|_| decorated) {
            (rest, open) = (inside, open + 1);
            continue;
        }
        let Some(command) = rest.strip_prefix('\\') else {
            break;
        };
        let name = &command[..run(command, |c| c.is_ascii_alphabetic())];
        if !DECORATIONS.contains(&name) {
            break;
        }
        (rest, decorated) = (&command[name.len()..], true);
    }
    let letter = rest.strip_prefix('\\').unwrap_or(rest);
    let name = &letter[..run(letter, |c| c.is_ascii_alphabetic())];
    let axis = match (name, letter.len() < rest.len()) {
        ("i", false) | ("imath", true) => AXES[0],
        ("j", false) | ("jmath", true) => AXES[1],
        ("k", false) => AXES[2],
        _ => return None,
    };
    let mut rest = &letter[name.len()..];
    for _ in 0..open {
        rest = rest.trim_start().strip_prefix('}')?;
    }
    decorated.then_some((axis, text.len() - rest.len()))
}

/// Whether a text has a unit vector that no imaginary unit can be.
pub(super) fn has_axes(text: &str) -> bool {
    text.match_indices('\\')
        .any(|(at, _)| axis(&text[at..]).is_some_and(|(axis, _)| axis != AXES[0]))
}

impl Builder<'_> {
    /// A sum of terms with one axis each; two components, or three where the
    /// third axis is there.
    pub(super) fn vector(&self, expr: &Pair<'_, Rule>) -> Result<Option<Typed>, ParseFault> {
        if !AXES.iter().any(|axis| expr.as_str().contains(axis)) {
            return Ok(None);
        }
        let fault = unparsed(expr);
        let sum = self.expression(expr.clone())?;
        let terms = match sum.arena.node(sum.root) {
            Node::Add(terms) => terms.to_vec(),
            _ => vec![sum.root],
        };
        let mut components: [Vec<Vec<Id>>; 3] = Default::default();
        for term in terms {
            let factors = match sum.arena.node(term) {
                Node::Mul(factors) => factors.to_vec(),
                _ => vec![term],
            };
            let place = |id: &Id| match sum.arena.node(*id) {
                Node::Symbol(name) => AXES.iter().position(|axis| **axis == **name),
                _ => None,
            };
            let (axes, rest): (Vec<Id>, Vec<Id>) =
                factors.into_iter().partition(|id| place(id).is_some());
            let [axis] = axes.as_slice() else {
                return Err(fault);
            };
            if rest.iter().any(|id| mentions_axis(&sum.arena, *id)) {
                return Err(fault);
            }
            components[place(axis).ok_or(fault)?].push(rest);
        }
        let count = if components[2].is_empty() { 2 } else { 3 };
        let mut all = Vec::with_capacity(count);
        for terms in components.into_iter().take(count) {
            self.count(sum.arena.len())?;
            all.push(component(sum.arena.clone(), terms));
        }
        Ok(Some(Typed::Tuple(all)))
    }
}

fn component(mut arena: Arena, terms: Vec<Vec<Id>>) -> Typed {
    let mut products: Vec<Id> = Vec::with_capacity(terms.len());
    for factors in terms {
        products.push(match factors.as_slice() {
            [] => arena.add(Node::Number(BigRational::from_integer(1.into()))),
            [one] => *one,
            _ => arena.add(Node::Mul(factors.into())),
        });
    }
    let root = match products.as_slice() {
        [] => arena.add(Node::Number(BigRational::zero())),
        [one] => *one,
        _ => arena.add(Node::Add(products.into())),
    };
    Typed::Scalar(Scalar {
        value: Expr { arena, root },
        form: Form::Plain,
        unit: None,
    })
}

/// Whether an axis is somewhere below a node.
fn mentions_axis(arena: &Arena, root: Id) -> bool {
    let part = Expr {
        arena: arena.clone(),
        root,
    };
    let reached = part.reachable();
    part.arena.iter().take(reached.len()).any(|(id, node)| {
        reached[id.index()] && matches!(node, Node::Symbol(name) if AXES.contains(&&**name))
    })
}
