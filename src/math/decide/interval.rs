//! Real f64 intervals: cheap proof that two values differ.
//!
//! Sums, products and quotients round outward by one step (they are correctly
//! rounded); elementary functions are widened by 2^-40 of the value, far more
//! than any mathematical library errs. A node that is not certainly real and
//! defined has no interval, so that an interval is also a proof of both.

use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::math::expr::{Arena, Constant, Expr, Function, Id, Node};

/// Relative widening of elementary functions.
const SLACK: f64 = 1.0 / (1u64 << 40) as f64;

/// Angles beyond this are not reduced.
const ANGLE: f64 = 1e6;

/// A closed interval; `hi` may be infinite for "larger than any f64".
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) lo: f64,
    pub(super) hi: f64,
}

impl Interval {
    fn new(lo: f64, hi: f64) -> Option<Self> {
        if lo.is_nan() || hi.is_nan() || lo > hi {
            return None;
        }
        Some(Interval {
            lo: lo.min(f64::MAX),
            hi: hi.max(f64::MIN),
        })
    }

    fn outward(lo: f64, hi: f64) -> Option<Self> {
        Self::new(lo.next_down(), hi.next_up())
    }

    fn widened(lo: f64, hi: f64) -> Option<Self> {
        if lo.is_nan() || hi.is_nan() {
            return None;
        }
        let (lo, hi) = (lo.min(f64::MAX), hi.max(f64::MIN));
        Self::outward(lo - lo.abs() * SLACK, hi + hi.abs() * SLACK)
    }

    pub(super) fn disjoint(self, other: Self) -> bool {
        self.hi < other.lo || other.hi < self.lo
    }

    fn excludes_zero(self) -> bool {
        self.lo > 0.0 || self.hi < 0.0
    }

    pub(super) fn add(self, other: Self) -> Option<Self> {
        let sum = Self::outward(self.lo + other.lo, self.hi + other.hi)?;
        // Sums of small integers are exact.
        Some(match (whole(self), whole(other)) {
            (Some(x), Some(y)) => Interval {
                lo: (x + y) as f64,
                hi: (x + y) as f64,
            },
            _ => sum,
        })
    }

    pub(super) fn mul(self, other: Self) -> Option<Self> {
        let corners = [
            self.lo * other.lo,
            self.lo * other.hi,
            self.hi * other.lo,
            self.hi * other.hi,
        ];
        if corners.iter().any(|c| c.is_nan()) {
            return None;
        }
        let lo = corners.iter().copied().fold(f64::INFINITY, f64::min);
        let hi = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::outward(lo, hi)
    }

    fn recip(self) -> Option<Self> {
        match self.excludes_zero() {
            true => Self::outward(1.0 / self.hi, 1.0 / self.lo),
            false => None,
        }
    }

    fn negate(self) -> Self {
        Interval {
            lo: -self.hi,
            hi: -self.lo,
        }
    }

    fn monotone(self, f: fn(f64) -> f64) -> Option<Self> {
        Self::widened(f(self.lo), f(self.hi))
    }

    /// `self^q` for a number q.
    fn power(self, q: &BigRational) -> Option<Self> {
        let exponent = from_rational(q)?;
        if self.lo > 0.0 {
            return self.positive_power(exponent);
        }
        if !q.denom().is_one() {
            return None;
        }
        let even = num_integer::Integer::is_even(q.numer());
        if self.hi < 0.0 {
            let size = self.negate().positive_power(exponent)?;
            return Some(if even { size } else { size.negate() });
        }
        if !q.is_positive() {
            return None;
        }
        let n = q.to_f64()?;
        let top = self.lo.abs().max(self.hi.abs()).powf(n);
        match even {
            true => Self::widened(0.0, top).map(|wide| Interval {
                lo: 0.0,
                hi: wide.hi,
            }),
            false => Self::widened(-self.lo.abs().powf(n), self.hi.abs().powf(n)),
        }
    }

    fn positive_power(self, e: Self) -> Option<Self> {
        let corners = [
            self.lo.powf(e.lo),
            self.lo.powf(e.hi),
            self.hi.powf(e.lo),
            self.hi.powf(e.hi),
        ];
        if corners.iter().any(|c| c.is_nan()) {
            return None;
        }
        let lo = corners.iter().copied().fold(f64::INFINITY, f64::min);
        let hi = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::widened(lo, hi).map(|wide| Interval {
            lo: wide.lo.max(0.0),
            hi: wide.hi,
        })
    }

    fn wave(self, f: fn(f64) -> f64) -> Option<Self> {
        let (middle, half) = (self.lo / 2.0 + self.hi / 2.0, self.hi / 2.0 - self.lo / 2.0);
        if !(half < 1.0 && middle.abs() < ANGLE) {
            return Self::new(-1.0, 1.0);
        }
        let value = f(middle);
        let slack = half.next_up() + 1e-9;
        Self::new((value - slack).max(-1.0), (value + slack).min(1.0))
    }
}

/// An interval around a rational number.
pub(super) fn from_rational(value: &BigRational) -> Option<Interval> {
    if value.is_zero() {
        return Interval::new(0.0, 0.0);
    }
    if value.numer().bits() > 1000 || value.denom().bits() > 1000 {
        return None;
    }
    let (n, d) = (value.numer().to_f64()?, value.denom().to_f64()?);
    if value.denom().is_one() && value.numer().bits() <= 53 {
        return Interval::new(n, n);
    }
    let value = n / d;
    Interval::new(
        value.next_down().next_down().next_down(),
        value.next_up().next_up().next_up(),
    )
}

/// An interval round a quotient of numbers below 2^53.
pub(super) fn from_ratio(numerator: i64, denominator: u64) -> Option<Interval> {
    let value = numerator as f64 / denominator as f64;
    match denominator {
        1 => Interval::new(value, value),
        _ => Interval::new(
            value.next_down().next_down().next_down(),
            value.next_up().next_up().next_up(),
        ),
    }
}

/// The interval of an expression, where it has one; `symbol` gives the values
/// of the variables.
pub(super) fn evaluate(expr: &Expr, symbol: &dyn Fn(&str) -> Option<Interval>) -> Option<Interval> {
    let seen = expr.reachable();
    let mut known: Vec<Option<Interval>> = Vec::with_capacity(seen.len());
    for (id, node) in expr.arena.iter().take(seen.len()) {
        let value = match seen[id.index()] {
            true => Some(value_of(&expr.arena, node, &known, symbol)?),
            false => None,
        };
        known.push(value);
    }
    known[expr.root.index()]
}

fn value_of(
    arena: &Arena,
    node: &Node,
    known: &[Option<Interval>],
    symbol: &dyn Fn(&str) -> Option<Interval>,
) -> Option<Interval> {
    let at = |id: Id| known[id.index()];
    match node {
        Node::Number(value) => from_rational(value).or_else(|| outside(value)),
        Node::Constant(Constant::Pi) => {
            Interval::outward(std::f64::consts::PI, std::f64::consts::PI)
        }
        Node::Constant(Constant::E) => Interval::outward(std::f64::consts::E, std::f64::consts::E),
        Node::Constant(Constant::I) => None,
        Node::Symbol(name) => symbol(name),
        Node::Add(list) => {
            let mut total = at(list[0])?;
            for id in &list[1..] {
                total = total.add(at(*id)?)?;
            }
            Some(total)
        }
        Node::Mul(list) => {
            let mut total = at(list[0])?;
            for id in &list[1..] {
                total = total.mul(at(*id)?)?;
            }
            Some(total)
        }
        Node::Pow(base, exponent) => {
            let value = at(*base)?;
            match arena.node(*exponent) {
                Node::Number(q) if q.denom().is_one() && q.is_negative() => {
                    // A reciprocal of small powers is tighter than powf.
                    value.power(&-q)?.recip()
                }
                Node::Number(q) if q.numer().bits() <= 53 => value.power(q),
                _ if value.lo > 0.0 => value.positive_power(at(*exponent)?),
                _ => match whole(at(*exponent)?) {
                    Some(n) if n < 0 => value
                        .power(&BigRational::from_integer((-n).into()))?
                        .recip(),
                    Some(n) => value.power(&BigRational::from_integer(n.into())),
                    None => None,
                },
            }
        }
        Node::Root { degree, radicand } => {
            let value = at(*radicand)?;
            let q = 1.0 / f64::from(*degree);
            let root = |x: f64| match *degree {
                2 => x.sqrt(),
                _ => x.abs().powf(q).copysign(x),
            };
            if degree % 2 == 0 && value.lo < 0.0 {
                return None;
            }
            Interval::widened(root(value.lo), root(value.hi))
        }
        Node::Apply(function, argument) => apply(*function, at(*argument)?),
        Node::Log { base, argument } => {
            let (base, argument) = (at(*base)?, at(*argument)?);
            if base.lo <= 0.0 || argument.lo <= 0.0 {
                return None;
            }
            argument
                .monotone(f64::ln)?
                .mul(base.monotone(f64::ln)?.recip()?)
        }
        Node::Factorial(n) => match (arena.node(*n), whole(at(*n)?)) {
            (_, Some(n @ 0..=170)) => {
                let value = (2..=n).fold(1.0, |product, k| product * k as f64);
                Interval::widened(value, value)
            }
            (Node::Number(n), _) if n.denom().is_one() && n.is_positive() => {
                Interval::new(f64::MAX, f64::INFINITY)
            }
            _ => None,
        },
        Node::Binomial(n, k) => {
            let (n, k) = (whole(at(*n)?)?, whole(at(*k)?)?);
            if n < 0 || k < 0 || k > n || k.min(n - k) > 2000 {
                return None;
            }
            let mut value = 1.0f64;
            for j in 0..k.min(n - k) {
                value = value * (n - j) as f64 / (j + 1) as f64;
                if value.is_infinite() {
                    return Interval::new(f64::MAX / 2.0, f64::INFINITY);
                }
            }
            Interval::widened(value, value)
        }
        Node::Call(..) => None,
    }
}

/// The integer that an interval is, if it is one.
fn whole(x: Interval) -> Option<i64> {
    let exact = x.lo == x.hi && x.lo.fract() == 0.0 && x.lo.abs() < 1e15;
    exact.then_some(x.lo as i64)
}

/// A number too long for the quick conversion.
fn outside(value: &BigRational) -> Option<Interval> {
    if !value.denom().is_one() || value.numer().bits() < 1030 {
        return None;
    }
    match value.is_positive() {
        true => Interval::new(f64::MAX, f64::INFINITY),
        false => Interval::new(f64::NEG_INFINITY, f64::MIN),
    }
}

fn apply(function: Function, x: Interval) -> Option<Interval> {
    match function {
        Function::Sin => x.wave(f64::sin),
        Function::Cos => x.wave(f64::cos),
        Function::Tan => x.wave(f64::sin)?.mul(x.wave(f64::cos)?.recip()?),
        Function::Cot => x.wave(f64::cos)?.mul(x.wave(f64::sin)?.recip()?),
        Function::Sec => x.wave(f64::cos)?.recip(),
        Function::Csc => x.wave(f64::sin)?.recip(),
        Function::Arcsin | Function::Arccos if x.lo < -1.0 || x.hi > 1.0 => None,
        Function::Arcsin => x.monotone(f64::asin),
        Function::Arccos => Interval::widened(x.hi.acos(), x.lo.acos()),
        Function::Arctan => x.monotone(f64::atan),
        Function::Sinh => x.monotone(f64::sinh),
        Function::Cosh => {
            let (lo, hi) = (x.lo.abs().min(x.hi.abs()), x.lo.abs().max(x.hi.abs()));
            let lo = if x.excludes_zero() { lo.cosh() } else { 1.0 };
            Interval::widened(lo, hi.cosh())
        }
        Function::Tanh => x.monotone(f64::tanh),
        Function::Exp => x.monotone(f64::exp),
        Function::Ln if x.lo > 0.0 => x.monotone(f64::ln),
        Function::Ln => None,
        Function::Abs => match (x.lo >= 0.0, x.hi <= 0.0) {
            (true, _) => Some(x),
            (_, true) => Some(x.negate()),
            _ => Interval::new(0.0, x.hi.max(-x.lo)),
        },
        Function::Floor if x.lo.floor() == x.hi.floor() && x.hi.abs() < 1e15 => {
            Interval::new(x.lo.floor(), x.lo.floor())
        }
        Function::Ceil if x.lo.ceil() == x.hi.ceil() && x.hi.abs() < 1e15 => {
            Interval::new(x.lo.ceil(), x.lo.ceil())
        }
        Function::Floor | Function::Ceil => None,
        Function::Conj | Function::Re => Some(x),
        Function::Im => Interval::new(0.0, 0.0),
    }
}
