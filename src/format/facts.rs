//! What can be known of a pest expression without running it: input a user's
//! rules, output facts per rule, computed from the leaves up.

use std::collections::{BTreeMap, BTreeSet};

use pest_meta::ast::{Expr, Rule};

/// The facts of one expression, references to rules followed.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Leaves once all references and counted repetitions are written out.
    pub(super) size: usize,
    /// Depth of the tree, references followed.
    pub(super) depth: usize,
    /// Whether it may repeat something without a bound.
    pub(super) unbounded: bool,
    /// Whether it may match nothing.
    pub(super) nullable: bool,
    /// What it may begin with, in lower case; `None` where that is not a small
    /// set of literals.
    pub(super) first: Option<BTreeSet<String>>,
    /// Whether it always ends at the end of the text.
    pub(super) ends_text: bool,
    /// Whether it matches any character, other than in a body with a stop set.
    pub(super) wild: bool,
}

/// Facts of every rule by its name.
pub(super) type RuleFacts = BTreeMap<String, Facts>;

/// Largest character range that is written out as a set of beginnings.
const MAX_RANGE: u32 = 128;

/// The facts of all rules, given in an order in which every rule comes after
/// those it refers to.
pub(super) fn of_rules<'r>(ordered: impl Iterator<Item = &'r Rule>) -> RuleFacts {
    let mut facts = RuleFacts::new();
    for rule in ordered {
        let rule_facts = of(&rule.expr, &facts);
        facts.insert(rule.name.clone(), rule_facts);
    }
    facts
}

/// The facts of one expression. Recursive in the grammar's own depth, which
/// is limited before; never in the text.
pub(super) fn of(expr: &Expr, rules: &RuleFacts) -> Facts {
    match expr {
        Expr::Str(text) | Expr::Insens(text) => leaf(text.is_empty(), literal(text)),
        Expr::Range(start, end) => leaf(false, range(start, end)),
        Expr::Ident(name) => match rules.get(name) {
            Some(facts) => Facts {
                depth: facts.depth.saturating_add(1),
                ..facts.clone()
            },
            None => builtin(name),
        },
        Expr::PosPred(inner) | Expr::NegPred(inner) => Facts {
            nullable: true,
            first: Some(BTreeSet::new()),
            ends_text: false,
            wild: false,
            ..deeper(of(inner, rules))
        },
        Expr::Seq(left, right) => {
            let (left, right) = (of(left, rules), of(right, rules));
            Facts {
                size: left.size.saturating_add(right.size),
                depth: left.depth.max(right.depth) + 1,
                unbounded: left.unbounded || right.unbounded,
                nullable: left.nullable && right.nullable,
                first: if left.nullable {
                    union(left.first, right.first)
                } else {
                    left.first
                },
                ends_text: right.ends_text,
                wild: left.wild || right.wild,
            }
        }
        Expr::Choice(left, right) => {
            let (left, right) = (of(left, rules), of(right, rules));
            Facts {
                size: left.size.saturating_add(right.size),
                depth: left.depth.max(right.depth) + 1,
                unbounded: left.unbounded || right.unbounded,
                nullable: left.nullable || right.nullable,
                first: union(left.first, right.first),
                ends_text: left.ends_text && right.ends_text,
                wild: left.wild || right.wild,
            }
        }
        Expr::Opt(inner) => Facts {
            nullable: true,
            ends_text: false,
            ..deeper(of(inner, rules))
        },
        Expr::Rep(inner) => Facts {
            nullable: true,
            unbounded: true,
            ends_text: false,
            wild: repeats_wild(inner, rules),
            ..deeper(of(inner, rules))
        },
        Expr::RepOnce(inner) => {
            let known = deeper(of(inner, rules));
            let wild = repeats_wild(inner, rules);
            Facts {
                unbounded: true,
                size: known.size.saturating_mul(2),
                wild,
                ..known
            }
        }
        Expr::RepMin(inner, least) => Facts {
            unbounded: true,
            wild: repeats_wild(inner, rules),
            ..times(of(inner, rules), *least, least.saturating_add(1))
        },
        Expr::RepExact(inner, count) => times(of(inner, rules), *count, *count),
        Expr::RepMax(inner, most) => times(of(inner, rules), 0, *most),
        Expr::RepMinMax(inner, least, most) => times(of(inner, rules), *least, *most),
        Expr::Skip(_) | Expr::PeekSlice(..) => leaf(true, None),
        Expr::Push(inner) => deeper(of(inner, rules)),
    }
}

/// Whether no text can begin with a literal of both sets.
pub(super) fn disjoint(left: Option<&BTreeSet<String>>, right: Option<&BTreeSet<String>>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return false;
    };
    left.iter().all(|a| {
        right
            .iter()
            .all(|b| !a.starts_with(b.as_str()) && !b.starts_with(a))
    })
}

/// Both sets together, unknown if either is.
pub(super) fn union(
    left: Option<BTreeSet<String>>,
    right: Option<BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    let mut all = left?;
    all.extend(right?);
    Some(all)
}

fn leaf(nullable: bool, first: Option<BTreeSet<String>>) -> Facts {
    Facts {
        size: 1,
        depth: 1,
        unbounded: false,
        nullable,
        first,
        ends_text: false,
        wild: false,
    }
}

/// Whether a repetition of this is wild: it is, and is no stop set with ANY.
fn repeats_wild(inner: &Expr, rules: &RuleFacts) -> bool {
    match inner {
        Expr::Seq(left, right) if matches!(**left, Expr::NegPred(_)) && is_any(right) => false,
        _ => of(inner, rules).wild,
    }
}

/// Whether the expression is the built-in `ANY`.
pub(super) fn is_any(expr: &Expr) -> bool {
    matches!(expr, Expr::Ident(name) if name == "ANY")
}

fn deeper(facts: Facts) -> Facts {
    Facts {
        depth: facts.depth.saturating_add(1),
        ..facts
    }
}

fn times(inner: Facts, least: u32, most: u32) -> Facts {
    let copies = usize::try_from(most).unwrap_or(usize::MAX).max(1);
    Facts {
        size: inner.size.saturating_mul(copies),
        depth: inner.depth.saturating_add(copies),
        nullable: inner.nullable || least == 0,
        ends_text: inner.ends_text && least > 0,
        ..inner
    }
}

fn literal(text: &str) -> Option<BTreeSet<String>> {
    Some(
        BTreeSet::from([text.to_lowercase()])
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect(),
    )
}

fn range(start: &str, end: &str) -> Option<BTreeSet<String>> {
    let (start, end) = (start.chars().next()?, end.chars().next()?);
    if u32::from(end).saturating_sub(u32::from(start)) >= MAX_RANGE {
        return None;
    }
    Some((start..=end).map(|c| c.to_lowercase().collect()).collect())
}

fn builtin(name: &str) -> Facts {
    let ranges: &[(&str, &str)] = match name {
        "SOI" => return leaf(true, Some(BTreeSet::new())),
        "EOI" => {
            return Facts {
                ends_text: true,
                ..leaf(true, Some(BTreeSet::new()))
            };
        }
        "ASCII_DIGIT" => &[("0", "9")],
        "ASCII_NONZERO_DIGIT" => &[("1", "9")],
        "ASCII_BIN_DIGIT" => &[("0", "1")],
        "ASCII_OCT_DIGIT" => &[("0", "7")],
        "ASCII_HEX_DIGIT" => &[("0", "9"), ("a", "f")],
        "ASCII_ALPHA" | "ASCII_ALPHA_LOWER" | "ASCII_ALPHA_UPPER" => &[("a", "z")],
        "ASCII_ALPHANUMERIC" => &[("a", "z"), ("0", "9")],
        "NEWLINE" => &[("\n", "\n"), ("\r", "\r")],
        "ANY" => {
            return Facts {
                wild: true,
                ..leaf(false, None)
            };
        }
        _ => return leaf(false, None),
    };
    let first = ranges
        .iter()
        .filter_map(|(start, end)| range(start, end))
        .flatten()
        .collect();
    leaf(false, Some(first))
}
