//! Expression graphs as graphs: what is reached, what is the same.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use num_bigint::BigInt;
use num_traits::{One, Signed};

use crate::math::expr::{Arena, Expr, Function, Id, Node};

/// A number that depends on the graph alone, not on which nodes were built
/// first; it puts two sides into an order of their own.
pub(super) fn fingerprint(expr: &Expr) -> u64 {
    let mut known: Vec<u64> = Vec::with_capacity(expr.root.index() + 1);
    for (_, node) in expr.arena.iter().take(expr.root.index() + 1) {
        let mut hasher = DefaultHasher::new();
        std::mem::discriminant(node).hash(&mut hasher);
        match node {
            Node::Number(value) if value.denom().is_one() => {
                // What `Ratio` hashes, without its divisions.
                value.numer().hash(&mut hasher);
                BigInt::ZERO.hash(&mut hasher);
            }
            Node::Number(value) => value.hash(&mut hasher),
            Node::Constant(constant) => constant.hash(&mut hasher),
            Node::Symbol(name) | Node::Call(name, _) => name.hash(&mut hasher),
            Node::Root { degree, .. } => degree.hash(&mut hasher),
            Node::Apply(function, _) => function.hash(&mut hasher),
            _ => {}
        }
        for child in node.children() {
            known[child.index()].hash(&mut hasher);
        }
        known.push(hasher.finish());
    }
    known[expr.root.index()]
}

/// Whether two expressions are the same graph but for the order of their nodes.
pub(super) fn same_graph(a: &Expr, b: &Expr) -> bool {
    let mut shared = Arena::default();
    let mut root = |expr: &Expr| {
        let mut known: Vec<Id> = Vec::with_capacity(expr.arena.len());
        for (_, node) in expr.arena.iter().take(expr.root.index() + 1) {
            let renamed = node.with_children(&known);
            known.push(shared.add(renamed));
        }
        known[expr.root.index()]
    };
    root(a) == root(b)
}

/// Whether a node has a value whatever the values of its children.
pub(super) fn total(expr: &Expr, node: &Node) -> bool {
    match node {
        Node::Number(_) | Node::Constant(_) | Node::Symbol(_) | Node::Add(_) | Node::Mul(_) => true,
        Node::Root { degree, .. } => *degree > 0,
        Node::Pow(_, exponent) => {
            matches!(expr.arena.node(*exponent), Node::Number(q) if q.is_positive())
        }
        Node::Apply(function, _) => matches!(
            function,
            Function::Sin
                | Function::Cos
                | Function::Sinh
                | Function::Cosh
                | Function::Exp
                | Function::Abs
                | Function::Conj
                | Function::Re
                | Function::Im
        ),
        // n! for a number that is seen to be natural.
        Node::Factorial(n) => {
            matches!(expr.arena.node(*n), Node::Number(n) if n.is_integer() && !n.is_negative())
        }
        Node::Binomial(n, k) => [n, k].iter().all(
            |id| matches!(expr.arena.node(**id), Node::Number(n) if n.is_integer() && !n.is_negative()),
        ),
        Node::Log { .. } | Node::Call(..) => false,
    }
}
