//! Readings as text, one spelling for each value; for tests and messages.
//!
//! Prefix notation, `(+ 1 (* 2 x))`, so that precedence can't hide a mistake.

use std::fmt::Write as _;

use super::super::expr::{Arena, Constant, Expr, Node};
#[cfg(test)]
use super::super::typed::Readings;
use super::super::typed::{Condition, Form, Half, Relation, Scalar, Typed};

/// The longest text of one node; shared nodes could grow without bound.
const LONGEST: usize = 4000;

/// All readings, joined by ` | `, each with its rule.
#[cfg(test)]
pub(super) fn readings(all: &Readings) -> String {
    let parts = all.0.iter().map(|reading| match reading.rule {
        None => typed(&reading.value),
        Some(rule) => format!("{rule}: {}", typed(&reading.value)),
    });
    parts.collect::<Vec<_>>().join(" | ")
}

/// One typed value. The nesting is bounded by the depth of the text.
pub(super) fn typed(value: &Typed) -> String {
    match value {
        Typed::Scalar(value) => scalar(value),
        Typed::Named { name, value } => format!("{name} := {}", typed(value)),
        Typed::Set(values) => format!("{{{}}}", list(values)),
        Typed::List(values) => format!("list {}", list(values)),
        Typed::Tuple(values) => format!("({})", list(values)),
        Typed::Intervals(pieces) => {
            let pieces = pieces.iter().map(|piece| {
                let (open, low) = match &piece.low {
                    None => ('(', "-inf".to_owned()),
                    Some(end) => (if end.closed { '[' } else { '(' }, expr(&end.at)),
                };
                let (high, close) = match &piece.high {
                    None => ("inf".to_owned(), ')'),
                    Some(end) => (expr(&end.at), if end.closed { ']' } else { ')' }),
                };
                format!("{open}{low}; {high}{close}")
            });
            format!("interval {}", pieces.collect::<Vec<_>>().join(" u "))
        }
        Typed::Inequality(chains) => {
            let chains = chains.iter().map(|chain| {
                let mut text = String::new();
                for (n, term) in chain.terms.iter().enumerate() {
                    if let Some(relation) = n.checked_sub(1).and_then(|n| chain.relations.get(n)) {
                        text.push_str(relation_text(*relation));
                    }
                    text.push_str(&expr(term));
                }
                text
            });
            chains.collect::<Vec<_>>().join(" or ")
        }
        Typed::Equation { left, right } => format!("{} == {}", expr(left), expr(right)),
        Typed::Matrix(rows) => {
            let rows = rows
                .iter()
                .map(|row| row.iter().map(expr).collect::<Vec<_>>().join(" "));
            format!("[{}]", rows.collect::<Vec<_>>().join("; "))
        }
        Typed::Piecewise(branches) => {
            let branches = branches.iter().map(|branch| match &branch.condition {
                Condition::Otherwise => format!("{} else", typed(&branch.value)),
                Condition::Relation(relation) => {
                    format!("{} if {}", typed(&branch.value), typed(relation))
                }
                Condition::Words(words) => format!("{} if {words}", typed(&branch.value)),
            });
            format!("cases {}", branches.collect::<Vec<_>>().join("; "))
        }
        Typed::Labelled { value, label } => format!("{} [{label}]", scalar(value)),
        Typed::Qualified { value, condition } => format!("{} where {condition}", typed(value)),
        Typed::Ratio(terms) => format!(
            "ratio {}",
            terms.iter().map(expr).collect::<Vec<_>>().join(":")
        ),
        Typed::Time { seconds, half } => format!(
            "time {seconds}{}",
            match half {
                None => "",
                Some(Half::Am) => " am",
                Some(Half::Pm) => " pm",
            }
        ),
        Typed::Congruence {
            residue, modulus, ..
        } => {
            format!("{} mod {}", expr(residue), expr(modulus))
        }
        Typed::Family { offset, step } => format!("family {} + {} Z", expr(offset), expr(step)),
        Typed::Choice(letter) => format!("choice {letter}"),
        Typed::Text(text) => format!("{text:?}"),
    }
}

fn list(values: &[Typed]) -> String {
    values.iter().map(typed).collect::<Vec<_>>().join(", ")
}

fn scalar(scalar: &Scalar) -> String {
    let mut text = expr(&scalar.value);
    match scalar.form {
        Form::Plain => {}
        Form::Decimal(digits) => write!(text, " .{digits}").expect("strings can be written to"),
        Form::Percent => text.push_str(" %"),
        Form::Degrees => text.push_str(" deg"),
        Form::Currency => text.push_str(" money"),
        Form::Base(base) => write!(text, " base {base}").expect("strings can be written to"),
    }
    if let Some(unit) = scalar.unit {
        write!(text, " <{}>", unit.name).expect("strings can be written to");
    }
    text
}

fn relation_text(relation: Relation) -> &'static str {
    match relation {
        Relation::Less => " < ",
        Relation::LessEqual => " <= ",
        Relation::Greater => " > ",
        Relation::GreaterEqual => " >= ",
        Relation::NotEqual => " /= ",
        Relation::Equal => " = ",
    }
}

/// An expression in prefix notation.
pub(super) fn expr(expr: &Expr) -> String {
    let mut texts: Vec<String> = Vec::with_capacity(expr.arena.len());
    for (_, node) in expr.arena.iter() {
        let mut text = node_text(node, &texts, &expr.arena);
        if text.len() > LONGEST {
            text = "...".to_owned();
        }
        texts.push(text);
    }
    texts.get(expr.root.index()).cloned().unwrap_or_default()
}

fn node_text(node: &Node, texts: &[String], _arena: &Arena) -> String {
    let all = |ids: &[super::super::expr::Id]| {
        ids.iter()
            .map(|id| texts[id.index()].as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    match node {
        Node::Number(value) => super::super::value::print(value),
        Node::Constant(Constant::Pi) => "pi".to_owned(),
        Node::Constant(Constant::E) => "e".to_owned(),
        Node::Constant(Constant::I) => "i".to_owned(),
        Node::Symbol(name) => name.to_string(),
        Node::Add(ids) => format!("(+ {})", all(ids)),
        Node::Mul(ids) => format!("(* {})", all(ids)),
        Node::Pow(base, exponent) => format!("(^ {})", all(&[*base, *exponent])),
        Node::Root { degree, radicand } => format!("(root {degree} {})", all(&[*radicand])),
        Node::Apply(function, id) => format!(
            "({} {})",
            format!("{function:?}").to_lowercase(),
            all(&[*id])
        ),
        Node::Log { base, argument } => format!("(log {})", all(&[*base, *argument])),
        Node::Factorial(id) => format!("(! {})", all(&[*id])),
        Node::Binomial(n, k) => format!("(choose {})", all(&[*n, *k])),
        Node::Call(name, ids) => format!("({name} of {})", all(ids)),
    }
}
