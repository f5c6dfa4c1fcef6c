//! Python's plain data, on the host: what programs are called with and return.
//!
//! Types are exact: a `bool` is no `int` until the two are compared. Equality is
//! Python's ([`Value::equals`]), so `1 == 1.0 == True`, `nan` equals nothing and
//! the order of a dictionary does not matter.

mod equal;
mod show;

use num_bigint::BigInt;

/// A value without identity, methods or code.
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of any size.
    Int(BigInt),
    /// A float, bit for bit.
    Float(f64),
    /// A complex number: real and imaginary part.
    Complex(f64, f64),
    /// A string in UTF-8, lone surrogates as their three bytes.
    Str(Vec<u8>),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A set, in the order it was written or sent.
    Set(Vec<Value>),
    /// A frozen set.
    FrozenSet(Vec<Value>),
    /// A dictionary, in its order.
    Dict(Vec<(Value, Value)>),
}

/// Deepest nesting of a value, here and in a guest.
pub const MAX_DEPTH: usize = 200;

/// Most values in a value, itself counted.
pub const MAX_NODES: usize = 200_000;

impl Value {
    /// A string value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Value::Str(text.as_bytes().to_vec())
    }

    /// An integer value.
    #[must_use]
    pub fn int(number: impl Into<BigInt>) -> Self {
        Value::Int(number.into())
    }

    /// Python's truth of a value.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(number) => number.sign() != num_bigint::Sign::NoSign,
            Value::Float(number) => *number != 0.0,
            Value::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Value::Str(bytes) | Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(items)
            | Value::Tuple(items)
            | Value::Set(items)
            | Value::FrozenSet(items) => !items.is_empty(),
            Value::Dict(pairs) => !pairs.is_empty(),
        }
    }

    /// Whether Python could use the value as a key or a member of a set.
    #[must_use]
    pub fn is_hashable(&self) -> bool {
        match self {
            Value::List(_) | Value::Set(_) | Value::Dict(_) => false,
            Value::Tuple(items) => items.iter().all(Value::is_hashable),
            _ => true,
        }
    }

    /// How many values it is made of, itself counted.
    #[must_use]
    pub fn nodes(&self) -> usize {
        1 + match self {
            Value::List(items)
            | Value::Tuple(items)
            | Value::Set(items)
            | Value::FrozenSet(items) => items.iter().map(Value::nodes).sum(),
            Value::Dict(pairs) => pairs
                .iter()
                .map(|(key, value)| key.nodes() + value.nodes())
                .sum(),
            _ => 0,
        }
    }

    /// Python's name of the type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Complex(..) => "complex",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Set(_) => "set",
            Value::FrozenSet(_) => "frozenset",
            Value::Dict(_) => "dict",
        }
    }
}
