//! Answers with a clause: `\pi r^2` where `r = 2`, `cx` for some `c > 0`.
//!
//! A clause that gives a variable of the answer its value is carried out. Any
//! other one stays, as words, and is compared as such.

use super::expr::{Arena, Expr, Node};
use super::typed::{Reading, Readings, Typed};

/// What opens a clause.
const OPENINGS: [&str; 10] = [
    "where",
    "for some",
    "for all",
    "for any",
    "for every",
    "for each",
    "with",
    "when",
    "such that",
    "for",
];

/// The longest clause, in bytes.
const CLAUSE: usize = 200;

/// Reads a value and the clause behind it; `parse` reads a part.
pub(super) fn read(text: &str, parse: &dyn Fn(&str) -> Option<Readings>) -> Option<Readings> {
    let flat = without_text(text);
    let (head, opening, clause) = split(&flat)?;
    let around = |c: char| c.is_whitespace() || matches!(c, '$' | ',' | '.' | ';' | '(' | ')');
    let inner = clause.trim_matches(|c: char| around(c) && !matches!(c, '(' | ')'));
    if inner.is_empty() || clause.len() > CLAUSE {
        return None;
    }
    let head = head.trim().trim_end_matches(',').trim();
    let head = head
        .strip_prefix('$')
        .map_or(head, |rest| rest.strip_suffix('$').unwrap_or(head));
    let readings = parse(head)?;
    // "Matrix with fractions" announces something.
    if readings.0.iter().any(is_words) || clause.contains(':') {
        return None;
    }
    if matches!(opening, "where" | "with" | "when")
        && let Some(all) = carried_out(&readings, inner, parse)
    {
        return Some(all);
    }
    Some(qualified(readings, &format!("{opening} {clause}")))
}

/// Reads a value and the condition behind its only "if".
pub(super) fn under_if(text: &str, parse: &dyn Fn(&str) -> Option<Readings>) -> Option<Readings> {
    let flat = without_text(text);
    let mut parts = flat.split(" if ");
    let (head, clause, None) = (parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    if clause.trim().is_empty() || clause.len() > CLAUSE {
        return None;
    }
    let head = head.trim().trim_end_matches(',').trim();
    let head = head
        .strip_prefix('$')
        .map_or(head, |rest| rest.strip_suffix('$').unwrap_or(head));
    let readings = parse(head)?;
    if readings.0.iter().any(is_words) {
        return None;
    }
    Some(qualified(readings, &format!("if {clause}")))
}

/// Every reading under the condition, whose words are folded.
fn qualified(readings: Readings, condition: &str) -> Readings {
    let condition = folded(condition);
    let all = readings.0.into_iter().map(|reading| Reading {
        value: Typed::Qualified {
            value: Box::new(reading.value),
            condition: condition.clone(),
        },
        ..reading
    });
    Readings(all.collect())
}

/// Whether the reading is no mathematics.
fn is_words(reading: &Reading) -> bool {
    matches!(reading.value, Typed::Text(_) | Typed::Choice(_))
}

/// `\text{ where }` as its words.
fn without_text(text: &str) -> String {
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\text{") {
        new.push_str(before);
        match after.split_once('}') {
            Some((words, after)) if !words.contains(['{', '\\']) => {
                new.push_str(words);
                rest = after;
            }
            _ => {
                new.push_str("\\text{");
                rest = after;
            }
        }
    }
    new.push_str(rest);
    new
}

/// The text before the first opening, the opening, and the clause.
fn split(text: &str) -> Option<(&str, &'static str, &str)> {
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let begins = before.is_some_and(|c| c.is_whitespace() || matches!(c, '$' | ','));
        before = Some(c);
        if !begins {
            continue;
        }
        let rest = &text[at..];
        let opened = OPENINGS.iter().find_map(|opening| {
            let clause = rest.strip_prefix(opening)?;
            let after = clause.chars().next()?;
            (after.is_whitespace() || after == '$').then_some((*opening, clause))
        });
        if let Some((opening, clause)) = opened {
            return Some((&text[..at], opening, clause));
        }
    }
    None
}

/// The readings with the variable that the clause assigns put in its place.
fn carried_out(
    head: &Readings,
    clause: &str,
    parse: &dyn Fn(&str) -> Option<Readings>,
) -> Option<Readings> {
    let clause = parse(clause)?;
    let [
        Reading {
            value, rule: None, ..
        },
    ] = clause.0.as_slice()
    else {
        return None;
    };
    let Typed::Named { name, value } = value else {
        return None;
    };
    let Typed::Scalar(assigned) = &**value else {
        return None;
    };
    if assigned.unit.is_some() {
        return None;
    }
    let substituted = head.0.iter().map(|reading| {
        Some(Reading {
            value: substituted(&reading.value, name, &assigned.value)?,
            rule: reading.rule.or(Some("substituted")),
            derivations: reading.derivations.clone(),
            computed: reading.computed,
        })
    });
    substituted.collect::<Option<Vec<_>>>().map(Readings)
}

fn substituted(value: &Typed, name: &str, by: &Expr) -> Option<Typed> {
    match value {
        Typed::Scalar(scalar) => {
            let mut scalar = scalar.clone();
            scalar.value = replaced(&scalar.value, name, by)?;
            Some(Typed::Scalar(scalar))
        }
        Typed::Named { name: of, value } if of != name => Some(Typed::Named {
            name: of.clone(),
            value: Box::new(substituted(value, name, by)?),
        }),
        _ => None,
    }
}

/// The expression with a symbol replaced; `None` where it does not occur.
fn replaced(expr: &Expr, name: &str, by: &Expr) -> Option<Expr> {
    let mut arena = Arena::default();
    let by = by.copied_into(&mut arena, &|_, _| None);
    let found = std::cell::Cell::new(false);
    let root = expr.copied_into(&mut arena, &|_, node| {
        matches!(node, Node::Symbol(symbol) if **symbol == *name).then(|| {
            found.set(true);
            by
        })
    });
    found.get().then_some(Expr { arena, root })
}

/// One spelling of a clause: no delimiters, no commas, single spaces between words, none
/// elsewhere, words of more than one letter in lower case.
fn folded(clause: &str) -> String {
    let plain: String = clause.chars().filter(|c| *c != '$').collect();
    let mut out = String::with_capacity(plain.len());
    for word in plain
        .trim()
        .trim_end_matches(['.', ',', ';'])
        .split_whitespace()
    {
        let word = match word.chars().count() > 1 && word.chars().all(char::is_alphabetic) {
            true => word.to_lowercase(),
            false => word.to_owned(),
        };
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if joins(out.chars().next_back()) && joins(word.chars().next()) {
            out.push(' ');
        }
        out.push_str(&word);
    }
    out
}
