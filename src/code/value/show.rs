//! Values for people: Python's notation, cut to a length.

use super::Value;

impl Value {
    /// The value in Python's notation, of at most about `limit` characters; `…`
    /// stands for what was cut.
    #[must_use]
    pub fn show(&self, limit: usize) -> String {
        let mut shown = String::new();
        self.write(&mut shown, limit);
        if shown.chars().count() > limit {
            shown = shown.chars().take(limit).collect();
            shown.push('…');
        }
        shown
    }

    fn write(&self, shown: &mut String, limit: usize) {
        if shown.len() > limit {
            return;
        }
        match self {
            Value::None => shown.push_str("None"),
            Value::Bool(true) => shown.push_str("True"),
            Value::Bool(false) => shown.push_str("False"),
            // Printing a huge number takes quadratic time.
            Value::Int(number) if number.bits() > 4096 => {
                shown.push_str(&format!("<int of {} bits>", number.bits()));
            }
            Value::Int(number) => shown.push_str(&number.to_string()),
            Value::Float(number) => shown.push_str(&float(*number)),
            Value::Complex(real, imaginary) => {
                shown.push_str(&format!("({}{imaginary:+}j)", float(*real)));
            }
            Value::Str(bytes) => quote(&String::from_utf8_lossy(bytes), shown, limit),
            Value::Bytes(bytes) => {
                shown.push('b');
                let text: String = bytes
                    .iter()
                    .take(limit + 1)
                    .map(|byte| char::from(*byte))
                    .collect();
                quote(&text, shown, limit);
            }
            Value::List(items) => list("[", items, "]", shown, limit),
            Value::Tuple(items) if items.len() == 1 => list("(", items, ",)", shown, limit),
            Value::Tuple(items) => list("(", items, ")", shown, limit),
            Value::Set(items) if items.is_empty() => shown.push_str("set()"),
            Value::Set(items) => list("{", items, "}", shown, limit),
            Value::FrozenSet(items) => list("frozenset({", items, "})", shown, limit),
            Value::Dict(pairs) => {
                shown.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    if shown.len() > limit {
                        return;
                    }
                    if index > 0 {
                        shown.push_str(", ");
                    }
                    key.write(shown, limit);
                    shown.push_str(": ");
                    value.write(shown, limit);
                }
                shown.push('}');
            }
        }
    }
}

fn float(number: f64) -> String {
    match number {
        _ if number.is_nan() => "nan".to_owned(),
        _ if number.is_infinite() => if number > 0.0 { "inf" } else { "-inf" }.to_owned(),
        _ => format!("{number:?}"),
    }
}

fn quote(text: &str, shown: &mut String, limit: usize) {
    let mark = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    shown.push(mark);
    for sign in text.chars().take(limit + 1) {
        match sign {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            _ if sign == mark => shown.extend(['\\', sign]),
            _ if sign.is_control() => shown.push_str(&format!("\\x{:02x}", u32::from(sign))),
            _ => shown.push(sign),
        }
    }
    shown.push(mark);
}

fn list(open: &str, items: &[Value], close: &str, shown: &mut String, limit: usize) {
    shown.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if shown.len() > limit {
            return;
        }
        if index > 0 {
            shown.push_str(", ");
        }
        item.write(shown, limit);
    }
    shown.push_str(close);
}
