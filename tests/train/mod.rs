//! The optimizer: its numbers, its policies and its folders against other
//! people's code.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod golden;
mod micro_batches;
mod options;
mod resume;
mod sampler;
mod stages;
mod world;
