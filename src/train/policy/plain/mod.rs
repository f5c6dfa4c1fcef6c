//! The same policy of plain tensor operations, for devices that have no kernels of
//! ours: forward, and backward by the same formulas.
//!
//! Slower than the kernels on the processor, which it checks: the tests run both.
//! Matrices are multiplied in f32 or in bf16, which their products are rounded to;
//! weights, sums of gradients, norms, softmax and scores are f32 in either case.

mod weights;

mod adapters;

mod attention;

mod decode;

mod layer;

mod norm;

mod passes;

mod scores;

pub(super) use decode::PlainCaches;
pub(super) use passes::PlainTape;
pub(super) use scores::LOGITS;
pub(super) use weights::Copies;
