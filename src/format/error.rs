//! Why a format cannot be compiled.

use std::fmt;

/// An option that makes no format: which one, what is wrong with it and what
/// would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FormatError {
    field: &'static str,
    message: String,
    position: Option<(usize, usize)>,
}

impl FormatError {
    pub(super) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
            position: None,
        }
    }

    /// An error within the user's grammar, at a 1-based line and column.
    pub(super) fn in_grammar((line, column): (usize, usize), message: impl Into<String>) -> Self {
        Self {
            field: "grammar",
            message: message.into(),
            position: Some((line, column)),
        }
    }

    /// The option at fault, as it is called in the spec.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong and what would be right, without field and position.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The 1-based line within the user's grammar.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.position.map(|(line, _)| line)
    }

    /// The 1-based column within that line, in characters.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.position.map(|(_, column)| column)
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => {
                write!(f, "`{}` {line}:{column}: {}", self.field, self.message)
            }
            None => write!(f, "`{}`: {}", self.field, self.message),
        }
    }
}
