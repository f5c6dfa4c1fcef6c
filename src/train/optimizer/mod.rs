//! The optimizer: AdamW and the learning rate over time.

mod schedule;

pub use schedule::{OptimizerOptions, Schedule};
