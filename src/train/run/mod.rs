//! A run: stages one after the other, with checkpoints to go on from.

mod options;

pub use options::CheckpointOptions;
