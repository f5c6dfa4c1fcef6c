//! One JSON value out of a text, with what `serde_json` would let pass: keys that
//! are there twice, and nesting by a limit of ours.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{DEEPEST, DuplicateKeys, shortened};

/// Why a text is not one JSON value.
pub(super) enum Fault {
    TooDeep,
    /// A number beyond a double.
    Number,
    DuplicateKey(String),
    /// A value, and something more at this byte.
    TrailingText(usize),
    Syntax {
        message: String,
        byte: usize,
    },
}

/// Reads the one JSON value that `text` is.
pub(super) fn read(
    text: &str,
    duplicates: DuplicateKeys,
    max_depth: usize,
) -> Result<Value, Fault> {
    // By a scan: the parser's own limit could not be told from a syntax error.
    let depth = depth(text);
    if depth > DEEPEST as usize {
        return Err(Fault::TooDeep);
    }
    let duplicate = RefCell::new(None);
    let seed = Seed {
        duplicates,
        duplicate: &duplicate,
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = seed.deserialize(&mut reader);
    if let Some(key) = duplicate.into_inner() {
        return Err(Fault::DuplicateKey(shortened(&key)));
    }
    match read.and_then(|value| reader.end().map(|()| value)) {
        Ok(_) if depth > max_depth => Err(Fault::TooDeep),
        Ok(value) => Ok(value),
        Err(error) => {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let byte = byte_of(text, error.line(), error.column());
            Err(match message {
                "trailing characters" => Fault::TrailingText(byte),
                "number out of range" => Fault::Number,
                _ => Fault::Syntax {
                    message: message.to_owned(),
                    byte,
                },
            })
        }
    }
}

/// The greatest number of brackets open at once, strings aside.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// The offset of a line and column as `serde_json` counts them, from 1.
fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (start + column.saturating_sub(1)).min(text.len())
}

/// Builds a [`Value`], and stops at the first key that is there twice.
#[derive(Clone, Copy)]
struct Seed<'k> {
    duplicates: DuplicateKeys,
    duplicate: &'k RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if self.duplicates == DuplicateKeys::Reject && map.contains_key(&key) {
                *self.duplicate.borrow_mut() = Some(key);
                return Err(de::Error::custom("duplicate key"));
            }
            let value = entries.next_value_seed(self)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
