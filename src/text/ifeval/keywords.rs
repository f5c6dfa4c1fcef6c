//! `keywords:*`: words and letters that must or must not occur.
//!
//! Keywords are patterns (regular expressions), and are found inside of words
//! as well: `art` is in `part`. Only a forbidden word stands alone, between
//! `\b`s, which bind closer than `|`.

use super::kwargs::{Bound, Kwargs};
use super::pattern::{Flags, Pattern};
use super::python;
use crate::verdict::ReferenceError;

#[derive(Clone, Debug)]
pub(super) enum Keywords {
    /// Each occurs.
    Existence(Vec<Pattern>),
    /// It occurs so often.
    Frequency(Pattern, Bound),
    /// None occurs.
    Forbidden(Vec<Pattern>),
    /// So many letters, in either case.
    Letter(char, Bound),
}

/// Keywords do not heed case.
const ANY_CASE: Flags = Flags {
    ignore_case: true,
    multi_line: false,
};

impl Keywords {
    pub(super) fn existence(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["keywords"])?;
        let patterns = kwargs
            .texts("keywords")?
            .into_iter()
            .map(|keyword| kwargs.pattern("keywords", keyword, ANY_CASE));
        Ok(Self::Existence(patterns.collect::<Result<_, _>>()?))
    }

    pub(super) fn frequency(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["keyword", "frequency", "relation"])?;
        let keyword = python::strip(kwargs.text("keyword")?);
        Ok(Self::Frequency(
            kwargs.pattern("keyword", keyword, ANY_CASE)?,
            kwargs.bound("relation", "frequency")?,
        ))
    }

    pub(super) fn forbidden(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["forbidden_words"])?;
        let patterns = kwargs.texts("forbidden_words")?.into_iter().map(|word| {
            // Alone, so that faults are its own.
            kwargs.pattern("forbidden_words", word, ANY_CASE)?;
            kwargs.pattern("forbidden_words", &format!(r"\b{word}\b"), ANY_CASE)
        });
        Ok(Self::Forbidden(patterns.collect::<Result<_, _>>()?))
    }

    pub(super) fn letter(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["letter", "let_frequency", "let_relation"])?;
        let text = kwargs.text("letter")?;
        let mut chars = text.chars();
        let letter = match (chars.next().map(python::small), chars.next()) {
            // The small letter of `İ` is more than one character.
            (Some(letter @ 'a'..='z'), None) if text != "İ" => letter,
            _ => {
                return Err(kwargs.error(format!(
                    "needs one letter from `a` to `z` as `letter`, not `{text}` \
                     (the reference implementation would draw one at random)"
                )));
            }
        };
        Ok(Self::Letter(
            letter,
            kwargs.bound("let_relation", "let_frequency")?,
        ))
    }

    pub(super) fn followed_by(&self, text: &str) -> bool {
        match self {
            Self::Existence(patterns) => patterns.iter().all(|pattern| pattern.occurs_in(text)),
            Self::Frequency(pattern, bound) => bound.holds(pattern.count_up_to(text, bound.number)),
            Self::Forbidden(patterns) => !patterns.iter().any(|pattern| pattern.occurs_in(text)),
            Self::Letter(letter, bound) => {
                let letters = text.chars().flat_map(char::to_lowercase);
                bound.holds(letters.filter(|c| c == letter).count() as u64)
            }
        }
    }
}
