//! Further attempts: after what passes by itself, with waits that double and differ
//! from caller to caller.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::thread;
use std::time::Duration;

use crate::reward::{Endpoint, RemoteFailure};

/// How an attempt ended.
pub(super) enum Attempt {
    /// With the body of a success.
    Done(Vec<u8>),
    /// It may go better later; the endpoint may have said when.
    Passing {
        failure: RemoteFailure,
        after: Option<Duration>,
    },
    /// It will not go better.
    Lasting(RemoteFailure),
}

/// The longest wait between two attempts, be it the endpoint's wish.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Sends until something lasting is known, or the attempts are used up.
pub(super) fn send_retrying(
    endpoint: &Endpoint,
    mut send: impl FnMut() -> Attempt,
) -> Result<Vec<u8>, RemoteFailure> {
    let mut attempt = 0;
    loop {
        let (failure, after) = match send() {
            Attempt::Done(body) => return Ok(body),
            Attempt::Lasting(failure) => return Err(failure),
            Attempt::Passing { failure, after } => (failure, after),
        };
        if attempt == endpoint.retries {
            return Err(failure);
        }
        let wait = backoff(Duration::from_millis(endpoint.backoff_ms), attempt);
        thread::sleep(wait.max(after.unwrap_or_default()).min(LONGEST_WAIT));
        attempt += 1;
    }
}

/// Sends once: for what has been tried often enough.
pub(super) fn send_once(send: impl FnOnce() -> Attempt) -> Result<Vec<u8>, RemoteFailure> {
    match send() {
        Attempt::Done(body) => Ok(body),
        Attempt::Passing { failure, .. } | Attempt::Lasting(failure) => Err(failure),
    }
}

/// Between half of the doubled wait and all of it.
fn backoff(first: Duration, attempt: u32) -> Duration {
    let doubled = first.saturating_mul(1 << attempt.min(16)).min(LONGEST_WAIT);
    // A hasher's keys are random: enough to keep callers apart.
    let share = RandomState::new().hash_one(attempt) as f64 / u64::MAX as f64;
    doubled.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST_WAIT, backoff};

    #[test]
    fn waits_double_and_end() {
        let first = Duration::from_millis(100);
        for (attempt, most) in [(0, 100), (1, 200), (3, 800)] {
            let wait = backoff(first, attempt);
            let most = Duration::from_millis(most);
            assert!(wait >= most / 2 && wait <= most, "{attempt}: {wait:?}");
        }
        assert!(backoff(first, 4_000_000_000) <= LONGEST_WAIT);
    }
}
