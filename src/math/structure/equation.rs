//! Equations, and values with names.
//!
//! Two equations are the same when one, with everything on one side, is a
//! constant non-zero multiple of the other: f(p)·g(q) = f(q)·g(p) at
//! independent p and q, and neither vanishes everywhere. `0 = 0` says nothing
//! and equals nothing.

use num_rational::BigRational;
use num_traits::Signed;

use crate::math::expr::{Expr, Function, Id, Node};
use crate::math::typed::{Form, Scalar, Typed};

use super::build::{as_symbol, difference, integer, product, rename, symbol, symbols};
use super::{Context, Judgement};

impl Context<'_> {
    /// Two of them: named values or equations.
    pub(super) fn equations(&self, gold: &Typed, answer: &Typed) -> Judgement {
        if let (
            Typed::Named { name, value },
            Typed::Named {
                name: second,
                value: other,
            },
        ) = (gold, answer)
        {
            if let Some(judged) = self.tuples_of_names(gold, answer) {
                return judged;
            }
            match same_name(name, second) {
                Some(renames) if renames.is_empty() => return self.typed(value, other),
                Some(renames) => return self.typed(value, &renamed(other, &renames)),
                None => {}
            }
            let solvable = [name, second].iter().all(|name| is_identifier(name));
            if !solvable || !has_variables(value) || !has_variables(other) {
                return Judgement::wrong("different_name");
            }
        }
        let (Some(f), Some(g)) = (one_side(gold), one_side(answer)) else {
            return Judgement::Unknown("unsupported");
        };
        let judged = self.proportional(&f, &g);
        // `2x = 10` restates the question that `x = 5` answers.
        let solved = matches!(gold, Typed::Named { value, .. } if !has_variables(value));
        match (judged, solved, answer) {
            (Judgement::Correct { .. }, true, Typed::Equation { .. }) => {
                Judgement::Unknown("unsolved")
            }
            (judged, _, _) => judged,
        }
    }

    /// `(x, y) = (1, 2)` against `(y, x) = (2, 1)`.
    fn tuples_of_names(&self, gold: &Typed, answer: &Typed) -> Option<Judgement> {
        self.is_collections(gold, answer)
            .then(|| self.collections(gold, answer))
    }

    /// Whether f = c·g for a constant c that is not 0.
    pub(super) fn proportional(&self, f: &Expr, g: &Expr) -> Judgement {
        let zero = integer(0);
        for side in [f, g] {
            match self.same(side, &zero) {
                Judgement::Wrong { .. } => {}
                // `0 = 0`, or perhaps.
                Judgement::Correct { .. } | Judgement::Unknown(_) => {
                    return Judgement::Unknown("trivial_equation");
                }
            }
        }
        if symbols(f).is_empty() || symbols(g).is_empty() {
            return Judgement::Unknown("no_variable");
        }
        if self.is_multiple(f, g) {
            return Judgement::exact("equation");
        }
        let elsewhere =
            |expr: &Expr| rename(expr, &|name| Some(format!("{name}\u{2032}\u{2032}@")));
        let left = product(f, &elsewhere(g));
        let right = product(&elsewhere(f), g);
        match self.same(&left, &right) {
            correct @ Judgement::Correct { .. } => correct.by("equation"),
            Judgement::Wrong { .. } if has_symbol_below(f) || has_symbol_below(g) => {
                Judgement::Unknown("undecided")
            }
            Judgement::Wrong { .. } => Judgement::wrong("different_equation"),
            unknown @ Judgement::Unknown(_) => unknown,
        }
    }

    /// An equation beside what is none.
    pub(super) fn unnamed_equation(
        &self,
        left: &Expr,
        right: &Expr,
        gold: &Typed,
        answer: &Typed,
    ) -> Judgement {
        let value = Typed::Scalar(Scalar {
            value: right.clone(),
            form: Form::Plain,
            unit: None,
        });
        let of_gold = matches!(gold, Typed::Equation { .. });
        let compare = || match of_gold {
            true => self.typed(&value, answer),
            false => self.typed(gold, &value),
        };
        // `|AB| = 1`: the left side names a magnitude.
        if is_measure(left) {
            return compare().thanks_to("name_missing");
        }
        // `\sqrt{4} = 2`: both sides have one value.
        if symbols(left).is_empty() && symbols(right).is_empty() {
            return match self.equal(left, right) {
                Judgement::Correct { .. } => compare(),
                Judgement::Wrong { witness, .. } => Judgement::Wrong {
                    rule: "false_equation",
                    witness,
                },
                unknown @ Judgement::Unknown(_) => unknown,
            };
        }
        match of_gold {
            true => Judgement::wrong("different_type"),
            false => Judgement::Unknown("unsolved"),
        }
    }
}

/// Everything of an equation on one side.
fn one_side(value: &Typed) -> Option<Expr> {
    match value {
        Typed::Equation { left, right } => Some(difference(left, right)),
        Typed::Named { name, value } => match &**value {
            Typed::Scalar(scalar) if scalar.unit.is_none() && is_identifier(name) => {
                Some(difference(&symbol(name), &scalar.value))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The renaming of the answer's arguments that makes the names the same:
/// `f(x)` and `f(t)`; `None` where they differ. `y` may stand for `f(x)`.
fn same_name(gold: &str, answer: &str) -> Option<Vec<(String, String)>> {
    let (gold, answer) = (plain(gold), plain(answer));
    if gold == answer {
        return Some(Vec::new());
    }
    match (call(&gold), call(&answer)) {
        (Some((head, own)), Some((other, theirs))) => {
            let same = head == other && own.len() == theirs.len();
            same.then(|| {
                theirs
                    .into_iter()
                    .zip(own)
                    .filter(|(from, to)| from != to)
                    .collect()
            })
        }
        (Some((_, own)), None) => (answer == "y" && own == ["x"]).then(Vec::new),
        (None, Some((_, theirs))) => (gold == "y" && theirs == ["x"]).then(Vec::new),
        (None, None) => None,
    }
}

/// Whether two names are the same without any renaming.
pub(super) fn names_agree(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

/// The names in `(x, y)`.
pub(super) fn component_names(name: &str) -> Option<Vec<String>> {
    let plain = plain(name);
    let inside = plain.strip_prefix('(')?.strip_suffix(')')?;
    let names: Vec<String> = inside.split([',', ';']).map(str::to_owned).collect();
    (names.len() > 1 && names.iter().all(|name| is_identifier(name))).then_some(names)
}

/// `f(x, y)` as its head and its arguments; only variables are arguments.
fn call(name: &str) -> Option<(String, Vec<String>)> {
    let (head, rest) = name.split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    let arguments: Vec<String> = inside.split(',').map(str::to_owned).collect();
    let fits = is_identifier(head) && arguments.iter().all(|name| is_identifier(name));
    fits.then(|| (head.to_owned(), arguments))
}

/// A name without spaces and grouping braces: `a_{n}` is `a_n`.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '{' | '}'))
        .collect()
}

/// Whether the name is that of a variable: letters, digits, `_`, `\`, primes.
fn is_identifier(name: &str) -> bool {
    name.chars()
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '\\')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '\\' | '\'' | '′' | '{' | '}'))
}

fn renamed(value: &Typed, renames: &[(String, String)]) -> Typed {
    let new = |name: &str| {
        renames
            .iter()
            .find(|(from, _)| from == name)
            .map(|(_, to)| to.clone())
            // What the new names would capture must stay apart.
            .or_else(|| {
                renames
                    .iter()
                    .any(|(_, to)| to == name)
                    .then(|| format!("{name}\u{2032}@"))
            })
    };
    match value {
        Typed::Scalar(scalar) => Typed::Scalar(Scalar {
            value: rename(&scalar.value, &new),
            ..scalar.clone()
        }),
        other => other.clone(),
    }
}

fn has_variables(value: &Typed) -> bool {
    match value {
        Typed::Scalar(scalar) => !symbols(&scalar.value).is_empty(),
        _ => false,
    }
}

/// Whether the expression names a magnitude: points in capitals, their ratios
/// and absolute values, and nothing that could be solved.
fn is_measure(expr: &Expr) -> bool {
    // One letter alone would be a name.
    as_symbol(expr).is_none()
        && !symbols(expr).is_empty()
        && expr.arena.iter().all(|(_, node)| match node {
            Node::Symbol(name) => name.chars().next().is_some_and(char::is_uppercase),
            Node::Mul(_) | Node::Apply(Function::Abs, _) => true,
            Node::Pow(_, exponent) => is_minus_one(expr.arena.node(*exponent)),
            Node::Number(_) => is_minus_one(node),
            _ => false,
        })
}

fn is_minus_one(node: &Node) -> bool {
    matches!(node, Node::Number(value) if *value == BigRational::from_integer((-1).into()))
}

/// Whether a variable stands in a denominator, a root or a function, where
/// equations of different shape may have the same solutions.
fn has_symbol_below(expr: &Expr) -> bool {
    let mut symbolic: Vec<bool> = Vec::with_capacity(expr.arena.len());
    let mut found = false;
    for (_, node) in expr.arena.iter() {
        let at = |id: &Id| symbolic[id.index()];
        let any = matches!(node, Node::Symbol(_)) || node.children().any(|id| at(&id));
        found |= match node {
            Node::Pow(base, exponent) => {
                let whole = matches!(expr.arena.node(*exponent),
                    Node::Number(value) if value.is_integer() && value.is_positive());
                !whole && (at(base) || at(exponent))
            }
            Node::Root { radicand, .. } => at(radicand),
            Node::Apply(_, argument) => at(argument),
            Node::Log { .. } | Node::Factorial(_) | Node::Binomial(..) | Node::Call(..) => any,
            Node::Number(_) | Node::Constant(_) | Node::Symbol(_) | Node::Add(_) | Node::Mul(_) => {
                false
            }
        };
        symbolic.push(any);
    }
    found
}
