//! Typed answers as plain text, for the evidence of a verdict.

use crate::math::decide::display;
use crate::math::expr::Expr;
use crate::math::typed::{Condition, Form, Half, Interval, Relation, Scalar, Typed};

/// Bytes of the text at most; the rest is an ellipsis.
const LENGTH: usize = 512;

/// The canonical text of a value: `{1, 2}`, `(-∞, 3]`, `x = 5`.
pub(in crate::math) fn print(value: &Typed) -> String {
    let mut text = typed(value);
    if text.len() > LENGTH {
        let mut end = LENGTH;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The nesting is bounded by the depth of the parsed text.
fn typed(value: &Typed) -> String {
    match value {
        Typed::Scalar(value) => scalar(value),
        Typed::Named { name, value } => match &**value {
            Typed::Intervals(_) | Typed::Set(_) => format!("{name} ∈ {}", typed(value)),
            _ => format!("{name} = {}", typed(value)),
        },
        Typed::Set(all) if all.is_empty() => "∅".to_owned(),
        Typed::Set(all) => format!("{{{}}}", list(all)),
        Typed::List(all) => list(all),
        Typed::Tuple(all) => format!("({})", list(all)),
        Typed::Intervals(pieces) if pieces.is_empty() => "∅".to_owned(),
        Typed::Intervals(pieces) => joined(pieces.iter().map(interval), " ∪ "),
        Typed::Inequality(chains) => joined(
            chains.iter().map(|chain| {
                let mut text = String::new();
                for (at, term) in chain.terms.iter().enumerate() {
                    text.push_str(&display(term));
                    if let Some(relation) = chain.relations.get(at) {
                        text.push_str(sign(*relation));
                    }
                }
                text
            }),
            " or ",
        ),
        Typed::Equation { left, right } => format!("{} = {}", display(left), display(right)),
        Typed::Matrix(rows) => {
            let row = |row: &Vec<Expr>| joined(row.iter().map(display), ", ");
            format!("[{}]", joined(rows.iter().map(row), "; "))
        }
        Typed::Piecewise(branches) => joined(
            branches.iter().map(|branch| match &branch.condition {
                Condition::Otherwise => format!("{} otherwise", typed(&branch.value)),
                Condition::Relation(relation) => {
                    format!("{} if {}", typed(&branch.value), typed(relation))
                }
                Condition::Words(words) => format!("{} if {words}", typed(&branch.value)),
            }),
            "; ",
        ),
        Typed::Labelled { value, label } => format!("{} {label}", scalar(value)),
        Typed::Qualified { value, condition } => format!("{}, {condition}", typed(value)),
        Typed::Ratio(parts) => joined(parts.iter().map(display), ":"),
        Typed::Time { seconds, half } => time(*seconds, *half),
        Typed::Congruence {
            residue, modulus, ..
        } => {
            format!("{} mod {}", display(residue), display(modulus))
        }
        Typed::Family { offset, step } => {
            format!("{} + k·({}), k ∈ ℤ", display(offset), display(step))
        }
        Typed::Choice(letter) => letter.to_string(),
        Typed::Text(text) => text.clone(),
    }
}

fn list(all: &[Typed]) -> String {
    joined(all.iter().map(typed), ", ")
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}

fn scalar(scalar: &Scalar) -> String {
    let value = display(&scalar.value);
    match (scalar.unit, scalar.form) {
        (Some(unit), _) => format!("{value} {}", unit.name),
        (None, Form::Degrees) => format!("{value}°"),
        (None, _) => value,
    }
}

fn interval(piece: &Interval) -> String {
    let low = match &piece.low {
        None => "(-∞".to_owned(),
        Some(end) if end.closed => format!("[{}", display(&end.at)),
        Some(end) => format!("({}", display(&end.at)),
    };
    let high = match &piece.high {
        None => "∞)".to_owned(),
        Some(end) if end.closed => format!("{}]", display(&end.at)),
        Some(end) => format!("{})", display(&end.at)),
    };
    format!("{low}, {high}")
}

fn time(seconds: u64, half: Option<Half>) -> String {
    let half = match half {
        None => "",
        Some(Half::Am) => " am",
        Some(Half::Pm) => " pm",
    };
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match rest {
        0 => format!("{hours}:{minutes:02}{half}"),
        _ => format!("{hours}:{minutes:02}:{rest:02}{half}"),
    }
}

fn sign(relation: Relation) -> &'static str {
    match relation {
        Relation::Less => " < ",
        Relation::LessEqual => " ≤ ",
        Relation::Greater => " > ",
        Relation::GreaterEqual => " ≥ ",
        Relation::NotEqual => " ≠ ",
        Relation::Equal => " = ",
    }
}
