//! Which container an output is: by its name, or by `--format`.

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::{Failure, bad_input};
use crate::batch::{Container, RowKind, RowWriter};

/// What an output is, where its name does not tell.
#[derive(Args)]
pub(super) struct FormatOption {
    /// What the output is; by default what its name says, and `jsonl` on standard output
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// JSON lines
    Jsonl,
    /// JSON lines, compressed with gzip
    #[value(name = "jsonl.gz")]
    Gzip,
    /// JSON lines, compressed with zstd
    #[value(name = "jsonl.zst")]
    Zstd,
    /// Parquet
    Parquet,
}

impl FormatOption {
    /// The container of `output`; `None` is standard output.
    pub(super) fn container(&self, output: Option<&Path>) -> Container {
        match (self.format, output) {
            (Some(Format::Jsonl), _) | (None, None) => Container::Jsonl,
            (Some(Format::Gzip), _) => Container::Gzip,
            (Some(Format::Zstd), _) => Container::Zstd,
            (Some(Format::Parquet), _) => Container::Parquet,
            (None, Some(path)) => Container::of(path),
        }
    }
}

/// Whether a path is no file's, but means standard output, or of prompts standard input.
pub(super) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// An output as a person calls it.
pub(super) fn called(path: &Path) -> &Path {
    match is_standard(path) {
        true => Path::new("standard output"),
        false => path,
    }
}

/// Begins a container of rows in `out`, which is called `name`.
pub(super) fn rows_in<W: Write>(
    container: Container,
    kind: RowKind,
    name: &Path,
    out: W,
) -> Result<RowWriter<W>, Failure> {
    RowWriter::new(container, kind, out)
        .with_context(|| format!("cannot write `{}`", name.display()))
        .map_err(bad_input)
}

/// The failure of writing `name`: of rows that the container cannot hold, the user's
/// to see to; else the system's.
pub(super) fn unwritable(error: io::Error, name: &Path) -> Failure {
    let is_ours = error.kind() != ErrorKind::InvalidData;
    let error = anyhow::Error::new(error).context(format!("cannot write `{}`", name.display()));
    match is_ours {
        true => Failure::Ours(error),
        false => bad_input(error),
    }
}
