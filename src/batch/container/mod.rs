//! Containers: whole rows of JSON in, the bytes of an output file out.
//!
//! A packed output is a sequence of blocks. A block ends with the row that fills
//! it, so that where blocks end follows from the rows alone: a run that was cut
//! and resumed makes the same blocks, and so the same bytes.

mod frames;
mod packed;
mod stream;
mod tail;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Inputs;
#[cfg(feature = "parquet")]
use super::parquet;
pub(super) use packed::Packed;
pub use stream::RowWriter;
pub(super) use stream::Stream;

/// What an output file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// JSON lines.
    #[default]
    Jsonl,
    /// JSON lines in gzip members of some 1 MiB of text each.
    Gzip,
    /// JSON lines in zstd frames of some 1 MiB of text each.
    Zstd,
    /// Parquet, in row groups of some 16 MiB of text each. Needs the feature
    /// `parquet`.
    Parquet,
}

impl Container {
    /// The container that the name of an output asks for: by `.gz`, `.zst` and
    /// `.parquet`, everything else is JSON lines.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            Some("parquet") => Self::Parquet,
            _ => Self::Jsonl,
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jsonl => "jsonl",
            Self::Gzip => "jsonl.gz",
            Self::Zstd => "jsonl.zst",
            Self::Parquet => "parquet",
        })
    }
}

/// Makes blocks.
pub(super) trait Codec: Send {
    /// A block is closed once it holds this much text.
    fn block_bytes(&self) -> usize;
    /// What a file begins with.
    fn head(&self) -> &'static [u8] {
        b""
    }
    /// A block of whole rows, which will lie at `at`.
    fn block(&mut self, rows: &[u8], at: u64) -> io::Result<Vec<u8>>;
    /// What ends a file whose blocks end at `at`.
    fn foot(&mut self, at: u64) -> io::Result<Vec<u8>>;
}

/// Where a whole block ends, and how many rows the file has up to there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Boundary {
    pub(super) end: u64,
    pub(super) rows: u64,
}

/// What rows without scores are, which decides their columns in Parquet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Rollouts and prompts, for goldstone to read: what has no plain type is kept as
    /// JSON text.
    Rollouts,
    /// Examples to learn from, for trainers: every row has the same fields, each of
    /// one type, and a row that has not is an error.
    Examples,
}

/// The rows of an output: what Parquet makes columns of.
#[cfg_attr(
    not(feature = "parquet"),
    expect(dead_code, reason = "the other containers have no columns")
)]
pub(super) enum Laid<'l> {
    Scored {
        /// The names of the rewards.
        rewards: Vec<String>,
        /// Whose columns are kept.
        inputs: &'l Inputs,
    },
    Plain(RowKind),
}

/// What decides a block's bytes, the rows apart.
pub(super) struct Layout<'l> {
    pub(super) rows: Laid<'l>,
    /// Text of a block, where it is not the container's own choice.
    pub(super) block_bytes: Option<usize>,
}

impl Container {
    /// The codec of a new file, or of one that ends at `resumed`; `None` for
    /// JSON lines, which have no blocks.
    fn codec(
        self,
        layout: &Layout<'_>,
        resumed: Option<(&File, Boundary)>,
    ) -> io::Result<Option<Box<dyn Codec>>> {
        Ok(match self {
            Self::Jsonl => None,
            Self::Gzip => Some(Box::new(frames::Gzip)),
            Self::Zstd => Some(Box::new(frames::Zstd::new()?)),
            #[cfg(feature = "parquet")]
            Self::Parquet => Some(Box::new(parquet::Segments::new(layout, resumed)?)),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => {
                let _ = (&layout.rows, resumed);
                return Err(unsupported());
            }
        })
    }

    /// The ends of the whole blocks of a file, its beginning among them.
    fn boundaries(self, file: &File) -> io::Result<Vec<Boundary>> {
        match self {
            Self::Jsonl => Ok(vec![Boundary::default()]),
            Self::Gzip => frames::boundaries(file, frames::gzip_frame),
            Self::Zstd => frames::boundaries(file, frames::zstd_frame),
            #[cfg(feature = "parquet")]
            Self::Parquet => parquet::boundaries(file),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => Err(unsupported()),
        }
    }

    /// The rows of the blocks up to `end`, as lines.
    fn rows(self, file: File, end: Boundary) -> io::Result<Box<dyn BufRead + Send>> {
        match self {
            // No bytes are neither a gzip file nor one of the others.
            _ if end.rows == 0 => Ok(Box::new(io::empty())),
            Self::Jsonl => Ok(Box::new(io::empty())),
            Self::Gzip => frames::gzip_rows(file, end.end),
            Self::Zstd => frames::zstd_rows(file, end.end),
            #[cfg(feature = "parquet")]
            Self::Parquet => parquet::segment_rows(file, end.end),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => Err(unsupported()),
        }
    }
}

#[cfg(not(feature = "parquet"))]
fn unsupported() -> io::Error {
    io::Error::other("this build cannot write Parquet (feature `parquet`)")
}
