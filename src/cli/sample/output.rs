//! Where rollouts go: a file that grows under another name, or standard output.

use std::io::{self, Stdout, Write};
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::cli::container::{called, is_standard};
use crate::cli::part::{Existing, PartFile};

/// An open output.
pub(super) enum Output {
    File(PartFile),
    Standard {
        out: Stdout,
        /// Whether anything was written.
        is_begun: bool,
    },
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
                Ok(is_begun.then(|| called(Path::new("-")).to_owned()))
            }
        }
    }
}

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

    use super::{Existing, Output};

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
        assert_eq!(
            begun.leave().unwrap(),
            Some(PathBuf::from("standard output"))
        );
    }
}
