//! Memory that is used again: fresh pages cost more than the arithmetic on them.

use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that no one uses now.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    free: Mutex<Vec<Vec<f32>>>,
}

/// A matrix of f32 in memory, rows one after the other. Dropped, its memory goes
/// back to the workspace it came from.
#[derive(Debug)]
pub(crate) struct HostMatrix {
    /// At least `rows * columns` numbers.
    memory: Vec<f32>,
    rows: usize,
    columns: usize,
    home: Arc<Workspace>,
}

impl Workspace {
    /// A matrix with whatever stood in the memory before.
    pub(crate) fn matrix(self: &Arc<Self>, rows: usize, columns: usize) -> HostMatrix {
        let length = rows * columns;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that is large enough, but not one far too large: that one
        // will be asked for as well.
        let fitting = (0..free.len())
            .filter(|i| free[*i].len() >= length && free[*i].len() <= 2 * length)
            .min_by_key(|i| free[*i].len());
        let memory = match fitting {
            Some(index) => free.swap_remove(index),
            None => {
                // One that is too small makes room.
                let small = (0..free.len())
                    .filter(|i| free[*i].len() < length)
                    .max_by_key(|i| free[*i].len());
                if let Some(index) = small {
                    drop(free.swap_remove(index));
                }
                vec![0.0; length]
            }
        };
        HostMatrix {
            memory,
            rows,
            columns,
            home: Arc::clone(self),
        }
    }

    /// A matrix of zeros.
    pub(crate) fn zeros(self: &Arc<Self>, rows: usize, columns: usize) -> HostMatrix {
        let mut matrix = self.matrix(rows, columns);
        matrix.data_mut().fill(0.0);
        matrix
    }
}

impl HostMatrix {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn data(&self) -> &[f32] {
        &self.memory[..self.rows * self.columns]
    }

    pub(crate) fn data_mut(&mut self) -> &mut [f32] {
        &mut self.memory[..self.rows * self.columns]
    }
}

impl Drop for HostMatrix {
    fn drop(&mut self) {
        let memory = take(&mut self.memory);
        let mut free = self
            .home
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        free.push(memory);
    }
}
