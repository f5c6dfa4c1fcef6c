//! Systems of linear equations as their solutions: rational coefficients, brought
//! to the one reduced form that every system with the same solutions has.
//!
//! Only what a brace joins is a system. Equations apart by commas may be two lines,
//! each an answer, whose common point says nothing of them. And a system with one
//! solution that the reference leaves unsolved asks for its equations ("write the
//! system"): neither the solution nor other equations through it are the answer.

use num_rational::BigRational;
use num_traits::Zero;

use crate::math::expr::Expr;
use crate::math::typed::{Reading, Typed};

use super::build::{difference, integer, product, rational, substitute, sum, symbol, symbols};
use super::polynomial::is_polynomial;
use super::{Context, Judgement};

/// The rule of a reading as a system.
pub(super) const SYSTEM: &str = "system";

/// More equations or variables are no exercise, and cost questions.
const MOST: usize = 6;

/// The rows of a system: the coefficients of the variables, then the constant.
type Rows = Vec<Vec<BigRational>>;

impl Context<'_> {
    /// Two systems as sets of solutions; `None` where one is no linear system, or
    /// both only assign. An answer has to be solved where the reference is.
    pub(super) fn systems(&self, gold: &Reading, answer: &Reading) -> Option<Judgement> {
        let joined = |one: &Reading| one.rule == Some(SYSTEM);
        let (Typed::List(one), Typed::List(other)) = (&gold.value, &answer.value) else {
            return None;
        };
        let solved = |all: &[Typed]| all.iter().all(is_assignment);
        let conjoined = |reading: &Reading, all: &[Typed]| joined(reading) || solved(all);
        if solved(one) && solved(other) || !conjoined(gold, one) || !conjoined(answer, other) {
            return None;
        }
        let is_solved = solved(one);
        let (one, other) = (sides(one)?, sides(other)?);
        let mut names: Vec<&str> = one.iter().chain(&other).flat_map(|e| symbols(e)).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() > MOST || names.is_empty() {
            return None;
        }
        let (one, other) = (self.reduced(&one, &names)?, self.reduced(&other, &names)?);
        let is_point = one.len() == names.len();
        Some(match one == other {
            true if is_point && !is_solved => {
                let judged = self.typed(&gold.value, &answer.value);
                match judged.is_correct() {
                    true => judged,
                    false => Judgement::Unknown("undecided"),
                }
            }
            true if is_solved => Judgement::Unknown("unsolved"),
            true => Judgement::exact("equation"),
            false => Judgement::wrong("different_equation"),
        })
    }

    /// The reduced row echelon form; `None` where an equation is not linear, or the
    /// system has no solution.
    fn reduced(&self, equations: &[Expr], names: &[&str]) -> Option<Rows> {
        let mut rows: Rows = equations
            .iter()
            .map(|equation| self.row(equation, names))
            .collect::<Option<_>>()?;
        let mut rank = 0;
        for column in 0..names.len() {
            let Some(pivot) = (rank..rows.len()).find(|row| !rows[*row][column].is_zero()) else {
                continue;
            };
            rows.swap(rank, pivot);
            let lead = rows[rank][column].clone();
            rows[rank].iter_mut().for_each(|entry| *entry /= &lead);
            let own = rows[rank].clone();
            for (at, row) in rows.iter_mut().enumerate() {
                let factor = row[column].clone();
                if at != rank && !factor.is_zero() {
                    row.iter_mut()
                        .zip(&own)
                        .for_each(|(entry, pivot)| *entry -= &factor * pivot);
                }
            }
            rank += 1;
        }
        let contradicts = |row: &Vec<BigRational>| {
            row.split_last()
                .is_some_and(|(last, rest)| !last.is_zero() && rest.iter().all(Zero::is_zero))
        };
        if rows.iter().any(contradicts) {
            return None;
        }
        rows.truncate(rank);
        Some(rows)
    }

    /// The coefficients of a linear equation, from its values at 0 and at one.
    fn row(&self, equation: &Expr, names: &[&str]) -> Option<Vec<BigRational>> {
        let at = |one: Option<&str>| {
            let point = names.iter().fold(equation.clone(), |expr, name| {
                substitute(&expr, name, &integer(i64::from(one == Some(*name))))
            });
            self.rational(&point)
        };
        let constant = at(None)?;
        let mut row = Vec::with_capacity(names.len() + 1);
        let mut again = rational(constant.clone());
        for name in names {
            let slope = match symbols(equation).contains(name) {
                true => at(Some(name))? - &constant,
                false => BigRational::zero(),
            };
            again = sum(&again, &product(&rational(slope.clone()), &symbol(name)));
            row.push(slope);
        }
        row.push(constant);
        self.same(equation, &again).is_correct().then_some(row)
    }
}

/// Whether it gives a variable a number.
fn is_assignment(value: &Typed) -> bool {
    match value {
        Typed::Named { value, .. } => match &**value {
            Typed::Scalar(scalar) => symbols(&scalar.value).is_empty(),
            _ => false,
        },
        _ => false,
    }
}

/// Everything of each equation on one side; `None` where one is none, or no
/// polynomial.
fn sides(all: &[Typed]) -> Option<Vec<Expr>> {
    if all.len() < 2 || all.len() > MOST {
        return None;
    }
    let side = |value: &Typed| match value {
        Typed::Equation { left, right } => Some(difference(left, right)),
        Typed::Named { name, value } if name.chars().all(char::is_alphanumeric) => match &**value {
            Typed::Scalar(scalar) if scalar.unit.is_none() => {
                Some(difference(&symbol(name), &scalar.value))
            }
            _ => None,
        },
        _ => None,
    };
    all.iter()
        .map(|value| side(value).filter(is_polynomial))
        .collect()
}
