//! Expressions as plain text: `sqrt(2)/2 + x^2`, never longer than a limit.

use num_rational::BigRational;
use num_traits::{One, Signed};

use crate::math::expr::{Constant, Expr, Function, Id, Node};

/// Bytes of the text at most; the rest is an ellipsis.
const LENGTH: usize = 256;

/// How tightly an expression binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Power,
    Atom,
}

struct Piece {
    text: String,
    binding: Binding,
}

/// The text of an expression. Equal graphs have equal texts; long ones end in
/// an ellipsis.
pub(crate) fn display(e: &Expr) -> String {
    let seen = e.reachable();
    let mut pieces: Vec<Option<Piece>> = Vec::with_capacity(seen.len());
    for (id, node) in e.arena.iter().take(seen.len()) {
        let piece = seen[id.index()].then(|| piece(e, node, &pieces));
        pieces.push(piece);
    }
    pieces
        .pop()
        .flatten()
        .map(|piece| piece.text)
        .unwrap_or_default()
}

fn piece(e: &Expr, node: &Node, pieces: &[Option<Piece>]) -> Piece {
    let at = |id: Id| pieces[id.index()].as_ref().expect("children come first");
    let within = |id: Id, least: Binding| {
        let piece = at(id);
        match piece.binding >= least {
            true => piece.text.clone(),
            false => format!("({})", piece.text),
        }
    };
    let (text, binding) = match node {
        Node::Number(value) => number(value),
        Node::Constant(Constant::Pi) => ("pi".into(), Binding::Atom),
        Node::Constant(Constant::E) => ("e".into(), Binding::Atom),
        Node::Constant(Constant::I) => ("i".into(), Binding::Atom),
        Node::Symbol(name) => (name.to_string(), Binding::Atom),
        Node::Add(list) => {
            let mut text = String::new();
            for id in list {
                let term = within(*id, Binding::Sum);
                match term.strip_prefix('-') {
                    Some(rest) if !text.is_empty() => text += &format!(" - {rest}"),
                    _ if text.is_empty() => text += &term,
                    _ => text += &format!(" + {term}"),
                }
                if text.len() > LENGTH {
                    break;
                }
            }
            (text, Binding::Sum)
        }
        Node::Mul(list) => product(e, list, &within),
        Node::Pow(base, exponent) => {
            let base = within(*base, Binding::Atom);
            (
                format!("{base}^{}", within(*exponent, Binding::Atom)),
                Binding::Power,
            )
        }
        Node::Root {
            degree: 2,
            radicand,
        } => (format!("sqrt({})", at(*radicand).text), Binding::Atom),
        Node::Root { degree, radicand } => (
            format!("root({}, {degree})", at(*radicand).text),
            Binding::Atom,
        ),
        Node::Apply(Function::Abs, argument) => {
            (format!("|{}|", at(*argument).text), Binding::Atom)
        }
        Node::Apply(function, argument) => {
            let name = format!("{function:?}").to_lowercase();
            (format!("{name}({})", at(*argument).text), Binding::Atom)
        }
        Node::Log { base, argument } => (
            format!(
                "log_{}({})",
                within(*base, Binding::Atom),
                at(*argument).text
            ),
            Binding::Atom,
        ),
        Node::Factorial(n) => (format!("{}!", within(*n, Binding::Atom)), Binding::Power),
        Node::Binomial(n, k) => (
            format!("binomial({}, {})", at(*n).text, at(*k).text),
            Binding::Atom,
        ),
        Node::Call(name, list) => {
            let list: Vec<&str> = list.iter().take(32).map(|id| &*at(*id).text).collect();
            (format!("{name}({})", list.join(", ")), Binding::Atom)
        }
    };
    Piece {
        text: clipped(text),
        binding,
    }
}

/// Factors with exponent -1 go under a stroke, a factor -1 to the front.
fn product(e: &Expr, list: &[Id], within: &dyn Fn(Id, Binding) -> String) -> (String, Binding) {
    let mut sign = "";
    let (mut top, mut bottom) = (Vec::new(), Vec::new());
    for id in list.iter().take(LENGTH) {
        match e.arena.node(*id) {
            Node::Number(value) if *value == -BigRational::one() && sign.is_empty() => sign = "-",
            Node::Pow(base, exponent) if matches!(e.arena.node(*exponent), Node::Number(q) if *q == -BigRational::one()) =>
            {
                bottom.push(within(*base, Binding::Power));
            }
            _ => top.push(within(*id, Binding::Product)),
        }
    }
    let mut text = match top.is_empty() {
        true => "1".into(),
        false => top.join("*"),
    };
    if !bottom.is_empty() {
        text += "/";
        text += &match &*bottom {
            [one] => one.clone(),
            many => format!("({})", many.join("*")),
        };
    }
    let binding = if sign.is_empty() {
        Binding::Product
    } else {
        Binding::Sum
    };
    (format!("{sign}{text}"), binding)
}

fn number(value: &BigRational) -> (String, Binding) {
    if super::rational::bits(value) > 4 * LENGTH as u64 {
        let bits = value.numer().bits().max(value.denom().bits());
        return (format!("<number of {bits} bits>"), Binding::Atom);
    }
    let binding = match (value.is_negative(), value.denom().is_one()) {
        (true, _) => Binding::Sum,
        (false, true) => Binding::Atom,
        (false, false) => Binding::Product,
    };
    (value.to_string(), binding)
}

fn clipped(text: String) -> String {
    if text.len() <= LENGTH {
        return text;
    }
    let mut end = LENGTH;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
