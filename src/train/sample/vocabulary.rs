//! Texts as tokens, as far as sampling needs them.

/// What turns texts into tokens and back.
pub trait Vocabulary: Send + Sync {
    /// The tokens of a text; markers such as `<think>` that are tokens of their
    /// own become those, and nothing is added.
    fn encode(&self, text: &str) -> Vec<u32>;

    /// The text of tokens, markers included.
    fn decode(&self, tokens: &[u32]) -> String;

    /// The tokens that end a completion; the first is what demonstrations end
    /// with.
    fn end_ids(&self) -> &[u32];
}
