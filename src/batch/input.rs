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

#[cfg(feature = "parquet")]
use super::parquet;
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
    /// A Parquet file that cannot be read.
    #[error("`{name}` cannot be read as Parquet: {problem}")]
    Parquet {
        /// The input as it was named.
        name: String,
        /// What is amiss.
        problem: String,
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
    /// So can a pipe.
    #[error("`{name}` is a stream, which can be read only once, and is named twice")]
    StreamTwice {
        /// The input as it was named.
        name: String,
    },
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
    /// format that is not lines of JSON, and a stream that is named twice.
    pub fn check(inputs: Vec<Input>) -> Result<Self, InputError> {
        if inputs
            .iter()
            .filter(|input| **input == Input::Stdin)
            .count()
            > 1
        {
            return Err(InputError::StdinTwice);
        }
        let sizes: Vec<Option<u64>> = inputs.iter().map(check).collect::<Result<_, _>>()?;
        let all = || inputs.iter().zip(&sizes);
        let is_again = |input: &Input| all().filter(|(other, _)| *other == input).count() > 1;
        if let Some((stream, _)) = all().find(|(input, size)| size.is_none() && is_again(input)) {
            let name = stream.name();
            return Err(InputError::StreamTwice { name });
        }
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

    /// The first input that can be read only once: a pipe, a device, standard input.
    #[must_use]
    pub fn stream(&self) -> Option<&Input> {
        let mut all = self.inputs.iter().zip(&self.sizes);
        all.find(|(_, size)| size.is_none()).map(|(input, _)| input)
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
    let kind = kind(&head).map_err(|problem| InputError::Kind {
        name: input.name(),
        problem,
    })?;
    if kind == Kind::Parquet {
        let file = File::open(path).map_err(open_error)?;
        open_rows(file, &input.name())?;
    }
    Ok(Some(metadata.len()))
}

#[cfg(feature = "parquet")]
fn open_rows(file: File, name: &str) -> Result<Rows, InputError> {
    parquet::Rows::open(file).map_err(|problem| InputError::Parquet {
        name: name.to_owned(),
        problem,
    })
}

#[cfg(not(feature = "parquet"))]
fn open_rows(_: File, name: &str) -> Result<Rows, InputError> {
    Err(InputError::Kind {
        name: name.to_owned(),
        problem: "is a Parquet file, which this build cannot read (feature `parquet`)",
    })
}

/// How the bytes of an input become lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Gzip,
    Zstd,
    Parquet,
}

fn kind(head: &[u8]) -> Result<Kind, &'static str> {
    match head {
        [0x1f, 0x8b, ..] => Ok(Kind::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Kind::Zstd),
        // A skippable frame, which parallel compressors write first.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Kind::Zstd),
        [b'P', b'A', b'R', b'1', ..] => Ok(Kind::Parquet),
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
    body: Body,
    /// Bytes taken from it, and from all inputs.
    counts: [Arc<AtomicU64>; 2],
}

enum Body {
    /// Bytes that are cut into lines; `format` names what they are packed in.
    Lines {
        reader: BufReader<Box<dyn Read + Send>>,
        format: Option<&'static str>,
    },
    Rows(Box<Rows>),
}

#[cfg(feature = "parquet")]
type Rows = parquet::Rows<File>;
/// Without the feature there is none.
#[cfg(not(feature = "parquet"))]
enum Rows {}

/// How the search for the end of a line went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// A whole line.
    Line,
    /// A line over the limit, and its length.
    TooLong(u64),
    /// There is no further line.
    End,
}

impl Source {
    /// Opens `input`; bytes taken from it are added to `total` as well.
    pub(super) fn open(input: &Input, total: &Arc<AtomicU64>) -> Result<Self, InputError> {
        let name = input.name();
        let mut file = None;
        let mut raw: Box<dyn Read + Send> = match input {
            Input::Stdin => Box::new(io::stdin()),
            Input::File(path) => match File::open(path) {
                Ok(opened) => {
                    file = opened.try_clone().ok();
                    Box::new(opened)
                }
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
        let counts = [Arc::new(AtomicU64::new(0)), Arc::clone(total)];
        let counted = Counted {
            inner: Cursor::new(head).chain(raw),
            counts: counts.clone(),
        };
        let (decoded, format): (Box<dyn Read + Send>, _) = match kind {
            Kind::Plain => (Box::new(counted), None),
            Kind::Gzip => {
                let counted = BufReader::with_capacity(BUFFER_BYTES, counted);
                (Box::new(MultiGzDecoder::new(counted)), Some("gzip"))
            }
            Kind::Zstd => match zstd::stream::read::Decoder::new(counted) {
                Ok(decoder) => (Box::new(decoder), Some("zstd")),
                Err(source) => {
                    return Err(InputError::Read {
                        name,
                        byte: 0,
                        source,
                    });
                }
            },
            Kind::Parquet => {
                let Some(file) = file.filter(is_regular) else {
                    return Err(InputError::Kind {
                        name,
                        problem: "is a Parquet file, which is read from its end; name the file rather than pipe it",
                    });
                };
                let body = Body::Rows(Box::new(open_rows(file, &name)?));
                return Ok(Self { name, body, counts });
            }
        };
        let reader = BufReader::with_capacity(BUFFER_BYTES, decoded);
        Ok(Self {
            name,
            body: Body::Lines { reader, format },
            counts,
        })
    }

    /// Whether the next read may have to wait for the system.
    pub(super) fn is_drained(&self) -> bool {
        match &self.body {
            Body::Lines { reader, .. } => reader.buffer().is_empty(),
            Body::Rows(_) => false,
        }
    }

    /// Appends the next line to `text`, without its `\n`; `before` lines have
    /// been taken.
    pub(super) fn take_line(
        &mut self,
        limit: usize,
        text: &mut Vec<u8>,
        before: u64,
    ) -> Result<LineEnd, InputError> {
        let (source, format) = match &mut self.body {
            Body::Lines { reader, format } => match take_line(reader, limit, text) {
                Ok(end) => return Ok(end),
                Err(error) => (error, *format),
            },
            #[cfg(feature = "parquet")]
            Body::Rows(rows) => {
                let taken = rows.take(limit, text);
                let byte = rows.taken();
                let earlier = self.counts[0].fetch_max(byte, Ordering::Relaxed);
                self.counts[1].fetch_add(byte.saturating_sub(earlier), Ordering::Relaxed);
                match taken {
                    Ok(parquet::Taken::Text) => return Ok(LineEnd::Line),
                    Ok(parquet::Taken::TooLong(bytes)) => return Ok(LineEnd::TooLong(bytes)),
                    Ok(parquet::Taken::End) => return Ok(LineEnd::End),
                    Err(problem) => (io::Error::other(problem), Some("Parquet")),
                }
            }
            #[cfg(not(feature = "parquet"))]
            Body::Rows(rows) => match **rows {},
        };
        let name = self.name.clone();
        let byte = self.counts[0].load(Ordering::Relaxed);
        Err(match format {
            None => InputError::Read { name, byte, source },
            Some(format) => InputError::Damaged {
                name,
                format,
                byte,
                lines: before,
                source,
            },
        })
    }
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

fn take_line(reader: &mut impl BufRead, limit: usize, text: &mut Vec<u8>) -> io::Result<LineEnd> {
    let start = text.len();
    let mut length: u64 = 0;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() && length == 0 {
            return Ok(LineEnd::End);
        }
        let end = memchr::memchr(b'\n', buffer);
        let part = &buffer[..end.unwrap_or(buffer.len())];
        length += part.len() as u64;
        if length <= limit as u64 {
            text.extend_from_slice(part);
        } else {
            text.truncate(start);
        }
        let is_whole = end.is_some() || buffer.is_empty();
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if is_whole {
            return Ok(match length > limit as u64 {
                true => LineEnd::TooLong(length),
                false => LineEnd::Line,
            });
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
