//! JSON as Python's `json.loads` reads it: integers of any size stay integers.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::code::value::{MAX_DEPTH, Value};

/// The Python value of a JSON text; nothing where it is none.
pub(super) fn parse(text: &str) -> Option<Value> {
    read(text, 0)
}

fn read(text: &str, depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let text = text.trim();
    match text.as_bytes().first()? {
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            items
                .iter()
                .map(|item| read(item.get(), depth + 1))
                .collect::<Option<_>>()
                .map(Value::List)
        }
        b'{' => {
            let Pairs(pairs) = serde_json::from_str(text).ok()?;
            let mut read_pairs: Vec<(Value, Value)> = Vec::new();
            for (name, value) in pairs {
                let value = read(value.get(), depth + 1)?;
                read_pairs.push((Value::text(&name), value));
            }
            let keys: std::collections::HashSet<_> =
                read_pairs.iter().map(|(name, _)| name.key()).collect();
            (keys.len() == read_pairs.len()).then_some(Value::Dict(read_pairs))
        }
        b'-' | b'0'..=b'9' => {
            // The reader knows what a number looks like.
            let Json::Number(number) = serde_json::from_str(text).ok()? else {
                return None;
            };
            if text.contains(['.', 'e', 'E']) {
                number.as_f64().map(Value::Float)
            } else {
                text.parse().ok().map(Value::Int)
            }
        }
        _ => Some(match serde_json::from_str(text).ok()? {
            Json::Null => Value::None,
            Json::Bool(value) => Value::Bool(value),
            Json::String(text) => Value::text(&text),
            _ => return None,
        }),
    }
}

/// The Python value of JSON that was read before.
pub(super) fn value(json: &Json) -> Option<Value> {
    parse(&json.to_string())
}

/// An object's members in order, doubled names and all.
struct Pairs<'j>(Vec<(String, &'j RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
        deserializer.deserialize_map(Members)
    }
}
