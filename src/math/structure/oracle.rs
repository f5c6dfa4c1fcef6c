//! What the comparer asks the decider about scalar expressions; every question
//! is counted.

use std::cell::Cell;
use std::cmp::Ordering;

use num_rational::BigRational;

use crate::math::decide::{self, Decision, Limits, Secrets};
use crate::math::expr::{Arena, Expr, Node};
use crate::math::value::{bits, print};

use super::{Context, Judgement, QUESTIONS, sequence};

/// A question to the decider.
type Decide = fn(&Expr, &Expr, &Secrets, &Limits) -> Decision;

impl Context<'_> {
    /// Whether two scalar expressions are equal.
    pub(super) fn equal(&self, gold: &Expr, answer: &Expr) -> Judgement {
        self.asked(gold, answer, decide::decide)
    }

    /// The same where no witness of a difference is shown: quicker.
    pub(super) fn same(&self, gold: &Expr, answer: &Expr) -> Judgement {
        self.asked(gold, answer, decide::decide_alone)
    }

    fn asked(&self, gold: &Expr, answer: &Expr, decide: Decide) -> Judgement {
        // Entries of tuples and sets are mostly literals.
        if let (Some(gold), Some(answer)) = (literal(gold), literal(answer)) {
            return match gold == answer {
                true => Judgement::exact("rational"),
                false => Judgement::Wrong {
                    rule: "different_value",
                    witness: Some(difference(gold, answer)),
                },
            };
        }
        let Some(limits) = self.pay() else {
            return Judgement::Unknown("limit");
        };
        let mut decision = decide(gold, answer, self.secrets, &limits);
        if decision == Decision::Unknown("domain")
            && let Some(again) = self.with_real_roots(gold, answer, &limits)
        {
            decision = again;
        }
        self.charge(&limits);
        match decision {
            Decision::Equal { .. } if sequence::may_differ(gold, answer) => {
                Judgement::Unknown("letter_order")
            }
            Decision::Equal { rule, proof } => Judgement::Correct {
                rule,
                proof,
                policy: Vec::new(),
            },
            // A sum that is not carried out may have any value.
            Decision::Different { .. } if has_operator(gold) || has_operator(answer) => {
                Judgement::Unknown("undecided")
            }
            Decision::Different { witness, .. } => Judgement::Wrong {
                rule: "different_value",
                witness: Some(witness),
            },
            Decision::Unknown(reason) => Judgement::Unknown(reason),
            Decision::Undefined => Judgement::wrong("undefined"),
        }
    }

    /// The decision with every `x^{p/q}` of odd `q` as the real root, where that
    /// makes both sides equal: `x^{2/3}` and `\sqrt[3]{x}^2` are written for
    /// one function, though the principal power has no real value below 0.
    fn with_real_roots(&self, gold: &Expr, answer: &Expr, limits: &Limits) -> Option<Decision> {
        let (gold, answer) = (real_roots(gold), real_roots(answer));
        let decision = decide::decide(&gold, &answer, self.secrets, limits);
        matches!(decision, Decision::Equal { .. }).then_some(decision)
    }

    /// Whether one expression is seen at a glance to be a constant times another.
    pub(super) fn is_multiple(&self, f: &Expr, g: &Expr) -> bool {
        self.pay().is_some_and(|limits| {
            let seen = decide::is_multiple(f, g, &limits);
            self.charge(&limits);
            seen
        })
    }

    /// The order of two real constants.
    pub(super) fn order(&self, left: &Expr, right: &Expr) -> Option<Ordering> {
        match (literal(left), literal(right)) {
            (Some(left), Some(right)) => Some(left.cmp(right)),
            _ => {
                let limits = self.pay()?;
                let order = decide::compare(left, right, self.secrets, &limits);
                self.charge(&limits);
                order
            }
        }
    }

    /// The order of a real constant and 0.
    pub(super) fn sign(&self, expr: &Expr) -> Option<Ordering> {
        let limits = self.pay()?;
        let sign = decide::sign(expr, self.secrets, &limits);
        self.charge(&limits);
        sign
    }

    /// The value of a rational constant.
    pub(super) fn rational(&self, expr: &Expr) -> Option<BigRational> {
        match literal(expr) {
            Some(value) => Some(value.clone()),
            None => {
                let limits = self.pay()?;
                let value = decide::to_rational(expr, &limits);
                self.charge(&limits);
                value
            }
        }
    }

    /// Takes one question off what is left. The first ones may use all the
    /// fuel of a comparison, later ones a share, so that a set of hostile
    /// members costs a few comparisons and not thousands.
    fn pay(&self) -> Option<Limits> {
        let asked = self.asked.get();
        self.asked.set(asked.saturating_add(1));
        let share = match asked {
            0..8 => 1,
            8..64 => 4,
            64..QUESTIONS => 64,
            _ => return None,
        };
        // All readings, members and rivals of an answer draw on one supply.
        let left = self.limits.fuel.saturating_sub(self.spent.get());
        if left == 0 {
            return None;
        }
        Some(Limits {
            fuel: left.min(self.limits.fuel / share),
            used: Cell::new(0),
            ..self.limits.clone()
        })
    }

    /// Takes what a question has used off the supply.
    fn charge(&self, limits: &Limits) {
        let spent = self.spent.get().saturating_add(limits.used.get());
        self.spent.set(spent);
    }
}

/// The expression with powers of odd denominator as real roots.
fn real_roots(expr: &Expr) -> Expr {
    let mut arena = Arena::default();
    let root = expr.copied_into(&mut arena, &|arena, node| {
        let Node::Pow(base, exponent) = node else {
            return None;
        };
        let Node::Number(exponent) = arena.node(*exponent) else {
            return None;
        };
        let degree = u32::try_from(exponent.denom()).ok()?;
        let power = BigRational::from_integer(exponent.numer().clone());
        if degree < 3 || degree % 2 == 0 || matches!(arena.node(*base), Node::Number(_)) {
            return None;
        }
        let radicand = *base;
        let root = arena.add(Node::Root { degree, radicand });
        let power = arena.add(Node::Number(power));
        Some(arena.add(Node::Pow(root, power)))
    });
    Expr { arena, root }
}

/// Whether a `\sum` or `\prod` that is not carried out occurs.
fn has_operator(expr: &Expr) -> bool {
    let is_operator = |node: &Node| matches!(node, Node::Call(name, _) if name.starts_with('\\'));
    expr.arena.iter().any(|(_, node)| is_operator(node))
}

/// The value of an expression that is nothing but a number.
fn literal(expr: &Expr) -> Option<&BigRational> {
    match expr.arena.node(expr.root) {
        Node::Number(value) => Some(value),
        _ => None,
    }
}

/// The exact difference, where it is short enough to read.
fn difference(gold: &BigRational, answer: &BigRational) -> String {
    const READABLE_BITS: u64 = 256;
    match bits(gold).max(bits(answer)) > READABLE_BITS {
        true => "the numbers differ".to_owned(),
        false => format!("answer - reference = {}", print(&(answer - gold))),
    }
}
