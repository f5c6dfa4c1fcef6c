//! Equations side by side: `x = 8 \quad x = 7` is no chain `x = 8x = 7`.
//!
//! TeX prints no blank between a factor and the next, so that `C = 2 \pi r = 10\pi`
//! is one chain and `a = 1 b = 2` most likely two equations. A gap that is wider
//! than a blank sets equations apart; a blank may where what stands before it is a
//! number, or the name is a call, has a value already or stands close to its sign.

use super::spaced::{self, has_words, without_gap};
use super::symbols;

/// What is between two equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// A line break, `\quad`, a full stop, or delimiters of mathematics.
    Wide,
    /// A blank, or a wider gap before what is no single name, where steps of one
    /// calculation may stand.
    Narrow,
}

/// A text whose equations are apart by commas.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) text: String,
    /// The narrowest one.
    pub(super) gap: Gap,
}

/// The text with commas between equations that stand side by side; `None` where
/// there are none.
pub(super) fn listed(text: &str) -> Option<Listed> {
    if text.matches('=').count() < 2 || text.contains("\\begin") || text.contains('&') {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 8);
    let (mut from, mut narrowest) = (0, None);
    for (sign, _) in text.match_indices('=') {
        let Some(place) = named(text, sign) else {
            continue;
        };
        // A sign of equality within a name is no place between equations.
        let Some(width) = apart(&place).filter(|_| place.before.len() >= from) else {
            continue;
        };
        out.push_str(&text[from..place.before.len()]);
        out.push_str(", ");
        from = place.before.len() + place.gap.len();
        if narrowest != Some(Gap::Narrow) {
            narrowest = Some(width);
        }
    }
    out.push_str(&text[from..]);
    let spaced = spaced::listed(&out).map(|text| Listed {
        text,
        gap: Gap::Narrow,
    });
    spaced.or_else(|| narrowest.map(|gap| Listed { text: out, gap }))
}

/// A gap before a name, and what is round it.
struct Place<'t> {
    before: &'t str,
    gap: &'t str,
    name: &'t str,
    rest: &'t str,
}

/// The name before an equal sign, `x_1`, `f'(x)` or `\\alpha`, and the gap before it.
fn named(text: &str, sign: usize) -> Option<Place<'_>> {
    let head = text[..sign].trim_end();
    let mut start = head;
    if let Some(argument) = start.strip_suffix(')') {
        start = argument
            .strip_suffix(|c: char| c.is_ascii_lowercase())?
            .strip_suffix('(')?;
    }
    start = start.trim_end_matches('\'');
    if let Some(inside) = start.strip_suffix('}') {
        let (before, inside) = inside.rsplit_once('{')?;
        start = before
            .strip_suffix('_')
            .filter(|_| !inside.contains(['}', '=']))?;
    } else if let Some(before) = start.strip_suffix(|c: char| c.is_ascii_alphanumeric())
        && let Some(before) = before.strip_suffix('_')
    {
        start = before;
    }
    start = start.trim_end_matches('\'');
    let letters = start.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    // `\\` is a line break.
    let command = letters
        .strip_suffix('\\')
        .filter(|before| !before.ends_with('\\'));
    let before_name = match (command, start.len() - letters.len()) {
        (Some(command), 1..) => command,
        (None, 1) => letters,
        _ => return None,
    };
    let before = without_gap(before_name);
    (before.len() < before_name.len()).then(|| Place {
        before,
        gap: &text[before.len()..before_name.len()],
        name: &text[before_name.len()..head.len()],
        rest: &text[head.len()..],
    })
}

/// How far the gap sets a named equation apart from what stands before it.
fn apart(place: &Place<'_>) -> Option<Gap> {
    let Place {
        before,
        gap,
        name,
        rest,
    } = *place;
    let glued = rest.starts_with('=');
    let (_, value) = before.rsplit_once('=')?;
    let value = value.trim();
    let ends_value = value
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '}' | ')' | ']' | '!' | '%' | '\''));
    let base = name.split(['_', '(', '\'']).next().unwrap_or(name);
    let is_name = match base.strip_prefix('\\') {
        Some(command) => command != "pi" && symbols::greek(command).is_some(),
        None => !matches!(base, "e" | "i"),
    };
    let level =
        |open: char, close: char| value.matches(open).count() == value.matches(close).count();
    if !ends_value
        || !is_name
        || has_words(value)
        || !level('(', ')')
        || !level('{', '}')
        || !level('[', ']')
    {
        return None;
    }
    let is_wide = gap.contains(['\n', '\r', '\t', '$', '.', '(', ')', '['])
        || ["quad", "enspace", "hspace"]
            .iter()
            .any(|wide| gap.contains(wide))
        || gap.contains("\\\\");
    if is_wide {
        return Some(Gap::Wide);
    }
    // The blank only ends the command.
    let last = value.rsplit('\\').next().unwrap_or(value);
    if value.contains('\\') && last.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let named_before = before.split('=').rev().skip(1).any(|earlier| {
        let earlier = earlier.trim_end();
        earlier == base || earlier.ends_with(&format!(" {base}")) || earlier.ends_with(name)
    });
    // `2x z=3x`, `2x \,g(x) = 3x`; but `l w=12` is a product.
    let glued = glued && value.starts_with(|c: char| c.is_ascii_digit());
    (glued || name.contains('(') || named_before || is_closed(value)).then_some(Gap::Narrow)
}

/// Whether the value has no letters but those of commands.
fn is_closed(value: &str) -> bool {
    let mut in_command = false;
    value.chars().all(|c| {
        in_command = c == '\\' || in_command && c.is_ascii_alphabetic();
        in_command || !c.is_alphabetic() || c == 'π'
    })
}
