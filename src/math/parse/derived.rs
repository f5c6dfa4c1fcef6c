//! Readings that follow from another one or from its spelling: components, indexed
//! names, several names of one value, times of day, braces that are not printed.

use super::super::expr::{Expr, Node};
use super::super::typed::{Derivation, Form, Half, Reading, Readings, Typed};
use super::ParseLimits;

/// Between delimiters, TeX prints `{1, 3}` as 1, 3: it may be a list as well.
pub(super) fn with_unprinted_braces(
    mut all: Readings,
    text: &str,
    stripped: &str,
    limits: &ParseLimits,
) -> Readings {
    let delimited = text.trim_start().starts_with(['$', '\\']) && stripped.starts_with('{');
    if let (
        true,
        [
            Reading {
                value: Typed::Set(members),
                rule: None,
                ..
            },
        ],
    ) = (delimited && limits.readings > 1, all.0.as_slice())
    {
        let list = Typed::List(members.clone());
        all.0.push(Reading::new(list, Some("unprinted_braces")));
    }
    all
}

/// `(x, y) = (1, 2)` as `x = 1, y = 2`.
pub(super) fn componentwise(value: &Typed) -> Option<Reading> {
    let Typed::Named { name, value } = value else {
        return None;
    };
    let names = name.strip_prefix('(')?.strip_suffix(')')?;
    let Typed::Tuple(values) = value.as_ref() else {
        return None;
    };
    let named = names
        .split(',')
        .zip(values)
        .map(|(name, value)| Typed::Named {
            name: name.to_owned(),
            value: Box::new(value.clone()),
        });
    Some(Reading::new(
        Typed::List(named.collect()),
        Some("componentwise"),
    ))
}

/// `x = y = 1` as `x = 1, y = 1`.
pub(super) fn each_name(value: &Typed, derivations: &[Derivation]) -> Option<Reading> {
    let (
        Typed::Named { name: first, value },
        [
            Derivation {
                name: Some(name),
                sides,
            },
        ],
    ) = (value, derivations)
    else {
        return None;
    };
    let mut names = vec![first.clone()];
    names.extend(sides.iter().map_while(as_name));
    let is_closed = matches!(&**value, Typed::Scalar(scalar) if !has_symbols(&scalar.value));
    let distinct = (1..names.len()).all(|at| !names[..at].contains(&names[at]));
    if name != first || names.len() < 2 || !is_closed || !distinct {
        return None;
    }
    let named = names.into_iter().map(|name| Typed::Named {
        name,
        value: value.clone(),
    });
    Some(Reading::new(
        Typed::List(named.collect()),
        Some("componentwise"),
    ))
}

/// The name that a side of a chain is.
fn as_name(side: &Typed) -> Option<String> {
    match side {
        Typed::Scalar(scalar) if scalar.form == Form::Plain && scalar.unit.is_none() => {
            match scalar.value.arena.node(scalar.value.root) {
                Node::Symbol(name) => Some(name.to_string()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn has_symbols(value: &Expr) -> bool {
    let reached = value.reachable();
    let mut nodes = value.arena.iter().take(reached.len());
    nodes.any(|(id, node)| reached[id.index()] && matches!(node, Node::Symbol(_)))
}

/// `x_1 = 2, x_2 = 3` as the values 2 and 3 of x.
pub(super) fn indexed(value: &Typed) -> Option<Reading> {
    let (Typed::List(values) | Typed::Set(values)) = value else {
        return None;
    };
    let mut base = None;
    let mut inner = Vec::with_capacity(values.len());
    for (nth, one) in values.iter().enumerate() {
        let Typed::Named { name, value } = one else {
            return None;
        };
        let (letter, index) = name.split_once('_')?;
        let in_order = index == (nth + 1).to_string() && *base.get_or_insert(letter) == letter;
        (in_order && matches!(**value, Typed::Scalar(_))).then(|| inner.push((**value).clone()))?;
    }
    (inner.len() > 1).then_some(())?;
    let value = Typed::Named {
        name: base?.to_owned(),
        value: Box::new(Typed::List(inner)),
    };
    Some(Reading::new(value, Some("indexed_names")))
}

/// `14:30` or `14:30:00`, of a day without halves.
pub(super) fn clock(text: &str) -> Option<Typed> {
    let (hours, rest) = text.trim().split_once(':')?;
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "00"));
    let digits = |part: &str| {
        !part.is_empty() && part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit())
    };
    let is_clock = digits(hours)
        && [minutes, seconds]
            .iter()
            .all(|part| digits(part) && part.len() == 2);
    if !is_clock {
        return None;
    }
    let (hours, minutes, seconds): (u64, u64, u64) = (
        hours.parse().ok()?,
        minutes.parse().ok()?,
        seconds.parse().ok()?,
    );
    (hours < 24 && minutes < 60 && seconds < 60).then_some(Typed::Time {
        seconds: hours * 3600 + minutes * 60 + seconds,
        half: None::<Half>,
    })
}
