//! `length_constraints:*`: how many sentences, words and paragraphs.

use std::sync::LazyLock;

use regex::Regex;

use super::kwargs::{Bound, Kwargs};
use super::python;
use super::sentences::sentences;
use crate::verdict::ReferenceError;

#[derive(Clone, Debug)]
pub(super) enum Length {
    /// Sentences, see [`super::sentences`].
    Sentences(Bound),
    /// Runs of letters, marks, digits and underscores.
    Words(Bound),
    /// Exactly so many parts between `***`.
    Paragraphs(u64),
    /// Exactly so many parts between empty lines, and the first word of one.
    FirstWord {
        paragraphs: u64,
        nth: usize,
        word: String,
    },
}

impl Length {
    pub(super) fn sentences(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["num_sentences", "relation"])?;
        Ok(Self::Sentences(kwargs.bound("relation", "num_sentences")?))
    }

    pub(super) fn words(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["num_words", "relation"])?;
        Ok(Self::Words(kwargs.bound("relation", "num_words")?))
    }

    pub(super) fn paragraphs(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["num_paragraphs"])?;
        Ok(Self::Paragraphs(kwargs.number("num_paragraphs")?))
    }

    pub(super) fn first_word(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["num_paragraphs", "nth_paragraph", "first_word"])?;
        let paragraphs = kwargs.number("num_paragraphs")?;
        let nth = kwargs.number("nth_paragraph")?;
        if nth > paragraphs {
            return Err(kwargs.error(format!(
                "has {nth} as `nth_paragraph`, more than `num_paragraphs`, which is {paragraphs} \
                 (the reference implementation would draw one at random)"
            )));
        }
        let nth = usize::try_from(nth).unwrap_or(usize::MAX);
        let word = kwargs.text("first_word")?.to_lowercase();
        Ok(Self::FirstWord {
            paragraphs,
            nth,
            word,
        })
    }

    pub(super) fn followed_by(&self, text: &str) -> bool {
        match self {
            Self::Sentences(bound) => bound.holds(sentences(text).len() as u64),
            Self::Words(bound) => bound.holds(word_count(text)),
            Self::Paragraphs(number) => starred_parts(text) == Some(*number),
            Self::FirstWord {
                paragraphs,
                nth,
                word,
            } => has_first_word(text, *paragraphs, *nth, word),
        }
    }
}

/// nltk 3.10's `RegexpTokenizer(r"\w+")`, where combining marks belong to a
/// word; before, they ended one.
fn word_count(text: &str) -> u64 {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\w+").expect("the pattern is written here"));
    WORD.find_iter(text).count() as u64
}

/// How many parts stand between `***`; `None` where one in the middle is empty.
fn starred_parts(text: &str) -> Option<u64> {
    let parts: Vec<bool> = text
        .split("***")
        .map(|part| !python::strip(part).is_empty())
        .collect();
    let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
    if inner.contains(&false) {
        return None;
    }
    Some(parts.iter().filter(|&&filled| filled).count() as u64)
}

/// Whether there are so many paragraphs that are not empty, and the `nth` of
/// all, empty ones counted, starts with `word`.
fn has_first_word(text: &str, number: u64, nth: usize, word: &str) -> bool {
    let mut filled = 0;
    let mut paragraph = "";
    for (index, part) in text.split("\n\n").enumerate() {
        let part = python::strip(part);
        filled += u64::from(!part.is_empty());
        if index + 1 == nth {
            paragraph = part;
        }
    }
    let Some(first) = python::words(paragraph).next() else {
        return false;
    };
    let ends = |c: char| matches!(c, '.' | ',' | '?' | '!' | '\'' | '"');
    let first = first.trim_start_matches('\'').trim_start_matches('"');
    let first = &first[..first.find(ends).unwrap_or(first.len())];
    filled == number && first.chars().flat_map(char::to_lowercase).eq(word.chars())
}
