//! JSON as it was written: numbers keep their digits, so that integers of any size
//! stay what they are, as Python's `json.loads` reads them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::code::value::{MAX_DEPTH, Value};

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(String),
    String(String),
    Array(Vec<Json>),
    /// The members in order, doubled names and all.
    Object(Members),
}

/// The members of an object.
pub(super) type Members = Vec<(String, Json)>;

/// Why a text is not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Syntax(#[from] serde_json::Error),
    #[error("brackets are more than {MAX_DEPTH} deep")]
    Depth,
}

impl Json {
    /// Reads a JSON text.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        // Whole, so that an error tells its place in the text and not in a part.
        let whole: &RawValue = serde_json::from_str(text)?;
        read(whole.get(), 0)
    }

    /// What was read before, with the digits that were kept.
    pub(super) fn of(value: &serde_json::Value) -> Result<Self, Fault> {
        Self::parse(&value.to_string())
    }

    /// The value with its numbers as doubles, where they are no integers of 64 bits.
    pub(super) fn rounded(&self) -> serde_json::Value {
        match self {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => (*value).into(),
            Json::Number(digits) => serde_json::from_str(digits).unwrap_or_default(),
            Json::String(text) => text.as_str().into(),
            Json::Array(items) => items.iter().map(Json::rounded).collect(),
            Json::Object(members) => {
                let member = |(name, value): &(String, Json)| (name.clone(), value.rounded());
                serde_json::Value::Object(members.iter().map(member).collect())
            }
        }
    }

    /// The member of an object; the last where its name is there twice.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Json::Object(members) => member(members, name),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&[Self]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn as_f64(&self) -> Option<f64> {
        match self {
            Json::Number(digits) => digits
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// The Python value; nothing where a number is not finite or a name is there twice.
    pub(super) fn python(&self) -> Option<Value> {
        Some(match self {
            Json::Null => Value::None,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(digits) if digits.contains(['.', 'e', 'E']) => {
                Value::Float(self.as_f64()?)
            }
            Json::Number(digits) => Value::Int(digits.parse().ok()?),
            Json::String(text) => Value::text(text),
            Json::Array(items) => {
                Value::List(items.iter().map(Json::python).collect::<Option<_>>()?)
            }
            Json::Object(members) => {
                let pair =
                    |(name, value): &(String, Json)| Some((Value::text(name), value.python()?));
                let pairs: Vec<_> = members.iter().map(pair).collect::<Option<_>>()?;
                let names: std::collections::HashSet<_> =
                    members.iter().map(|(name, _)| name).collect();
                (names.len() == pairs.len()).then_some(Value::Dict(pairs))?
            }
        })
    }
}

/// The last member of this name.
pub(super) fn member<'j>(members: &'j [(String, Json)], name: &str) -> Option<&'j Json> {
    let mut named = members.iter().filter(|(own, _)| own == name);
    named.next_back().map(|(_, value)| value)
}

/// The Python value of a JSON text; nothing where it is none.
pub(super) fn python(text: &str) -> Option<Value> {
    Json::parse(text).ok()?.python()
}

/// Reads what is JSON for certain.
fn read(text: &str, depth: usize) -> Result<Json, Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::Depth);
    }
    Ok(match text.trim_start().as_bytes().first() {
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let items = items.iter().map(|item| read(item.get(), depth + 1));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        Some(b'{') => {
            let Pairs(pairs) = serde_json::from_str(text)?;
            let pair = |(name, value): (String, &RawValue)| {
                Ok::<_, Fault>((name, read(value.get(), depth + 1)?))
            };
            Json::Object(pairs.into_iter().map(pair).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::String(serde_json::from_str(text)?),
        Some(b'-' | b'0'..=b'9') => Json::Number(text.trim().to_owned()),
        _ => match serde_json::from_str(text)? {
            Some(value) => Json::Bool(value),
            None => Json::Null,
        },
    })
}

/// An object's members in order.
struct Pairs<'j>(Vec<(String, &'j RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
