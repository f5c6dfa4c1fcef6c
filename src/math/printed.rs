//! References that a computer printed: `2.71828182845905^{2x}` for `e^{2x}`.
//!
//! A literal with the digits of e or π to the precision of a double is that
//! constant; nobody means another number by fifteen of its digits. Only in a
//! reference, and only inside an expression: what a model writes is exact.

use num_rational::BigRational;

use super::expr::{Arena, Constant, Expr, Node};
use super::typed::{READINGS, Reading, Readings, Scalar, Typed};

/// The rule of these readings.
pub(super) const RULE: &str = "printed_constant";

/// The constants as doubles are printed, to 15, 16 and 17 significant digits, as
/// numerators over powers of ten.
const PRINTS: [(Constant, u64, u32); 7] = [
    (Constant::E, 271_828_182_845_905, 14),
    (Constant::E, 2_718_281_828_459_045, 15),
    (Constant::E, 27_182_818_284_590_452, 16),
    (Constant::E, 27_182_818_284_590_451, 16),
    (Constant::Pi, 314_159_265_358_979, 14),
    (Constant::Pi, 3_141_592_653_589_793, 15),
    (Constant::Pi, 31_415_926_535_897_931, 16),
];

/// Adds what the readings of a reference are with its printed constants.
pub(super) fn with_constants(readings: &mut Readings) {
    let Some(Reading {
        value: Typed::Scalar(scalar),
        ..
    }) = readings.0.first()
    else {
        return;
    };
    if readings.0.len() < READINGS
        && let Some(value) = restored(&scalar.value)
    {
        let value = Typed::Scalar(Scalar {
            value,
            ..scalar.clone()
        });
        readings.0.push(Reading::new(value, Some(RULE)));
    }
}

/// The expression with constants for their prints; `None` where it holds none, or
/// is nothing else.
fn restored(expr: &Expr) -> Option<Expr> {
    /// Ten to the fourteenth, but for the factors that a print may cancel.
    const DENOMINATOR_BITS: u64 = 24;
    let printed = |node: &Node| match node {
        Node::Number(value) if value.denom().bits() < DENOMINATOR_BITS => None,
        Node::Number(value) => PRINTS.iter().find(|(_, digits, places)| {
            *value == BigRational::new((*digits).into(), num_bigint::BigInt::from(10).pow(*places))
        }),
        _ => None,
    };
    if matches!(expr.arena.node(expr.root), Node::Number(_))
        || !expr.arena.iter().any(|(_, node)| printed(node).is_some())
    {
        return None;
    }
    let mut arena = Arena::default();
    let root = expr.copied_into(&mut arena, &|arena, node| {
        printed(node).map(|(constant, ..)| arena.add(Node::Constant(*constant)))
    });
    Some(Expr { arena, root })
}
