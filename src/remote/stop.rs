//! Questions of rows that are scored together, and may be stopped together.
//!
//! A row that waits for its turn at an endpoint has begun. Whoever stops a batch waits
//! for what has begun, and would wait for one more round of a slow judge, about rows
//! that nobody wants any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::reward::{Endpoint, Question, Remote, RemoteFailure, Said, Usage};

/// Asks as another one does, until it is stopped.
pub(crate) struct Stoppable {
    remote: Arc<dyn Remote>,
    is_stopped: Arc<AtomicBool>,
}

impl Stoppable {
    /// Asks with `remote`, while `is_stopped` is false.
    pub(crate) fn new(remote: Arc<dyn Remote>, is_stopped: Arc<AtomicBool>) -> Self {
        Self { remote, is_stopped }
    }
}

impl Remote for Stoppable {
    fn ask(&self, question: &Question) -> Result<Said, RemoteFailure> {
        let is_stopped = || self.is_stopped.load(Relaxed);
        self.remote.ask_unless(question, &is_stopped)
    }

    fn usage(&self, endpoint: &Endpoint) -> Usage {
        self.remote.usage(endpoint)
    }
}
