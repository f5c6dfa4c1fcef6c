//! Whether one expression is a constant times another, seen at a glance: two
//! canonical sums of the same terms with coefficients in one ratio.
//!
//! Most equal equations are, `2x+4y=6` and `x+2y=3`; for the others the products
//! crosswise are compared, which takes four times as long.

use num_rational::BigRational;

use super::budget::{Fuel, Limits};
use super::form::{Form, Forms};
use super::rational;
use crate::math::expr::Expr;

/// Terms of a sum at most: longer ones go the usual way.
const TERMS: usize = 8;

/// Whether `f = c·g` for a constant c that is not 0, both being defined
/// everywhere; `false` says nothing.
pub(crate) fn is_multiple(f: &Expr, g: &Expr, limits: &Limits) -> bool {
    let fuel = Fuel::new(limits.fuel / 4, limits);
    let mut forms = Forms::new(&fuel, limits);
    let (Ok(f), Ok(g)) = (forms.lower(f), forms.lower(g)) else {
        return false;
    };
    let (Form::Sum(f), Form::Sum(g)) = (forms.node(f), forms.node(g)) else {
        return false;
    };
    if !forms.needs.is_empty() || f.len() > TERMS || f.len() != g.len() {
        return false;
    }
    // Crosswise with the first coefficients.
    let product = |a: &BigRational, b: &BigRational| rational::mul(a, b, limits.bits);
    let (first, second) = (&f[0].1, &g[0].1);
    f.iter().zip(g).all(|((t, c), (u, d))| {
        t == u
            && match (product(c, second), product(d, first)) {
                (Some(left), Some(right)) => left == right,
                _ => false,
            }
    })
}
