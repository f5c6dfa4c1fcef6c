//! What all requests share.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::lane::Lane;
use super::meters::Meters;
use super::options::ServeOptions;
use super::recent::Recent;
use super::refusal::Refusal;
use axum::http::StatusCode;

/// Bodies of the greatest length that fit into memory at a time.
const BODIES: usize = 4;
/// Memory for bodies where they are short.
const LEAST_BUDGET_BYTES: usize = 256 << 20;

/// A server's state.
#[derive(Debug)]
pub(super) struct App {
    /// The first is the default.
    pub(super) lanes: Vec<Arc<Lane>>,
    pub(super) options: ServeOptions,
    /// Bytes of bodies that may still be read.
    pub(super) budget: Arc<Semaphore>,
    budget_bytes: usize,
    pub(super) meters: Meters,
    pub(super) recent: Arc<Recent>,
    /// Whether the server is to stop.
    stop: watch::Receiver<bool>,
    /// Beginning of the ids of requests that bring none.
    pub(super) id_prefix: u64,
}

impl App {
    pub(super) fn new(
        lanes: Vec<Arc<Lane>>,
        options: ServeOptions,
        meters: Meters,
        recent: Arc<Recent>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        use std::hash::{BuildHasher, RandomState};
        let most = (u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        let budget_bytes = (BODIES * options.body_bytes).clamp(LEAST_BUDGET_BYTES, most);
        Self {
            lanes,
            options,
            budget: Arc::new(Semaphore::new(budget_bytes)),
            budget_bytes,
            meters,
            recent,
            stop,
            id_prefix: RandomState::new().hash_one(0),
        }
    }

    /// The spec of that name; the first without one.
    pub(super) fn lane(&self, name: Option<&str>) -> Result<&Arc<Lane>, Refusal> {
        let Some(name) = name else {
            return self.lanes.first().ok_or_else(|| Refusal::ours("no spec"));
        };
        let lane = self.lanes.iter().find(|lane| lane.name() == name);
        lane.ok_or_else(|| {
            let names: Vec<&str> = self.lanes.iter().map(|lane| lane.name()).collect();
            let message = format!(
                "there is no spec `{name}` here, but `{}`",
                names.join("`, `")
            );
            Refusal::new(StatusCode::NOT_FOUND, "unknown_spec", message)
        })
    }

    /// Bytes of requests in memory.
    pub(super) fn held_bytes(&self) -> usize {
        self.budget_bytes - self.budget.available_permits()
    }

    /// Waits until the server is told to stop.
    pub(super) async fn stopped(&self) {
        let mut stop = self.stop.clone();
        drop(stop.wait_for(|stop| *stop).await);
    }

    pub(super) fn is_draining(&self) -> bool {
        *self.stop.borrow()
    }

    /// Counts a refusal, and logs it if none of its kind was logged lately.
    pub(super) fn refused(&self, code: &'static str) {
        self.recent.refused();
        if let Some(line) = self.meters.refused(code) {
            (self.options.log)(&line);
        }
    }
}
