//! What self-contained pages share: a template filled in, text made harmless, the
//! content policy's hash, the style.
//!
//! A page needs no network. What a policy wrote is untrusted: it lies in a page as
//! escaped text, or as JSON that no text can break out of, and the content policy
//! lets no script run but the page's own.

use data_encoding::BASE64;
#[cfg(feature = "train")]
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Colours, type, tables and tiles, for light and dark screens.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The source of the page's own script, as a content policy names it.
pub(crate) fn script_source(script: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(&Sha256::digest(script)))
}

/// The template with every `{{name}}` replaced, in one pass: what is put in is
/// not looked at again.
pub(crate) fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = template.split("{{");
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part
            .split_once("}}")
            .expect("the template closes its names");
        page += &value(name);
        page += rest;
    }
    page
}

/// Text as HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html += "&amp;",
            '<' => html += "&lt;",
            '>' => html += "&gt;",
            '"' => html += "&quot;",
            '\'' => html += "&#39;",
            // HTML has no such character.
            '\0' => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
    html
}

/// Text with every character written out that would hide or reorder others:
/// controls but for line ends and tabs, marks of direction, what has no width.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let is_hidden = match c {
            '\n' | '\t' => false,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
            '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
            '\u{e0000}'..='\u{e007f}' => true,
            c => c.is_control(),
        };
        match is_hidden {
            true => shown += &format!("⟨U+{:04X}⟩", u32::from(c)),
            false => shown.push(c),
        }
    }
    shown
}

/// `2026-11-21 20:18 UTC` of seconds since 1970; the civil date by the algorithm of
/// Howard Hinnant ("chrono-compatible low-level date algorithms").
pub(crate) fn date(seconds: u64) -> String {
    let days = seconds / 86400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = match shifted_month {
        0..10 => shifted_month + 3,
        _ => shifted_month - 9,
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// Data as JSON that can stand in a `<script>` element: no text in it can end the
/// element or open a comment, because no `<` is left.
#[cfg(feature = "train")]
pub(crate) fn json(data: &impl Serialize) -> String {
    let text = serde_json::to_string(data).expect("texts and finite numbers are JSON");
    // These can stand in strings alone, where the escape means the same.
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::{STYLE, escaped, filled, visible};

    #[test]
    fn no_text_leaves_its_place() {
        let text = "</script><!--<script>&\u{2028}\"'{{data}}";
        #[cfg(feature = "train")]
        {
            let found = super::json(&text);
            assert!(!found.contains(['<', '>', '&', '\u{2028}']), "{found}");
            assert_eq!(serde_json::from_str::<String>(&found).unwrap(), text);
        }
        assert!(!escaped(text).contains(['<', '>', '"', '\'']));
        assert_eq!(
            filled("a{{x}}b{{y}}", |_| "{{x}}".to_owned()),
            "a{{x}}b{{x}}"
        );
    }

    #[test]
    fn what_hides_or_reorders_is_written_out() {
        assert_eq!(
            visible("a\tb\n\u{202e}c\0\r"),
            "a\tb\n⟨U+202E⟩c⟨U+0000⟩⟨U+000D⟩"
        );
        assert_eq!(visible("é 漢 👍 ½"), "é 漢 👍 ½");
    }

    #[test]
    fn the_style_stays_in_its_element() {
        assert!(!STYLE.contains("</style"));
    }
}
