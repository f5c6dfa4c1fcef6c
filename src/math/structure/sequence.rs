//! Runs of letters that are no algebra for certain: `HTTH`, `IV`, `dog`, `PDP^{-1}`.
//!
//! `xy` is a product whose factors commute. But a run of letters with no other sign
//! may be a word, an order or a Roman numeral, and capital letters with inverses may
//! be matrices; there the order is all there is. Such a run equals the same run;
//! what equals it only as a product of numbers is unknown.

use crate::math::expr::{Constant, Expr, Id, Node};

/// A letter of a run, and whether it is inverted.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Letter {
    letter: char,
    inverse: bool,
}

/// The letters that an expression is, one after another, where it is nothing else.
fn run(expr: &Expr) -> Option<Vec<Letter>> {
    let Node::Mul(factors) = expr.arena.node(expr.root) else {
        return None;
    };
    let run: Vec<Letter> = factors
        .iter()
        .map(|id| match expr.arena.node(*id) {
            Node::Pow(base, power) if is_minus_one(expr, *power) => Some(Letter {
                letter: letter(expr, *base)?,
                inverse: true,
            }),
            _ => Some(Letter {
                letter: letter(expr, *id)?,
                inverse: false,
            }),
        })
        .collect::<Option<_>>()?;
    // `a/b` is a quotient of numbers, and `R \times R` a product of them.
    let is_matrix = run.iter().all(|letter| letter.letter.is_ascii_uppercase());
    let has_inverse = run.iter().any(|letter| letter.inverse);
    let is_algebra = match has_inverse {
        true => !is_matrix,
        false => expr.arena.has_product_sign(),
    };
    (!is_algebra).then_some(run)
}

fn letter(expr: &Expr, id: Id) -> Option<char> {
    match expr.arena.node(id) {
        Node::Symbol(name) => {
            let mut chars = name.chars();
            let letter = chars.next().filter(char::is_ascii_alphabetic)?;
            chars.next().is_none().then_some(letter)
        }
        Node::Constant(Constant::E) => Some('e'),
        Node::Constant(Constant::I) => Some('i'),
        _ => None,
    }
}

fn is_minus_one(expr: &Expr, id: Id) -> bool {
    matches!(expr.arena.node(id), Node::Number(power)
        if power.is_integer() && *power.numer() == (-1).into())
}

/// Whether a run is as good as a product: `xy` and `xx`, not `HT`, `IV` or `ii`.
fn commutes(run: &[Letter]) -> bool {
    let holds = |numerals: &[char]| run.iter().any(|letter| numerals.contains(&letter.letter));
    let is_numeral = run.iter().all(|l| matches!(l.letter, 'i' | 'v' | 'x')) && holds(&['i', 'v']);
    run.len() == 2 && run.iter().all(|l| l.letter.is_ascii_lowercase()) && !is_numeral
}

/// Whether no product of numbers is written so: `HHT` is no H²T, and `PDP^{-1}` no D.
fn is_no_product(run: &[Letter]) -> bool {
    let letters: Vec<char> = run.iter().map(|letter| letter.letter).collect();
    let repeats = (1..letters.len()).any(|at| letters[..at].contains(&letters[at]));
    let inverses = run.iter().filter(|letter| letter.inverse).count();
    (repeats || inverses > 1) && !commutes(run)
}

/// Whether two equal expressions may still be different runs of letters.
pub(super) fn may_differ(one: &Expr, other: &Expr) -> bool {
    match (run(one), run(other)) {
        (Some(one), Some(other)) => one != other && !(commutes(&one) && commutes(&other)),
        (Some(run), None) | (None, Some(run)) => is_no_product(&run),
        (None, None) => false,
    }
}
