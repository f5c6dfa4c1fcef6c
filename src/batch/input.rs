//! Inputs: names in, opened and decompressed byte streams out.
//!
//! A file's kind is told by its first bytes, not by its name, so that a
//! mislabelled download is read right or refused with a sentence.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::rollout::schema::Ambiguous;

/// Bytes that tell the kind of a file; the longest magic number below.
const MAGIC_BYTES: usize = 6;
/// Read size: large enough to make system calls rare, small enough for cache.
const BUFFER_BYTES: usize = 256 * 1024;

/// Where rollouts are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file or a named pipe.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// The inputs of one run, in order, found readable.
#[derive(Clone, Debug)]
pub struct Inputs {
    inputs: Vec<Input>,
    sizes: Vec<Option<u64>>,
}

/// An input that cannot be read at all, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// It could not be opened.
    #[error("cannot open `{name}`")]
    Open {
        /// The input as it was named.
        name: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It is something else than lines of JSON.
    #[error("`{name}` {problem}")]
    Kind {
        /// The input as it was named.
        name: String,
        /// What it is, and what to do; continues the sentence "`…` …".
        problem: &'static str,
    },
    /// Nobody knows what its fields mean.
    #[error("`{name}`: the schema is not clear; `--schema NAME` says which one it is")]
    Schema {
        /// The input as it was named.
        name: String,
        /// The schemas that fit.
        #[source]
        source: Ambiguous,
    },
    /// Standard input can be read only once.
    #[error("standard input (`-`) is named twice")]
    StdinTwice,
    /// A compressed input is cut off or damaged.
    #[error(
        "`{name}` is cut off or damaged: its {format} data cannot be read past byte {byte}; {lines} whole lines before that were read"
    )]
    Damaged {
        /// The input as it was named.
        name: String,
        /// `gzip` or `zstd`.
        format: &'static str,
        /// How many of its (compressed) bytes had been taken in.
        byte: u64,
        /// How many whole lines came out before.
        lines: u64,
        /// The decompressor's reason.
        #[source]
        source: io::Error,
    },
    /// The system could not go on reading.
    #[error("cannot read `{name}` past byte {byte}")]
    Read {
        /// The input as it was named.
        name: String,
        /// How many of its bytes had been taken in.
        byte: u64,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl Input {
    /// `-` is standard input, everything else a path.
    #[must_use]
    pub fn named(name: impl AsRef<Path>) -> Self {
        match name.as_ref() {
            path if path == Path::new("-") => Self::Stdin,
            path => Self::File(path.to_owned()),
        }
    }

    /// The name in messages and default ids: the path as given, or `-`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Stdin => "-".to_owned(),
        }
    }
}

impl Inputs {
    /// Checks that every input can be opened, before anything is written.
    ///
    /// # Errors
    /// [`InputError`] for a missing or unreadable file, a directory, a known
    /// format that is not lines of JSON, and standard input named twice.
    pub fn check(inputs: Vec<Input>) -> Result<Self, InputError> {
        if inputs
            .iter()
            .filter(|input| **input == Input::Stdin)
            .count()
            > 1
        {
            return Err(InputError::StdinTwice);
        }
        let sizes = inputs.iter().map(check).collect::<Result<_, _>>()?;
        Ok(Self { inputs, sizes })
    }

    /// The inputs in order.
    #[must_use]
    pub fn list(&self) -> &[Input] {
        &self.inputs
    }

    /// The size of all inputs in bytes as they lie on the disk, or `None` when
    /// one of them is a stream.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.sizes.iter().copied().sum()
    }

    /// The size of the input at `index`, or `None` for a stream.
    #[must_use]
    pub fn size(&self, index: usize) -> Option<u64> {
        self.sizes.get(index).copied().flatten()
    }
}

/// The size of a regular file, after a look at its first bytes.
fn check(input: &Input) -> Result<Option<u64>, InputError> {
    let Input::File(path) = input else {
        return Ok(None);
    };
    let open_error = |source| InputError::Open {
        name: input.name(),
        source,
    };
    let metadata = fs::metadata(path).map_err(open_error)?;
    if metadata.is_dir() {
        return Err(InputError::Kind {
            name: input.name(),
            problem: "is a directory; name the files in it, as in `FOLDER/*.jsonl`",
        });
    }
    if !metadata.is_file() {
        // A pipe is opened once, by the reader.
        return Ok(None);
    }
    let mut head = Vec::new();
    let file = File::open(path).map_err(open_error)?;
    file.take(MAGIC_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(open_error)?;
    kind(&head).map_err(|problem| InputError::Kind {
        name: input.name(),
        problem,
    })?;
    Ok(Some(metadata.len()))
}

/// How the bytes of an input become lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Gzip,
    Zstd,
}

fn kind(head: &[u8]) -> Result<Kind, &'static str> {
    match head {
        [0x1f, 0x8b, ..] => Ok(Kind::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Kind::Zstd),
        // A skippable frame, which parallel compressors write first.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Kind::Zstd),
        [b'P', b'A', b'R', b'1', ..] => Err(
            "is a Parquet file; write it as JSON lines first (`df.to_json(…, orient=\"records\", lines=True)`)",
        ),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Err("is xz-compressed; pipe `xz -dc` into `-`"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41] => {
            Err("is bzip2-compressed; pipe `bzip2 -dc` into `-`")
        }
        [b'P', b'K', 3, 4, ..] => Err("is a zip archive; unpack it first"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err("is UTF-16 text; convert it to UTF-8"),
        _ => Ok(Kind::Plain),
    }
}

/// One opened input.
pub(super) struct Source {
    name: String,
    kind: Kind,
    reader: BufReader<Box<dyn Read + Send>>,
    taken: Arc<AtomicU64>,
}

impl Source {
    /// Opens `input`; bytes taken from it are added to `total` as well.
    pub(super) fn open(input: &Input, total: &Arc<AtomicU64>) -> Result<Self, InputError> {
        let name = input.name();
        let mut raw: Box<dyn Read + Send> = match input {
            Input::Stdin => Box::new(io::stdin()),
            Input::File(path) => match File::open(path) {
                Ok(file) => Box::new(file),
                Err(source) => return Err(InputError::Open { name, source }),
            },
        };
        let mut head = Vec::new();
        // `take` on a borrow, so that the rest stays readable.
        if let Err(source) = raw.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut head) {
            return Err(InputError::Read {
                name,
                byte: 0,
                source,
            });
        }
        let kind = match kind(&head) {
            Ok(kind) => kind,
            Err(problem) => return Err(InputError::Kind { name, problem }),
        };
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            inner: Cursor::new(head).chain(raw),
            counts: [Arc::clone(&taken), Arc::clone(total)],
        };
        let decoded: Box<dyn Read + Send> = match kind {
            Kind::Plain => Box::new(counted),
            Kind::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(
                BUFFER_BYTES,
                counted,
            ))),
            Kind::Zstd => match zstd::stream::read::Decoder::new(counted) {
                Ok(decoder) => Box::new(decoder),
                Err(source) => {
                    return Err(InputError::Read {
                        name,
                        byte: 0,
                        source,
                    });
                }
            },
        };
        Ok(Self {
            name,
            kind,
            reader: BufReader::with_capacity(BUFFER_BYTES, decoded),
            taken,
        })
    }

    /// Whether the next read may have to wait for the system.
    pub(super) fn is_drained(&self) -> bool {
        self.reader.buffer().is_empty()
    }

    /// The next decoded bytes; empty at the end.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        loop {
            // The borrow checker wants the retry apart from the returned slice.
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.reader.buffer())
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
    }

    /// What a failed [`Source::fill`] means, after `lines` whole lines.
    pub(super) fn error(&self, source: io::Error, lines: u64) -> InputError {
        let name = self.name.clone();
        let byte = self.taken.load(Ordering::Relaxed);
        let format = match self.kind {
            Kind::Plain => return InputError::Read { name, byte, source },
            Kind::Gzip => "gzip",
            Kind::Zstd => "zstd",
        };
        InputError::Damaged {
            name,
            format,
            byte,
            lines,
            source,
        }
    }
}

/// A reader that counts what it hands on.
struct Counted<R> {
    inner: R,
    counts: [Arc<AtomicU64>; 2],
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for count in &self.counts {
            count.fetch_add(read as u64, Ordering::Relaxed);
        }
        Ok(read)
    }
}
