//! Texts as tokens, as far as sampling needs them.

use crate::train::TrainError;

/// What turns texts into tokens and back.
pub trait Vocabulary: Send + Sync {
    /// The tokens of a text; markers such as `<think>` that are tokens of their
    /// own become those, and nothing is added.
    ///
    /// # Errors
    /// A text that tokens cannot say, such as a character outside the alphabet.
    fn encode(&self, text: &str) -> Result<Vec<u32>, TrainError>;

    /// The text of tokens, markers included.
    fn decode(&self, tokens: &[u32]) -> String;

    /// The tokens that end a completion; the first is what demonstrations end
    /// with.
    fn end_ids(&self) -> &[u32];
}
