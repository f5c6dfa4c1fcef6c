//! Whether two scalar expressions are equal: two graphs in, a decision out.
//!
//! A ladder of stages, cheap ones first, each with its own proof:
//!
//! | stage | file | equal | different |
//! | --- | --- | --- | --- |
//! | canonical form, exact numbers | `form`, `elementary`, `lower` | exact | exact |
//! | f64 intervals | `interval` | - | sound |
//! | multiplied out over radicals | `expand`, `expansion` | exact | exact |
//! | secret primes and points | `modular` | error below 2^-80 | sound |
//! | root-separation bound | `separation`, `numeric` | exact | sound |
//! | agreement of many bits | `numeric` | numeric | sound |
//!
//! There is no tolerance anywhere. An expression without a value (1/0, 0^0,
//! log 0) equals nothing, not even itself. Symbols stand for real numbers;
//! `z` and `w` are not taken for real. Equality of expressions with symbols is
//! equality wherever both are defined (`x/x` is 1).
//!
//! Rules of `Equal`: `rational`, `identical` (one canonical form), `expanded`,
//! `evaluated` (exact), `identity` (probabilistic), `separation` (exact),
//! `numeric`. Rules of `Different`: `rational`, `interval`, `expanded`,
//! `identity`, `numeric`; each carries a witness in words.
//!
//! Reasons of `Unknown`: `limit` (a limit of [`Limits`]), `domain` (equal where
//! both are real, but only one is real elsewhere), `undecided`.
//!
//! Source: Schwartz, JACM 27 (1980) 701; Burnikel, Funke, Mehlhorn, Schirra and
//! Schmitt, ESA 2001 (separation bound); Besicovitch, J. London Math. Soc. 15
//! (1940) 3 (independence of radicals).

mod budget;

mod rational;

mod secrets;

mod graph;

mod form;

mod product;

mod elementary;

mod lower;

mod coefficient;

mod monomial;

mod expansion;

mod expand;

mod modular;

mod size;

mod interval;

mod points;

mod precision;

mod ball;

mod complex;

mod numeric;

mod separation;

mod cells;

mod sectors;

mod agreement;

mod multiple;

mod display;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use num_rational::BigRational;
use num_traits::Signed;

use super::expr::{Expr, Id, Node};
use budget::{Fuel, Stop};
use form::{FormId, Forms};
use interval::Interval;
use points::Grid;

pub(crate) use budget::Limits;
pub(crate) use display::display;
pub(crate) use multiple::is_multiple;
pub(crate) use secrets::Secrets;

/// What is known of two expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The same value.
    Equal {
        /// The stage that decided.
        rule: &'static str,
        /// How certain it is.
        proof: Proof,
    },
    /// Different values, for certain.
    Different {
        /// The stage that decided.
        rule: &'static str,
        /// What shows it, in words.
        witness: String,
    },
    /// Not decided, and why.
    Unknown(&'static str),
    /// One of them has no value.
    Undefined,
}

/// How certain an equality is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A theorem.
    Exact,
    /// Wrong with probability below 2^-80, for whoever does not know the
    /// secrets.
    Probabilistic,
    /// This many bits agree; no theorem.
    Numeric {
        /// Bits after the binary point relative to the size of the terms.
        bits: u32,
    },
}

/// Decides whether two expressions are equal; symmetric in them.
pub(crate) fn decide(gold: &Expr, answer: &Expr, secrets: &Secrets, limits: &Limits) -> Decision {
    Ladder::new(gold, answer, secrets, limits).run(Why::Witness)
}

/// The same decision, but a difference that intervals show is found before
/// anything else and has no witness: for callers that do not show it. An
/// expression without a value may then be told apart from one with a value.
pub(crate) fn decide_alone(
    gold: &Expr,
    answer: &Expr,
    secrets: &Secrets,
    limits: &Limits,
) -> Decision {
    Ladder::new(gold, answer, secrets, limits).run(Why::Unasked)
}

/// Whether the caller shows why two sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Witness,
    Unasked,
}

/// The order of two real constants; `None` where it is not decided or one of
/// them is not a real constant.
pub(crate) fn compare(a: &Expr, b: &Expr, secrets: &Secrets, limits: &Limits) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (to_rational(a, limits), to_rational(b, limits)) {
        return Some(a.cmp(&b));
    }
    if !is_constant(a) || !is_constant(b) {
        return None;
    }
    let none = |_: &str| None;
    if let (Some(a), Some(b)) = (interval::evaluate(a, &none), interval::evaluate(b, &none))
        && a.disjoint(b)
    {
        return Some(match a.hi < b.lo {
            true => Ordering::Less,
            false => Ordering::Greater,
        });
    }
    match decide(a, b, secrets, limits) {
        // Two equal non-real numbers have no order.
        Decision::Equal { .. } => is_real(a, limits).then_some(Ordering::Equal),
        Decision::Different { .. } => {
            let ladder = Ladder::new(a, b, secrets, limits);
            let order = ladder.order()?;
            Some(match std::ptr::eq(ladder.sides[0], a) {
                true => order,
                false => order.reverse(),
            })
        }
        _ => None,
    }
}

/// The exact value of a rational constant.
pub(crate) fn to_rational(e: &Expr, limits: &Limits) -> Option<BigRational> {
    let fuel = Fuel::new(limits.fuel / 4, limits);
    let mut forms = Forms::new(&fuel, limits);
    let form = forms.lower(e).ok()?;
    if !forms.needs.is_empty() && interval::evaluate(e, &|_| None).is_none() {
        return None;
    }
    expand::number(&forms, form)
}

/// The sign of a real constant: -1, 0 or 1.
pub(crate) fn sign(e: &Expr, secrets: &Secrets, limits: &Limits) -> Option<Ordering> {
    let mut arena = super::expr::Arena::default();
    let root = arena.add(Node::Number(BigRational::from_integer(0.into())));
    compare(e, &Expr { arena, root }, secrets, limits)
}

/// Whether no symbol and no unknown function occurs.
pub(crate) fn is_constant(e: &Expr) -> bool {
    any(e, |node| matches!(node, Node::Symbol(_) | Node::Call(..))).is_none()
}

/// Whether the value is certainly real, for real values of the symbols.
pub(crate) fn is_real(e: &Expr, limits: &Limits) -> bool {
    let fuel = Fuel::new(limits.fuel / 4, limits);
    let mut forms = Forms::new(&fuel, limits);
    forms.lower(e).is_ok_and(|form| forms.traits(form).real)
}

/// The first node of a kind that the root reaches.
fn any(e: &Expr, kind: impl Fn(&Node) -> bool) -> Option<&Node> {
    let seen = e.reachable();
    e.arena
        .iter()
        .take(seen.len())
        .find(|(id, node)| seen[id.index()] && kind(node))
        .map(|(_, node)| node)
}

/// The point at which f64 intervals are compared first: it shows almost every
/// difference.
const FIRST_POINT: Range<u64> = 0..1;

/// The points at which they are compared where that showed none.
const MORE_POINTS: Range<u64> = 1..6;

/// The stages for two expressions.
struct Ladder<'a> {
    sides: [&'a Expr; 2],
    secrets: &'a Secrets,
    limits: &'a Limits,
    symbols: Vec<Box<str>>,
    grid: Grid,
}

/// Whether both sides are known to have values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defined {
    Proven,
    Open,
}

impl<'a> Ladder<'a> {
    fn new(gold: &'a Expr, answer: &'a Expr, secrets: &'a Secrets, limits: &'a Limits) -> Self {
        // The order of the sides must not show, not even in the proof.
        let sides = match graph::fingerprint(gold) <= graph::fingerprint(answer) {
            true => [gold, answer],
            false => [answer, gold],
        };
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut whole = false;
        for side in sides {
            let seen = side.reachable();
            for (id, node) in side.arena.iter().take(seen.len()) {
                match node {
                    _ if !seen[id.index()] => {}
                    Node::Symbol(name) => {
                        names.insert(name);
                    }
                    Node::Factorial(_) | Node::Binomial(..) => whole = true,
                    Node::Pow(base, exponent) => whole |= alternates(side, *base, *exponent),
                    _ => {}
                }
            }
        }
        let grid = match whole && !names.is_empty() {
            true => Grid::Integers,
            false => Grid::Fractions,
        };
        Ladder {
            sides,
            secrets,
            limits,
            symbols: names.into_iter().map(Box::from).collect(),
            grid,
        }
    }

    fn run(&self, why: Why) -> Decision {
        if self
            .sides
            .iter()
            .any(|side| side.arena.len() > self.limits.nodes)
        {
            return Decision::Unknown("limit");
        }
        if why == Why::Unasked && self.quick(FIRST_POINT).is_err() {
            return different("interval", String::new());
        }
        let fuel = Fuel::new(self.limits.fuel / 2, self.limits);
        let mut forms = Forms::new(&fuel, self.limits);
        let lowered = forms
            .lower(self.sides[0])
            .and_then(|a| Ok((a, forms.lower(self.sides[1])?)));
        if lowered == Err(Stop::Undefined) {
            return Decision::Undefined;
        }
        if let Ok((a, b)) = lowered
            && forms.needs.is_empty()
        {
            if let (Some(x), Some(y)) = (forms.as_number(a), forms.as_number(b)) {
                return match x == y {
                    true => equal("rational", Proof::Exact),
                    false => different("rational", rational_witness(x, y)),
                };
            }
            if a == b {
                return equal("identical", Proof::Exact);
            }
        }
        let defined = match self.quick(FIRST_POINT) {
            Ok(defined) => defined,
            Err(witness) => return different("interval", witness),
        };
        let decision = match lowered {
            Ok((a, b)) => self.formal(&mut forms, a, b, defined),
            Err(Stop::Undefined) => Ok(Decision::Undefined),
            Err(_) => self.quick(MORE_POINTS).map(|_| self.refute()),
        };
        decision.unwrap_or_else(|witness| different("interval", witness))
    }

    /// f64 intervals at secret points: a witness that the sides differ, or
    /// whether both are seen to be defined. Constants need no second point.
    fn quick(&self, points: Range<u64>) -> Result<Defined, String> {
        let mut defined = Defined::Open;
        let end = match self.symbols.is_empty() {
            true => points.end.min(FIRST_POINT.end),
            false => points.end,
        };
        for index in points.start..end {
            let count = self.symbols.len();
            let point = points::intervals(self.secrets, count, index, self.grid);
            let symbol = |name: &str| {
                let place = self.symbols.binary_search_by(|known| (**known).cmp(name));
                point[place.ok()?]
            };
            let values = self.sides.map(|side| interval::evaluate(side, &symbol));
            if let [Some(a), Some(b)] = values {
                defined = Defined::Proven;
                if a.disjoint(b) {
                    return Err(interval_witness(&self.symbols, a, b));
                }
            }
        }
        Ok(defined)
    }

    /// The stages on canonical forms. What intervals at more points show comes
    /// before every other difference, and is looked for where there may be one:
    /// a proof of equality does without.
    fn formal(
        &self,
        forms: &mut Forms<'_>,
        a: FormId,
        b: FormId,
        defined: Defined,
    ) -> Result<Decision, String> {
        let mut looked = false;
        if defined == Defined::Open && !forms.needs.is_empty() {
            looked = true;
            if self.quick(MORE_POINTS)? == Defined::Open {
                match self.needs(forms) {
                    Ok(Defined::Proven) => {}
                    Ok(Defined::Open) => match self.evaluable() {
                        Ok(Defined::Proven) => {}
                        Ok(Defined::Open) => return Ok(self.undefined_or_unknown(forms)),
                        Err(decision) => return Ok(decision),
                    },
                    Err(Stop::Undefined) => return Ok(Decision::Undefined),
                    Err(_) => return Ok(Decision::Unknown("limit")),
                }
            }
        }
        if a == b {
            return Ok(equal("identical", Proof::Exact));
        }
        let difference = forms.difference(a, b);
        let expanded = difference.and_then(|d| expand::zero(forms, d));
        if expanded == Ok(expand::Outcome::Zero) {
            return Ok(equal("expanded", Proof::Exact));
        }
        if !looked {
            self.quick(MORE_POINTS)?;
        }
        match expanded {
            Ok(expand::Outcome::NonZero) => {
                return Ok(different("expanded", "the difference is not zero".into()));
            }
            Err(Stop::Undefined) => return Ok(Decision::Undefined),
            Ok(expand::Outcome::Zero | expand::Outcome::Unclear) | Err(_) => {}
        }
        // A quarter stays for the values.
        forms.fuel.grant(self.limits.fuel / 4);
        match modular::compare(forms, a, b, self.secrets) {
            Ok(modular::Outcome::Same) => return Ok(equal("identity", Proof::Probabilistic)),
            Ok(modular::Outcome::Different) => {
                return Ok(different(
                    "identity",
                    "the difference is not zero at a secret point".into(),
                ));
            }
            Err(Stop::Undefined) => return Ok(Decision::Undefined),
            Ok(modular::Outcome::Unclear) | Err(_) => {}
        }
        Ok(self.agreement(forms, a, b))
    }

    /// Whether every form that must not be zero is not.
    fn needs(&self, forms: &mut Forms<'_>) -> Result<Defined, Stop> {
        let needs: Vec<FormId> = forms.needs.iter().copied().collect();
        for need in needs {
            match expand::zero(forms, need) {
                Ok(expand::Outcome::Zero) | Err(Stop::Undefined) => return Err(Stop::Undefined),
                Ok(expand::Outcome::NonZero) => continue,
                Ok(expand::Outcome::Unclear) | Err(_) => {}
            }
            match modular::compare(forms, need, forms.zero, self.secrets) {
                Ok(modular::Outcome::Same) | Err(Stop::Undefined) => return Err(Stop::Undefined),
                Ok(modular::Outcome::Different) => {}
                Ok(modular::Outcome::Unclear) | Err(_) => return Ok(Defined::Open),
            }
        }
        Ok(Defined::Proven)
    }
}

/// Whether a symbol may be in the exponent of a negative number.
fn alternates(e: &Expr, base: Id, exponent: Id) -> bool {
    matches!(e.arena.node(base), Node::Number(value) if value.is_negative())
        && !matches!(e.arena.node(exponent), Node::Number(_))
}

fn equal(rule: &'static str, proof: Proof) -> Decision {
    Decision::Equal { rule, proof }
}

fn different(rule: &'static str, witness: String) -> Decision {
    Decision::Different { rule, witness }
}

/// The exact difference, or the sizes of numbers too long to show.
fn rational_witness(x: &BigRational, y: &BigRational) -> String {
    if rational::bits(x) + rational::bits(y) <= 256 {
        return format!("the difference is {}", x - y);
    }
    "the numbers differ".into()
}

fn interval_witness(symbols: &[Box<str>], a: Interval, b: Interval) -> String {
    let values = format!(
        "{:.9e} is not {:.9e}",
        a.lo / 2.0 + a.hi / 2.0,
        b.lo / 2.0 + b.hi / 2.0
    );
    at_point(symbols, values)
}

/// The values of constants; for functions, only that they differ: the points
/// are secret, and differ from process to process, as no score may.
fn at_point(symbols: &[Box<str>], values: String) -> String {
    if symbols.is_empty() {
        return values;
    }
    let names: Vec<&str> = symbols.iter().take(4).map(|name| &**name).collect();
    format!("the sides differ as functions of {}", names.join(", "))
}
