//! Polynomial inequalities in one variable: `x^2 < 4` as (-2, 2).
//!
//! Degree 4 at most, rational coefficients, and all real roots rational but for
//! those of one quadratic factor; anything else is left as it is written. Between
//! neighbouring roots the sign is constant, so that the signs follow from the
//! leading coefficient and the multiplicities.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::math::expr::{Expr, Node};
use crate::math::typed::{End, Interval, Relation};

use super::Context;
use super::build::{
    integer, product, quotient, rational, square_root, substitute, sum, symbol, symbols,
};

/// The highest degree.
const DEGREE: usize = 4;

/// A real root and how often it is one.
struct Root {
    at: Expr,
    multiplicity: usize,
}

impl Context<'_> {
    /// The variable of `term relation 0` and the numbers for which it holds.
    pub(super) fn polynomial(
        &self,
        term: &Expr,
        relation: Relation,
    ) -> Option<(String, Vec<Interval>)> {
        let variable = only_variable(term)?;
        let coefficients = self.coefficients(term, &variable)?;
        let lead = coefficients.last()?.clone();
        let roots = self.sorted(roots(&coefficients)?)?;
        let degree = coefficients.len() - 1;
        // The sign left of all roots.
        let mut positive = lead.is_positive() == degree.is_multiple_of(2);
        let mut pieces = Vec::new();
        let mut low: Option<End> = None;
        for root in &roots {
            let end = |closed| {
                Some(End {
                    at: root.at.clone(),
                    closed,
                })
            };
            if holds(relation, positive) {
                pieces.push(Interval {
                    low: low.take(),
                    high: end(false),
                });
            }
            if matches!(
                relation,
                Relation::LessEqual | Relation::GreaterEqual | Relation::Equal
            ) {
                pieces.push(Interval {
                    low: end(true),
                    high: end(true),
                });
            }
            positive ^= !root.multiplicity.is_multiple_of(2);
            low = end(false);
        }
        if holds(relation, positive) {
            pieces.push(Interval { low, high: None });
        }
        Some((variable, pieces))
    }

    /// The coefficients, the constant first: by values at small integers, which
    /// are checked against the term.
    fn coefficients(&self, term: &Expr, variable: &str) -> Option<Vec<BigRational>> {
        let values: Vec<BigRational> = (0..=DEGREE)
            .map(|at| self.rational(&substitute(term, variable, &integer(at as i64))))
            .collect::<Option<_>>()?;
        let mut coefficients = interpolated(&values);
        while coefficients.last().is_some_and(Zero::is_zero) {
            coefficients.pop();
        }
        if coefficients.len() < 3 {
            return None;
        }
        let x = symbol(variable);
        let again = coefficients
            .iter()
            .rev()
            .fold(integer(0), |so_far, coefficient| {
                sum(&product(&so_far, &x), &rational(coefficient.clone()))
            });
        self.same(term, &again).is_correct().then_some(coefficients)
    }

    fn sorted(&self, roots: Vec<Root>) -> Option<Vec<Root>> {
        let mut sorted: Vec<Root> = Vec::with_capacity(roots.len());
        for root in roots {
            let mut place = sorted.len();
            while place > 0 {
                match self.order(&root.at, &sorted[place - 1].at)? {
                    Ordering::Less => place -= 1,
                    Ordering::Equal => return None,
                    Ordering::Greater => break,
                }
            }
            sorted.insert(place, root);
        }
        Some(sorted)
    }
}

/// Whether a relation to 0 holds where the polynomial has that sign.
fn holds(relation: Relation, positive: bool) -> bool {
    match relation {
        Relation::Less | Relation::LessEqual => !positive,
        Relation::Greater | Relation::GreaterEqual => positive,
        Relation::NotEqual => true,
        Relation::Equal => false,
    }
}

/// The variable of a polynomial in one: sums, products and whole powers alone.
pub(super) fn only_variable(term: &Expr) -> Option<String> {
    if !is_polynomial(term) {
        return None;
    }
    match symbols(term).as_slice() {
        [one] => Some((*one).to_owned()),
        _ => None,
    }
}

/// Whether nothing but sums, products and whole powers is in it, so that it has a
/// value everywhere.
pub(super) fn is_polynomial(term: &Expr) -> bool {
    /// Higher ones are no polynomial of degree 4.
    const POWER: u64 = 8;
    let reached = term.reachable();
    term.arena
        .iter()
        .take(reached.len())
        .filter(|(id, _)| reached[id.index()])
        .all(|(_, node)| match node {
            Node::Number(_) | Node::Symbol(_) | Node::Add(_) | Node::Mul(_) => true,
            Node::Pow(_, exponent) => match term.arena.node(*exponent) {
                Node::Number(power) => {
                    power.is_integer()
                        && power.is_positive()
                        && power.numer().to_u64().is_some_and(|power| power <= POWER)
                }
                _ => false,
            },
            _ => false,
        })
}

/// The polynomial through the values at 0, 1, 2, …, by Newton's divided
/// differences.
fn interpolated(values: &[BigRational]) -> Vec<BigRational> {
    let mut differences = values.to_vec();
    for step in 1..values.len() {
        for at in (step..values.len()).rev() {
            let rise = &differences[at] - &differences[at - 1];
            differences[at] = rise / BigInt::from(step);
        }
    }
    let mut coefficients = vec![BigRational::zero(); values.len()];
    for at in (0..values.len()).rev() {
        // times (x - at), plus the difference
        for power in (0..values.len()).rev() {
            let lower = match power {
                0 => BigRational::zero(),
                _ => coefficients[power - 1].clone(),
            };
            coefficients[power] = lower - &coefficients[power] * BigInt::from(at);
        }
        coefficients[0] += &differences[at];
    }
    coefficients
}

/// All real roots; `None` where they are not known exactly.
fn roots(coefficients: &[BigRational]) -> Option<Vec<Root>> {
    let mut rest = primitive(coefficients)?;
    let mut found: Vec<Root> = Vec::new();
    for candidate in candidates(&rest)? {
        let mut multiplicity = 0;
        while rest.len() > 1 && value(&rest, &candidate).is_zero() {
            rest = divided(&rest, &candidate);
            multiplicity += 1;
        }
        if multiplicity > 0 {
            found.push(Root {
                at: rational(candidate),
                multiplicity,
            });
        }
    }
    match rest.as_slice() {
        [_] => {}
        [c, b, a] => {
            let discriminant = b * b - a * c * BigInt::from(4);
            if discriminant.is_positive() {
                let root = square_root(&rational(discriminant));
                let below = rational(a * BigInt::from(2));
                for sign in [-1, 1] {
                    let above = sum(&rational(-b.clone()), &product(&integer(sign), &root));
                    found.push(Root {
                        at: quotient(&above, &below),
                        multiplicity: 1,
                    });
                }
            }
        }
        _ => return None,
    }
    Some(found)
}

/// The polynomial with whole coefficients.
fn primitive(coefficients: &[BigRational]) -> Option<Vec<BigRational>> {
    /// Larger ones are no exercise.
    const BITS: u64 = 64;
    let common = coefficients
        .iter()
        .fold(BigInt::one(), |lcm, c| lcm.lcm(c.denom()));
    let whole: Vec<BigRational> = coefficients.iter().map(|c| c * &common).collect();
    whole
        .iter()
        .all(|c| c.numer().bits() <= BITS)
        .then_some(whole)
}

/// What may be a rational root: divisors of the last coefficient over divisors of
/// the first.
fn candidates(whole: &[BigRational]) -> Option<Vec<BigRational>> {
    /// The most candidates that are tried.
    const MOST: usize = 512;
    let lowest = whole.iter().find(|c| !c.is_zero())?;
    let (over, under) = (divisors(lowest)?, divisors(whole.last()?)?);
    if over.len() * under.len() > MOST {
        return None;
    }
    let mut all = vec![BigRational::zero()];
    for p in &over {
        for q in &under {
            let root = BigRational::new(BigInt::from(*p), BigInt::from(*q));
            all.extend([-root.clone(), root]);
        }
    }
    all.sort();
    all.dedup();
    Some(all)
}

fn divisors(value: &BigRational) -> Option<Vec<u64>> {
    /// Trial division up to its root is quick.
    const LARGEST: u64 = 1 << 20;
    let value = value.numer().magnitude().to_u64()?;
    if value > LARGEST {
        return None;
    }
    let small = (1..)
        .take_while(|d| d * d <= value)
        .filter(|d| value % d == 0);
    let mut all: Vec<u64> = small.flat_map(|d| [d, value / d]).collect();
    all.sort_unstable();
    all.dedup();
    Some(all)
}

fn value(coefficients: &[BigRational], at: &BigRational) -> BigRational {
    coefficients
        .iter()
        .rev()
        .fold(BigRational::zero(), |so_far, c| so_far * at + c)
}

/// The quotient by `x - root`.
fn divided(coefficients: &[BigRational], root: &BigRational) -> Vec<BigRational> {
    let mut carried = BigRational::zero();
    let mut quotient: Vec<BigRational> = coefficients
        .iter()
        .skip(1)
        .rev()
        .map(|c| {
            carried = &carried * root + c;
            carried.clone()
        })
        .collect();
    quotient.reverse();
    quotient
}
