//! A spec that is served: its engine, its queue, its threads and its counts.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::meters::LaneMeters;
use super::queue::{Answer, Queue, Row, Scored, job_rows, work};
use super::recent::Recent;
use super::refusal::Refusal;
use crate::engine::Engine;
use axum::http::StatusCode;

/// Stack of a scoring thread, as in a batch.
const STACK_BYTES: usize = 16 << 20;

/// One spec.
pub(super) struct Lane {
    name: String,
    engine: Engine,
    threads: usize,
    queue: Queue,
    places: Arc<Semaphore>,
    capacity: usize,
    meters: LaneMeters,
    recent: Arc<Recent>,
}

impl Lane {
    /// `jobs = 0` is one thread per core.
    pub(super) fn new(
        engine: Engine,
        jobs: usize,
        capacity: usize,
        meters: LaneMeters,
        recent: Arc<Recent>,
    ) -> Self {
        let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let jobs = if jobs == 0 { cores() } else { jobs };
        let capacity = capacity.clamp(1, u32::MAX as usize);
        Self {
            name: engine.scorer().name().to_owned(),
            // A thread that waits for a program in the sandbox needs no core.
            threads: if waits(&engine) { 2 * jobs } else { jobs },
            engine,
            queue: Queue::default(),
            places: Arc::new(Semaphore::new(capacity)),
            capacity,
            meters,
            recent,
        }
    }

    /// Starts the scoring threads.
    pub(super) fn start(lane: &Arc<Self>) -> io::Result<Vec<JoinHandle<()>>> {
        let thread = |index| {
            let lane = Arc::clone(lane);
            thread::Builder::new()
                .name(format!("serve-{index}"))
                .stack_size(STACK_BYTES)
                .spawn(move || work(&lane))
        };
        (0..lane.threads).map(thread).collect()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Whether one row may take much longer than others.
    pub(super) fn is_slow(&self) -> bool {
        waits(&self.engine)
    }

    /// Rows that wait or are in work.
    pub(super) fn depth(&self) -> usize {
        self.capacity - self.places.available_permits()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Places for the rows of a request, all or none.
    pub(super) fn try_admit(&self, rows: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        if rows > self.capacity {
            let message = format!(
                "{rows} rows in one request; the limit is {}, and a stream of lines has none",
                self.capacity
            );
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Refusal::new(status, "too_many_rows", message));
        }
        let rows = u32::try_from(rows).expect("the capacity is a u32");
        let places = Arc::clone(&self.places).try_acquire_many_owned(rows);
        places.map_err(|_| Refusal::busy("the queue is full"))
    }

    /// Places for a part of a stream, once there are as many.
    pub(super) async fn admit(&self, rows: usize) -> Option<OwnedSemaphorePermit> {
        let rows = u32::try_from(rows).ok()?;
        let places = Arc::clone(&self.places).acquire_many_owned(rows).await;
        places.ok()
    }

    /// Hands over all rows of a request. The answers are in their order.
    pub(super) fn submit(&self, rows: Vec<Row>, mut places: OwnedSemaphorePermit) -> Vec<Answer> {
        if self.engine.scorer().needs_groups() {
            return vec![self.queue.push(rows, places, None)];
        }
        let step = job_rows(self, rows.len());
        let mut answers = Vec::with_capacity(rows.len().div_ceil(step));
        let mut rows = rows.into_iter();
        loop {
            let part: Vec<Row> = rows.by_ref().take(step).collect();
            if part.is_empty() {
                return answers;
            }
            let own = places.split(part.len()).expect("a place per row");
            answers.push(self.queue.push(part, own, None));
        }
    }

    /// Counts rows that have been scored.
    pub(super) fn seen(&self, scored: &[Scored]) {
        self.meters.rows(scored);
        self.recent.rows(&self.name, scored);
    }

    /// Counts rows whose client has gone.
    pub(super) fn dropped(&self, rows: usize) {
        self.meters.dropped(rows);
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("name", &self.name).finish()
    }
}

/// Whether a row of the spec may have to wait for something other than a core.
fn waits(engine: &Engine) -> bool {
    #[cfg(feature = "sandbox")]
    {
        !engine.scorer().guests().is_empty()
    }
    #[cfg(not(feature = "sandbox"))]
    {
        let _ = engine;
        false
    }
}
