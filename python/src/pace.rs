//! How long a row takes lately, and so whether Python is to run meanwhile.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A row that is likely to take less is scored with the GIL held. To hand it on and to
/// get it back costs more where other threads want it: they take turns with the system's
/// scheduler in between.
const BRIEF: Duration = Duration::from_micros(10);

/// The mean of the last rows or so, in picoseconds for each byte of a row.
#[derive(Debug)]
pub(crate) struct Pace(AtomicU64);

impl Pace {
    /// Of rows that nothing is known of, which are therefore not brief.
    pub(crate) fn unknown() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }

    /// Whether a row of that many bytes is likely to be scored at once.
    pub(crate) fn is_brief(&self, bytes: usize) -> bool {
        let picoseconds = self.0.load(Relaxed).saturating_mul(bytes as u64);
        u128::from(picoseconds) < BRIEF.as_nanos() * 1000
    }

    /// Scores a row of that many bytes, and learns from it.
    pub(crate) fn learn<T>(&self, bytes: usize, score: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let scored = score();
        let nanoseconds = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let new = nanoseconds.saturating_mul(1000) / bytes.max(1) as u64;
        let old = self.0.load(Relaxed);
        // Of two threads that learn at the same time one is forgotten: no harm.
        let mean = if old == u64::MAX {
            new
        } else {
            old - old / 8 + new / 8
        };
        self.0.store(mean, Relaxed);
        scored
    }
}
