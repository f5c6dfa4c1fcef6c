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

    /// The tokens of a whole text that no chat template has framed: with those that
    /// the tokenizer puts round a document, such as Llama's `<s>`.
    ///
    /// # Errors
    /// As [`Vocabulary::encode`].
    fn encode_document(&self, text: &str) -> Result<Vec<u32>, TrainError> {
        self.encode(text)
    }

    /// The text of tokens: every one of them shows, special ones included.
    ///
    /// # Errors
    /// Tokens whose text cannot be told; an empty one in its place would be scored.
    fn decode(&self, tokens: &[u32]) -> Result<String, TrainError>;

    /// The tokens that end a completion; the first is what demonstrations end
    /// with.
    fn end_ids(&self) -> &[u32];
}
