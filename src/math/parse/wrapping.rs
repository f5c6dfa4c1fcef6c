//! What stands round a whole answer and says nothing: emphasis, delimiters, a
//! full stop, `\text{…}`.

use super::symbols;

/// The text without white space, emphasis, delimiters and a final full stop.
pub(super) fn strip(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let before = text.len();
        for (open, close) in [
            ("**", "**"),
            ("`", "`"),
            ("$$", "$$"),
            ("$", "$"),
            ("\\(", "\\)"),
            ("\\[", "\\]"),
        ] {
            if let Some(inside) = text
                .strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close))
                && !inside.is_empty()
                && !inside.contains(open)
                && !inside.ends_with('\\')
            {
                text = inside.trim();
            }
        }
        if let Some(rest) = text.strip_suffix(['.', '。', ',', ';'])
            && !rest.ends_with(['.', '\\'])
            && !rest.ends_with("\\right")
        {
            text = rest.trim_end();
        }
        if text.len() == before {
            return text;
        }
    }
}

/// The inside of `\text{…}` that is all there is.
pub(super) fn set_as_text(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('\\')?;
    let open = rest.find('{')?;
    matches!(
        symbols::command(rest[..open].trim_end()),
        Some(symbols::Symbol::Text)
    )
    .then_some(())?;
    let inside = rest[open + 1..].strip_suffix('}')?;
    (!inside.contains(['{', '}', '\\'])).then_some(inside)
}
