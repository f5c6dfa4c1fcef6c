//! `detectable_content:*`: placeholders and a postscript.

use super::kwargs::Kwargs;
use super::pattern::{Flags, Pattern};
use super::python;
use crate::verdict::ReferenceError;

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// At least so many `[…]`, each within a line.
    Placeholders(u64),
    /// The marker occurs, anywhere in the response in lower case.
    Postscript(Pattern),
}

const LINES: Flags = Flags {
    ignore_case: false,
    multi_line: true,
};

impl Content {
    pub(super) fn placeholders(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["num_placeholders"])?;
        Ok(Self::Placeholders(kwargs.number("num_placeholders")?))
    }

    pub(super) fn postscript(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["postscript_marker"])?;
        let marker = python::strip(kwargs.text("postscript_marker")?);
        let pattern = match marker {
            "P.P.S" => r"\s*p\.\s?p\.\s?s.*$".to_owned(),
            "P.S." => r"\s*p\.\s?s\..*$".to_owned(),
            // The marker itself is a pattern, whose points are any character.
            _ => {
                let marker = marker.to_lowercase();
                kwargs.pattern("postscript_marker", &marker, LINES)?;
                format!(r"\s*{marker}.*$")
            }
        };
        Ok(Self::Postscript(kwargs.pattern(
            "postscript_marker",
            &pattern,
            LINES,
        )?))
    }

    pub(super) fn followed_by(&self, text: &str) -> bool {
        match self {
            Self::Placeholders(number) => placeholder_count(text) >= *number,
            Self::Postscript(pattern) => pattern.occurs_in(&text.to_lowercase()),
        }
    }
}

/// `[` and the next `]` of the line, again and again.
fn placeholder_count(text: &str) -> u64 {
    let mut count = 0;
    for line in text.split('\n') {
        let mut rest = line;
        while let Some(open) = rest.find('[')
            && let Some(close) = rest[open..].find(']')
        {
            count += 1;
            rest = &rest[open + close + 1..];
        }
    }
    count
}
