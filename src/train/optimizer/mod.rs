//! From gradients to weights.

mod adamw;

pub use adamw::{AdamW, AdamWOptions, Moments};
