//! What sampling takes and gives.

/// A prompt that one completion is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prompt<'p> {
    /// The number of its random numbers: prompts of one seed need different ones.
    pub row: u64,
    /// The tokens that the policy goes on from; at least one.
    pub tokens: &'p [u32],
}

/// A completion as it was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// Its tokens, the end token included where there is one.
    pub tokens: Vec<u32>,
    /// Whether the last of them is an end token.
    pub has_end: bool,
    /// The log-probability of each, in nats, at the temperature of sampling (at
    /// temperature 0, at 1) and before any filter.
    pub logps: Vec<f32>,
    /// The text of all tokens, special ones written out, but for the end token at
    /// its end.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
}

impl Completion {
    /// The tokens that the text is of: all but the end token.
    #[must_use]
    pub fn written(&self) -> &[u32] {
        let end = usize::from(self.has_end);
        &self.tokens[..self.tokens.len().saturating_sub(end)]
    }
}

/// Why a completion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// By an end token or a stop text.
    Stop,
    /// It was cut: no more tokens were allowed.
    Length,
}

impl Finish {
    /// `stop` or `length`, as rollouts have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }
}
