//! What can go wrong in training that is not the policy's fault.

/// A fault of the data, the model or the machinery; nothing here is ever turned
/// into a reward or a loss.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A field of a model's configuration cannot be used.
    #[error("model configuration: `{field}` is {found}; it must be {wanted}")]
    Config {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What would be right.
        wanted: String,
    },
    /// A parameter that the architecture has is not there.
    #[error("parameter `{name}` is missing; the configuration asks for one of shape {shape:?}")]
    MissingParameter {
        /// Its name.
        name: String,
        /// The shape it must have.
        shape: Vec<usize>,
    },
    /// A parameter that the architecture lacks.
    #[error("parameter `{name}` is not part of this architecture")]
    UnknownParameter {
        /// Its name.
        name: String,
    },
    /// A parameter has another shape, type or place than it must.
    #[error("parameter `{name}` is {found}; it must be {wanted}")]
    Parameter {
        /// Its name.
        name: String,
        /// What it is.
        found: String,
        /// What would be right.
        wanted: String,
    },
    /// A batch without a sequence.
    #[error("the batch holds no sequence")]
    EmptyBatch,
    /// A sequence that nothing can be said about.
    #[error("sequence {sequence}: its {part} is empty; it needs at least one token")]
    EmptySequence {
        /// Index in the batch.
        sequence: usize,
        /// `prompt` or `completion`.
        part: &'static str,
    },
    /// A token that the model does not know.
    #[error(
        "sequence {sequence}, position {position}: token {token} is outside the vocabulary of \
         {vocab_size} tokens"
    )]
    Token {
        /// Index in the batch.
        sequence: usize,
        /// Index in the sequence.
        position: usize,
        /// The token.
        token: u32,
        /// One more than the largest token.
        vocab_size: usize,
    },
    /// A sequence longer than the model, or the decoder, has positions for.
    #[error("sequence {sequence} has {tokens} tokens; there are {positions} positions")]
    TooLong {
        /// Index in the batch.
        sequence: usize,
        /// Its tokens.
        tokens: usize,
        /// The positions.
        positions: usize,
    },
    /// A list has another length than it must.
    #[error("`{list}` has {found} entries; it must have {expected}")]
    Length {
        /// What it lists.
        list: &'static str,
        /// Its entries.
        found: usize,
        /// The entries it must have.
        expected: usize,
    },
    /// A number outside its range.
    #[error("`{name}` is {found}; it must be {wanted}")]
    Number {
        /// What it is.
        name: &'static str,
        /// Its value.
        found: f64,
        /// What would be right.
        wanted: &'static str,
    },
    /// Trainable parameters that a step would leave as they are, or ruin.
    #[error("no finite gradient for {}", names.join(", "))]
    NoGradient {
        /// The parameters.
        names: Vec<String>,
    },
    /// The device that was asked for is not there.
    #[error("device `{device}` cannot be used: {why}")]
    Device {
        /// The device.
        device: &'static str,
        /// What is in the way.
        why: String,
    },
    /// A Hugging Face folder that cannot be read, used or written.
    #[error(transparent)]
    Folder(#[from] super::folder::FolderError),
    /// A tensor operation failed.
    #[error("a tensor operation failed")]
    Tensor(#[source] TensorError),
}

/// Why a tensor operation failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TensorError(candle_core::Error);

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(TensorError(error))
    }
}
