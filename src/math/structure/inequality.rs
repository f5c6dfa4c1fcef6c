//! Inequalities as sets of real numbers.
//!
//! `x < 3`, chains and "or" become intervals. A side that is linear in the one
//! variable, the absolute value of one, or a polynomial whose roots are known
//! (`polynomial.rs`), is solved for it; whatever else
//! stands there is taken as a whole, so that `f(2) < f(1)` equals itself.

use std::cmp::Ordering;

use num_rational::BigRational;

use crate::math::expr::{Expr, Node};
use crate::math::typed::{Chain, End, Interval, Relation, Typed};

use super::build::{
    as_symbol, difference, integer, negative, product, quotient, substitute, sum, symbol, symbols,
    under_abs,
};
use super::interval::Fault;
use super::judgement::all;
use super::{Context, Judgement};

/// A set of real numbers and how it was given.
struct Solution {
    /// What is restricted; `None` where intervals were written.
    subject: Option<Expr>,
    pieces: Vec<Interval>,
    shape: Shape,
}

/// Whether the set can be read off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Intervals, or `x < 3`.
    Solved,
    /// `2x + 1 < 7`.
    Unsolved,
}

impl Context<'_> {
    /// Compares intervals, inequalities and finite sets of real numbers.
    pub(super) fn solution_sets(&self, gold: &Typed, answer: &Typed) -> Judgement {
        let (one, other) = match (self.solution(gold), self.solution(answer)) {
            (Ok(one), Ok(other)) => (one, other),
            (Err(Fault::Backwards), _) | (_, Err(Fault::Backwards)) => {
                return Judgement::wrong("malformed_interval");
            }
            _ => return self.as_written(gold, answer),
        };
        let subject = match (&one.subject, &other.subject) {
            (Some(gold_subject), Some(subject)) => match self.equal(gold_subject, subject) {
                Judgement::Wrong { .. }
                    if as_symbol(gold_subject).is_some() && as_symbol(subject).is_some() =>
                {
                    return Judgement::wrong("different_name");
                }
                // Other left sides may restrict the same variable.
                Judgement::Wrong { .. } => return self.as_written(gold, answer),
                judged => judged,
            },
            // What `x^2 > 1` says of x is not read off.
            (Some(subject), None) | (None, Some(subject)) if !is_name(subject) => {
                return Judgement::Unknown("unsolved");
            }
            _ => Judgement::exact("interval"),
        };
        let rule = match (gold, answer) {
            (Typed::Inequality(_), Typed::Inequality(_)) => "inequality",
            _ => "interval",
        };
        let whole = subject.and(|| self.unions(&one.pieces, &other.pieces));
        match (whole, one.shape, other.shape) {
            // The guard against restating the question.
            (Judgement::Correct { .. }, Shape::Solved, Shape::Unsolved) => {
                Judgement::Unknown("unsolved")
            }
            (judged, ..) => judged.by(rule),
        }
    }

    /// The set that a value stands for.
    fn solution(&self, value: &Typed) -> Result<Solution, Fault> {
        match value {
            Typed::Intervals(pieces) => Ok(Solution {
                subject: None,
                pieces: pieces.clone(),
                shape: Shape::Solved,
            }),
            Typed::Named { name, value } => Ok(Solution {
                subject: Some(symbol(name)),
                ..self.solution(value)?
            }),
            Typed::List(all) if all.iter().all(|one| matches!(one, Typed::Inequality(_))) => {
                self.all_of(all)
            }
            Typed::Set(all) | Typed::List(all) => {
                let point = |member: &Typed| match member {
                    Typed::Scalar(scalar) if scalar.unit.is_none() => {
                        Ok(pieces(Relation::Equal, &scalar.value))
                    }
                    _ => Err(Fault::Undecided),
                };
                let points: Vec<_> = all.iter().map(point).collect::<Result<_, _>>()?;
                Ok(Solution {
                    subject: None,
                    pieces: points.into_iter().flatten().collect(),
                    shape: Shape::Solved,
                })
            }
            Typed::Inequality(chains) => {
                let mut whole: Option<Solution> = None;
                for chain in chains {
                    let next = self.chain(chain)?;
                    whole = Some(match whole {
                        None => next,
                        Some(before) => self.join(before, next, Junction::Or)?,
                    });
                }
                whole.ok_or(Fault::Undecided)
            }
            _ => Err(Fault::Undecided),
        }
    }

    /// `x > 0, x \ne 1`: what satisfies all of a list of inequalities. Only where
    /// every number satisfies one of them, so that "or" can't be meant.
    fn all_of(&self, all: &[Typed]) -> Result<Solution, Fault> {
        let mut whole: Option<Solution> = None;
        let mut pieces = Vec::new();
        for one in all {
            let next = self.solution(one)?;
            pieces.extend(next.pieces.iter().cloned());
            whole = Some(match whole {
                None => next,
                Some(before) => self.join(before, next, Junction::And)?,
            });
        }
        let line = Interval {
            low: None,
            high: None,
        };
        match self.unions(&pieces, &[line]).is_correct() {
            true => whole.ok_or(Fault::Undecided),
            false => Err(Fault::Undecided),
        }
    }

    fn chain(&self, chain: &Chain) -> Result<Solution, Fault> {
        let mut whole: Option<Solution> = None;
        for (pair, relation) in chain.terms.windows(2).zip(&chain.relations) {
            let [left, right] = pair else {
                return Err(Fault::Undecided);
            };
            let next = self.pair(left, *relation, right)?;
            whole = Some(match whole {
                None => next,
                Some(before) => self.join(before, next, Junction::And)?,
            });
        }
        whole.ok_or(Fault::Undecided)
    }

    fn join(&self, left: Solution, right: Solution, how: Junction) -> Result<Solution, Fault> {
        match (&left.subject, &right.subject) {
            (Some(one), Some(other)) if self.equal(one, other).is_correct() => {}
            _ => return Err(Fault::Undecided),
        }
        let pieces = match how {
            Junction::And => self.intersection(&left.pieces, &right.pieces)?,
            Junction::Or => [left.pieces, right.pieces].concat(),
        };
        Ok(Solution {
            subject: left.subject,
            pieces,
            shape: match (left.shape, right.shape) {
                (Shape::Solved, Shape::Solved) => Shape::Solved,
                _ => Shape::Unsolved,
            },
        })
    }

    /// One relation between two terms.
    fn pair(&self, left: &Expr, relation: Relation, right: &Expr) -> Result<Solution, Fault> {
        match (is_constant(left), is_constant(right)) {
            (true, true) => Err(Fault::Undecided),
            (false, true) => self.solve(left, relation, right),
            (true, false) => self.solve(right, flipped(relation), left),
            (false, false) => Ok(Solution {
                shape: Shape::Unsolved,
                ..self.solve(&difference(left, right), relation, &integer(0))?
            }),
        }
    }

    /// `term relation bound`
    fn solve(&self, term: &Expr, relation: Relation, bound: &Expr) -> Result<Solution, Fault> {
        if let Some(name) = as_symbol(term) {
            return Ok(Solution {
                subject: Some(symbol(name)),
                pieces: pieces(relation, bound),
                shape: Shape::Solved,
            });
        }
        if let Some(line) = self.line(term) {
            let shape = match self.rational(&line.offset) {
                Some(offset) if offset == BigRational::from_integer(0.into()) => Shape::Solved,
                _ => Shape::Unsolved,
            };
            let at = quotient(&difference(bound, &line.offset), &line.slope);
            let relation = match line.sign {
                Ordering::Less => flipped(relation),
                _ => relation,
            };
            return Ok(Solution {
                subject: Some(symbol(&line.variable)),
                pieces: pieces(relation, &at),
                shape,
            });
        }
        if let Some(inside) = under_abs(term)
            && self.line(&inside).is_some()
        {
            return self.absolute(&inside, relation, bound);
        }
        if let Some((variable, pieces)) = self.polynomial(&difference(term, bound), relation) {
            return Ok(Solution {
                subject: Some(symbol(&variable)),
                pieces,
                shape: Shape::Unsolved,
            });
        }
        Ok(Solution {
            subject: Some(term.clone()),
            pieces: pieces(relation, bound),
            shape: match is_name(term) {
                true => Shape::Solved,
                false => Shape::Unsolved,
            },
        })
    }

    /// `|inside| relation bound`
    fn absolute(&self, inside: &Expr, relation: Relation, bound: &Expr) -> Result<Solution, Fault> {
        let (junction, low, high) = match relation {
            Relation::Less => (Junction::And, Relation::Greater, Relation::Less),
            Relation::LessEqual => (Junction::And, Relation::GreaterEqual, Relation::LessEqual),
            Relation::Greater => (Junction::Or, Relation::Less, Relation::Greater),
            Relation::GreaterEqual => (Junction::Or, Relation::LessEqual, Relation::GreaterEqual),
            Relation::Equal => (Junction::Or, Relation::Equal, Relation::Equal),
            Relation::NotEqual => (Junction::And, Relation::NotEqual, Relation::NotEqual),
        };
        let low = self.solve(inside, low, &negative(bound))?;
        let high = self.solve(inside, high, bound)?;
        Ok(Solution {
            shape: Shape::Unsolved,
            ..self.join(low, high, junction)?
        })
    }

    /// `slope · variable + offset`, where that is what the expression is.
    fn line(&self, expr: &Expr) -> Option<Line> {
        if !is_real_term(expr) {
            return None;
        }
        let names = symbols(expr);
        let [variable] = names.as_slice() else {
            return None;
        };
        let offset = substitute(expr, variable, &integer(0));
        let slope = difference(&substitute(expr, variable, &integer(1)), &offset);
        let again = sum(&product(&slope, &symbol(variable)), &offset);
        if !self.equal(expr, &again).is_correct() {
            return None;
        }
        let sign = self.sign(&slope)?;
        (sign != Ordering::Equal).then(|| Line {
            variable: (*variable).to_owned(),
            slope,
            offset,
            sign,
        })
    }

    /// Inequalities as they are written, read in either direction; a single
    /// one also up to a constant factor.
    fn as_written(&self, gold: &Typed, answer: &Typed) -> Judgement {
        let (Typed::Inequality(gold), Typed::Inequality(answer)) = (gold, answer) else {
            return Judgement::Unknown("undecided");
        };
        if gold.len() != answer.len() {
            return Judgement::Unknown("undecided");
        }
        let judged = all(
            "inequality",
            gold.iter().zip(answer).map(|(gold, answer)| {
                let forward = self.same_terms(gold, answer);
                let backward = || self.same_terms(gold, &reversed(answer));
                match forward.or(backward) {
                    correct @ Judgement::Correct { .. } => correct,
                    _ => self.scaled(gold, answer),
                }
            }),
        );
        match judged {
            Judgement::Wrong {
                rule: "reversed_inequality",
                ..
            } => judged,
            // Another form may say the same.
            Judgement::Wrong { .. } => Judgement::Unknown("undecided"),
            other => other,
        }
    }

    fn same_terms(&self, gold: &Chain, answer: &Chain) -> Judgement {
        if gold.relations != answer.relations || gold.terms.len() != answer.terms.len() {
            return Judgement::wrong("different_inequality");
        }
        let pairs = gold.terms.iter().zip(&answer.terms);
        all(
            "inequality",
            pairs.map(|(gold, answer)| self.equal(gold, answer)),
        )
    }

    /// `f < 0` and `c·f < 0` for a positive constant, or with the relation
    /// turned round for a negative one.
    fn scaled(&self, gold: &Chain, answer: &Chain) -> Judgement {
        let (Some((f, relation)), Some((g, other))) = (against_zero(gold), against_zero(answer))
        else {
            return Judgement::Unknown("undecided");
        };
        let judged = self.proportional(&f, &g);
        if !judged.is_correct() {
            return judged;
        }
        // The factor is constant, so one point shows its sign; the same point
        // for both, whatever the order of the variables.
        let mut names: Vec<String> = symbols(&f)
            .into_iter()
            .chain(symbols(&g))
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        let at_point = |expr: &Expr| {
            let mut expr = expr.clone();
            for (at, name) in (3_i64..).zip(&names) {
                expr = substitute(&expr, name, &integer(at * at + 1));
            }
            self.sign(&expr).filter(|sign| sign.is_ne())
        };
        let relation_there = match (at_point(&f), at_point(&g)) {
            (Some(one), Some(two)) if one == two => other,
            (Some(_), Some(_)) => flipped(other),
            _ => return Judgement::Unknown("undecided"),
        };
        match relation == relation_there {
            true => judged.by("inequality"),
            false => Judgement::wrong("reversed_inequality"),
        }
    }
}

struct Line {
    variable: String,
    slope: Expr,
    offset: Expr,
    /// The order of slope and 0.
    sign: Ordering,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Junction {
    And,
    Or,
}

/// The numbers in that relation to the bound.
fn pieces(relation: Relation, bound: &Expr) -> Vec<Interval> {
    let end = |closed| {
        Some(End {
            at: bound.clone(),
            closed,
        })
    };
    let piece = |low, high| Interval { low, high };
    match relation {
        Relation::Less => vec![piece(None, end(false))],
        Relation::LessEqual => vec![piece(None, end(true))],
        Relation::Greater => vec![piece(end(false), None)],
        Relation::GreaterEqual => vec![piece(end(true), None)],
        Relation::NotEqual => vec![piece(None, end(false)), piece(end(false), None)],
        Relation::Equal => vec![piece(end(true), end(true))],
    }
}

/// The relation read from the other side.
fn flipped(relation: Relation) -> Relation {
    match relation {
        Relation::Less => Relation::Greater,
        Relation::LessEqual => Relation::GreaterEqual,
        Relation::Greater => Relation::Less,
        Relation::GreaterEqual => Relation::LessEqual,
        Relation::NotEqual | Relation::Equal => relation,
    }
}

fn reversed(chain: &Chain) -> Chain {
    Chain {
        terms: chain.terms.iter().rev().cloned().collect(),
        relations: chain
            .relations
            .iter()
            .rev()
            .map(|relation| flipped(*relation))
            .collect(),
    }
}

/// `left - right relation 0` of a chain of two terms.
fn against_zero(chain: &Chain) -> Option<(Expr, Relation)> {
    match (chain.terms.as_slice(), chain.relations.as_slice()) {
        ([left, right], [relation]) => Some((difference(left, right), *relation)),
        _ => None,
    }
}

/// A variable or a value of an unknown function.
fn is_name(expr: &Expr) -> bool {
    matches!(expr.arena.node(expr.root), Node::Symbol(_) | Node::Call(..))
}

/// Neither variables nor calls of unknown functions.
fn is_constant(expr: &Expr) -> bool {
    is_real_term(expr) && symbols(expr).is_empty()
}

/// No calls of unknown functions.
fn is_real_term(expr: &Expr) -> bool {
    expr.arena
        .iter()
        .all(|(_, node)| !matches!(node, Node::Call(..)))
}
