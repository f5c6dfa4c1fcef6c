//! Forks wait until no thread is inside of the library, so that a child finds none of
//! its locks taken by a thread that it does not have.
//!
//! The wait is bounded: a fork is never refused because a row takes long. What a
//! child could then meet is a table of the library that was being built for the
//! first time in just that moment.

use std::cell::RefCell;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

/// Longest wait of a fork.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who is where.
struct Door {
    /// Threads inside of the library.
    inside: usize,
    /// Whether a fork waits; nobody enters meanwhile.
    is_closed: bool,
}

static DOOR: Mutex<Door> = Mutex::new(Door {
    inside: 0,
    is_closed: false,
});
/// Somebody has left, or the door is open again.
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// The lock, from before a fork until after it.
    static HELD: RefCell<Option<MutexGuard<'static, Door>>> = const { RefCell::new(None) };
}

/// A thread inside of the library; until dropped.
pub(crate) struct Inside(());

impl Inside {
    /// Waits for a fork that is under way. Not to be called while attached to Python:
    /// the thread that forks may wait for that.
    pub(crate) fn enter() -> Self {
        let door = DOOR.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = CHANGED.wait_while(door, |door| door.is_closed);
        waited.unwrap_or_else(PoisonError::into_inner).inside += 1;
        Self(())
    }

    /// Lets a fork pass that waits.
    pub(crate) fn pause(&mut self) {
        leave();
        mem::forget(Self::enter());
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        leave();
    }
}

fn leave() {
    let mut door = DOOR.lock().unwrap_or_else(PoisonError::into_inner);
    door.inside = door.inside.saturating_sub(1);
    CHANGED.notify_all();
}

/// For `os.register_at_fork(before=…)`.
#[pyfunction]
pub(crate) fn before_fork(py: Python<'_>) {
    py.detach(|| {
        let mut door = DOOR.lock().unwrap_or_else(PoisonError::into_inner);
        door.is_closed = true;
        let waited = CHANGED.wait_timeout_while(door, PATIENCE, |door| door.inside > 0);
        let (door, _) = waited.unwrap_or_else(PoisonError::into_inner);
        HELD.with_borrow_mut(|held| *held = Some(door));
    });
}

/// For `after_in_parent` and, with `is_child`, `after_in_child`.
#[pyfunction]
pub(crate) fn after_fork(is_child: bool) {
    let Some(mut door) = HELD.with_borrow_mut(Option::take) else {
        return;
    };
    door.is_closed = false;
    if is_child {
        // Whoever else was inside is not here.
        door.inside = 0;
    }
    CHANGED.notify_all();
}
