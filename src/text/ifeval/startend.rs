//! `startend:*`: the last words, and quotation marks round the whole.

use super::kwargs::Kwargs;
use super::python;
use crate::verdict::ReferenceError;

#[derive(Clone, Debug)]
pub(super) enum StartEnd {
    /// Ends with this phrase, which is in lower case.
    Phrase(String),
    /// Begins and ends with `"`.
    Quotation,
}

impl StartEnd {
    pub(super) fn phrase(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["end_phrase"])?;
        let phrase = python::strip(kwargs.text("end_phrase")?);
        Ok(Self::Phrase(phrase.to_lowercase()))
    }

    pub(super) fn quotation(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&[])?;
        Ok(Self::Quotation)
    }

    pub(super) fn followed_by(&self, text: &str) -> bool {
        let text = python::strip(text);
        match self {
            // White space before a quotation mark that goes with it stays.
            Self::Phrase(phrase) => text
                .trim_matches('"')
                .to_lowercase()
                .ends_with(phrase.as_str()),
            Self::Quotation => text.len() > 1 && text.starts_with('"') && text.ends_with('"'),
        }
    }
}
