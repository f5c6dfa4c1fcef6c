//! New expressions out of given ones: differences, products, substitutions.
//!
//! Expressions live in arenas of their own; an import copies the nodes of one
//! into another, children first, and may put something else in a symbol's
//! place.

use num_bigint::BigInt;
use num_rational::BigRational;

use crate::math::expr::{Arena, Expr, Function, Id, Node};

/// An arena under construction.
#[derive(Default)]
pub(super) struct Builder {
    arena: Arena,
}

impl Builder {
    pub(super) fn number(&mut self, value: impl Into<BigInt>) -> Id {
        self.rational(BigRational::from_integer(value.into()))
    }

    pub(super) fn rational(&mut self, value: BigRational) -> Id {
        self.arena.add(Node::Number(value))
    }

    pub(super) fn symbol(&mut self, name: &str) -> Id {
        self.arena.add(Node::Symbol(name.into()))
    }

    /// Copies `expr` as it is.
    pub(super) fn import(&mut self, expr: &Expr) -> Id {
        self.import_with(expr, &|_, _| None)
    }

    /// Copies `expr` with symbols replaced: `put` gives what a symbol becomes,
    /// `None` to keep it.
    pub(super) fn import_with(
        &mut self,
        expr: &Expr,
        put: &dyn Fn(&mut Self, &str) -> Option<Id>,
    ) -> Id {
        let mut ids: Vec<Id> = Vec::with_capacity(expr.arena.len());
        for (id, node) in expr.arena.iter() {
            if let Node::Symbol(name) = node
                && let Some(other) = put(self, name)
            {
                ids.push(other);
                if id == expr.root {
                    return other;
                }
                continue;
            }
            let new = self.arena.add(node.with_children(&ids));
            ids.push(new);
            if id == expr.root {
                return new;
            }
        }
        unreachable!("the root is a node of its arena")
    }

    pub(super) fn sum(&mut self, left: Id, right: Id) -> Id {
        self.arena.add(Node::Add([left, right].into()))
    }

    pub(super) fn product(&mut self, left: Id, right: Id) -> Id {
        self.arena.add(Node::Mul([left, right].into()))
    }

    pub(super) fn negative(&mut self, of: Id) -> Id {
        let minus = self.number(-1);
        self.product(minus, of)
    }

    pub(super) fn difference(&mut self, left: Id, right: Id) -> Id {
        let right = self.negative(right);
        self.sum(left, right)
    }

    pub(super) fn quotient(&mut self, left: Id, right: Id) -> Id {
        let minus = self.number(-1);
        let inverse = self.arena.add(Node::Pow(right, minus));
        self.product(left, inverse)
    }

    pub(super) fn pi(&mut self) -> Id {
        self.arena
            .add(Node::Constant(crate::math::expr::Constant::Pi))
    }

    pub(super) fn finish(self, root: Id) -> Expr {
        Expr {
            arena: self.arena,
            root,
        }
    }
}

/// An integer as an expression.
pub(super) fn integer(value: i64) -> Expr {
    rational(BigRational::from_integer(value.into()))
}

/// A rational number as an expression.
pub(super) fn rational(value: BigRational) -> Expr {
    let mut builder = Builder::default();
    let root = builder.rational(value);
    builder.finish(root)
}

/// A variable as an expression.
pub(super) fn symbol(name: &str) -> Expr {
    let mut builder = Builder::default();
    let root = builder.symbol(name);
    builder.finish(root)
}

/// `left - right`
pub(super) fn difference(left: &Expr, right: &Expr) -> Expr {
    combine(left, right, Builder::difference)
}

/// `left + right`
pub(super) fn sum(left: &Expr, right: &Expr) -> Expr {
    combine(left, right, Builder::sum)
}

/// `left · right`
pub(super) fn product(left: &Expr, right: &Expr) -> Expr {
    combine(left, right, Builder::product)
}

/// `left / right`, undefined where `right` is 0.
pub(super) fn quotient(left: &Expr, right: &Expr) -> Expr {
    combine(left, right, Builder::quotient)
}

/// The principal square root.
pub(super) fn square_root(of: &Expr) -> Expr {
    let mut builder = Builder::default();
    let radicand = builder.import(of);
    let root = builder.arena.add(Node::Root {
        degree: 2,
        radicand,
    });
    builder.finish(root)
}

/// `-of`
pub(super) fn negative(of: &Expr) -> Expr {
    product(&integer(-1), of)
}

fn combine(left: &Expr, right: &Expr, join: fn(&mut Builder, Id, Id) -> Id) -> Expr {
    let mut builder = Builder::default();
    let left = builder.import(left);
    let right = builder.import(right);
    let root = join(&mut builder, left, right);
    builder.finish(root)
}

/// `expr` with `value` in the place of the variable `name`.
pub(super) fn substitute(expr: &Expr, name: &str, value: &Expr) -> Expr {
    let mut builder = Builder::default();
    let value = builder.import(value);
    let root = builder.import_with(expr, &|_, found| (found == name).then_some(value));
    builder.finish(root)
}

/// `expr` with every variable renamed, those of `keep` excepted.
pub(super) fn rename(expr: &Expr, new: &dyn Fn(&str) -> Option<String>) -> Expr {
    let mut builder = Builder::default();
    let root = builder.import_with(expr, &|builder, found| {
        new(found).map(|name| builder.symbol(&name))
    });
    builder.finish(root)
}

/// The name of an expression that is nothing but a variable.
pub(super) fn as_symbol(expr: &Expr) -> Option<&str> {
    match expr.arena.node(expr.root) {
        Node::Symbol(name) => Some(name),
        _ => None,
    }
}

/// The node under an absolute value that is the whole expression.
pub(super) fn under_abs(expr: &Expr) -> Option<Expr> {
    match expr.arena.node(expr.root) {
        Node::Apply(Function::Abs, inside) => Some(at(expr, *inside)),
        _ => None,
    }
}

/// The part of `expr` below a node.
pub(super) fn at(expr: &Expr, root: Id) -> Expr {
    let mut builder = Builder::default();
    let part = Expr {
        arena: expr.arena.clone(),
        root,
    };
    let root = builder.import(&part);
    builder.finish(root)
}

/// The variables below the root, in order of appearance, each once.
pub(super) fn symbols(expr: &Expr) -> Vec<&str> {
    let reached = expr.reachable();
    let mut names = Vec::new();
    for (id, node) in expr.arena.iter().take(reached.len()) {
        if let Node::Symbol(name) = node
            && reached[id.index()]
        {
            names.push(&**name);
        }
    }
    names
}
