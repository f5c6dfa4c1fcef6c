//! Forks wait until no thread is inside of the library, so that a child finds none of
//! its locks taken by a thread that it does not have.
//!
//! The wait is bounded: a fork is never refused because a row takes long. What a
//! child could then meet is a table of the library that was being built for the
//! first time in just that moment.

use std::cell::RefCell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

/// Longest wait of a fork.
const PATIENCE: Duration = Duration::from_secs(5);

static INSIDE: Mutex<usize> = Mutex::new(0);
static LEFT: Condvar = Condvar::new();

thread_local! {
    /// The lock, from before a fork until after it.
    static HELD: RefCell<Option<MutexGuard<'static, usize>>> = const { RefCell::new(None) };
}

/// A thread inside of the library; until dropped.
pub(crate) struct Inside(());

impl Inside {
    /// Waits for a fork that is under way. Not to be called while attached to Python:
    /// the thread that forks may wait for that.
    pub(crate) fn enter() -> Self {
        *INSIDE.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self(())
    }

    /// Lets a fork pass that waits.
    pub(crate) fn pause(&mut self) {
        leave();
        *INSIDE.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        leave();
    }
}

fn leave() {
    let mut inside = INSIDE.lock().unwrap_or_else(PoisonError::into_inner);
    *inside = inside.saturating_sub(1);
    LEFT.notify_all();
}

/// For `os.register_at_fork(before=…)`.
#[pyfunction]
pub(crate) fn before_fork(py: Python<'_>) {
    py.detach(|| {
        let inside = INSIDE.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = LEFT.wait_timeout_while(inside, PATIENCE, |inside| *inside > 0);
        let (inside, _) = waited.unwrap_or_else(PoisonError::into_inner);
        HELD.with_borrow_mut(|held| *held = Some(inside));
    });
}

/// For `after_in_parent` and, with `is_child`, `after_in_child`.
#[pyfunction]
pub(crate) fn after_fork(is_child: bool) {
    HELD.with_borrow_mut(|held| {
        if let Some(mut inside) = held.take()
            && is_child
        {
            // Whoever else was inside is not here.
            *inside = 0;
        }
    });
}
