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

/// Letters, one after another.
struct Run {
    letters: Vec<Letter>,
    /// Whether a sign of multiplication stands between them.
    has_sign: bool,
}

/// The letters that an expression is, where it is nothing else.
fn run(expr: &Expr) -> Option<Run> {
    let Node::Mul(factors) = expr.arena.node(expr.root) else {
        return None;
    };
    let letters: Vec<Letter> = factors
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
    let run = Run {
        letters,
        has_sign: expr.arena.has_product_sign(),
    };
    // `a/b` is a quotient of numbers.
    (run.is_in_capitals() || !run.has_inverse()).then_some(run)
}

impl Run {
    fn has_inverse(&self) -> bool {
        self.letters.iter().any(|letter| letter.inverse)
    }

    fn is_in_capitals(&self) -> bool {
        self.letters.iter().all(|l| l.letter.is_ascii_uppercase())
    }

    /// Whether it is a product of numbers, `w \times l`; capitals may be sets and
    /// matrices.
    fn is_algebra(&self) -> bool {
        self.has_sign && !self.is_in_capitals()
    }

    /// Whether it is as good as a product: `xy` and `xx`, not `HT`, `IV` or `ii`.
    fn commutes(&self) -> bool {
        let all = |is: fn(&Letter) -> bool| self.letters.iter().all(is);
        let any = |is: fn(&Letter) -> bool| self.letters.iter().any(is);
        let is_numeral =
            all(|l| matches!(l.letter, 'i' | 'v' | 'x')) && any(|l| matches!(l.letter, 'i' | 'v'));
        self.letters.len() == 2 && all(|l| l.letter.is_ascii_lowercase()) && !is_numeral
    }

    /// Whether no product of numbers is written so: `HHT` is no H²T, and `PDP^{-1}` no
    /// D, but `R \times R` is R².
    fn is_no_product(&self) -> bool {
        let letters: Vec<char> = self.letters.iter().map(|letter| letter.letter).collect();
        let repeats = (1..letters.len()).any(|at| letters[..at].contains(&letters[at]));
        let has_sign = self.has_sign && !self.has_inverse();
        let inverses = self.letters.iter().filter(|letter| letter.inverse).count();
        (repeats && !has_sign || inverses > 1) && !self.commutes()
    }
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

/// Whether two equal expressions may still be different runs of letters.
pub(super) fn may_differ(one: &Expr, other: &Expr) -> bool {
    match (run(one), run(other)) {
        (Some(one), Some(other)) => {
            let is_product = one.is_algebra() || other.is_algebra();
            one.letters != other.letters && !is_product && !(one.commutes() && other.commutes())
        }
        (Some(run), None) | (None, Some(run)) => run.is_no_product(),
        (None, None) => false,
    }
}
