//! One test binary; a module per subject, cases as data under `tests/data/`.

mod batch;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "sandbox")]
mod code;
mod containers;
#[cfg(feature = "cli")]
mod demonstrations;
#[cfg(feature = "cli")]
mod diff;
mod engine;
#[cfg(feature = "cli")]
mod filter;
mod format;
mod fuzz_replay;
mod groups;
#[cfg(all(feature = "cli", feature = "sandbox"))]
mod guests;
mod ifeval;
#[cfg(feature = "cli")]
mod import;
mod json;
mod language;
mod layering;
mod math;
mod measures;
#[cfg(feature = "cli")]
mod packing;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "train")]
mod policy;
#[cfg(feature = "remote")]
mod remote;
mod report;
mod reward;
mod rollout;
#[cfg(feature = "sandbox")]
mod sandbox;
mod schemas;
#[cfg(all(feature = "cli", feature = "serve"))]
mod serve;
mod spec;
mod text;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "cli")]
mod verify;
