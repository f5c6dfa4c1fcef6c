//! Where rollouts go: a file that grows under another name, or standard output.

use std::io::{self, Stdout, Write};
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::cli::part::{Existing, PartFile};

/// What stands for standard output, and of prompts for standard input.
pub(super) const STANDARD: &str = "-";

/// An open output.
pub(super) enum Output {
    File(PartFile),
    Standard {
        out: Stdout,
        /// Whether anything was written.
        is_begun: bool,
    },
}

/// Whether a path is no file's, but means standard input or output.
pub(super) fn is_standard(path: &Path) -> bool {
    path == Path::new(STANDARD)
}

impl Output {
    pub(super) fn create(path: &Path, existing: Existing) -> Result<Self, Failure> {
        match is_standard(path) {
            true => Ok(Self::Standard {
                out: io::stdout(),
                is_begun: false,
            }),
            false => PartFile::create(path, existing).map(Self::File),
        }
    }

    /// All has been written.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::File(file) => file.finish(),
            Self::Standard { mut out, .. } => out.flush(),
        }
    }

    /// Leaves what there is where it is, and says where that is; `None` of nothing.
    pub(super) fn leave(self) -> io::Result<Option<PathBuf>> {
        match self {
            Self::File(file) => file.leave(),
            Self::Standard { mut out, is_begun } => {
                out.flush()?;
                Ok(is_begun.then(|| PathBuf::from(NAME)))
            }
        }
    }
}

/// An output as a person calls it.
pub(super) fn called(path: &Path) -> &Path {
    match is_standard(path) {
        true => Path::new(NAME),
        false => path,
    }
}

const NAME: &str = "standard output";

impl Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(buffer),
            Self::Standard { out, is_begun } => {
                let written = out.write(buffer)?;
                *is_begun |= written > 0;
                Ok(written)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Standard { out, .. } => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::{Path, PathBuf};

    use super::{Existing, NAME, Output};

    #[test]
    fn nothing_is_left_where_nothing_was_written() {
        let open = || {
            Output::create(Path::new("-"), Existing::Refuse)
                .ok()
                .unwrap()
        };
        assert_eq!(open().leave().unwrap(), None);
        let mut empty = open();
        empty.write_all(b"").unwrap();
        assert_eq!(empty.leave().unwrap(), None);
        let mut begun = open();
        begun.write_all(b"\n").unwrap();
        assert_eq!(begun.leave().unwrap(), Some(PathBuf::from(NAME)));
    }
}
