//! From gradients to weights: AdamW, and the learning rate over time.

mod adamw;
mod schedule;

pub use adamw::{AdamW, AdamWOptions, Moments};
pub use schedule::{OptimizerOptions, Schedule};
