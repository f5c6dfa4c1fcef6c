//! What can go wrong in training that is not the policy's fault.

use std::io;
use std::path::{Path, PathBuf};

use super::LossError;
use super::fault::OptionFaults;
use super::watch::WatchError;

pub use super::watch::Action as FileAction;

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
    /// A prompt that leaves the policy no position to answer in.
    #[error(
        "the prompt of problem {problem} has {size}, and the model {positions} positions: \
         there is no room for an answer; leave the problem out, shorten it, or use a model with \
         more positions"
    )]
    LongPrompt {
        /// The problem, and its task where that is a file, in quotes.
        problem: String,
        /// Its tokens; its bytes where these are too many to be made tokens.
        size: String,
        /// The positions.
        positions: usize,
    },
    /// Demonstrations for a policy that has no token to end them with.
    #[error(
        "stage `{stage}` would teach no end: the model has no end token; name one as \
         `eos_token_id` in its generation_config.json, or as `eos_token` in its \
         tokenizer_config.json"
    )]
    NoEnd {
        /// The stage.
        stage: String,
    },
    /// A prompt or a completion that the tokenizer has no tokens for.
    #[error("{text} cannot be made tokens")]
    Encoding {
        /// What it is of: a problem by name, or a demonstration by file and line.
        text: String,
        /// What the tokenizer says.
        #[source]
        source: Box<TrainError>,
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
    /// A person's choice that there is not.
    #[error("`{name}` is `{found}`; it must be {wanted}")]
    Choice {
        /// What is chosen.
        name: &'static str,
        /// What was given.
        found: String,
        /// What there is.
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
    /// Options out of their ranges.
    #[error("{0}")]
    Options(OptionFaults),
    /// Where problems or demonstrations come from.
    #[error("{problem}")]
    Source {
        /// What is wrong with it.
        problem: String,
    },
    /// The model gave logits that no token can be drawn from.
    #[error(
        "row {row}, position {position}: the model's logits are not numbers: its weights are \
         broken, as by a learning rate that is too high"
    )]
    Logits {
        /// Index of the prompt.
        row: usize,
        /// Position in the sequence.
        position: usize,
    },
    /// The machinery that scores completions failed.
    #[error("cannot score `{id}`: {message}")]
    Scoring {
        /// The rollout.
        id: String,
        /// What failed.
        message: String,
    },
    /// Too many completions have no reward.
    #[error(
        "{:.0} % of the completions have no reward (`max_unscorable` allows {:.0} %), the first \
         is `{id}`: {why}", share * 100.0, most * 100.0
    )]
    Unscorable {
        /// Their share.
        share: f64,
        /// The share that is allowed.
        most: f64,
        /// One of them.
        id: String,
        /// Why it has none.
        why: String,
    },
    /// The numbers that the loss is computed from do not fit together.
    #[error("the loss cannot be computed")]
    Loss(#[from] LossError),
    /// Update after update had to be left out.
    #[error(
        "{updates} updates in a row had gradients that are not finite: the policy has diverged; \
         lower `learning_rate`, or lengthen the warm-up"
    )]
    NotFinite {
        /// How many.
        updates: u64,
    },
    /// The last updates of a stage ruined the policy.
    #[error(
        "stage `{stage}` has left a policy whose logits are not numbers: lower `learning_rate`, \
         or lengthen the warm-up"
    )]
    Broken {
        /// The stage.
        stage: String,
    },
    /// An evaluation lacks the metric that it is judged by.
    #[error("there is no metric `{metric}`; there are {}", known.join(", "))]
    Metric {
        /// The metric.
        metric: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A part of a checkpoint, or of what a stage wrote, cannot be used.
    #[error("`{}` {problem}", path.display())]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it; continues "`path` …".
        problem: String,
    },
    /// A folder that is to be replaced holds what is not ours.
    #[error(
        "`{}` holds `{name}`, which is no part of a run: move it away, or name another folder",
        path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What lies there.
        name: String,
    },
    /// Another process trains in the folder.
    #[error(
        "another run is going on in `{}`: wait until it has ended, stop it, or name another folder",
        folder.display()
    )]
    Busy {
        /// The run's folder.
        folder: PathBuf,
    },
    /// A run that should begin anew has a folder that is a run's.
    #[error(
        "`{}` has a run: go on with that one, begin over, or name another folder",
        folder.display()
    )]
    Occupied {
        /// The run's folder.
        folder: PathBuf,
    },
    /// The system does not let a file be read or written.
    #[error("cannot {} `{}`", action.verb(), path.display())]
    File {
        /// What was tried.
        action: FileAction,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Those who watch cannot write.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// A Hugging Face folder that cannot be read, used or written.
    #[error(transparent)]
    Folder(#[from] super::folder::FolderError),
    /// A task that cannot be used.
    #[error(transparent)]
    Task(#[from] super::task::TaskError),
    /// The device has no memory left for a stage or for an evaluation.
    #[error("the device has no memory left for {work}: {advice}")]
    DeviceMemory {
        /// What it was at: ``stage `…` ``, or `evaluation`.
        work: String,
        /// What to change, and what takes how much.
        advice: String,
        /// What the device said.
        #[source]
        source: Box<TensorError>,
    },
    /// A tensor operation failed.
    #[error("a tensor operation failed")]
    Tensor(#[source] TensorError),
}

/// Why a tensor operation failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TensorError(candle_core::Error);

impl TensorError {
    /// Whether a device had no memory left. CUDA's errors come as texts: those of the
    /// driver, and that of cuBLAS.
    #[must_use]
    pub fn is_out_of_memory(&self) -> bool {
        let text = self.0.to_string().to_ascii_lowercase();
        let known = ["out of memory", "out_of_memory", "alloc_failed"];
        known.iter().any(|known| text.contains(known))
    }
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(TensorError(error))
    }
}

impl TrainError {
    /// An [`io::Error`] with what was tried.
    pub(super) fn file(action: FileAction, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
