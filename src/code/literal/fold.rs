//! From an expression of constants to its value.
//!
//! Only what gives the same in every Python is folded; the rest runs in Python.

use std::collections::HashSet;

use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};

use super::parse::Expr;
use crate::code::value::{MAX_NODES, Value};

/// Bits of the largest number that is folded.
const MAX_BITS: u64 = 65_536;

/// Bytes of the longest text, and items of the longest list, that repetition makes.
const MAX_LENGTH: usize = 100_000;

/// The value of `expr`; nothing where it is no constant, or not for certain.
pub(super) fn fold(expr: &Expr) -> Option<Value> {
    Some(match expr {
        Expr::Literal(value) => value.clone(),
        Expr::List(items) => Value::List(fold_all(items)?),
        Expr::Tuple(items) => Value::Tuple(fold_all(items)?),
        Expr::Set(items) => Value::Set(members(fold_all(items)?)?),
        Expr::Dict(pairs) => {
            let mut keys = HashSet::new();
            let mut folded = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                let key = fold(key)?;
                // Which of two equal keys stays is Python's business.
                if !key.is_hashable() || !keys.insert(key.key()?) {
                    return None;
                }
                folded.push((key, fold(value)?));
            }
            Value::Dict(folded)
        }
        Expr::Unary(operator, inner) => unary(operator, fold(inner)?)?,
        Expr::Binary(operator, left, right) => binary(operator, fold(left)?, fold(right)?)?,
        Expr::Call {
            function,
            args,
            named,
        } if named.is_empty() => {
            let Expr::Name(name) = &**function else {
                return None;
            };
            let over_range = match args.as_slice() {
                [
                    Expr::Call {
                        function,
                        args,
                        named,
                    },
                ] if named.is_empty()
                    && matches!(&**function, Expr::Name(name) if name == "range") =>
                {
                    Some(range(&fold_all(args)?)?)
                }
                _ => None,
            };
            match over_range {
                Some(numbers) => built_in(name, vec![Value::List(numbers)])?,
                None => built_in(name, fold_all(args)?)?,
            }
        }
        _ => return None,
    })
}

/// The numbers of a `range`, which is no value of its own here.
fn range(args: &[Value]) -> Option<Vec<Value>> {
    let numbers = args
        .iter()
        .map(|arg| match arg {
            Value::Int(number) => number.to_i64(),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    let (start, end, step) = match numbers[..] {
        [end] => (0, end, 1),
        [start, end] => (start, end, 1),
        [start, end, step] if step != 0 => (start, end, step),
        _ => return None,
    };
    let mut values = Vec::new();
    let mut at = start;
    while if step > 0 { at < end } else { at > end } {
        if values.len() == MAX_LENGTH {
            return None;
        }
        values.push(Value::int(at));
        at = at.checked_add(step)?;
    }
    Some(values)
}

fn fold_all(items: &[Expr]) -> Option<Vec<Value>> {
    if items.len() > MAX_NODES {
        return None;
    }
    items.iter().map(fold).collect()
}

/// The distinct members of a set, the first of equal ones.
fn members(items: Vec<Value>) -> Option<Vec<Value>> {
    let mut keys = HashSet::new();
    let mut members = Vec::with_capacity(items.len());
    for item in items {
        if !item.is_hashable() {
            return None;
        }
        if keys.insert(item.key()?) {
            members.push(item);
        }
    }
    Some(members)
}

fn built_in(name: &str, mut args: Vec<Value>) -> Option<Value> {
    if args.len() > 1 {
        return None;
    }
    match (name, args.pop()) {
        ("set", None) => Some(Value::Set(Vec::new())),
        ("frozenset", None) => Some(Value::FrozenSet(Vec::new())),
        ("list", None) => Some(Value::List(Vec::new())),
        ("tuple", None) => Some(Value::Tuple(Vec::new())),
        ("dict", None) => Some(Value::Dict(Vec::new())),
        ("set", Some(Value::List(items) | Value::Tuple(items) | Value::Set(items))) => {
            Some(Value::Set(members(items)?))
        }
        ("frozenset", Some(Value::List(items) | Value::Tuple(items) | Value::Set(items))) => {
            Some(Value::FrozenSet(members(items)?))
        }
        ("list", Some(Value::List(items) | Value::Tuple(items))) => Some(Value::List(items)),
        ("tuple", Some(Value::List(items) | Value::Tuple(items))) => Some(Value::Tuple(items)),
        ("float", Some(Value::Str(text))) => match text.to_ascii_lowercase().as_slice() {
            b"inf" | b"+inf" | b"infinity" => Some(Value::Float(f64::INFINITY)),
            b"-inf" | b"-infinity" => Some(Value::Float(f64::NEG_INFINITY)),
            b"nan" => Some(Value::Float(f64::NAN)),
            _ => None,
        },
        _ => None,
    }
}

fn unary(operator: &str, value: Value) -> Option<Value> {
    Some(match (operator, value) {
        ("-", Value::Int(number)) => Value::Int(-number),
        ("-", Value::Float(number)) => Value::Float(-number),
        ("-", Value::Complex(real, imaginary)) => Value::Complex(-real, -imaginary),
        ("+", value @ (Value::Int(_) | Value::Float(_) | Value::Complex(..))) => value,
        ("~", Value::Int(number)) => Value::Int(-number - 1),
        _ => return None,
    })
}

fn binary(operator: &str, left: Value, right: Value) -> Option<Value> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => integers(operator, left, right),
        (Value::Float(left), Value::Float(right)) => floats(operator, left, right),
        (Value::Int(left), Value::Float(right)) => floats(operator, exact(&left)?, right),
        (Value::Float(left), Value::Int(right)) => floats(operator, left, exact(&right)?),
        // How a complex literal is written.
        (left @ (Value::Int(_) | Value::Float(_)), Value::Complex(real, imaginary))
            if real == 0.0 && matches!(operator, "+" | "-") =>
        {
            let left = match left {
                Value::Int(number) => exact(&number)?,
                Value::Float(number) => number,
                _ => return None,
            };
            let sign = if operator == "-" { -1.0 } else { 1.0 };
            Some(Value::Complex(left, sign * imaginary))
        }
        (Value::Str(left), Value::Str(right)) if operator == "+" => {
            Some(Value::Str(joined(left, right)?))
        }
        (Value::Bytes(left), Value::Bytes(right)) if operator == "+" => {
            Some(Value::Bytes(joined(left, right)?))
        }
        (Value::List(left), Value::List(right)) if operator == "+" => {
            Some(Value::List(joined(left, right)?))
        }
        (Value::Tuple(left), Value::Tuple(right)) if operator == "+" => {
            Some(Value::Tuple(joined(left, right)?))
        }
        (Value::Int(count), sequence) | (sequence, Value::Int(count)) if operator == "*" => {
            let count = count.to_i64()?.max(0) as usize;
            match sequence {
                Value::Str(text) => Some(Value::Str(repeated(text, count)?)),
                Value::Bytes(text) => Some(Value::Bytes(repeated(text, count)?)),
                Value::List(items) => Some(Value::List(repeated_items(items, count)?)),
                Value::Tuple(items) => Some(Value::Tuple(repeated_items(items, count)?)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn integers(operator: &str, left: BigInt, right: BigInt) -> Option<Value> {
    let value = match operator {
        "+" => left + right,
        "-" => left - right,
        "*" if left.bits() + right.bits() <= MAX_BITS => left * right,
        "/" if !right.is_zero() => {
            return Some(Value::Float(exact(&left)? / exact(&right)?));
        }
        "//" | "%" if !right.is_zero() => {
            // Python rounds down, the library towards zero.
            let (mut quotient, mut rest) = (&left / &right, &left % &right);
            if !rest.is_zero() && rest.sign() != right.sign() {
                quotient -= 1;
                rest += &right;
            }
            if operator == "//" { quotient } else { rest }
        }
        "**" => {
            let exponent = right.to_u32()?;
            if left.bits().max(1) * u64::from(exponent) > MAX_BITS {
                return None;
            }
            left.pow(exponent)
        }
        _ => return None,
    };
    (value.bits() <= MAX_BITS).then_some(Value::Int(value))
}

/// What IEEE 754 rounds the same everywhere; powers and remainders it does not.
fn floats(operator: &str, left: f64, right: f64) -> Option<Value> {
    Some(Value::Float(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" if right != 0.0 => left / right,
        _ => return None,
    }))
}

/// An integer that a float holds exactly.
fn exact(number: &BigInt) -> Option<f64> {
    (number.bits() <= 53).then(|| number.to_f64()).flatten()
}

fn joined<T>(mut left: Vec<T>, right: Vec<T>) -> Option<Vec<T>> {
    if left.len() + right.len() > MAX_LENGTH {
        return None;
    }
    left.extend(right);
    Some(left)
}

fn repeated<T: Copy>(items: Vec<T>, count: usize) -> Option<Vec<T>> {
    if items.len().checked_mul(count)? > MAX_LENGTH {
        return None;
    }
    Some(items.repeat(count))
}

/// Repetition of what may hold lists of its own, which it repeats as well.
fn repeated_items(items: Vec<Value>, count: usize) -> Option<Vec<Value>> {
    let nodes: usize = items.iter().map(Value::nodes).sum();
    if nodes.checked_mul(count)? > MAX_NODES {
        return None;
    }
    let wanted = items.len().checked_mul(count)?;
    Some(items.iter().cycle().take(wanted).cloned().collect())
}
