//! Rows that wait, and the threads that score them.
//!
//! A request's rows become jobs of a few rows each; a job has a channel of its own for
//! its answer. A thread that is free takes what waits, a fair share of it, so that
//! many requests of one row cost one wake-up together and no row waits for a timer or
//! for the slowest row of a batch. A job whose channel is closed, since its client has
//! gone, is dropped.
//!
//! The number of rows is bounded: a permit per row is taken before a job is made and
//! comes back with its answer.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::lane::Lane;
use crate::reward::{RowError, Score, Scorer};
use crate::verdict::Outcome;

/// Most rows of a job. A core scores as many in less than a millisecond.
const JOB_ROWS: usize = 64;
/// Jobs that a long request makes per thread, so that all end at about the same time.
const JOBS_PER_THREAD: usize = 4;

/// A row as it came.
#[derive(Debug)]
pub(super) struct Row {
    /// Its position in the request, 1-based; its name if it has none.
    pub(super) position: u64,
    pub(super) content: Content,
}

/// What there is of a row.
#[derive(Debug)]
pub(super) enum Content {
    /// A JSON text.
    Json(Bytes),
    /// Nothing that could be scored.
    Unusable(RowError),
}

/// A row's score, and the same as JSON.
#[derive(Debug)]
pub(super) struct Scored {
    pub(super) score: Score,
    pub(super) json: Vec<u8>,
    /// What the first of the rewards that compare with a reference says.
    pub(super) verdict: Option<Outcome>,
    pub(super) took: Duration,
}

/// The scores of some rows of a request, in order, when they are there.
pub(super) type Answer = oneshot::Receiver<Vec<Scored>>;

/// Rows that are scored together.
pub(super) struct Job {
    rows: Vec<Row>,
    /// Whether the rows are no group, whatever the spec compares.
    is_alone: bool,
    answer: oneshot::Sender<Vec<Scored>>,
    places: OwnedSemaphorePermit,
    /// Memory that the rows take.
    bytes: Option<OwnedSemaphorePermit>,
}

/// Jobs in the order in which they came.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    rows: usize,
    is_closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics between two changes that belong together.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One job of all `rows`.
    pub(super) fn push(
        &self,
        rows: Vec<Row>,
        places: OwnedSemaphorePermit,
        bytes: Option<OwnedSemaphorePermit>,
    ) -> Answer {
        self.enqueue(rows, false, places, bytes)
    }

    /// One job of rows that are no group.
    pub(super) fn push_alone(&self, rows: Vec<Row>, places: OwnedSemaphorePermit) -> Answer {
        self.enqueue(rows, true, places, None)
    }

    fn enqueue(
        &self,
        rows: Vec<Row>,
        is_alone: bool,
        places: OwnedSemaphorePermit,
        bytes: Option<OwnedSemaphorePermit>,
    ) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        waiting.rows += rows.len();
        waiting.jobs.push_back(Job {
            rows,
            is_alone,
            answer,
            places,
            bytes,
        });
        drop(waiting);
        self.bell.notify_one();
        receiver
    }

    /// Ends the threads once no job is left.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.bell.notify_all();
    }

    /// A thread's share of what waits, of `most` rows at most; `None` at the end.
    fn take(&self, threads: usize, most: usize) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() {
            if waiting.is_closed {
                return None;
            }
            waiting = self
                .bell
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let share = (waiting.rows / threads).clamp(1, most);
        let mut taken = Vec::new();
        let mut rows = 0;
        while rows < share {
            let Some(job) = waiting.jobs.pop_front() else {
                break;
            };
            rows += job.rows.len();
            waiting.rows -= job.rows.len();
            taken.push(job);
        }
        Some(taken)
    }
}

/// How many rows of a request go into a job.
pub(super) fn job_rows(lane: &Lane, rows: usize) -> usize {
    match lane.is_slow() {
        true => 1,
        false => (rows / (lane.threads() * JOBS_PER_THREAD)).clamp(1, JOB_ROWS),
    }
}

/// What a scoring thread does, until the queue is closed and empty.
pub(super) fn work(lane: &Arc<Lane>) {
    // What waits behind a slow row waits as long as that takes.
    let most = if lane.is_slow() { 1 } else { JOB_ROWS };
    while let Some(jobs) = lane.queue().take(lane.threads(), most) {
        for job in jobs {
            // The engine answers for rows; this is about ourselves. The channel is
            // closed then, and the request fails loudly.
            drop(catch_unwind(AssertUnwindSafe(|| run(lane, job))));
        }
    }
}

fn run(lane: &Lane, job: Job) {
    let Job {
        rows,
        is_alone,
        answer,
        places,
        bytes,
    } = job;
    let count = rows.len();
    let is_compared = lane.engine().scorer().needs_groups();
    let scored = match is_compared && !is_alone {
        true => together(lane, rows, &answer),
        false => one_by_one(lane, rows, &answer),
    };
    match &scored {
        Some(scored) => lane.seen(scored),
        None => lane.dropped(count),
    }
    // Whoever gets this answer may send the next request at once, and has a place.
    drop((places, bytes));
    if let Some(scored) = scored {
        // Should the client go just now, nobody wants to know.
        drop(answer.send(scored));
    }
}

/// `None` once nobody waits for the answer any more.
fn one_by_one(
    lane: &Lane,
    rows: Vec<Row>,
    answer: &oneshot::Sender<Vec<Scored>>,
) -> Option<Vec<Scored>> {
    let scorer = lane.engine().scorer();
    let mut scored = Vec::with_capacity(rows.len());
    for row in rows {
        if answer.is_closed() {
            return None;
        }
        let began = Instant::now();
        let score = match row.content {
            // What compares rollouts would find the best of a group of one.
            Content::Json(text) if scorer.needs_groups() => lane.engine().score_record(&text),
            Content::Json(text) => {
                let mut scores = lane.engine().score_placed(&[(row.position, text)]);
                scores.pop().expect("one score per record")
            }
            Content::Unusable(error) => Score::error(&row.position.to_string(), "", error),
        };
        scored.push(Scored::new(scorer, score, began.elapsed()));
    }
    Some(scored)
}

/// All rows of a request at once, for rewards that compare them.
fn together(
    lane: &Lane,
    rows: Vec<Row>,
    answer: &oneshot::Sender<Vec<Scored>>,
) -> Option<Vec<Scored>> {
    if answer.is_closed() {
        return None;
    }
    let began = Instant::now();
    let mut texts = Vec::with_capacity(rows.len());
    let mut unusable = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        match row.content {
            Content::Json(text) => texts.push((row.position, text)),
            Content::Unusable(error) => {
                let score = Score::error(&row.position.to_string(), "", error);
                unusable.push((index, score));
            }
        }
    }
    let mut scores = lane.engine().score_placed(&texts);
    for (index, score) in unusable {
        scores.insert(index, score);
    }
    let each = began.elapsed() / u32::try_from(scores.len().max(1)).unwrap_or(u32::MAX);
    let scorer = lane.engine().scorer();
    let scored = scores
        .into_iter()
        .map(|score| Scored::new(scorer, score, each));
    Some(scored.collect())
}

impl Scored {
    fn new(scorer: &Scorer, score: Score, took: Duration) -> Self {
        let mut solvers = scorer.solvers().filter_map(|name| score.term(name));
        Self {
            json: serde_json::to_vec(&score).expect("a score is JSON"),
            verdict: solvers.find_map(|term| term.outcome),
            score,
            took,
        }
    }
}
