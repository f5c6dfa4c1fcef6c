//! Whether a user's grammar is safe to run on untrusted text: rules in, the
//! first fault with its place out.
//!
//! pest backtracks, so a careless grammar takes quadratic time, or recurses as
//! deep as the text is nested. The checks leave grammars for which neither can
//! happen:
//!
//! 1. No rule refers to itself, directly or through others, and the grammar
//!    written out is small: outside repetitions every expression runs a
//!    bounded number of times, and the stack stays flat.
//! 2. No stack (PUSH, PEEK, POP, DROP), whose comparisons are unbounded.
//! 3. `ANY` is repeated only as `@{ (!("…" | "…") ~ ANY)* }`, which pest runs
//!    as a search.
//! 4. The root matches the text to its end.
//! 5. Repetitions take linear time: `linear.rs`, with the proof, which rests
//!    on the first two.

use std::collections::{BTreeMap, BTreeSet};

use pest_meta::ast::{Expr, Rule, RuleType};

use super::facts::{self, RuleFacts};

/// Greatest number of leaves of the grammar written out.
const MAX_SIZE: usize = 5_000;

/// Greatest depth of the grammar written out.
const MAX_DEPTH: usize = 300;

const STACK_RULES: [&str; 5] = ["PEEK", "PEEK_ALL", "POP", "POP_ALL", "DROP"];

/// What is wrong, in which rule, and a word of that rule to point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: String,
    pub(super) near: &'static str,
    pub(super) message: String,
}

/// What the checks found out on their way.
pub(super) struct Checked {
    pub(super) facts: RuleFacts,
    /// The names of the rules, each after those it refers to.
    pub(super) order: Vec<String>,
}

/// Runs the checks 1 to 4.
pub(super) fn check(rules: &[Rule], root: &str) -> Result<Checked, Fault> {
    for rule in rules {
        if rule.name == "COMMENT" {
            return Err(fault(
                rule,
                "",
                "COMMENT is not supported; write what may be skipped where it may stand",
            ));
        }
        let mut idents = rule.expr.iter_top_down();
        let stack = idents.find(|expr| match expr {
            Expr::Push(_) | Expr::PeekSlice(..) => true,
            Expr::Ident(name) => STACK_RULES.contains(&name.as_str()),
            _ => false,
        });
        if let Some(expr) = stack {
            let near = if matches!(expr, Expr::Push(_)) {
                "PUSH"
            } else {
                "P"
            };
            return Err(fault(
                rule,
                near,
                "the stack (PUSH, PEEK, POP, DROP) is not supported; write the literals out",
            ));
        }
    }
    let ordered = in_order(rules)?;
    let facts = facts::of_rules(ordered.iter().copied());
    for rule in &ordered {
        let known = &facts[&rule.name];
        if known.size > MAX_SIZE || known.depth > MAX_DEPTH {
            return Err(fault(
                rule,
                "",
                format!(
                    "the rule is too large: written out, with its references and counted repetitions, it has {} parts at depth {}; at most {MAX_SIZE} at depth {MAX_DEPTH} are allowed",
                    known.size, known.depth
                ),
            ));
        }
    }
    let by_name: BTreeMap<&str, &Rule> = rules
        .iter()
        .map(|rule| (rule.name.as_str(), rule))
        .collect();
    for rule in rules {
        if rule.ty == RuleType::NonAtomic && facts.contains_key("WHITESPACE") {
            return Err(fault(
                rule,
                "!",
                "`!{…}` beside WHITESPACE is not supported: white space could be skipped again and again; write `{…}`",
            ));
        }
        bodies(rule, &facts)?;
    }
    if !facts.get(root).is_some_and(|facts| facts.ends_text)
        && let Some(rule) = by_name.get(root)
    {
        return Err(fault(
            rule,
            "",
            "the root does not reach the end of the text; end it (each alternative of it) with `~ EOI`, or text after the answer would pass",
        ));
    }
    let order = ordered.iter().map(|rule| rule.name.clone()).collect();
    Ok(Checked { facts, order })
}

fn fault(rule: &Rule, near: &'static str, message: impl Into<String>) -> Fault {
    Fault {
        rule: rule.name.clone(),
        near,
        message: message.into(),
    }
}

/// The rules so that each comes after those it refers to.
fn in_order(rules: &[Rule]) -> Result<Vec<&Rule>, Fault> {
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let mut done = BTreeSet::new();
    let mut left: Vec<(&Rule, Vec<String>)> = rules
        .iter()
        .map(|rule| {
            let idents = rule.expr.iter_top_down().filter_map(|expr| match expr {
                Expr::Ident(name) if names.contains(name.as_str()) => Some(name),
                _ => None,
            });
            (rule, idents.collect())
        })
        .collect();
    let mut ordered = Vec::with_capacity(rules.len());
    while !left.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|(_, idents)| idents.iter().all(|name| done.contains(name.as_str())));
        if ready.is_empty() {
            return Err(cycle(waiting));
        }
        for (rule, _) in ready {
            done.insert(rule.name.as_str());
            ordered.push(rule);
        }
        left = waiting;
    }
    Ok(ordered)
}

/// The fault of rules of which each waits for another.
fn cycle(mut waiting: Vec<(&Rule, Vec<String>)>) -> Fault {
    // Rules that merely lead to the cycle are referred to by none of the rest.
    loop {
        let named: BTreeSet<String> = waiting
            .iter()
            .flat_map(|(_, idents)| idents.iter().cloned())
            .collect();
        let before = waiting.len();
        waiting.retain(|(rule, _)| named.contains(&rule.name));
        if waiting.len() == before {
            break;
        }
    }
    let names: Vec<_> = waiting.iter().map(|(rule, _)| rule.name.as_str()).collect();
    fault(
        waiting[0].0,
        "",
        format!(
            "rules refer to themselves (`{}`): nesting in the text would become recursion; write a flat sequence",
            names.join("`, `")
        ),
    )
}

/// Check 3: how ANY is repeated.
fn bodies(rule: &Rule, facts: &RuleFacts) -> Result<(), Fault> {
    let atomic = matches!(rule.ty, RuleType::Atomic | RuleType::CompoundAtomic);
    for expr in rule.expr.iter_top_down() {
        let inner = match &expr {
            Expr::Rep(inner) | Expr::RepOnce(inner) | Expr::RepMin(inner, _) => inner,
            _ => continue,
        };
        match stop_set(inner) {
            Some(StopSet::Literals) if atomic => {}
            Some(StopSet::Literals) => {
                return Err(fault(
                    rule,
                    "ANY",
                    "a body must be atomic: write `name = @{ (!(\"…\" | \"…\") ~ ANY)* }`",
                ));
            }
            Some(StopSet::Other) => {
                return Err(fault(
                    rule,
                    "ANY",
                    "write the stop set out as literals, `(!(\"…\" | \"…\") ~ ANY)*`: pest searches for literals but steps through anything else",
                ));
            }
            None if facts::of(inner, facts).wild => {
                return Err(fault(
                    rule,
                    "ANY",
                    "`ANY` may be repeated only as a body with a stop set, `@{ (!(\"…\" | \"…\") ~ ANY)* }`; otherwise it swallows the markers",
                ));
            }
            None => {}
        }
    }
    Ok(())
}

enum StopSet {
    Literals,
    Other,
}

/// What stops `!(…) ~ ANY`; `None` for another expression.
fn stop_set(expr: &Expr) -> Option<StopSet> {
    let Expr::Seq(left, right) = expr else {
        return None;
    };
    let Expr::NegPred(stop) = &**left else {
        return None;
    };
    if !facts::is_any(right) {
        return None;
    }
    let literals = stop.iter_top_down().all(|expr| match expr {
        Expr::Choice(..) => true,
        Expr::Str(text) => !text.is_empty(),
        _ => false,
    });
    Some(if literals {
        StopSet::Literals
    } else {
        StopSet::Other
    })
}
