//! Output files that can be killed at any byte and gone on with.
//!
//! The file holds whole rows and at most one cut row at its end (a packed one:
//! whole blocks, a cut one, and a tail beside it); its manifest says what it was
//! made from. To resume, what was cut is dropped, the rows before it are counted
//! as if they had just been scored, and scoring goes on with the next. The result
//! is the file of an uninterrupted run, byte for byte.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::container::{Container, Layout, Packed};
use super::manifest::Manifest;
use super::report::ScoredLine;
use super::summary::{Seen, SeenTerm};
use crate::reward::{RowError, Status};
use crate::verdict::Outcome;

/// Read size when the rows of an earlier run are counted.
const BUFFER_BYTES: usize = 256 * 1024;

/// What to do with an output file that is already there.
///
/// A complete output (its manifest says so) may always be written anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Leave an unfinished output, and a file that is no output, alone.
    #[default]
    Refuse,
    /// Go on with an unfinished output.
    Resume,
    /// Write anew.
    Overwrite,
}

/// An output file, opened, locked and cut back to whole rows.
pub struct OutputFile {
    file: File,
    path: PathBuf,
    manifest: Manifest,
    rows: u64,
    written: Option<Box<dyn BufRead + Send>>,
    /// `None` for JSON lines, which are written as they come.
    packed: Option<Packed>,
}

/// An output file that cannot be begun or resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// It cannot be opened for writing.
    #[error("cannot write `{}`", path.display())]
    Open {
        /// The output.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Another process writes it.
    #[error("`{}` is being written by another process", path.display())]
    Busy {
        /// The output.
        path: PathBuf,
    },
    /// An earlier run was cut short.
    #[error(
        "`{}` holds the unfinished output of an earlier run; `--resume` goes on with it, `--overwrite` begins anew",
        path.display()
    )]
    Unfinished {
        /// The output.
        path: PathBuf,
    },
    /// A file without a manifest that matches it.
    #[error(
        "`{}` exists and is no output that goldstone knows ({problem}); `--overwrite` replaces it",
        path.display()
    )]
    Foreign {
        /// The output.
        path: PathBuf,
        /// What is amiss.
        problem: &'static str,
    },
    /// The manifest cannot be read or written.
    #[error("cannot use the manifest `{}`", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// The earlier run was another one.
    #[error("cannot resume `{}`: {difference}; `--overwrite` begins anew", path.display())]
    Differs {
        /// The output.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
    /// A row of the output is not what this run would have written.
    #[error("cannot resume `{}`: its row {row} {problem}; `--overwrite` begins anew", path.display())]
    Row {
        /// The output.
        path: PathBuf,
        /// The row, 1-based.
        row: u64,
        /// What is amiss; continues the sentence "its row 7 …".
        problem: String,
    },
    /// The output has more rows than the inputs.
    #[error("cannot resume: the output has {rows} rows, more than the inputs")]
    TooManyRows {
        /// Rows of the output.
        rows: u64,
    },
}

impl fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("OutputFile");
        debug.field("path", &self.path).finish_non_exhaustive()
    }
}

impl OutputFile {
    /// Opens `path` for the run that `manifest` describes.
    ///
    /// # Errors
    /// [`ResumeError`] when the file cannot be written, is being written, or
    /// holds what `existing` does not allow to go.
    pub fn open(path: &Path, manifest: Manifest, existing: Existing) -> Result<Self, ResumeError> {
        let owned = || path.to_owned();
        let open_error = |source| ResumeError::Open {
            path: owned(),
            source,
        };
        let manifest_error = |source| ResumeError::Manifest {
            path: Manifest::path(path),
            source,
        };
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(open_error)?;
        if is_busy(&file) {
            return Err(ResumeError::Busy { path: owned() });
        }
        let bytes = file.metadata().map_err(open_error)?.len();
        let output = Self {
            file,
            path: owned(),
            manifest,
            rows: 0,
            written: None,
            packed: None,
        };
        if existing == Existing::Overwrite {
            return output.begin();
        }
        let earlier = Manifest::load(path).map_err(manifest_error)?;
        match (existing, earlier) {
            (_, None) if bytes == 0 => output.begin(),
            (_, None) => Err(ResumeError::Foreign {
                path: owned(),
                problem: "it has no manifest",
            }),
            (Existing::Resume, Some(earlier)) => match output.manifest.difference(&earlier) {
                Some(difference) => Err(ResumeError::Differs {
                    path: owned(),
                    difference,
                }),
                None => output.cut().map_err(open_error),
            },
            (_, Some(_)) if bytes == 0 => output.begin(),
            (_, Some(earlier)) if !earlier.complete => {
                Err(ResumeError::Unfinished { path: owned() })
            }
            (_, Some(earlier)) if earlier.bytes != Some(bytes) => Err(ResumeError::Foreign {
                path: owned(),
                problem: "its size is not the one in its manifest",
            }),
            (_, Some(_)) => output.begin(),
        }
    }

    /// Rows that are already written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// An empty output with its manifest. The order matters: a manifest must
    /// never describe rows of another run, at whatever step the process dies.
    fn begin(mut self) -> Result<Self, ResumeError> {
        let manifest_error = |source| ResumeError::Manifest {
            path: Manifest::path(&self.path),
            source,
        };
        Manifest::remove(&self.path).map_err(manifest_error)?;
        if let Err(source) = self.file.set_len(0) {
            return Err(ResumeError::Open {
                path: self.path,
                source,
            });
        }
        let container = self.manifest.options.container;
        if container != Container::Jsonl {
            match Packed::begin(container, &self.path) {
                Ok(packed) => self.packed = Some(packed),
                Err(source) => {
                    return Err(ResumeError::Open {
                        path: self.path,
                        source,
                    });
                }
            }
        }
        self.manifest.save(&self.path).map_err(manifest_error)?;
        Ok(self)
    }

    /// Drops a cut row at the end, and counts the whole ones.
    fn cut(mut self) -> io::Result<Self> {
        let container = self.manifest.options.container;
        if container != Container::Jsonl {
            let (packed, rows) = Packed::resume(container, &self.path, &mut self.file)?;
            self.rows = rows;
            self.written = Some(packed.rows(File::open(&self.path)?)?);
            self.packed = Some(packed);
            return Ok(self);
        }
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, &self.file);
        let (mut at, mut whole_end, mut rows) = (0_u64, 0_u64, 0_u64);
        loop {
            let buffer = reader.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            rows += memchr::memchr_iter(b'\n', buffer).count() as u64;
            if let Some(last) = memchr::memrchr(b'\n', buffer) {
                whole_end = at + last as u64 + 1;
            }
            at += buffer.len() as u64;
            let used = buffer.len();
            reader.consume(used);
        }
        self.rows = rows;
        self.file.set_len(whole_end)?;
        self.file.seek(SeekFrom::Start(whole_end))?;
        let again = File::open(&self.path)?;
        self.written = Some(Box::new(BufReader::with_capacity(BUFFER_BYTES, again)));
        Ok(self)
    }

    /// Makes ready to write, after the rows that are there have been read.
    pub(super) fn start(&mut self, layout: &Layout<'_>) -> Result<(), ResumeError> {
        self.written = None;
        let Some(packed) = &mut self.packed else {
            return Ok(());
        };
        let started = packed.start(&mut self.file, layout);
        started.map_err(|source| ResumeError::Open {
            path: self.path.clone(),
            source,
        })
    }

    /// Makes a file that can be read of what is there, be it all or not.
    pub(super) fn close(&mut self) -> io::Result<()> {
        match &mut self.packed {
            Some(packed) => packed.close(&mut self.file),
            None => Ok(()),
        }
    }

    /// Reads the next row of the earlier run, which must be that of `id`.
    pub(super) fn replay_row(&mut self, row: u64, id: &str) -> Result<WrittenRow, ResumeError> {
        let mut line = Vec::new();
        let read = match &mut self.written {
            Some(written) => written.read_until(b'\n', &mut line),
            None => Ok(0),
        };
        let problem = match read {
            Err(source) => {
                return Err(ResumeError::Open {
                    path: self.path.clone(),
                    source,
                });
            }
            Ok(_) => match serde_json::from_slice::<WrittenRow>(&line) {
                Ok(written) if written.id == id => return Ok(WrittenRow { line, ..written }),
                Ok(written) => format!("is named `{}`, the input's `{id}`", written.id),
                Err(error) => format!("is no score: {error}"),
            },
        };
        Err(ResumeError::Row {
            path: self.path.clone(),
            row,
            problem,
        })
    }

    /// Marks the output as whole.
    pub(super) fn complete(mut self, rows: u64) -> Result<(), ResumeError> {
        let packed = self.packed.as_mut();
        let synced = (self.file.sync_all())
            .and_then(|()| packed.map_or(Ok(()), Packed::complete))
            .and_then(|()| fs::metadata(&self.path));
        let bytes = match synced {
            Ok(metadata) => metadata.len(),
            Err(source) => {
                return Err(ResumeError::Open {
                    path: self.path,
                    source,
                });
            }
        };
        self.manifest.complete = true;
        self.manifest.rows = Some(rows);
        self.manifest.bytes = Some(bytes);
        self.manifest
            .save(&self.path)
            .map_err(|source| ResumeError::Manifest {
                path: Manifest::path(&self.path),
                source,
            })
    }
}

/// Whether another process writes the file. Some network file systems cannot
/// lock; two writers are rare enough there.
fn is_busy(file: &File) -> bool {
    // A child that this process is about to become holds all open files, and
    // so a lock that was just given back, from its fork to its exec.
    const TRIES: u32 = 50;
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            _ => return false,
        }
    }
    true
}

impl Write for OutputFile {
    /// A packed file takes whole rows.
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.packed {
            Some(packed) => packed.write(&mut self.file, buffer).map(|()| buffer.len()),
            None => self.file.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The score in a row that an earlier run wrote. Numbers and answers stay text:
/// they must count exactly as they did when they were scored.
#[derive(Deserialize)]
pub(super) struct WrittenRow {
    id: String,
    group: String,
    reward: Box<RawValue>,
    status: Status,
    terms: BTreeMap<String, WrittenTerm>,
    error: Option<RowError>,
    /// The row's line.
    #[serde(skip)]
    line: Vec<u8>,
}

#[derive(Deserialize)]
struct WrittenTerm {
    raw: Box<RawValue>,
    verdict: Option<Outcome>,
    reason: Option<String>,
    detail: Option<WrittenDetail>,
}

#[derive(Deserialize)]
struct WrittenDetail {
    answer: Option<Box<RawValue>>,
}

impl WrittenRow {
    pub(super) fn status(&self) -> Status {
        self.status
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What the row says of its terms, beyond what is counted.
    pub(super) fn evidence(&self) -> ScoredLine {
        serde_json::from_slice(&self.line).unwrap_or_default()
    }

    pub(super) fn seen<'r>(&'r self, task: Option<&'r str>) -> Seen<'r> {
        let terms = self.terms.iter().map(|(name, term)| SeenTerm {
            name,
            raw: number(&term.raw),
            outcome: term.verdict,
            reason: term.reason.as_deref(),
            answer: term
                .detail
                .as_ref()
                .and_then(|detail| detail.answer.as_ref())
                .map(|answer| answer.get().to_owned()),
        });
        Seen {
            group: &self.group,
            task,
            status: self.status,
            reward: number(&self.reward),
            terms: terms.collect(),
            error: self.error.as_ref(),
        }
    }
}

/// The number, or `None` for `null`. Parsed by the standard library, which
/// rounds exactly; serde_json's quick way may be off by one bit.
fn number(raw: &RawValue) -> Option<f64> {
    raw.get().parse().ok()
}
