//! What can be wrong with a Hugging Face folder: always the file, the field or
//! tensor, what was found and what would be right.

use std::io;
use std::path::{Path, PathBuf};

/// A folder that cannot be read, used or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file that cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or folder that cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file without which there is no policy.
    #[error("{} is missing: {wanted}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What to do.
        wanted: &'static str,
    },
    /// A file that is not what its name says.
    #[error("{} is not {wanted}: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it must be.
        wanted: &'static str,
        /// What is in the way.
        why: String,
    },
    /// A field that is missing, of another type, or of a value that we cannot honour.
    #[error("{}: `{field}` is {found}; it must be {wanted}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The field; a path with dots inside another.
        field: String,
        /// Its value.
        found: String,
        /// What would be right.
        wanted: String,
    },
    /// A tensor that the configuration asks for and no file holds.
    #[error("{}: tensor `{name}` is missing; it must have shape {shape:?}", path.display())]
    MissingTensor {
        /// The file, or the index of several.
        path: PathBuf,
        /// Its name.
        name: String,
        /// The shape it must have.
        shape: Vec<usize>,
    },
    /// A tensor of another shape or type than it must have.
    #[error("{}: tensor `{name}` is {found}; it must be {wanted}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Its name.
        name: String,
        /// What it is.
        found: String,
        /// What would be right.
        wanted: String,
    },
    /// Text with a piece that no token stands for.
    #[error("no token stands for {piece:?} in {text:?}")]
    UnknownText {
        /// The piece.
        piece: String,
        /// The text, shortened.
        text: String,
    },
    /// Tokens whose text the tokenizer's decoder cannot tell.
    #[error("the tokenizer cannot tell the text of {tokens} tokens: {why}")]
    Decode {
        /// How many.
        tokens: usize,
        /// The tokenizer's reason.
        why: String,
    },
    /// A chat template that cannot be parsed, or that refused the messages.
    #[error("chat template: {why}")]
    Template {
        /// What is in the way.
        why: String,
    },
    /// An alphabet or a list of special tokens from which no tokenizer can be made.
    #[error("tokenizer: {why}")]
    Alphabet {
        /// What is in the way.
        why: String,
    },
}

/// Reads a whole file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FolderError> {
    std::fs::read(path).map_err(|source| FolderError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads a whole file that may not be there.
pub(super) fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, FolderError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FolderError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a whole file.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    std::fs::write(path, bytes).map_err(|source| FolderError::Write {
        path: path.to_owned(),
        source,
    })
}
