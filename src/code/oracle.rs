//! What a returned value is held against.
//!
//! The oracles of EvalPlus (commit 26d6d00, `evalplus/eval/__init__.py`) are
//! followed but where they accept anything: its special oracle for
//! `are_equivalent` pays every answer, the one for `sum_div` pays 0. A `nan` is
//! close to `nan` alone, an infinity to itself alone.

use std::collections::HashSet;

use num_traits::ToPrimitive;

use super::value::Value;

/// What a test asks of the value that a call returns.
#[derive(Clone, Debug)]
pub enum Oracle {
    /// `result == value`.
    Equals(Value),
    /// `result != value`.
    Differs(Value),
    /// `result is value`, for `None`, `True` and `False`.
    Is(Value),
    /// `result is not value`.
    IsNot(Value),
    /// `assert result`, or `assert not result`.
    Truth(bool),
    /// `abs(result - center) < limit`, or `<=`.
    Within {
        /// What it is near to.
        center: f64,
        /// How near.
        limit: f64,
        /// Whether the limit itself is near enough.
        inclusive: bool,
    },
    /// `math.isclose(result, expected)`.
    Close {
        /// What it is near to.
        expected: f64,
        /// Relative to the larger of the two.
        rel: f64,
        /// Absolutely.
        abs: f64,
    },
    /// Equal, with each float of the expectation within tolerance, at any depth.
    Floats {
        /// What is expected.
        expected: Value,
        /// Absolute tolerance.
        abs: f64,
        /// Relative to the expected number.
        rel: f64,
    },
    /// `set(result) == set(expected)`.
    SameMembers(Value),
    /// Whether there is a result; a `bool` must be that very `bool`.
    Present(bool),
    /// A root of the polynomial with these coefficients, lowest first.
    Root {
        /// The polynomial.
        coefficients: Vec<f64>,
        /// How far from 0 its value may be.
        limit: f64,
    },
    /// Equal where lists and tuples are the same, as they are in JSON.
    Json(Value),
    /// What one of the two accepts: a task whose text has two readings.
    Either(Box<[Oracle; 2]>),
}

/// What a candidate's call gave.
#[derive(Clone, Debug)]
pub(super) enum Returned {
    /// Plain data.
    Value(Value),
    /// A generator or another view, with what it holds; equal to nothing.
    View(Vec<Value>),
    /// Something that is no data, and so equal to nothing; whether Python takes it
    /// for true is its own word, as `True` would be.
    Refused { why: String, truth: bool },
}

/// What an oracle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Pass,
    Wrong,
    /// The test itself would raise this: it took the result for something else.
    Raises(&'static str),
}

impl From<bool> for Judged {
    fn from(passes: bool) -> Self {
        if passes { Judged::Pass } else { Judged::Wrong }
    }
}

impl Oracle {
    /// What is expected, for people; cut to `limit` characters.
    #[must_use]
    pub fn show(&self, limit: usize) -> String {
        match self {
            Oracle::Equals(value)
            | Oracle::Floats {
                expected: value, ..
            }
            | Oracle::Json(value) => value.show(limit),
            Oracle::Differs(value) => format!("!= {}", value.show(limit)),
            Oracle::Is(value) => format!("is {}", value.show(limit)),
            Oracle::IsNot(value) => format!("is not {}", value.show(limit)),
            Oracle::Truth(true) => "something true".to_owned(),
            Oracle::Truth(false) => "something false".to_owned(),
            Oracle::Within { center, limit, .. } => format!("{center:?} within {limit:?}"),
            Oracle::Close { expected, .. } => format!("close to {expected:?}"),
            Oracle::SameMembers(value) => format!("the members of {}", value.show(limit)),
            Oracle::Present(true) => "anything but None".to_owned(),
            Oracle::Present(false) => "None".to_owned(),
            Oracle::Root { limit, .. } => format!("a root within {limit:?}"),
            Oracle::Either(readings) => readings[0].show(limit),
        }
    }

    /// Holds a result against the oracle.
    pub(super) fn judge(&self, returned: &Returned) -> Judged {
        if let Oracle::Either(readings) = self {
            let [first, second] = &**readings;
            // The second only adds what it accepts.
            return match (first.judge(returned), second.judge(returned)) {
                (_, Judged::Pass) => Judged::Pass,
                (judged, _) => judged,
            };
        }
        let got = match returned {
            Returned::Value(value) => value,
            Returned::View(items) => {
                return match self {
                    Oracle::SameMembers(expected) => same_members(items, expected).into(),
                    Oracle::Json(_) => self.judge(&Returned::Value(Value::List(items.clone()))),
                    other => other.judge_object(true),
                };
            }
            Returned::Refused { truth, .. } => return self.judge_object(*truth),
        };
        match self {
            Oracle::Equals(expected) => got.equals(expected).into(),
            Oracle::Differs(expected) => (!got.equals(expected)).into(),
            Oracle::Is(expected) => is(got, expected).into(),
            Oracle::IsNot(expected) => (!is(got, expected)).into(),
            Oracle::Truth(truth) => (got.is_true() == *truth).into(),
            Oracle::Within {
                center,
                limit,
                inclusive,
            } => match real(got) {
                Some(number) => {
                    let distance = (number - center).abs();
                    (distance < *limit || *inclusive && distance == *limit).into()
                }
                None => Judged::Raises("TypeError"),
            },
            Oracle::Close { expected, rel, abs } => match real(got) {
                Some(number) => is_close(number, *expected, *rel, *abs).into(),
                None => Judged::Raises("TypeError"),
            },
            Oracle::Floats { expected, abs, rel } => floats_match(got, expected, *abs, *rel).into(),
            Oracle::SameMembers(expected) => match got {
                Value::List(items)
                | Value::Tuple(items)
                | Value::Set(items)
                | Value::FrozenSet(items) => same_members(items, expected).into(),
                Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                    Judged::Raises("TypeError")
                }
                _ => Judged::Wrong,
            },
            Oracle::Present(expected) => match got {
                Value::Bool(got) => (got == expected).into(),
                got => (*expected != matches!(got, Value::None)).into(),
            },
            Oracle::Root {
                coefficients,
                limit,
            } => match real(got) {
                Some(at) => {
                    let value = coefficients.iter().rev().fold(0.0, |sum, c| sum * at + c);
                    (value.abs() <= *limit).into()
                }
                None => Judged::Raises("TypeError"),
            },
            Oracle::Json(expected) => as_json(got).equals(&as_json(expected)).into(),
            Oracle::Either(_) => unreachable!("judged above, reading by reading"),
        }
    }
}

impl Oracle {
    /// What an oracle says of an object that is equal to no data.
    fn judge_object(&self, truth: bool) -> Judged {
        match self {
            Oracle::Differs(_) | Oracle::IsNot(_) | Oracle::Present(true) => Judged::Pass,
            Oracle::Truth(expected) => (truth == *expected).into(),
            Oracle::Within { .. } | Oracle::Close { .. } | Oracle::Root { .. } => {
                Judged::Raises("TypeError")
            }
            _ => Judged::Wrong,
        }
    }
}

fn is(got: &Value, expected: &Value) -> bool {
    match (got, expected) {
        (Value::None, Value::None) => true,
        (Value::Bool(got), Value::Bool(expected)) => got == expected,
        _ => false,
    }
}

/// A number as a float; too large a number is no number.
fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Int(number) => number.to_f64().filter(|number| number.is_finite()),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// Python's `math.isclose`.
fn is_close(got: f64, expected: f64, rel: f64, abs: f64) -> bool {
    if got == expected {
        return true;
    }
    if got.is_infinite() || expected.is_infinite() {
        return false;
    }
    let distance = (got - expected).abs();
    distance <= (rel * got.abs()).max(rel * expected.abs()).max(abs)
}

fn floats_match(got: &Value, expected: &Value, abs: f64, rel: f64) -> bool {
    match (got, expected) {
        (Value::Float(_) | Value::Int(_), Value::Float(expected)) => {
            let Some(got) = real(got) else { return false };
            if !got.is_finite() || !expected.is_finite() {
                return got == *expected || got.is_nan() && expected.is_nan();
            }
            (got - expected).abs() <= abs + rel * expected.abs()
        }
        (Value::List(got), Value::List(expected)) | (Value::Tuple(got), Value::Tuple(expected)) => {
            got.len() == expected.len()
                && got
                    .iter()
                    .zip(expected)
                    .all(|(got, expected)| floats_match(got, expected, abs, rel))
        }
        (Value::Dict(got), Value::Dict(expected)) => {
            got.len() == expected.len() && {
                let mut by_key: Vec<_> =
                    got.iter().map(|(key, value)| (key.key(), value)).collect();
                by_key.sort_by(|one, other| one.0.cmp(&other.0));
                expected.iter().all(|(key, expected)| {
                    let Some(key) = key.key() else { return false };
                    by_key
                        .binary_search_by(|(known, _)| known.as_deref().cmp(&Some(&key[..])))
                        .is_ok_and(|at| floats_match(by_key[at].1, expected, abs, rel))
                })
            }
        }
        _ => got.equals(expected),
    }
}

fn same_members(got: &[Value], expected: &Value) -> bool {
    let (Value::List(expected)
    | Value::Tuple(expected)
    | Value::Set(expected)
    | Value::FrozenSet(expected)) = expected
    else {
        return false;
    };
    let keys = |items: &[Value]| -> Option<HashSet<Vec<u8>>> {
        items
            .iter()
            .map(|item| item.is_hashable().then(|| item.key()).flatten())
            .collect()
    };
    match (keys(got), keys(expected)) {
        (Some(got), Some(expected)) => got == expected,
        _ => false,
    }
}

/// The same value with lists for tuples.
fn as_json(value: &Value) -> Value {
    match value {
        Value::List(items) | Value::Tuple(items) => {
            Value::List(items.iter().map(as_json).collect())
        }
        Value::Dict(pairs) => Value::Dict(
            pairs
                .iter()
                .map(|(key, value)| (key.clone(), as_json(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}
