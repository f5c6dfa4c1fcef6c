//! The operations a policy is made of, each forward and backward.
//!
//! On the processor every operation is a loop of our own over buffers that are
//! used again, in fixed chunks of rows on all threads: the same bits for any
//! number of threads. Activations are matrices `[tokens, width]`; the sequences of
//! a batch stand one after the other without padding.

mod workspace;

mod simd;

mod gemm;

mod host;

mod embedding;

mod linear;

mod adapter;

mod rms_norm;

mod rotate;

mod tile;

mod attention;

mod swiglu;

mod scores;

use std::sync::Arc;

pub(crate) use adapter::{Adapter, Dropout};
pub(crate) use attention::{AttentionShape, Cache};
pub(crate) use gemm::Output;
pub(crate) use host::{host, update};
pub(crate) use rotate::{HeadNorms, Positions, RopeTable};
pub(crate) use scores::{Head, Scored, ScoredTape};
pub(crate) use simd::{Kernel, Simd, run};
pub(crate) use workspace::{HostMatrix, Workspace};

/// Rows that one task works on: few enough that they stay in the cache of a core,
/// and the same for any number of threads, so that sums are taken in one order.
const CHUNK_ROWS: usize = 64;

/// The operations, and the memory they take their results from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ops {
    workspace: Arc<Workspace>,
}

impl Ops {
    /// A matrix with whatever stood in its memory before.
    pub(crate) fn matrix(&self, rows: usize, columns: usize) -> HostMatrix {
        self.workspace.matrix(rows, columns)
    }

    /// A matrix of zeros.
    pub(crate) fn zeros(&self, rows: usize, columns: usize) -> HostMatrix {
        self.workspace.zeros(rows, columns)
    }

    /// The same numbers in memory of their own.
    pub(crate) fn copy(&self, x: &HostMatrix) -> HostMatrix {
        let mut copy = self.matrix(x.rows(), x.columns());
        copy.data_mut().copy_from_slice(x.data());
        copy
    }
}
