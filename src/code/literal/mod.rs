//! Python literals and the language that most tests are written in, on the host.
//!
//! Understood: `assert f(literals) == literal` with `!=`, `is`, `not`, a bare call,
//! `abs(f(x) - y) < eps` and `math.isclose`, inside of a `check(candidate)` or on
//! its own; constants are folded (`-1`, `2**3`, `"a" * 3`, `set([1])`). Whatever is
//! not understood for certain gives nothing, and such tests run in Python.
//!
//! Source: the Python Language Reference, chapters 2 and 6.

mod token;

mod parse;

mod fold;

mod demand;

use super::value::Value;

pub(super) use demand::{from_asserts, from_check};

/// The value of a Python literal, constants folded; nothing for anything else.
///
/// ```
/// use goldstone::code::literal;
///
/// let value = literal::value("{'a': (1, 2.5), 'b': [-1] * 2}").expect("a literal");
/// assert_eq!(value.show(80), "{'a': (1, 2.5), 'b': [-1, -1]}");
/// assert!(literal::value("open('/etc/passwd')").is_none());
/// ```
#[must_use]
pub fn value(text: &str) -> Option<Value> {
    fold::fold(&parse::expression(text)?)
}
