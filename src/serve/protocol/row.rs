//! A record made of another protocol's fields, where the spec looks for its own.

use serde_json::{Map, Value};

use crate::reward::RowError;
use crate::rollout::Pointer;
use crate::serve::queue::{Content, Row};

/// A record in the making. Values are JSON texts: numbers keep their digits.
#[derive(Debug, Default)]
pub(super) struct Draft {
    columns: Vec<(String, String)>,
}

impl Draft {
    /// A record with these columns.
    pub(super) fn of<'c>(columns: impl Iterator<Item = (&'c str, &'c str)>) -> Self {
        let own = columns.map(|(name, raw)| (name.to_owned(), raw.to_owned()));
        Self {
            columns: own.collect(),
        }
    }

    /// Puts a text where `pointer` says.
    pub(super) fn set_text(&mut self, pointer: &Pointer, text: &str) {
        self.set(pointer, &Value::from(text).to_string());
    }

    /// Puts a JSON text where `pointer` says; what stood there before is gone.
    pub(super) fn set(&mut self, pointer: &Pointer, raw: &str) {
        let pointer = pointer.to_string();
        let tokens: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect();
        let Some((head, rest)) = tokens.split_first() else {
            return;
        };
        let old = self.columns.iter().position(|(name, _)| name == head);
        let column = match rest {
            [] => raw.to_owned(),
            rest => {
                let outer = old.map(|index| self.columns[index].1.as_str());
                let outer = outer.and_then(|raw| serde_json::from_str(raw).ok());
                let value = serde_json::from_str(raw).unwrap_or(Value::Null);
                nested(outer.unwrap_or(Value::Null), rest, value).to_string()
            }
        };
        match old {
            Some(index) => self.columns[index].1 = column,
            None => self.columns.push((head.clone(), column)),
        }
    }

    /// The row.
    pub(super) fn row(self, position: u64) -> Row {
        let mut text = String::from("{");
        for (index, (name, raw)) in self.columns.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text.push_str(&Value::from(name.as_str()).to_string());
            text.push(':');
            text.push_str(raw);
        }
        text.push('}');
        let content = Content::Json(text.into());
        Row { position, content }
    }
}

/// A row that cannot be made.
pub(super) fn unusable(position: u64, message: impl Into<String>, field: &str) -> Row {
    let error = RowError::data(message).at(field);
    let content = Content::Unusable(error);
    Row { position, content }
}

/// `outer` with `value` below `tokens`, objects made on the way.
fn nested(outer: Value, tokens: &[String], value: Value) -> Value {
    let Some((head, rest)) = tokens.split_first() else {
        return value;
    };
    let mut map = match outer {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let inner = map.remove(head).unwrap_or(Value::Null);
    map.insert(head.clone(), nested(inner, rest, value));
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_where_the_spec_looks() {
        let columns = [("a", "1.10"), ("b", r#"{"c":1,"d":2}"#)];
        let mut draft = Draft::of(columns.into_iter());
        let pointer = |text| Pointer::parse(text).expect("a pointer");
        draft.set_text(&pointer("/b/c"), "x\"y");
        draft.set(&pointer("/e/f~1g"), "[1]");
        draft.set(&pointer("/h"), "2.50");
        let Content::Json(text) = draft.row(1).content else {
            panic!("a row");
        };
        let expected = r#"{"a":1.10,"b":{"c":"x\"y","d":2},"e":{"f/g":[1]},"h":2.50}"#;
        assert_eq!(text, expected);
    }
}
