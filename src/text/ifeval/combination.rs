//! `combination:*`: two responses in one, the request repeated before the answer.

use super::kwargs::Kwargs;
use super::python;
use crate::verdict::ReferenceError;

#[derive(Clone, Debug)]
pub(super) enum Combination {
    /// Two different texts, `******` between them.
    TwoResponses,
    /// Begins with this request, which is in lower case.
    Repeat(String),
}

impl Combination {
    pub(super) fn two_responses(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&[])?;
        Ok(Self::TwoResponses)
    }

    pub(super) fn repeat(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["prompt_to_repeat"])?;
        let prompt = python::strip(kwargs.text("prompt_to_repeat")?);
        Ok(Self::Repeat(prompt.to_lowercase()))
    }

    pub(super) fn followed_by(&self, text: &str) -> bool {
        match self {
            Self::TwoResponses => has_two_responses(text),
            Self::Repeat(prompt) => python::strip(text)
                .to_lowercase()
                .starts_with(prompt.as_str()),
        }
    }
}

/// Two different texts between `******`; only the first and the last may be empty.
fn has_two_responses(text: &str) -> bool {
    let parts: Vec<&str> = text.split("******").map(python::strip).collect();
    let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
    if inner.contains(&"") {
        return false;
    }
    let filled: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    matches!(filled[..], [first, second] if first != second)
}
