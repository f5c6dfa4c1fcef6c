//! Candidate programs in WASM guests: a [`Job`] in, an [`Outcome`] out.

mod job;

pub use job::{End, Job, Limits, Outcome, Request, Turn, Work};
