//! Verifier and reward engine for reinforcement learning on verifiable tasks.
//!
//! A [`Rollout`](rollout::Rollout) (prompt, completion, reference) goes in; a
//! trustworthy reward comes out, with the reason.
#![deny(missing_docs)]

pub mod verdict;

pub mod statistics;

mod page;

pub mod rollout;

pub mod boxed;

pub mod format;

pub mod math;

pub mod text;

pub mod language;

#[cfg(feature = "sandbox")]
pub mod sandbox;

#[cfg(feature = "sandbox")]
pub mod code;

pub mod reward;

pub mod load;

pub mod import;

#[cfg(feature = "remote")]
pub mod remote;

pub mod batch;

pub mod engine;

#[cfg(feature = "serve")]
pub mod serve;

#[cfg(feature = "train")]
pub mod train;

#[cfg(feature = "cli")]
pub mod cli;
