//! A run: options and inputs in, rows and a report out.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::absent::AbsentField;
use super::container::{Container, Laid, Layout, Stream};
use super::counted::Counted;
use super::groups::{Groups, last_rows};
use super::input::{InputError, Inputs};
use super::judge::{Judge, begin_rollout, place, read_rollouts};
use super::output::Columns;
use super::pipeline::{Resumed, drive};
use super::reader::{Chunk, ReadLimits, Reader};
use super::report::{Evidence, Survey, SurveyedRow};
use super::resume::{OutputFile, ResumeError};
use super::schemas::{InputSchema, Schemas};
use super::select::{Draw, Lottery, Sample, Selection, Selector};
use super::summary::{Summary, Tallies};
use crate::reward::Status;
use crate::rollout::schema::SchemaChoice;

/// How a batch is read, scored and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// Columns of an output row. Default [`Columns::All`].
    pub columns: Columns,
    /// What the output is; [`Container::of`] tells by a file's name. Default
    /// [`Container::Jsonl`].
    pub container: Container,
    /// Text of a block of a packed output (a zstd frame, a row group); `None`
    /// (the default) leaves it to the container. It decides the output's bytes,
    /// not its rows; memory holds a few blocks.
    pub block_bytes: Option<usize>,
    /// Most rows of the inputs to score, with all completions of each; `None` (the
    /// default) for all.
    pub limit: Option<u64>,
    /// Whose fields the inputs have. Default [`SchemaChoice::Auto`].
    pub schema: SchemaChoice,
    /// Which rows are scored. Default: all.
    pub selection: Selection,
    /// Longest line in bytes; a longer one becomes an error row. Default 64 MiB.
    pub max_line_bytes: usize,
    /// Scoring threads, at most 1,024; 0 (the default) for one per core. No
    /// result depends on it.
    pub jobs: usize,
    /// Most rows that travel together. Default 256. No result depends on it.
    pub chunk_rows: usize,
    /// A chunk of rows is closed at this size. Default 1 MiB. No result depends
    /// on it. Memory is bounded by some `2 * jobs + 1` chunks, each of this size
    /// and one longest line at most, read and written.
    pub chunk_bytes: usize,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            columns: Columns::All,
            container: Container::Jsonl,
            block_bytes: None,
            limit: None,
            schema: SchemaChoice::Auto,
            selection: Selection::default(),
            max_line_bytes: 64 << 20,
            jobs: 0,
            chunk_rows: 256,
            chunk_bytes: 1 << 20,
        }
    }
}

/// Shows how far a run is, and stops it. Share it with the thread that watches.
#[derive(Debug, Default)]
pub struct Control {
    bytes: Arc<AtomicU64>,
    rows: AtomicU64,
    errors: AtomicU64,
    stop: AtomicBool,
    is_surveyed: bool,
    survey: Mutex<Option<Survey>>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes taken from the inputs, as they lie on the disk.
    pub bytes: u64,
    /// Rows written.
    pub rows: u64,
    /// Rows among them with an error.
    pub errors: u64,
}

impl Control {
    /// A control that has every row surveyed, for a report.
    #[must_use]
    pub fn surveyed(survey: Survey) -> Self {
        Self {
            is_surveyed: true,
            survey: Mutex::new(Some(survey)),
            ..Self::default()
        }
    }

    /// The survey of a run that has ended.
    pub fn take_survey(&self) -> Option<Survey> {
        self.survey().take()
    }

    pub(super) fn is_surveyed(&self) -> bool {
        self.is_surveyed
    }

    /// The survey, which one thread at a time writes; a panic there is the run's.
    pub(super) fn survey(&self) -> MutexGuard<'_, Option<Survey>> {
        self.survey.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the run to end: rows being scored are finished and written as far
    /// as they follow each other. May be called from any thread.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// How far the run is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            bytes: self.bytes.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Counts and means over all rows, those before a resume included.
    pub summary: Summary,
    /// Rows that an earlier run had written.
    pub resumed_rows: u64,
    /// How it ended.
    pub ended: Ended,
    /// The inputs that another tool wrote.
    pub schemas: Vec<InputSchema>,
    /// Fields that conditions ask for and no row has.
    pub absent: Vec<AbsentField>,
}

/// How a run ended, errors aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every row is written.
    Complete,
    /// [`Control::stop`] was called before the end.
    Stopped,
    /// Whoever read the output has closed it (a broken pipe).
    Closed,
}

/// Why a run did not end as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// An input broke off; the rows before that are written.
    #[error("an input broke off after {} rows", report.summary.rows)]
    Input {
        /// What happened to the input.
        #[source]
        source: InputError,
        /// The rows before that.
        report: Box<Report>,
    },
    /// The output could not be written.
    #[error("cannot write the output")]
    Write(#[source] io::Error),
    /// An output file could not be begun or resumed.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// An input cannot be read, and nothing has been written.
    #[error(transparent)]
    Unreadable(InputError),
    /// A part of the rows was asked for, by a spec that compares whole groups.
    #[error(
        "the spec compares the rollouts of a group, which a {part} of the rows would tear apart"
    )]
    TornGroups {
        /// `sample` or `shard`.
        part: &'static str,
    },
    /// A sample of so many rows of a stream.
    #[error(
        "so many rows cannot be drawn from `{name}`, which cannot be read twice; a share (`5%`) can"
    )]
    SampleOfStream {
        /// The input.
        name: String,
    },
    /// The scoring threads could not be started.
    #[error("cannot start the scoring threads: {0}")]
    Threads(String),
    /// A bug of the pipeline itself.
    #[error("the pipeline panicked; this is a bug")]
    Panic,
}

/// A run: rollouts of the inputs, judged, in their order.
#[derive(Clone, Copy)]
pub struct Batch<'b, J: Judge + ?Sized> {
    /// What scores.
    pub judge: &'b J,
    /// What is scored.
    pub inputs: &'b Inputs,
    /// How.
    pub options: &'b BatchOptions,
    /// Who watches.
    pub control: &'b Control,
}

impl<J: Judge + ?Sized> Batch<'_, J> {
    /// Writes one JSON line per rollout to `out`, or what
    /// [`BatchOptions::container`] makes of the lines.
    ///
    /// # Errors
    /// [`BatchError`] when an input breaks off, the output cannot be written,
    /// or threads cannot be started. A broken pipe is no error:
    /// [`Ended::Closed`].
    pub fn run(&self, out: &mut dyn Write) -> Result<Report, BatchError> {
        let rows = self.rows()?;
        let container = self.options.container;
        let stream = Stream::new(container, &self.layout(), out).map_err(BatchError::Write)?;
        let drive = |out: &mut dyn Write| {
            let groups = self.groups(&rows, 0);
            let resumed = Resumed::default();
            drive(
                self,
                self.reader(&rows),
                self.tallies(),
                groups,
                out,
                resumed,
            )
        };
        let report = match stream {
            Err(out) => drive(out),
            Ok(mut stream) => {
                let report = drive(&mut stream);
                closed(report, || stream.finish().map(drop))
            }
        };
        Ok(self.concluded(report?, &rows))
    }

    /// Writes to a file that can be resumed; see [`OutputFile`].
    ///
    /// # Errors
    /// As [`Batch::run`]; also when rows that an earlier run wrote are not those
    /// of these inputs.
    pub fn run_file(&self, mut file: OutputFile) -> Result<Report, BatchError> {
        let rows = self.rows()?;
        let mut reader = self.reader(&rows);
        let mut tallies = self.tallies();
        let done = file.rows();
        let mut groups = self.groups(&rows, done);
        let chunk = self.replay(&mut reader, &mut tallies, &mut groups, &mut file)?;
        file.start(&self.layout())?;
        let resumed = Resumed { rows: done, chunk };
        let report = drive(self, reader, tallies, groups, &mut file, resumed);
        let report = closed(report, || file.close())?;
        if report.ended == Ended::Complete {
            file.complete(report.summary.rows)?;
        }
        Ok(self.concluded(report, &rows))
    }

    fn layout(&self) -> Layout<'_> {
        let rewards = self.judge.rewards().iter();
        Layout {
            rows: Laid::Scored {
                rewards: rewards.map(ToString::to_string).collect(),
                inputs: self.inputs,
            },
            block_bytes: self.options.block_bytes,
        }
    }

    /// Which rows are read, and how.
    fn rows(&self) -> Result<RowPlan, BatchError> {
        let selection = &self.options.selection;
        let part = match (selection.sample, selection.shard) {
            (Some(_), _) => Some("sample"),
            (None, Some(_)) => Some("shard"),
            (None, None) => None,
        };
        if let (Some(part), Some(_)) = (part, self.judge.grouped()) {
            return Err(BatchError::TornGroups { part });
        }
        let schemas = Schemas::new(self.options.schema, self.judge.fields());
        let bound = match selection.sample {
            Some(Sample::Rows(most)) => self.bound(most)?,
            _ => None,
        };
        Ok(RowPlan {
            schemas: Arc::new(schemas),
            selector: Selector::new(selection, bound),
        })
    }

    /// The last draw of a sample of so many rows, by a pass over the inputs.
    fn bound(&self, most: u64) -> Result<Option<Draw>, BatchError> {
        if let Some(stream) = self.inputs.stream() {
            return Err(BatchError::SampleOfStream {
                name: stream.name(),
            });
        }
        let selection = &self.options.selection;
        let mut lottery = Lottery::new(selection.seed, most);
        let limits = ReadLimits {
            rows: u64::MAX,
            ..self.limits()
        };
        let mut reader = Reader::new(self.inputs, limits, Arc::default())
            .selecting(&Arc::default(), Selector::by_conditions(selection));
        while let Some(chunk) = reader.chunk(usize::MAX).map_err(BatchError::Unreadable)? {
            if self.control.is_stopped() {
                break;
            }
            for index in 0..chunk.rows() {
                lottery.enter(chunk.row(index).1);
            }
        }
        Ok(lottery.bound())
    }

    fn reader(&self, rows: &RowPlan) -> Reader<'_> {
        Reader::new(self.inputs, self.limits(), Arc::clone(&self.control.bytes))
            .selecting(&rows.schemas, rows.selector.clone())
    }

    fn concluded(&self, report: Report, rows: &RowPlan) -> Report {
        Report {
            schemas: rows.schemas.foreign(self.inputs),
            absent: rows.selector.absent(),
            ..report
        }
    }

    fn limits(&self) -> ReadLimits {
        ReadLimits {
            line_bytes: self.options.max_line_bytes,
            chunk_rows: self.options.chunk_rows.max(1),
            chunk_bytes: self.options.chunk_bytes.max(1),
            rows: self.options.limit.unwrap_or(u64::MAX),
        }
    }

    /// What holds rows until their groups are whole, for a judge that compares
    /// the rollouts of a group; `done` rows have been written before.
    fn groups(&self, rows: &RowPlan, done: u64) -> Option<Groups<'_>> {
        let scorer = self.judge.grouped()?;
        // Its own count of bytes: the run reads them all again.
        let reader = Reader::new(self.inputs, self.limits(), Arc::default())
            .selecting(&rows.schemas, rows.selector.clone());
        let line_bytes = self.options.max_line_bytes;
        let last_rows = last_rows(self.judge, self.inputs, reader, line_bytes, self.control);
        Some(Groups::new(scorer, last_rows, done))
    }

    fn tallies(&self) -> Tallies {
        Tallies::of(self.judge)
    }

    /// Counts the rows that an earlier run wrote, and reads past them. Those
    /// whose group goes on are judged again: the rest is compared with them. What was
    /// read beyond those rows is handed back.
    fn replay(
        &self,
        reader: &mut Reader<'_>,
        tallies: &mut Tallies,
        groups: &mut Option<Groups<'_>>,
        file: &mut OutputFile,
    ) -> Result<Option<Chunk>, BatchError> {
        let mut row = 0;
        while row < file.rows() {
            let most = usize::try_from(file.rows() - row).unwrap_or(usize::MAX);
            let chunk = match reader.chunk(most) {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Err(ResumeError::TooManyRows { rows: file.rows() }.into()),
                Err(source) => {
                    let report = self.report(tallies, row, Ended::Stopped);
                    return Err(BatchError::Input {
                        source,
                        report: Box::new(report),
                    });
                }
            };
            for index in 0..chunk.rows() {
                if row == file.rows() {
                    return Ok(chunk.rest(index, 0));
                }
                let (line, at) = chunk.row(index);
                let limit = self.options.max_line_bytes;
                let place = place(self.inputs, at);
                let fields = self.judge.fields();
                let reads = read_rollouts(line, at.schema, fields, &place, limit);
                for (completion, read) in reads.enumerate() {
                    if row == file.rows() {
                        return Ok(chunk.rest(index, completion));
                    }
                    let (id, task, rollout) = match read {
                        Ok((_, rollout)) => {
                            if let (Some(groups), Some(scorer)) =
                                (&mut *groups, self.judge.grouped())
                                && groups.goes_on(&rollout.group, file.rows())
                                && let Ok(pending) = begin_rollout(scorer, &rollout)
                            {
                                groups.recall(row, pending);
                            }
                            (rollout.id.clone(), rollout.task.clone(), Some(rollout))
                        }
                        Err(judged) => (judged.score.id, judged.task, None),
                    };
                    row += 1;
                    let written = file.replay_row(row, &id)?;
                    let seen = written.seen(task.as_deref());
                    if let Some(survey) = &mut *self.control.survey() {
                        survey.add(&SurveyedRow {
                            id: &id,
                            seen: &seen,
                            rollout: rollout.as_ref(),
                            evidence: Evidence::Line(&written.evidence()),
                            seconds: None,
                        });
                    }
                    tallies.add(&Counted::seen(&seen, self.judge.rewards()));
                    self.count([written.status()]);
                }
            }
        }
        Ok(None)
    }

    pub(super) fn count(&self, statuses: impl IntoIterator<Item = Status>) {
        for status in statuses {
            self.control.rows.fetch_add(1, Ordering::Relaxed);
            let error = u64::from(status == Status::Error);
            self.control.errors.fetch_add(error, Ordering::Relaxed);
        }
    }

    pub(super) fn report(&self, tallies: &Tallies, resumed_rows: u64, ended: Ended) -> Report {
        if let Some(survey) = &mut *self.control.survey() {
            survey.conclude(tallies);
        }
        Report {
            summary: tallies.finish(),
            resumed_rows,
            ended,
            schemas: Vec::new(),
            absent: Vec::new(),
        }
    }
}

/// Ends the output where rows could be written to it, though it may not be all
/// of them: what is there should be readable.
fn closed(
    report: Result<Report, BatchError>,
    close: impl FnOnce() -> io::Result<()>,
) -> Result<Report, BatchError> {
    let is_open = match &report {
        Ok(report) => report.ended != Ended::Closed,
        Err(BatchError::Input { .. }) => true,
        Err(_) => false,
    };
    if is_open {
        match close() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            closed => closed.map_err(BatchError::Write)?,
        }
    }
    report
}

/// Which rows are read, and as what.
struct RowPlan {
    schemas: Arc<Schemas>,
    selector: Selector,
}
