//! Numbers as people read them; each says where the JSON has it.
//!
//! A number's element names its place in `report.json` as a JSON pointer
//! (`data-path`) and its unit, so that a test can compare what a page shows with
//! what the JSON says.

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A count: digits in threes.
    Count,
    /// A share of 1, in percent.
    Share,
    /// A reward: three decimals.
    Number,
    /// A time.
    Seconds,
    /// A large count: four digits and a prefix.
    Fuel,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Share => "share",
            Self::Number => "number",
            Self::Seconds => "seconds",
            Self::Fuel => "fuel",
        }
    }

    /// The number as text.
    pub(super) fn shown(self, value: f64) -> String {
        match self {
            Self::Count => count(value as u64),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Number if value.abs() >= 10_000.0 => format!("{value:.3e}"),
            // No "-0.000".
            Self::Number => format!("{:.3}", value + 0.0).replace("-0.000", "0.000"),
            Self::Seconds => seconds(value),
            Self::Fuel => prefixed(value),
        }
    }
}

/// `5 276`, with narrow spaces that do not break.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `5 276 rows`.
pub(super) fn counted(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

fn seconds(value: f64) -> String {
    match value {
        _ if value < 1e-3 => format!("{:.0} µs", value * 1e6),
        _ if value < 1.0 => format!("{:.1} ms", value * 1e3),
        _ if value < 100.0 => format!("{value:.2} s"),
        _ => format!("{value:.0} s"),
    }
}

fn prefixed(value: f64) -> String {
    match value {
        _ if value < 1e3 => format!("{value:.0}"),
        _ if value < 1e6 => format!("{:.1} k", value / 1e3),
        _ if value < 1e9 => format!("{:.1} M", value / 1e6),
        _ => format!("{:.2} G", value / 1e9),
    }
}

/// A count at an axis: `1.2 k`.
pub(super) fn tick(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{} M", value / 1e6),
        _ if value >= 1e4 => format!("{} k", value / 1e3),
        _ => value.to_string(),
    }
}

/// A number inline; `path` is where the JSON has it.
pub(super) fn inline(path: &str, unit: Unit, value: impl Into<Option<f64>>) -> String {
    element("span", "", path, unit, value.into())
}

/// A number in a table.
pub(super) fn cell(path: &str, unit: Unit, value: impl Into<Option<f64>>) -> String {
    element("td", " class=\"number\"", path, unit, value.into())
}

fn element(tag: &str, class: &str, path: &str, unit: Unit, value: Option<f64>) -> String {
    let unit_name = unit.name();
    let text = value.map_or("–".to_owned(), |value| unit.shown(value));
    format!("<{tag}{class} data-path=\"{path}\" data-unit=\"{unit_name}\">{text}</{tag}>")
}

#[cfg(test)]
mod tests {
    use super::{Unit, count};

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(0), "0");
        assert_eq!(count(5276), "5\u{202f}276");
        assert_eq!(count(1_000_000), "1\u{202f}000\u{202f}000");
        assert_eq!(Unit::Share.shown(0.38249), "38.2 %");
        assert_eq!(Unit::Number.shown(-0.0001), "0.000");
        assert_eq!(Unit::Number.shown(-1.5), "-1.500");
        assert_eq!(Unit::Seconds.shown(0.0123), "12.3 ms");
        assert_eq!(Unit::Fuel.shown(166_600.0), "166.6 k");
    }
}
