//! Scalar expressions: a directed acyclic graph in an arena, children first.
//!
//! Built by the parser, read by `decide`. Nodes are hash-consed: equal nodes
//! have equal ids, so that `9^{9^9}` against itself is one comparison. Nothing
//! here is evaluated or simplified beyond what the constructors say, and
//! nothing recurses: children always have smaller ids than their parents, so
//! every pass is a loop over the arena.

use num_rational::BigRational;

use super::interner::Interner;

/// Index of a node in its [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(u32);

impl Id {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// One node.
#[allow(
    clippy::derived_hash_with_manual_eq,
    reason = "equal parts have equal hashes"
)]
#[derive(Clone, Debug, Eq, Hash)]
pub(super) enum Node {
    /// An exact literal.
    Number(BigRational),
    /// π, e or i.
    Constant(Constant),
    /// A variable, with its decorations: `x`, `x_1`, `\alpha`, `f'`. Upper and
    /// lower case differ.
    Symbol(Box<str>),
    /// A sum of two terms or more; a difference is a sum with `Mul(-1, …)`.
    Add(Box<[Id]>),
    /// A product of two factors or more; a quotient has a factor
    /// `Pow(…, -1)`, which is undefined where its base is 0.
    Mul(Box<[Id]>),
    /// `base ^ exponent`. For a negative base and a fractional exponent: the
    /// principal value.
    Pow(Id, Id),
    /// `\sqrt[degree]{radicand}`, degree 2 or more: for a negative radicand
    /// and an odd degree the real root, for an even degree the principal one.
    Root {
        /// n of the n-th root.
        degree: u32,
        /// What is under the root.
        radicand: Id,
    },
    /// A function of one argument; angles are in radians.
    Apply(Function, Id),
    /// `\log_base argument`; `\ln` is `Apply(Ln, …)`, `\lg` has base 10. The
    /// parser decides what a bare `\log` means.
    Log {
        /// The base.
        base: Id,
        /// The argument.
        argument: Id,
    },
    /// `n!`
    Factorial(Id),
    /// `\binom{n}{k}`
    Binomial(Id, Id),
    /// A call of an unknown function, `f(2)`; equal only to itself.
    Call(Box<str>, Box<[Id]>),
}

/// A named number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Constant {
    Pi,
    /// Euler's number.
    E,
    /// The imaginary unit.
    I,
}

/// Functions of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Function {
    Sin,
    Cos,
    Tan,
    Cot,
    Sec,
    Csc,
    Arcsin,
    Arccos,
    Arctan,
    Sinh,
    Cosh,
    Tanh,
    Exp,
    Ln,
    Abs,
    Floor,
    Ceil,
    /// Complex conjugate.
    Conj,
    /// Real part.
    Re,
    /// Imaginary part.
    Im,
}

/// Hash-consed nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Arena {
    nodes: Interner<Node>,
    /// Whether a sign of multiplication was written in it: `a \cdot b`.
    has_product_sign: bool,
}

/// A scalar expression: an arena and its root.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) arena: Arena,
    pub(super) root: Id,
}

impl Arena {
    /// The id of `node`, which is added unless it is there already. The caller
    /// bounds the number of nodes (`MathOptions::max_nodes`).
    pub(super) fn add(&mut self, node: Node) -> Id {
        match self.nodes.find(&node) {
            Some(place) => Id(place),
            None => Id(self.nodes.push(node)),
        }
    }

    /// Notes that a sign of multiplication is written.
    pub(super) fn note_product_sign(&mut self) {
        self.has_product_sign = true;
    }

    /// Whether a sign of multiplication is written somewhere in the expression.
    pub(super) fn has_product_sign(&self) -> bool {
        self.has_product_sign
    }

    /// The node of an id.
    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes.values()[id.index()]
    }

    /// All nodes, children before parents.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &Node)> {
        (0..).map(Id).zip(self.nodes.values())
    }

    /// Number of nodes.
    pub(super) fn len(&self) -> usize {
        self.nodes.values().len()
    }
}

// Numbers are in lowest terms, so that equal ones have equal parts; `Ratio`
// would divide to find out.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Node::Number(a), Node::Number(b)) => a.numer() == b.numer() && a.denom() == b.denom(),
            (Node::Constant(a), Node::Constant(b)) => a == b,
            (Node::Symbol(a), Node::Symbol(b)) => a == b,
            (Node::Add(a), Node::Add(b)) | (Node::Mul(a), Node::Mul(b)) => a == b,
            (Node::Pow(a, b), Node::Pow(c, d)) | (Node::Binomial(a, b), Node::Binomial(c, d)) => {
                a == c && b == d
            }
            (
                Node::Root { degree, radicand },
                Node::Root {
                    degree: other,
                    radicand: inner,
                },
            ) => degree == other && radicand == inner,
            (Node::Apply(f, a), Node::Apply(g, b)) => f == g && a == b,
            (
                Node::Log { base, argument },
                Node::Log {
                    base: other,
                    argument: inner,
                },
            ) => base == other && argument == inner,
            (Node::Factorial(a), Node::Factorial(b)) => a == b,
            (Node::Call(f, a), Node::Call(g, b)) => f == g && a == b,
            _ => false,
        }
    }
}

impl Node {
    /// The node with each child replaced by what stands at its place in `new`.
    pub(super) fn with_children(&self, new: &[Id]) -> Self {
        let at = |id: &Id| new[id.index()];
        let all = |list: &[Id]| list.iter().map(at).collect();
        match self {
            Node::Number(_) | Node::Constant(_) | Node::Symbol(_) => self.clone(),
            Node::Add(terms) => Node::Add(all(terms)),
            Node::Mul(factors) => Node::Mul(all(factors)),
            Node::Pow(base, exponent) => Node::Pow(at(base), at(exponent)),
            Node::Root { degree, radicand } => Node::Root {
                degree: *degree,
                radicand: at(radicand),
            },
            Node::Apply(function, argument) => Node::Apply(*function, at(argument)),
            Node::Log { base, argument } => Node::Log {
                base: at(base),
                argument: at(argument),
            },
            Node::Factorial(n) => Node::Factorial(at(n)),
            Node::Binomial(n, k) => Node::Binomial(at(n), at(k)),
            Node::Call(name, arguments) => Node::Call(name.clone(), all(arguments)),
        }
    }

    /// The ids of the children.
    pub(super) fn children(&self) -> impl Iterator<Item = Id> {
        let (list, pair): (&[Id], [Option<Id>; 2]) = match self {
            Node::Number(_) | Node::Constant(_) | Node::Symbol(_) => (&[], [None, None]),
            Node::Add(list) | Node::Mul(list) | Node::Call(_, list) => (list, [None, None]),
            Node::Pow(a, b) | Node::Binomial(a, b) => (&[], [Some(*a), Some(*b)]),
            Node::Root { radicand, .. } => (&[], [Some(*radicand), None]),
            Node::Apply(_, a) | Node::Factorial(a) => (&[], [Some(*a), None]),
            Node::Log { base, argument } => (&[], [Some(*base), Some(*argument)]),
        };
        list.iter().copied().chain(pair.into_iter().flatten())
    }
}

impl Expr {
    /// Which nodes the root reaches, up to the root. Parents come after their
    /// children, so one pass down marks them all.
    pub(super) fn reachable(&self) -> Vec<bool> {
        let mut seen = vec![false; self.root.index() + 1];
        seen[self.root.index()] = true;
        for at in (0..seen.len()).rev() {
            if seen[at] {
                for child in self.arena.nodes.values()[at].children() {
                    seen[child.index()] = true;
                }
            }
        }
        seen
    }

    /// Copies what the root reaches into another arena. `put` sees every copied
    /// node, its children in the new arena, and gives what stands for it; `None`
    /// keeps it.
    pub(super) fn copied_into(
        &self,
        arena: &mut Arena,
        put: &dyn Fn(&mut Arena, &Node) -> Option<Id>,
    ) -> Id {
        let reached = self.reachable();
        let mut ids: Vec<Id> = Vec::with_capacity(reached.len());
        for (id, node) in self.arena.iter().take(reached.len()) {
            if !reached[id.index()] {
                // Never looked at.
                ids.push(id);
                continue;
            }
            let copy = node.with_children(&ids);
            let id = put(arena, &copy).unwrap_or_else(|| arena.add(copy));
            ids.push(id);
        }
        ids[self.root.index()]
    }
}
