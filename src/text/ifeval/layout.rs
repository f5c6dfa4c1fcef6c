//! `detectable_format:*`: bullets, highlights, sections, a title, JSON, one of
//! three answers.

use std::sync::LazyLock;

use super::json::is_json;
use super::kwargs::Kwargs;
use super::pattern::{Flags, Pattern};
use super::python;
use crate::verdict::ReferenceError;

#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// Exactly so many lines that begin with `*` or `-`.
    Bullets(u64),
    /// At least so many `*…*` and `**…**`; `***…***` is both.
    Highlights(u64),
    /// At least so many markers with a number.
    Sections(Pattern, u64),
    /// `<<…>>` in one line.
    Title,
    /// JSON, in a code fence or not.
    Json,
    /// One of the three answers occurs.
    OneOfThree,
}

/// The answers of `constrained_response`.
const ANSWERS: [&str; 3] = [
    "My answer is yes.",
    "My answer is no.",
    "My answer is maybe.",
];

impl Layout {
    pub(super) fn bullets(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["num_bullets"])?;
        Ok(Self::Bullets(kwargs.number("num_bullets")?))
    }

    pub(super) fn highlights(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["num_highlights"])?;
        Ok(Self::Highlights(kwargs.number("num_highlights")?))
    }

    pub(super) fn sections(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["section_spliter", "num_sections"])?;
        let marker = python::strip(kwargs.text("section_spliter")?);
        let flags = Flags::default();
        // Alone, so that faults are its own.
        if kwargs
            .pattern("section_spliter", marker, flags)?
            .has_captures()
        {
            return Err(
                kwargs.error("reads `section_spliter` as a pattern, which has a group `(…)`")
            );
        }
        let pattern = format!(r"\s?{marker}\s?\d+\s?");
        Ok(Self::Sections(
            kwargs.pattern("section_spliter", &pattern, flags)?,
            kwargs.number("num_sections")?,
        ))
    }

    pub(super) fn title(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&[])?;
        Ok(Self::Title)
    }

    pub(super) fn json(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&[])?;
        Ok(Self::Json)
    }

    pub(super) fn one_of_three(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&[])?;
        Ok(Self::OneOfThree)
    }

    pub(super) fn followed_by(&self, text: &str) -> bool {
        match self {
            Self::Bullets(number) => bullet_count(text, *number) == *number,
            Self::Highlights(number) => {
                highlight_count(text, "*") + highlight_count(text, "**") >= *number
            }
            Self::Sections(pattern, number) => pattern.count_up_to(text, *number) == *number,
            Self::Title => text.split('\n').any(has_title),
            Self::Json => is_json(unfenced(text)),
            Self::OneOfThree => ANSWERS.iter().any(|answer| text.contains(answer)),
        }
    }
}

/// Lines that begin with `*`, but not `**`, or with `-`; at most one more than
/// `number`. White space before it may be whole lines.
fn bullet_count(text: &str, number: u64) -> u64 {
    static BULLETS: LazyLock<[Pattern; 2]> = LazyLock::new(|| {
        let lines = Flags {
            ignore_case: false,
            multi_line: true,
        };
        [r"^\s*\*[^\*].*$", r"^\s*-.*$"]
            .map(|source| Pattern::new(source, lines).expect("the pattern is written here"))
    });
    BULLETS
        .iter()
        .map(|pattern| pattern.count_up_to(text, number.saturating_add(1)))
        .sum()
}

/// `stars`, anything without a star or a line feed, `stars`; white space alone
/// does not count.
fn highlight_count(text: &str, stars: &str) -> u64 {
    let (mut count, mut from) = (0, 0);
    while let Some(open) = text[from..].find(stars) {
        let start = from + open + stars.len();
        let Some(length) = text[start..].find(['*', '\n']) else {
            break;
        };
        let end = start + length;
        if text[end..].starts_with(stars) {
            count += u64::from(!python::strip(&text[start..end]).is_empty());
            from = end + stars.len();
        } else {
            from += open + 1;
        }
    }
    count
}

/// `<<`, something, and the last `>>` of the line.
fn has_title(line: &str) -> bool {
    let (Some(open), Some(close)) = (line.find("<<"), line.rfind(">>")) else {
        return false;
    };
    // At least one character stands between the two.
    if close < open + 3 {
        return false;
    }
    let title = line[open..close].trim_start_matches('<');
    !python::strip(title.trim_end_matches('>')).is_empty()
}

/// The text without the marks of a Markdown code fence round it.
fn unfenced(text: &str) -> &str {
    let mut text = python::strip(text);
    for fence in ["```json", "```Json", "```JSON", "```"] {
        text = text.strip_prefix(fence).unwrap_or(text);
    }
    python::strip(text.strip_suffix("```").unwrap_or(text))
}
