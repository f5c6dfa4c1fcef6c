//! `change_case:*`: capitals.

use super::IfevalOptions;
use super::kwargs::{Bound, Kwargs};
use super::language::{Detect, speaks};
use super::python;
use super::tokens::capital_words;
use crate::verdict::ReferenceError;

#[derive(Clone, Debug)]
pub(super) enum Case {
    /// So many words without a small letter, see [`super::tokens`].
    CapitalWords(Bound),
    /// English, and no small letter.
    AllCapital,
    /// English, and no capital.
    AllSmall,
}

impl Case {
    pub(super) fn capital_words(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["capital_frequency", "capital_relation"])?;
        Ok(Self::CapitalWords(
            kwargs.bound("capital_relation", "capital_frequency")?,
        ))
    }

    pub(super) fn all_capital(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&[])?;
        Ok(Self::AllCapital)
    }

    pub(super) fn all_small(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&[])?;
        Ok(Self::AllSmall)
    }

    /// `None` where the language cannot be told.
    pub(super) fn followed_by(
        &self,
        text: &str,
        detect: &Detect,
        options: &IfevalOptions,
    ) -> Option<bool> {
        let in_case = match self {
            Self::CapitalWords(bound) => return Some(bound.holds(capital_words(text))),
            Self::AllCapital => python::is_upper(text),
            Self::AllSmall => python::is_lower(text),
        };
        if in_case {
            speaks("en", text, detect, options)
        } else {
            Some(false)
        }
    }
}
