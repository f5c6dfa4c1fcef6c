//! Lists of texts as Python prints them.
//!
//! *Accepts*: what `str` makes of a list of strings, character by character:
//! `['Paris', "it's", 'a\\nb']`.
//!
//! *Rejects*: lists of anything else, empty ones, and every spelling that Python would
//! not have chosen, such as `["a", "b"]`, which is a text of somebody else's.

/// What a printed value was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    /// A list of strings.
    Texts(Vec<String>),
    /// Another list, a tuple or a dictionary, as far as can be told.
    Other,
    /// A text.
    Plain,
}

/// Tells what a text was before it was printed.
pub(super) fn printed(text: &str) -> Printed {
    if let Some(texts) = texts(text) {
        return Printed::Texts(texts);
    }
    let text = text.trim();
    let is_list = text.starts_with('[') && text.ends_with(']');
    let has_texts = is_list && text.contains(['\'', '"']);
    // A dictionary in double quotes is JSON, which the reader of truths knows.
    let is_keyed = text.starts_with("{'") || text.starts_with("('") || text.starts_with("(\"");
    match has_texts || is_keyed || text == "[]" {
        true => Printed::Other,
        false => Printed::Plain,
    }
}

fn texts(printed: &str) -> Option<Vec<String>> {
    let mut rest = printed.strip_prefix('[')?;
    let mut texts = Vec::new();
    loop {
        let (text, behind) = string(rest)?;
        texts.push(text);
        if behind == "]" {
            return Some(texts);
        }
        rest = behind.strip_prefix(", ")?;
    }
}

/// A string literal at the start, and what stands behind it.
fn string(rest: &str) -> Option<(String, &str)> {
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut text = String::new();
    let mut chars = rest[1..].chars();
    loop {
        match chars.next()? {
            '\\' => text.push(escaped(&mut chars, quote)?),
            c if c == quote => break,
            c if c.is_control() => return None,
            c => text.push(c),
        }
    }
    // Python takes double quotes only around a text with an apostrophe and without them.
    let is_double = text.contains('\'') && !text.contains('"');
    (is_double == (quote == '"')).then_some((text, chars.as_str()))
}

fn escaped(chars: &mut std::str::Chars<'_>, quote: char) -> Option<char> {
    let digits = match chars.next()? {
        '\\' => return Some('\\'),
        '\'' if quote == '\'' => return Some('\''),
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return None,
    };
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + chars.next()?.to_digit(16)?;
    }
    char::from_u32(code)
}
