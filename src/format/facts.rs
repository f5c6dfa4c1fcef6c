//! What can be known of a pest expression without running it: input a user's
//! rules, output facts per rule, computed from the leaves up.

use std::collections::BTreeMap;

use pest_meta::ast::{Expr, Rule};

/// The facts of one expression, references to rules followed.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Leaves once all references and counted repetitions are written out.
    pub(super) size: usize,
    /// Depth of the tree, references followed.
    pub(super) depth: usize,
    /// Whether it may match nothing.
    pub(super) nullable: bool,
    /// Whether it always ends at the end of the text.
    pub(super) ends_text: bool,
    /// Whether it matches any character, other than in a body with a stop set.
    pub(super) wild: bool,
}

/// Facts of every rule by its name.
pub(super) type RuleFacts = BTreeMap<String, Facts>;

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
        Expr::Str(text) | Expr::Insens(text) => leaf(text.is_empty()),
        Expr::Range(..) => leaf(false),
        Expr::Ident(name) => match rules.get(name) {
            Some(facts) => Facts {
                depth: facts.depth.saturating_add(1),
                ..facts.clone()
            },
            None => builtin(name),
        },
        Expr::PosPred(inner) | Expr::NegPred(inner) => Facts {
            nullable: true,
            ends_text: false,
            wild: false,
            ..deeper(of(inner, rules))
        },
        Expr::Seq(left, right) => {
            let (left, right) = (of(left, rules), of(right, rules));
            Facts {
                size: left.size.saturating_add(right.size),
                depth: left.depth.max(right.depth) + 1,
                nullable: left.nullable && right.nullable,
                ends_text: right.ends_text,
                wild: left.wild || right.wild,
            }
        }
        Expr::Choice(left, right) => {
            let (left, right) = (of(left, rules), of(right, rules));
            Facts {
                size: left.size.saturating_add(right.size),
                depth: left.depth.max(right.depth) + 1,
                nullable: left.nullable || right.nullable,
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
            ends_text: false,
            wild: repeats_wild(inner, rules),
            ..deeper(of(inner, rules))
        },
        Expr::RepOnce(inner) => {
            let known = deeper(of(inner, rules));
            let wild = repeats_wild(inner, rules);
            Facts {
                size: known.size.saturating_mul(2),
                wild,
                ..known
            }
        }
        Expr::RepMin(inner, least) => Facts {
            wild: repeats_wild(inner, rules),
            ..times(of(inner, rules), *least, least.saturating_add(1))
        },
        Expr::RepExact(inner, count) => times(of(inner, rules), *count, *count),
        Expr::RepMax(inner, most) => times(of(inner, rules), 0, *most),
        Expr::RepMinMax(inner, least, most) => times(of(inner, rules), *least, *most),
        Expr::Skip(_) | Expr::PeekSlice(..) => leaf(true),
        Expr::Push(inner) => deeper(of(inner, rules)),
    }
}

fn leaf(nullable: bool) -> Facts {
    Facts {
        size: 1,
        depth: 1,
        nullable,
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

fn builtin(name: &str) -> Facts {
    match name {
        "SOI" => leaf(true),
        "EOI" => Facts {
            ends_text: true,
            ..leaf(true)
        },
        "ANY" => Facts {
            wild: true,
            ..leaf(false)
        },
        _ => leaf(false),
    }
}
