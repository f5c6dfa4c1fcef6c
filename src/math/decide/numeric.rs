//! Expressions evaluated to any precision, as complex balls.
//!
//! Works on the expression itself, not on its canonical form, so that it
//! checks the rules of the forms rather than repeating them. Principal values
//! throughout; an argument on a branch cut is exact or the evaluation fails.

use std::collections::BTreeMap;

use num_traits::ToPrimitive;

use super::ball::Ball;
use super::complex::Complex;
use super::points::Point;
use super::precision::{Context, Fail};
use crate::math::expr::{Arena, Constant, Expr, Function, Id, Node};

/// Factorials are multiplied out up to this number.
const FACTORIAL: i64 = 4000;

/// Whether all parts of an expression are real at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Realm {
    Real,
    Complex,
}

/// A value and what was met on the way.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) value: Complex,
    pub(super) realm: Realm,
    /// The largest `|log2 |v||` of all parts: how far apart scales are.
    pub(super) scale: u64,
    /// Parts that may or may not be zero at this precision.
    pub(super) open: usize,
}

/// Evaluates at the precision of the context. Symbols in `imaginary` get
/// `i` times their second value added, which makes them complex.
pub(super) fn evaluate(
    expr: &Expr,
    point: &Point,
    imaginary: &BTreeMap<Box<str>, num_rational::BigRational>,
    c: &mut Context<'_>,
) -> Result<Value, Fail> {
    let seen = expr.reachable();
    let mut known: Vec<Option<Complex>> = Vec::with_capacity(seen.len());
    let mut realm = Realm::Real;
    let mut scale = 0;
    let mut open = 0;
    for (id, node) in expr.arena.iter().take(seen.len()) {
        if !seen[id.index()] {
            known.push(None);
            continue;
        }
        let value = match node {
            Node::Symbol(name) => Complex {
                re: Ball::rational(point.get(name).ok_or(Fail::Unsupported)?, c)?,
                im: match imaginary.get(name) {
                    Some(part) => Ball::rational(part, c)?,
                    None => Ball::zero(),
                },
            },
            _ => value_of(&expr.arena, node, &known, c)?,
        };
        if !value.is_real() {
            realm = Realm::Complex;
        }
        if let Node::Apply(function, argument) = node {
            let argument = known[argument.index()]
                .as_ref()
                .expect("children come first");
            scale = scale.max(hidden_scale(*function, argument));
        }
        for part in [&value.re, &value.im] {
            if let (Some(below), Some(above)) = (part.below(), part.above()) {
                scale = scale.max(below.unsigned_abs()).max(above.unsigned_abs());
            }
        }
        if id != expr.root && value.contains_zero() && !value.is_exact_zero() {
            open += 1;
        }
        known.push(Some(value));
    }
    let value = known.pop().flatten().ok_or(Fail::Unsupported)?;
    Ok(Value {
        value,
        realm,
        scale,
        open,
    })
}

/// Scales inside a function: `tanh x` is within `e^-2x` of 1.
fn hidden_scale(function: Function, x: &Complex) -> u64 {
    let inner = match function {
        Function::Sinh | Function::Cosh | Function::Tanh => &x.re,
        Function::Sin
        | Function::Cos
        | Function::Tan
        | Function::Cot
        | Function::Sec
        | Function::Csc => &x.im,
        _ => return 0,
    };
    match inner.above() {
        None => 0,
        Some(above) => {
            3u64.checked_shl(u32::try_from(above.max(0)).unwrap_or(64))
                .unwrap_or(u64::MAX)
                & (u64::MAX >> 8)
        }
    }
}

fn value_of(
    arena: &Arena,
    node: &Node,
    known: &[Option<Complex>],
    c: &mut Context<'_>,
) -> Result<Complex, Fail> {
    let at = |id: &Id| known[id.index()].as_ref().expect("children come first");
    match node {
        Node::Number(value) => Ok(Complex::real(Ball::rational(value, c)?)),
        Node::Constant(Constant::Pi) => Ok(Complex::real(Ball::pi(c)?)),
        Node::Constant(Constant::E) => Ok(Complex::real(Ball::integer(1).exp(c)?)),
        Node::Constant(Constant::I) => Ok(Complex {
            re: Ball::zero(),
            im: Ball::integer(1),
        }),
        Node::Symbol(_) | Node::Call(..) => Err(Fail::Unsupported),
        Node::Add(list) => {
            let mut total = at(&list[0]).clone();
            for id in &list[1..] {
                total = total.add(at(id), c)?;
            }
            Ok(total)
        }
        Node::Mul(list) => {
            let mut total = at(&list[0]).clone();
            for id in &list[1..] {
                total = total.mul(at(id), c)?;
            }
            Ok(total)
        }
        Node::Pow(base, exponent) => power(arena, at(base), at(exponent), *exponent, c),
        Node::Root { degree, radicand } => at(radicand).root(*degree, c),
        Node::Apply(function, argument) => apply(*function, at(argument), c),
        Node::Log { base, argument } => {
            let (top, bottom) = (at(argument).ln(c)?, at(base).ln(c)?);
            top.div(&bottom, c)
        }
        Node::Factorial(n) => {
            let n = at(n).as_integer().ok_or(Fail::Unsupported)?;
            match n {
                0..=FACTORIAL => product((1..=n).map(|k| (k, 1)), c),
                _ if n < 0 => Err(Fail::Undefined),
                _ => Err(Fail::Limit),
            }
        }
        Node::Binomial(n, k) => {
            let n = at(n).as_integer().ok_or(Fail::Unsupported)?;
            let k = at(k).as_integer().ok_or(Fail::Unsupported)?;
            if n < 0 {
                return Err(Fail::Unsupported);
            }
            if k < 0 || k > n {
                return Ok(Complex::real(Ball::zero()));
            }
            let k = k.min(n - k);
            match k <= FACTORIAL {
                true => product((0..k).map(|j| (n - j, j + 1)), c),
                false => Err(Fail::Limit),
            }
        }
    }
}

fn product(parts: impl Iterator<Item = (i64, i64)>, c: &Context<'_>) -> Result<Complex, Fail> {
    let (mut top, mut bottom) = (Ball::integer(1), Ball::integer(1));
    for (n, d) in parts {
        top = top.mul(&Ball::integer(n), c)?;
        if d != 1 {
            bottom = bottom.mul(&Ball::integer(d), c)?;
        }
    }
    Ok(Complex::real(top.div(&bottom, c)?))
}

fn power(
    arena: &Arena,
    base: &Complex,
    exponent: &Complex,
    exponent_id: Id,
    c: &mut Context<'_>,
) -> Result<Complex, Fail> {
    let whole = exponent.as_integer();
    if base.is_exact_zero() {
        return match exponent.is_real().then(|| exponent.re.sign()).flatten() {
            Some(1) => Ok(Complex::real(Ball::zero())),
            _ => Err(Fail::Undefined),
        };
    }
    if let Some(n) = whole {
        if n <= 0 && base.contains_zero() {
            return Err(Fail::Imprecise);
        }
        return base.whole_power(n, c);
    }
    if let Node::Number(q) = arena.node(exponent_id)
        && q.denom().to_u64() == Some(2)
        && let Some(n) = q.numer().to_i64()
        && n.unsigned_abs() < 64
    {
        return base.sqrt(c)?.whole_power(n, c);
    }
    let ln = base.ln(c)?;
    exponent.mul(&ln, c)?.exp(c)
}

fn apply(function: Function, x: &Complex, c: &mut Context<'_>) -> Result<Complex, Fail> {
    match function {
        Function::Sin => x.sin(c),
        Function::Cos => x.cos(c),
        Function::Tan => x.sin(c)?.div(&x.cos(c)?, c),
        Function::Cot => x.cos(c)?.div(&x.sin(c)?, c),
        Function::Sec => Complex::one().div(&x.cos(c)?, c),
        Function::Csc => Complex::one().div(&x.sin(c)?, c),
        Function::Arcsin => Ok(Complex::real(arcsin(x, c)?)),
        Function::Arccos => {
            let quarter = Ball::pi(c)?.shifted(-1);
            let arc = arcsin(x, c)?;
            Ok(Complex::real(quarter.sub(&arc, c)?))
        }
        Function::Arctan => match x.is_real() {
            true => Ok(Complex::real(x.re.atan(c)?)),
            false => Err(Fail::Unsupported),
        },
        Function::Sinh | Function::Cosh | Function::Tanh => {
            let (up, down) = (x.exp(c)?, x.neg().exp(c)?);
            let (sinh, cosh) = (up.sub(&down, c)?, up.add(&down, c)?);
            match function {
                Function::Sinh => Ok(sinh.halved()),
                Function::Cosh => Ok(cosh.halved()),
                _ => sinh.div(&cosh, c),
            }
        }
        Function::Exp => x.exp(c),
        Function::Ln => x.ln(c),
        Function::Abs => Ok(Complex::real(x.abs(c)?)),
        Function::Floor | Function::Ceil => {
            if !x.is_real() {
                return Err(Fail::Unsupported);
            }
            Ok(Complex::real(match function {
                Function::Floor => x.re.floor()?,
                _ => x.re.neg().floor()?.neg(),
            }))
        }
        Function::Conj => Ok(Complex {
            re: x.re.clone(),
            im: x.im.neg(),
        }),
        Function::Re => Ok(Complex::real(x.re.clone())),
        Function::Im => Ok(Complex::real(x.im.clone())),
    }
}

/// arcsin of a real number in [-1, 1]: `atan(x / √(1-x²))`.
fn arcsin(x: &Complex, c: &mut Context<'_>) -> Result<Ball, Fail> {
    if !x.is_real() {
        return Err(Fail::Unsupported);
    }
    let rest = Ball::integer(1).sub(&x.re.mul(&x.re, c)?, c)?;
    match rest.sign() {
        None => Err(Fail::Imprecise),
        Some(0) => {
            let quarter = Ball::pi(c)?.shifted(-1);
            Ok(if x.re.sign() == Some(-1) {
                quarter.neg()
            } else {
                quarter
            })
        }
        Some(1) => x.re.div(&rest.sqrt(c)?, c)?.atan(c),
        Some(_) => Err(Fail::Unsupported),
    }
}

/// How two values relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// They differ for certain.
    Disjoint,
    /// Their difference is below `2^-bits`, and below that part of the larger.
    Within { absolute: i64, relative: i64 },
}

/// Compares two values of the same precision.
pub(super) fn relate(a: &Complex, b: &Complex, c: &Context<'_>) -> Result<Relation, Fail> {
    let difference = a.sub(b, c)?;
    if !difference.contains_zero() {
        return Ok(Relation::Disjoint);
    }
    let top = |x: &Complex| x.re.above().into_iter().chain(x.im.above()).max();
    let Some(error) = top(&difference) else {
        return Ok(Relation::Within {
            absolute: i64::MAX,
            relative: i64::MAX,
        });
    };
    let absolute = -error - 1;
    let bottom = |x: &Complex| x.re.below().into_iter().chain(x.im.below()).max();
    // Where a value may be zero, the difference itself is all there is.
    let relative = match (bottom(a), bottom(b)) {
        (Some(x), Some(y)) => absolute + x.max(y),
        _ => absolute,
    };
    Ok(Relation::Within { absolute, relative })
}
