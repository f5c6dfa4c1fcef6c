//! Ratios, times, congruences and families of numbers.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

use crate::math::expr::{Constant, Expr, Id, Node};
use crate::math::typed::{Half, Modulo, Scalar, Typed};

use super::build::{difference, integer, product, quotient, substitute, sum, symbol, symbols};
use super::judgement::all;
use super::{Context, Judgement};

impl Context<'_> {
    /// `a : b : c`, by cross-multiplication; part by part where only one is not 0.
    pub(super) fn ratios(&self, gold: &[Expr], answer: &[Expr]) -> Judgement {
        /// All pairs are compared.
        const PARTS: usize = 16;
        if gold.len() != answer.len() {
            return Judgement::wrong("different_length");
        }
        if gold.len() > PARTS {
            return Judgement::Unknown("limit");
        }
        let zero = integer(0);
        let left = |parts: &[Expr]| {
            parts
                .iter()
                .filter(|part| matches!(self.equal(part, &zero), Judgement::Wrong { .. }))
                .count()
        };
        match left(gold).min(left(answer)) {
            0 => return Judgement::Unknown("undecided"),
            // Cross products would make `3:0` and `5:0` equal, which may be scores.
            1 if gold.len() > 1 => {
                let parts = gold.iter().zip(answer);
                let judged = all(
                    "ratio",
                    parts.map(|(gold, answer)| self.equal(gold, answer)),
                );
                return match judged {
                    Judgement::Wrong { .. } => Judgement::Unknown("undecided"),
                    other => other,
                };
            }
            _ => {}
        }
        let pairs = (0..gold.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        let judged = all(
            "ratio",
            pairs.map(|(i, j)| {
                self.equal(
                    &product(&gold[i], &answer[j]),
                    &product(&gold[j], &answer[i]),
                )
            }),
        );
        match judged {
            Judgement::Wrong { .. } => Judgement::wrong("different_ratio"),
            other => other,
        }
    }

    /// `3:4` is 3/4.
    pub(super) fn ratio_and_scalar(
        &self,
        ratio: &[Expr],
        gold: &Typed,
        answer: &Typed,
    ) -> Judgement {
        let ((Typed::Scalar(scalar), _) | (_, Typed::Scalar(scalar))) = (gold, answer) else {
            return Judgement::Unknown("unsupported");
        };
        let [left, right] = ratio else {
            return Judgement::wrong("different_type");
        };
        if scalar.unit.is_some() {
            return Judgement::wrong("different_type");
        }
        match self.equal(right, &integer(0)) {
            Judgement::Wrong { .. } => {}
            _ => return Judgement::Unknown("undecided"),
        }
        let value = quotient(left, right);
        match gold {
            Typed::Ratio(_) => self.equal(&value, &scalar.value),
            _ => self.equal(&scalar.value, &value),
        }
        .by("ratio")
    }

    /// Residues modulo the same number.
    pub(super) fn congruences(&self, gold: &Typed, answer: &Typed) -> Judgement {
        let (
            Typed::Congruence {
                residue, modulus, ..
            },
            Typed::Congruence {
                residue: other,
                modulus: second,
                ..
            },
        ) = (gold, answer)
        else {
            return Judgement::Unknown("unsupported");
        };
        let (Some(m), Some(n)) = (self.rational(modulus), self.rational(second)) else {
            return self
                .equal(modulus, second)
                .and(|| self.equal(residue, other))
                .or(|| Judgement::Unknown("undecided"))
                .by("congruence");
        };
        if m.abs() != n.abs() || m.is_zero() {
            return Judgement::wrong("different_modulus");
        }
        let away = quotient(&difference(other, residue), modulus);
        match self.rational(&away) {
            // `x \equiv 7^{100} \pmod 13` only says what was asked.
            Some(steps) if steps.is_integer() && !is_literal(other) => {
                Judgement::Unknown("unsolved")
            }
            Some(steps) if steps.is_integer() => Judgement::exact("congruence"),
            Some(_) => Judgement::wrong("different_residue"),
            None => self
                .equal(residue, other)
                .or(|| Judgement::Unknown("undecided"))
                .by("congruence"),
        }
    }

    /// `2 \pmod 5` for 2 names the modulus as well.
    pub(super) fn congruence_and_scalar(&self, gold: &Typed, answer: &Typed) -> Judgement {
        let ((
            Typed::Congruence {
                residue,
                modulus,
                modulo,
            },
            Typed::Scalar(scalar),
        )
        | (
            Typed::Scalar(scalar),
            Typed::Congruence {
                residue,
                modulus,
                modulo,
            },
        )) = (gold, answer)
        else {
            return Judgement::Unknown("unsupported");
        };
        let (Some(modulus), Some(value)) = (self.rational(modulus), self.rational(&scalar.value))
        else {
            return Judgement::Unknown("different_type");
        };
        let whole = modulus.is_integer() && value.is_integer();
        if !whole || !modulus.is_positive() || scalar.unit.is_some() {
            return Judgement::wrong("different_type");
        }
        let Some(least) = least_residue(residue, modulus.numer()) else {
            return Judgement::Unknown("undecided");
        };
        let is_answered = match answer {
            Typed::Congruence { .. } => {
                is_literal(residue) && self.rational(residue) == Some(value.clone())
            }
            _ => true,
        };
        match least == *value.numer() {
            // `17 \pmod 5` for 2 only says what was asked; for `17 \bmod 5` a
            // policy decides.
            true if !is_answered && *modulo == Modulo::Class => Judgement::Unknown("unsolved"),
            true => Judgement::exact("congruence"),
            false if (value.numer() - least).is_multiple_of(modulus.numer()) => {
                Judgement::Unknown("different_type")
            }
            false => Judgement::wrong("different_residue"),
        }
    }

    /// Unions of families `offset + step·k`: as residues modulo the least
    /// common multiple of all steps.
    pub(super) fn families(&self, gold: &[&Typed], answer: &[&Typed]) -> Judgement {
        /// More residues than this are no answer.
        const RESIDUES: usize = 512;
        let Some(Typed::Family { offset, step: unit }) = gold.first() else {
            return Judgement::Unknown("different_type");
        };
        let relative = |families: &[&Typed]| -> Option<Vec<(BigRational, BigRational)>> {
            families
                .iter()
                .map(|family| match family {
                    Typed::Family { offset: from, step } => {
                        let step = self.rational_ratio(step, unit)?;
                        let from = self.rational_ratio(&difference(from, offset), unit)?;
                        (!step.is_zero()).then(|| (from, step.abs()))
                    }
                    _ => None,
                })
                .collect()
        };
        let (Some(one), Some(other)) = (relative(gold), relative(answer)) else {
            return Judgement::Unknown("undecided");
        };
        let steps = || one.iter().chain(&other).map(|(_, step)| step);
        let period = steps().fold(steps().next().cloned().unwrap_or_default(), |a, b| {
            least_common_multiple(&a, b)
        });
        let residues = |families: &[(BigRational, BigRational)]| {
            let mut all: Vec<BigRational> = Vec::new();
            for (from, step) in families {
                let count = usize::try_from((&period / step).to_integer()).ok()?;
                if all.len() + count > RESIDUES {
                    return None;
                }
                for k in 0..count {
                    let value = from + step * BigRational::from_integer(BigInt::from(k));
                    let turns = (&value / &period).floor();
                    all.push(value - turns * &period);
                }
            }
            all.sort();
            all.dedup();
            Some(all)
        };
        match (residues(&one), residues(&other)) {
            (Some(one), Some(other)) if one == other => Judgement::exact("family"),
            (Some(_), Some(_)) => Judgement::wrong("different_family"),
            _ => Judgement::Unknown("limit"),
        }
    }

    /// `a + bk` as a family, though nothing says that k is any integer.
    pub(super) fn as_family(&self, scalar: &Scalar) -> Option<Typed> {
        let names = symbols(&scalar.value);
        let [name @ ("k" | "l" | "m" | "n" | "t")] = names.as_slice() else {
            return None;
        };
        if scalar.unit_or_degrees().is_some() {
            return None;
        }
        let at = |index: i64| substitute(&scalar.value, name, &integer(index));
        let offset = at(0);
        let step = difference(&at(1), &offset);
        let again = sum(&offset, &product(&step, &symbol(name)));
        self.same(&scalar.value, &again)
            .is_correct()
            .then_some(Typed::Family { offset, step })
    }

    /// `k\pi` and `n\pi`: the same numbers, if the question calls either an integer.
    pub(super) fn differ_by_index(&self, gold: &Scalar, answer: &Scalar) -> bool {
        let is_pi = |node: &Node| matches!(node, Node::Constant(Constant::Pi));
        let periodic = gold.value.arena.iter().any(|(_, node)| is_pi(node));
        if !periodic || symbols(&gold.value) == symbols(&answer.value) {
            return false;
        }
        match (self.as_family(gold), self.as_family(answer)) {
            (Some(one), Some(other)) => self.families(&[&one], &[&other]).is_correct(),
            _ => false,
        }
    }

    /// `of / unit` where that is a rational number.
    fn rational_ratio(&self, of: &Expr, unit: &Expr) -> Option<BigRational> {
        self.rational(&quotient(of, unit))
    }
}

/// The least residue of an integer built from integers by sums, products and
/// powers; `2^{100000}` is never computed.
fn least_residue(expr: &Expr, modulus: &BigInt) -> Option<BigInt> {
    /// Larger moduli and exponents are no answers.
    const BITS: u64 = 4096;
    if modulus.bits() > BITS {
        return None;
    }
    let mut residues: Vec<Option<BigInt>> = Vec::with_capacity(expr.arena.len());
    for (id, node) in expr.arena.iter() {
        let at = |id: &Id| residues[id.index()].clone();
        let residue = match node {
            Node::Number(value) if value.is_integer() => Some(value.numer().mod_floor(modulus)),
            Node::Add(terms) => terms.iter().map(at).try_fold(BigInt::zero(), |sum, term| {
                Some((sum + term?).mod_floor(modulus))
            }),
            Node::Mul(factors) => factors
                .iter()
                .map(at)
                .try_fold(BigInt::from(1).mod_floor(modulus), |product, factor| {
                    Some((product * factor?).mod_floor(modulus))
                }),
            Node::Pow(base, exponent) => match expr.arena.node(*exponent) {
                // 0^0 has no value, and a negative power is no integer.
                Node::Number(exponent)
                    if exponent.is_integer()
                        && exponent.is_positive()
                        && exponent.numer().bits() <= BITS =>
                {
                    at(base).map(|base| base.modpow(exponent.numer(), modulus))
                }
                _ => None,
            },
            _ => None,
        };
        if id == expr.root {
            return residue;
        }
        residues.push(residue);
    }
    None
}

fn least_common_multiple(a: &BigRational, b: &BigRational) -> BigRational {
    let numerator = (a.numer() * b.denom()).lcm(&(b.numer() * a.denom()));
    BigRational::new(numerator, a.denom() * b.denom())
}

/// Times of day; a time without "a.m." or "p.m." may stand for either where
/// only the answer has it.
pub(super) fn times(gold: &Typed, answer: &Typed) -> Judgement {
    let (
        Typed::Time { seconds, half },
        Typed::Time {
            seconds: other,
            half: second,
        },
    ) = (gold, answer)
    else {
        return Judgement::Unknown("unsupported");
    };
    if absolute(*seconds, *half) == absolute(*other, *second) {
        return Judgement::exact("time");
    }
    match (half, second) {
        (None, Some(_)) if seconds == other => Judgement::exact("time").thanks_to("units"),
        (Some(_), None) if seconds == other => Judgement::Unknown("half_missing"),
        _ => Judgement::wrong("different_time"),
    }
}

/// Seconds since midnight.
fn absolute(seconds: u64, half: Option<Half>) -> u64 {
    const HALF_DAY: u64 = 43_200;
    match half {
        Some(_) if seconds >= HALF_DAY + 3600 => seconds,
        Some(Half::Am) => seconds % HALF_DAY,
        Some(Half::Pm) => seconds % HALF_DAY + HALF_DAY,
        None => seconds,
    }
}

/// Whether the number is written out: `17`, `-3`, and not `7^{100}`.
fn is_literal(e: &Expr) -> bool {
    let is_number = |node: &Node| matches!(node, Node::Number(_));
    match e.arena.node(e.root) {
        Node::Mul(factors) => factors
            .iter()
            .all(|factor| is_number(e.arena.node(*factor))),
        node => is_number(node),
    }
}
