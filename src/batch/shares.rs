//! Rows of a chunk, shared out among the threads that are free.
//!
//! A thread takes one row after the other, so that a slow row (a program, a judge
//! behind HTTP) holds up the thread that scores it and nobody else: not the rows
//! after it, and not the chunk that another thread could finish.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What there is to do of a chunk, and what has come of it.
pub(super) struct Shares<T> {
    next: AtomicUsize,
    rows: Range<usize>,
    /// By row; `None` once all of them have been handed out.
    done: Mutex<Option<Vec<(usize, T)>>>,
}

impl<T> Shares<T> {
    pub(super) fn new(rows: Range<usize>) -> Self {
        Self {
            next: AtomicUsize::new(rows.start),
            done: Mutex::new(Some(Vec::with_capacity(rows.len()))),
            rows,
        }
    }

    /// Whether another thread would find something to do.
    pub(super) fn is_open(&self) -> bool {
        self.next.load(Ordering::Relaxed) < self.rows.end
    }

    /// Does what nobody else has begun, row by row. Who does the last row of all
    /// gets what has come of each, in order.
    pub(super) fn take_part(&self, mut one: impl FnMut(usize) -> T) -> Option<Vec<T>> {
        let mut own = Vec::new();
        while self.is_open() {
            let row = self.next.fetch_add(1, Ordering::Relaxed);
            if row < self.rows.end {
                own.push((row, one(row)));
            }
        }
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let all = done.as_mut()?;
        all.append(&mut own);
        if all.len() < self.rows.len() {
            return None;
        }
        let mut all = done.take()?;
        drop(done);
        all.sort_unstable_by_key(|(row, _)| *row);
        Some(all.into_iter().map(|(_, done)| done).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn one_thread_gets_all_rows_in_order() {
        for threads in 1..5 {
            let shares = Shares::new(3..100);
            let parts: Vec<Option<Vec<usize>>> = thread::scope(|scope| {
                let part = || shares.take_part(|row| row * 2);
                let running: Vec<_> = (0..threads).map(|_| scope.spawn(part)).collect();
                let joined = running.into_iter().map(|thread| thread.join());
                joined.map(Result::unwrap).collect()
            });
            let whole: Vec<Vec<usize>> = parts.into_iter().flatten().collect();
            assert_eq!(whole, [(3..100).map(|row| row * 2).collect::<Vec<_>>()]);
            assert!(shares.take_part(|_| 0).is_none(), "it is over");
        }
    }

    #[test]
    fn of_no_rows_there_is_nothing_to_wait_for() {
        let shares: Shares<()> = Shares::new(7..7);
        assert!(!shares.is_open());
        assert_eq!(shares.take_part(|_| ()), Some(Vec::new()));
    }

    #[test]
    fn rows_do_not_wait_for_the_ones_before_them() {
        // Each of two threads is in a row that ends with the other's.
        let both = Barrier::new(2);
        let shares = Shares::new(0..10);
        let part = || {
            shares.take_part(|row| {
                if row < 2 {
                    both.wait();
                }
            })
        };
        thread::scope(|scope| {
            let other = scope.spawn(part);
            let own = part();
            assert!(own.is_some() != other.join().unwrap().is_some());
        });
    }
}
