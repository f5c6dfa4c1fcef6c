//! The pipeline: one thread reads chunks of lines, a pool of threads scores
//! them, and the caller's thread writes them in the order of the input.
//!
//! Memory is flat: the reader needs a permit per chunk, and a permit comes back
//! when a chunk has been written. So a slow row holds up its own thread and, once
//! the chunks behind it are scored, the others; nothing before that. The rows and
//! their order do not depend on the number of threads.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::groups::{Asked, BegunRow, Groups, ScoredRow};
use super::input::InputError;
use super::judge::{Judge, Place, Reads, begin_read, place, read_rollouts, score_read};
use super::output::write_row;
use super::reader::{Chunk, Reader};
use super::report::{Evidence, SurveyedRow};
use super::run::{Batch, BatchError, Ended, Report};
use super::shares::Shares;
use super::summary::{Seen, Tallies};

/// Stack of a scoring thread. Only address space until it is used.
const STACK_BYTES: usize = 16 << 20;
/// Most scoring threads: above any machine's cores, and far below where a
/// mistyped number takes the machine down.
const MAX_JOBS: usize = 1024;
/// Chunks on their way per scoring thread: one in work, one to follow.
const CHUNKS_PER_JOB: usize = 2;

/// What an earlier run has written, and the lines after it that were read with it.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    pub(super) rows: u64,
    pub(super) chunk: Option<Chunk>,
}

/// Scores what `reader` still has and writes it to `out`.
pub(super) fn drive<J: Judge + ?Sized>(
    batch: &Batch<'_, J>,
    reader: Reader<'_>,
    tallies: Tallies,
    groups: Option<Groups<'_>>,
    out: &mut dyn Write,
    resumed: Resumed,
) -> Result<Report, BatchError> {
    let Resumed {
        rows: resumed_rows,
        chunk: mut begun,
    } = resumed;
    let pool = pool(batch.options.jobs)?;
    let permits = CHUNKS_PER_JOB * pool.current_num_threads() + 1;
    let (permit, permits_out) = mpsc::channel();
    for _ in 0..permits {
        permit.send(()).expect("the receiver is in this function");
    }
    let (events, inbox) = mpsc::channel();
    let mut writer = Writer {
        batch,
        tallies,
        groups,
        out,
        permit: Some(permit),
        end: None,
    };
    thread::scope(|threads| {
        let sender = events.clone();
        threads.spawn(move || {
            let read =
                AssertUnwindSafe(|| read(batch, reader, begun.take(), &permits_out, &sender));
            let end = catch_unwind(read).unwrap_or(Some(End::Panic));
            // The inbox outlives this thread.
            let _ = sender.send(Event::End(end));
        });
        pool.in_place_scope(|scope| {
            let serve = AssertUnwindSafe(|| writer.serve(scope, &events, &inbox));
            if catch_unwind(serve).is_err() {
                // The reader waits for a permit, and would for ever.
                writer.stop(End::Panic);
            }
        });
    });
    let Writer { tallies, end, .. } = writer;
    let ended = match end {
        None => Ended::Complete,
        Some(End::Stopped) => Ended::Stopped,
        Some(End::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ended::Closed,
        Some(End::Write(error)) => return Err(BatchError::Write(error)),
        Some(End::Panic) => return Err(BatchError::Panic),
        Some(End::Input(source)) => {
            let report = Box::new(batch.report(&tallies, resumed_rows, Ended::Stopped));
            return Err(BatchError::Input { source, report });
        }
    };
    Ok(batch.report(&tallies, resumed_rows, ended))
}

/// The reading thread; `None` at the end of the inputs. It may sit in a read of a pipe that stays silent;
/// only the process's end frees it then.
fn read<J: Judge + ?Sized>(
    batch: &Batch<'_, J>,
    mut reader: Reader<'_>,
    mut begun: Option<Chunk>,
    permits: &Receiver<()>,
    events: &Sender<Event>,
) -> Option<End> {
    loop {
        if permits.recv().is_err() {
            break None;
        }
        if batch.control.is_stopped() {
            break Some(End::Stopped);
        }
        let next = match begun.take() {
            Some(chunk) => Ok(Some(chunk)),
            None => reader.chunk(usize::MAX),
        };
        match next {
            Ok(Some(chunk)) => {
                if events.send(Event::Read(chunk)).is_err() {
                    break None;
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(End::Input(error)),
        }
    }
}

/// A chunk whose rows are being scored, by whichever threads are free.
struct Work {
    number: u64,
    chunk: Chunk,
    shares: Shares<Option<Rows>>,
}

impl Work {
    /// Scores what no other thread has begun, and hands in the chunk if nobody else
    /// is at work on it any more.
    fn take_part<'s, J: Judge + ?Sized>(
        self: Arc<Self>,
        scope: &rayon::Scope<'s>,
        batch: &'s Batch<'_, J>,
        events: &'s Sender<Event>,
    ) {
        // Whoever is free finds this; who comes too late finds nothing to do.
        if self.shares.is_open() {
            let work = Arc::clone(&self);
            scope.spawn(move |scope| work.take_part(scope, batch, events));
        }
        // A panic must not leave the writer waiting for ever.
        let scored = catch_unwind(AssertUnwindSafe(|| score(batch, &self.chunk, &self.shares)));
        let scored = match scored {
            Ok(None) => return,
            Ok(scored) => scored,
            Err(_) => None,
        };
        let _ = events.send(Event::Scored(self.number, scored));
    }
}

/// Scores rows of a chunk until none is left, and returns all of them where the last
/// one was scored here; those after the first that a stop left unscored are left out.
fn score<J: Judge + ?Sized>(
    batch: &Batch<'_, J>,
    chunk: &Chunk,
    shares: &Shares<Option<Rows>>,
) -> Option<Scored> {
    let Batch { judge, options, .. } = batch;
    let grouped = judge.grouped();
    let row = |read, place: &Place| {
        let begin = batch.control.is_surveyed().then(Instant::now);
        if let Some(scorer) = grouped {
            return begin_read(scorer, read, place, options.columns, begin);
        }
        let mut judged = score_read(*judge, read, place);
        let asked = Asked::of(judged.rollout.take(), begin);
        let mut text = Vec::new();
        write_row(&judged, options.columns, &mut text);
        let rewards = judge.rewards();
        BegunRow::Scored(ScoredRow::new(
            text,
            judged.score,
            judged.task,
            asked,
            rewards,
        ))
    };
    let lines = shares.take_part(|index| {
        if batch.control.is_stopped() {
            return None;
        }
        let (line, at) = chunk.row(index);
        let place = place(batch.inputs, at);
        let limit = options.max_line_bytes;
        let reads = read_rollouts(line, at.schema, judge.fields(), &place, limit);
        Some(match reads {
            Reads::One(read) => Rows::One(read.map(|read| row(read, &place))),
            several => {
                let open = several.skip(chunk.done_of(index));
                Rows::Several(open.map(|read| row(read, &place)).collect())
            }
        })
    })?;
    let mut rows = Vec::with_capacity(lines.len());
    let is_whole = lines.iter().all(Option::is_some);
    for line in lines.into_iter().map_while(|line| line) {
        match line {
            Rows::One(row) => rows.extend(row),
            Rows::Several(several) => rows.extend(several),
        }
    }
    Some(Scored { rows, is_whole })
}

/// The rows of a line.
enum Rows {
    One(Option<BegunRow>),
    Several(Vec<BegunRow>),
}

/// What the writing thread hears.
enum Event {
    Read(Chunk),
    End(Option<End>),
    Scored(u64, Option<Scored>),
}

/// Why not every row was written.
enum End {
    Stopped,
    Input(InputError),
    Write(io::Error),
    Panic,
}

/// The rows of a chunk.
struct Scored {
    rows: Vec<BegunRow>,
    is_whole: bool,
}

/// Puts scored chunks back into order.
struct Writer<'w, 'b, J: Judge + ?Sized> {
    batch: &'w Batch<'b, J>,
    tallies: Tallies,
    groups: Option<Groups<'w>>,
    out: &'w mut dyn Write,
    /// Dropped at the end of writing, which ends the reader too.
    permit: Option<Sender<()>>,
    end: Option<End>,
}

impl<'w, J: Judge + ?Sized> Writer<'w, '_, J> {
    /// Runs until the reader has ended and every chunk has been dealt with.
    fn serve<'s>(
        &mut self,
        scope: &rayon::Scope<'s>,
        events: &'s Sender<Event>,
        inbox: &Receiver<Event>,
    ) where
        'w: 's,
    {
        let mut waiting = BTreeMap::new();
        let (mut read, mut written) = (0_u64, 0_u64);
        let mut last_words = None;
        while last_words.is_none() || written < read {
            match inbox.recv().expect("`events` is a sender that lives on") {
                Event::End(end) => last_words = Some(end),
                Event::Read(chunk) => {
                    let batch = self.batch;
                    let work = Arc::new(Work {
                        number: read,
                        shares: Shares::new(chunk.open()),
                        chunk,
                    });
                    read += 1;
                    scope.spawn(move |scope| work.take_part(scope, batch, events));
                }
                Event::Scored(number, scored) => {
                    waiting.insert(number, scored);
                    while let Some(scored) = waiting.remove(&written) {
                        written += 1;
                        self.write(scored);
                    }
                }
            }
        }
        let last_words = last_words.flatten();
        // What an input that broke off has left out may belong to these groups.
        if self.end.is_none() && last_words.is_none() {
            self.finish();
        }
        self.end = self.end.take().or(last_words);
    }

    fn write(&mut self, scored: Option<Scored>) {
        if self.permit.is_none() {
            return;
        }
        let Some(Scored { rows, is_whole }) = scored else {
            return self.stop(End::Panic);
        };
        let mut ready = Vec::with_capacity(rows.len());
        for row in rows {
            match (&mut self.groups, row) {
                (Some(groups), row) => groups.push(row),
                (None, BegunRow::Scored(row)) => ready.push(row),
                (None, BegunRow::Open { .. }) => unreachable!("rows wait only for groups"),
            }
        }
        if let Some(groups) = &mut self.groups {
            ready.extend(iter::from_fn(|| groups.pop()));
        }
        match self.put(&ready) {
            Err(error) => self.stop(End::Write(error)),
            Ok(()) if !is_whole => self.stop(End::Stopped),
            // The reader may have ended and be gone.
            Ok(()) => drop(self.permit.as_ref().map(|permit| permit.send(()))),
        }
    }

    /// Writes what waited for the end of the inputs.
    fn finish(&mut self) {
        let Some(groups) = &mut self.groups else {
            return;
        };
        groups.finish();
        let ready: Vec<Box<ScoredRow>> = iter::from_fn(|| groups.pop()).collect();
        if let Err(error) = self.put(&ready) {
            self.stop(End::Write(error));
        }
    }

    fn put(&mut self, rows: &[Box<ScoredRow>]) -> io::Result<()> {
        let text: Vec<&[u8]> = rows.iter().map(|row| &row.text[..]).collect();
        self.out.write_all(&text.concat())?;
        self.out.flush()?;
        let mut survey = self.batch.control.survey();
        for row in rows {
            if let (Some(survey), Some(score)) = (&mut *survey, &row.score) {
                survey.add(&SurveyedRow {
                    id: &score.id,
                    seen: &Seen::of(score, row.counted.task.as_deref()),
                    rollout: row.asked.as_ref().and_then(|asked| asked.rollout.as_ref()),
                    evidence: Evidence::Score(score),
                    seconds: row.asked.as_ref().map(|asked| asked.seconds),
                });
            }
            self.tallies.add(&row.counted);
        }
        drop(survey);
        self.batch.count(rows.iter().map(|row| row.counted.status));
        Ok(())
    }

    fn stop(&mut self, end: End) {
        self.end = Some(end);
        self.permit = None;
        self.batch.control.stop();
    }
}

/// A pool of its own: a program's global pool is not ours to load.
pub(super) fn pool(jobs: usize) -> Result<ThreadPool, BatchError> {
    ThreadPoolBuilder::new()
        .num_threads(jobs.min(MAX_JOBS))
        .stack_size(STACK_BYTES)
        .thread_name(|index| format!("score-{index}"))
        .build()
        .map_err(|error| BatchError::Threads(error.to_string()))
}
