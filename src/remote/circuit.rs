//! The circuit of an endpoint: after so many failures in a row nothing is sent for a
//! while, and that is said aloud, once. Then one request tries whether it is back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Say;
use crate::reward::{Endpoint, RemoteFailure, RemoteFault};

/// Whether an endpoint is worth asking.
#[derive(Debug)]
pub(super) struct Circuit {
    url: String,
    after: u32,
    pause: Duration,
    say: Option<Say>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Failures in a row.
    failures: u32,
    /// Since when nothing is sent.
    away_since: Option<Instant>,
    is_probing: bool,
}

impl Circuit {
    pub(super) fn new(endpoint: &Endpoint, say: Option<Say>) -> Self {
        Self {
            url: endpoint.url.clone(),
            after: endpoint.away_after,
            pause: Duration::from_millis(endpoint.away_ms),
            say,
            state: Mutex::default(),
        }
    }

    /// Whether a request may be sent.
    pub(super) fn enter(&self) -> Result<(), RemoteFailure> {
        let mut state = self.lock();
        let Some(since) = state.away_since else {
            return Ok(());
        };
        if since.elapsed() >= self.pause && !state.is_probing {
            state.is_probing = true;
            return Ok(());
        }
        Err(RemoteFailure {
            fault: RemoteFault::Away,
            message: format!(
                "`{}` is away: {} failures in a row",
                self.url, state.failures
            ),
        })
    }

    /// Whether nothing is sent for now, but for a request that tries.
    pub(super) fn is_away(&self) -> bool {
        self.lock().away_since.is_some()
    }

    pub(super) fn succeeded(&self) {
        let mut state = self.lock();
        let was_away = state.away_since.is_some();
        *state = State::default();
        drop(state);
        if was_away {
            self.tell(&format!("`{}` answers again", self.url));
        }
    }

    pub(super) fn failed(&self, failure: &RemoteFailure) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        state.is_probing = false;
        if state.failures < self.after {
            return;
        }
        let was_away = state.away_since.replace(Instant::now()).is_some();
        let failures = state.failures;
        drop(state);
        if !was_away {
            let pause = self.pause.as_secs_f64();
            self.tell(&format!(
                "`{}` is away after {failures} failures in a row, the last: {failure}; what it \
                 would judge is null, and it is tried again every {pause} s",
                self.url
            ));
        }
    }

    fn tell(&self, notice: &str) {
        if let Some(say) = self.say {
            say(notice);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
