//! serde's and toml's messages in the words of the spec language.

use super::nearest;

/// Title, label and help for one decoding error at `place`.
pub(super) fn explain(message: &str, place: &str) -> (String, String, Option<String>) {
    let message = message.trim();
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let names = quoted(rest);
        if let Some((given, known)) = names.split_first() {
            let help =
                nearest(given, known.iter().copied()).map(|name| format!("did you mean `{name}`?"));
            let title = format!("unknown value `{given}` for {place}");
            return (title, format!("expected {}", one_of(known)), help);
        }
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        let name = quoted(rest).first().copied().unwrap_or_default().to_owned();
        let title = format!("`{name}` is missing in {place}");
        return (title, format!("add `{name}`"), None);
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let names = quoted(rest);
        if let Some((given, known)) = names.split_first() {
            let help =
                nearest(given, known.iter().copied()).map(|name| format!("did you mean `{name}`?"));
            let title = format!("unknown key `{given}` in {place}");
            return (title, format!("expected {}", one_of(known)), help);
        }
    }
    for (prefix, what) in [
        ("invalid type: ", "type"),
        ("invalid value: ", "value"),
        ("invalid length ", "length"),
    ] {
        let Some((found, expected)) = message
            .strip_prefix(prefix)
            .and_then(|rest| rest.split_once(", expected "))
        else {
            continue;
        };
        let label = match what {
            "length" => format!("expected {}", plain(expected)),
            _ => format!("expected {}, found {}", plain(expected), plain_found(found)),
        };
        return (format!("wrong {what} for {place}"), label, None);
    }
    (format!("{place} cannot be used"), message.to_owned(), None)
}

/// The words between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        _ => format!("one of `{}`", names.join("`, `")),
    }
}

/// Rust's type names in plain words.
fn plain(expected: &str) -> &str {
    match expected {
        "f64" | "f32" => "a number",
        "u64" | "usize" | "u32" | "u16" | "u8" => "a whole number, 0 or more",
        "i64" | "i32" => "a whole number",
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list",
        "an array of length 2" => "two numbers, `[low, high]`",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

fn plain_found(found: &str) -> &str {
    match found {
        "map" => "a table",
        "sequence" => "a list",
        other => other,
    }
}
