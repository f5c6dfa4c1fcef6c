//! Scalars with what is written round them: units, percent, degrees, bases.

use std::borrow::Cow;
use std::cmp::Ordering;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use crate::math::counted::counts_things;
use crate::math::declared;
use crate::math::expr::{Expr, Node};
use crate::math::options::{
    BaseSuffix, DecimalComma, DegreeSign, MathOptions, Percent, Rounding, Units,
};
use crate::math::typed::{Form, Reading, Readings, Scalar, Typed};
use crate::math::units::{Dimension, Unit};

use super::build::{integer, product, quotient, rational, sum};
use super::{Context, Judgement, build, letter};

/// Whether the options let this reading of an answer stand beside this reading
/// of the reference.
pub(super) fn admits(answer: &Reading, gold: &Reading, options: &MathOptions) -> bool {
    if answer.rule != Some("decimal_comma") {
        return true;
    }
    let decimal = matches!(
        &gold.value,
        Typed::Scalar(Scalar {
            form: Form::Decimal(_),
            ..
        })
    );
    gold.rule == Some("decimal_comma")
        || (decimal && options.decimal_comma == DecimalComma::WhenReferenceIsDecimal)
}

/// Whether the answer is the reference, a number, times nothing but variables:
/// `5t` for 5, where t may be a unit that the table doesn't know.
pub(in crate::math) fn may_be_unit(gold: &Readings, answer: &Readings) -> bool {
    let (Some(gold), Some(answer)) = (gold.0.first(), answer.0.first()) else {
        return false;
    };
    let (Typed::Scalar(gold), Typed::Scalar(answer)) = (&gold.value, &answer.value) else {
        return false;
    };
    if in_unit_of(gold, answer).is_some() {
        return false;
    }
    let (Node::Number(number), Node::Mul(factors)) = (
        gold.value.arena.node(gold.value.root),
        answer.value.arena.node(answer.value.root),
    ) else {
        return false;
    };
    let arena = &answer.value.arena;
    let is_power = |node: &Node| match node {
        Node::Symbol(_) | Node::Constant(_) => true,
        Node::Pow(base, _) => matches!(arena.node(*base), Node::Symbol(_) | Node::Constant(_)),
        _ => false,
    };
    let (numbers, letters): (Vec<&Node>, Vec<&Node>) = factors
        .iter()
        .map(|id| arena.node(*id))
        .partition(|node| matches!(node, Node::Number(_)));
    numbers == [&Node::Number(number.clone())] && letters.iter().all(|node| is_power(node))
}

/// An answer whose last letter is a unit of the reference's dimension, as a
/// quantity: `5 m` beside centimetres.
fn in_unit_of(gold: &Scalar, answer: &Scalar) -> Option<Scalar> {
    let dimension = gold.unit?.dimension;
    match answer.unit_or_degrees() {
        None => letter::as_quantity(answer, dimension),
        Some(_) => None,
    }
}

/// Two values, and the policy or rule that brought them into one unit.
type InOneUnit<'e> = (Cow<'e, Expr>, Cow<'e, Expr>, Option<&'static str>);

impl Context<'_> {
    pub(super) fn scalars(&self, gold: &Scalar, answer: &Scalar) -> Judgement {
        if let Some(quantity) = in_unit_of(gold, answer) {
            return self.scalars(gold, &quantity).thanks_to("unit_letter");
        }
        let (one, other, policy) = match self.in_one_unit(gold, answer) {
            Ok(pair) => pair,
            Err(judged) => return judged,
        };
        let mut judged = self.equal(&one, &other);
        if policy == Some("unit_conversion") {
            judged = judged.by("unit_conversion");
        }
        if !judged.is_correct() {
            judged = judged.or_policy(self.by_policy(gold, answer));
        }
        match policy {
            Some(switch) if switch != "unit_conversion" => judged.thanks_to(switch),
            _ => judged,
        }
    }

    /// Numbers with words of no known unit.
    pub(super) fn labelled(
        &self,
        (gold, wanted): (&Scalar, &str),
        (answer, offered): (&Scalar, &str),
    ) -> Judgement {
        let judged = self.scalars(gold, answer);
        match wanted == offered {
            true => judged,
            // Another unit may make other numbers equal.
            false => Judgement::Unknown("unknown_unit"),
        }
    }

    /// A bare number for a number with words of no known unit.
    pub(super) fn label_missing(&self, gold: &Scalar, answer: &Scalar) -> Judgement {
        match (answer.unit_or_degrees(), self.options.units) {
            (Some(_), _) => Judgement::Unknown("unknown_unit"),
            (None, Units::Optional) => self.scalars(gold, answer).thanks_to("units"),
            (None, _) => Judgement::wrong("unit_missing"),
        }
    }

    /// A number with words of no known unit for a bare number: `33\text{ eggs}`
    /// counts, `33\text{ smoots}` does too, and `33\text{ fold}` may be anything.
    pub(super) fn label_unexpected(
        &self,
        gold: &Scalar,
        answer: &Scalar,
        label: &str,
    ) -> Judgement {
        let judged = self.scalars(gold, answer);
        let counts = counts_things(label) && gold.unit_or_degrees().is_none();
        match (counts, self.options.units) {
            // `28\text{ apples}` are no 28\%.
            (true, Units::ExtraInAnswer | Units::Optional) if gold.form != Form::Percent => {
                judged.thanks_to("units")
            }
            _ => judged.doubted("unknown_unit"),
        }
    }

    /// Both values in one unit, and the policy or rule that made them so.
    fn in_one_unit<'e>(
        &self,
        gold: &'e Scalar,
        answer: &'e Scalar,
    ) -> Result<InOneUnit<'e>, Judgement> {
        let values = |switch| {
            Ok((
                Cow::Borrowed(&gold.value),
                Cow::Borrowed(&answer.value),
                switch,
            ))
        };
        match (&gold.unit_or_degrees(), &answer.unit_or_degrees()) {
            (None, None) => values(None),
            (Some(gold_unit), Some(unit)) if gold_unit.dimension != unit.dimension => {
                Err(Judgement::wrong("different_unit"))
            }
            (Some(gold_unit), Some(unit)) if gold_unit.factor == unit.factor => values(None),
            (Some(gold_unit), Some(unit)) => Ok((
                Cow::Owned(product(&gold.value, &factor(gold_unit))),
                Cow::Owned(product(&answer.value, &factor(unit))),
                Some("unit_conversion"),
            )),
            // Radians have no unit: 60° is π/3.
            (Some(unit), None) if unit.dimension == Dimension::Angle => {
                match self.options.degree_sign {
                    DegreeSign::Optional if self.rational(&answer.value).is_some() => {
                        values(Some("degree_sign"))
                    }
                    _ => Ok((
                        Cow::Owned(radians(&gold.value)),
                        Cow::Borrowed(&answer.value),
                        None,
                    )),
                }
            }
            (None, Some(unit)) if unit.dimension == Dimension::Angle => {
                match self.options.degree_sign {
                    DegreeSign::Optional if self.rational(&gold.value).is_some() => {
                        values(Some("degree_sign"))
                    }
                    _ => Ok((
                        Cow::Borrowed(&gold.value),
                        Cow::Owned(radians(&answer.value)),
                        None,
                    )),
                }
            }
            (Some(_), None) => match self.options.units {
                Units::Optional => values(Some("units")),
                _ => Err(Judgement::wrong("unit_missing")),
            },
            (None, Some(_)) => match self.options.units {
                Units::Strict => Err(Judgement::wrong("unit_unexpected")),
                _ => values(Some("units")),
            },
        }
    }

    /// What else the options accept.
    fn by_policy(&self, gold: &Scalar, answer: &Scalar) -> Option<Judgement> {
        let bare_percent = gold.form == Form::Percent
            && matches!(answer.form, Form::Plain | Form::Decimal(_))
            && answer.unit.is_none()
            && self.options.percent == Percent::BareIfReferencePercent;
        if bare_percent {
            let hundredfold = product(&gold.value, &integer(100));
            return Some(
                self.equal(&hundredfold, &answer.value)
                    .by("bare_percent")
                    .thanks_to("percent"),
            );
        }
        if let (Form::Base(base), Form::Plain, BaseSuffix::Optional) =
            (gold.form, answer.form, self.options.base_suffix)
        {
            let digits = self.rational(&answer.value)?;
            let read = in_base(&digits, base)?;
            return Some(
                self.equal(&gold.value, &rational(read))
                    .thanks_to("base_suffix"),
            );
        }
        let Form::Decimal(digits) = gold.form else {
            return None;
        };
        if self.options.rounding == Rounding::ReferenceDigits {
            return self.rounds_to(&gold.value, digits, &answer.value, "rounding");
        }
        let is_print = self
            .rational(&gold.value)
            .is_some_and(|gold| is_printed_double(&gold, digits));
        let is_exact = answer.form == Form::Plain
            && is_plain(&answer.value)
            && self
                .rational(&answer.value)
                .is_none_or(|answer| !terminates(&answer));
        match is_print && is_exact {
            true => self.rounds_to(&gold.value, digits, &answer.value, "printed_double"),
            false => None,
        }
    }

    /// What a reference that declares its precision accepts.
    pub(super) fn as_declared(
        &self,
        gold: &Typed,
        answer: &Typed,
        precision: &'static str,
    ) -> Option<Judgement> {
        match (gold, answer) {
            (
                Typed::Named { name, value },
                Typed::Named {
                    name: other,
                    value: second,
                },
            ) if name == other => self.as_declared(value, second, precision),
            (Typed::Named { value, .. }, Typed::Scalar(_)) => {
                self.as_declared(value, answer, precision)
            }
            (Typed::Scalar(_), Typed::Named { value, .. }) => {
                self.as_declared(gold, value, precision)
            }
            (Typed::Scalar(gold), Typed::Scalar(answer)) => {
                let Form::Decimal(digits) = gold.form else {
                    return None;
                };
                let (one, other, policy) = self.in_one_unit(gold, answer).ok()?;
                let judged = match policy {
                    Some("unit_conversion") => return None,
                    _ if precision == declared::CUT => self.begins_with(&one, digits, &other),
                    _ => self.rounds_to(&one, digits, &other, precision),
                }?;
                Some(match policy {
                    Some(switch) => judged.thanks_to(switch),
                    None => judged,
                })
            }
            _ => None,
        }
    }

    /// Whether the answer's digits begin with the reference's.
    pub(super) fn begins_with(&self, gold: &Expr, digits: u32, answer: &Expr) -> Option<Judgement> {
        let unit = BigRational::new(1.into(), BigInt::from(10).pow(digits.min(1000)));
        let further = match self.sign(gold)? {
            Ordering::Less => sum(gold, &rational(-unit)),
            _ => sum(gold, &rational(unit)),
        };
        let (near, far) = (self.order(gold, answer)?, self.order(answer, &further)?);
        let between = match self.sign(gold)? {
            Ordering::Less => near.is_ge() && far.is_gt(),
            _ => near.is_le() && far.is_lt(),
        };
        between.then(|| Judgement::exact("rounded").thanks_to(declared::CUT))
    }

    /// Whether the answer lies within half a unit of the reference's last digit.
    pub(super) fn rounds_to(
        &self,
        gold: &Expr,
        digits: u32,
        answer: &Expr,
        policy: &'static str,
    ) -> Option<Judgement> {
        let unit = BigInt::from(10).pow(digits.min(1000)) * 2;
        let half = BigRational::new(BigInt::from(1), unit);
        let low = self.order(&sum(gold, &rational(-half.clone())), answer)?;
        let high = self.order(answer, &sum(gold, &rational(half)))?;
        (low.is_le() && high.is_le()).then(|| Judgement::exact("rounded").thanks_to(policy))
    }
}

impl Judgement {
    /// The policy's judgement where it is Correct, else this one.
    fn or_policy(self, policy: Option<Judgement>) -> Judgement {
        match policy {
            Some(judged) if judged.is_correct() => judged,
            _ => self,
        }
    }
}

impl Scalar {
    /// The unit; a degree sign is one.
    pub(super) fn unit_or_degrees(&self) -> Option<Unit> {
        match (self.unit, self.form) {
            (None, Form::Degrees) => crate::math::units::unit("degrees", 1),
            (unit, _) => unit,
        }
    }
}

/// The base units in one of the unit.
fn factor(unit: &Unit) -> Expr {
    rational(BigRational::new(
        BigInt::from(unit.factor.0),
        BigInt::from(unit.factor.1),
    ))
}

/// Whether the reference is a decimal that an exact answer may round to.
pub(in crate::math) fn may_be_rounded(gold: Option<&Readings>, options: &MathOptions) -> bool {
    let is_declared = |reading: &Reading| {
        matches!(
            reading.rule,
            Some(declared::ROUNDED | declared::CUT | declared::DISPLAYED)
        )
    };
    if gold.is_some_and(|gold| gold.0.iter().any(is_declared)) {
        return true;
    }
    match gold
        .and_then(|gold| gold.0.first())
        .map(|reading| &reading.value)
    {
        Some(Typed::Scalar(scalar)) => {
            match (scalar.form, scalar.value.arena.node(scalar.value.root)) {
                (Form::Decimal(digits), Node::Number(value)) => {
                    options.rounding != Rounding::Exact || is_printed_double(value, digits)
                }
                _ => options.rounding != Rounding::Exact,
            }
        }
        _ => options.rounding != Rounding::Exact,
    }
}

/// Whether a decimal with `digits` after the point has as many significant digits
/// as a double is printed with.
fn is_printed_double(value: &BigRational, digits: u32) -> bool {
    /// Every decimal of 15 digits survives a double.
    const SIGNIFICANT: usize = 15;
    /// Longer ones are no doubles but constants written out.
    const LONGEST: u32 = 40;
    if digits == 0 || digits > LONGEST || value.is_integer() {
        return false;
    }
    let scaled = value * BigInt::from(10).pow(digits);
    let significant = scaled.numer().to_string();
    let significant = significant.trim_start_matches('-');
    scaled.is_integer() && significant.len() >= SIGNIFICANT
}

/// Whether an expression holds small numbers alone: `1/12`, not a fraction that was
/// made from the digits of a decimal.
fn is_plain(value: &Expr) -> bool {
    /// Different fractions with such denominators are further apart than doubles
    /// round.
    const BITS: u64 = 20;
    let reachable = value.reachable();
    value
        .arena
        .iter()
        .filter(|(id, _)| reachable.get(id.index()).is_some_and(|is| *is))
        .all(|(_, node)| match node {
            Node::Number(number) => number.numer().bits() <= BITS && number.denom().bits() <= BITS,
            _ => true,
        })
}

/// Whether a number has a finite decimal expansion.
fn terminates(value: &BigRational) -> bool {
    let mut rest = value.denom().clone();
    for prime in [2, 5] {
        let prime = BigInt::from(prime);
        while (&rest % &prime).is_zero() {
            rest /= &prime;
        }
    }
    rest == BigInt::from(1)
}

/// Degrees in radians.
fn radians(degrees: &Expr) -> Expr {
    let mut builder = build::Builder::default();
    let value = builder.import(degrees);
    let pi = builder.pi();
    let value = builder.product(value, pi);
    let half_turn = builder.number(180);
    let root = builder.quotient(value, half_turn);
    quotient(&builder.finish(root), &integer(1))
}

/// The digits of a decimal integer read in another base.
fn in_base(digits: &BigRational, base: u32) -> Option<BigRational> {
    /// Longer numbers are no answers in a base.
    const BITS: u64 = 4096;
    if !digits.is_integer() || digits.numer().bits() > BITS {
        return None;
    }
    let number = BigInt::parse_bytes(digits.numer().to_string().as_bytes(), base)?;
    (!number.is_zero() || digits.is_zero()).then(|| BigRational::from_integer(number))
}
