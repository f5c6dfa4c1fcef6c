//! One test binary; a module per subject, cases as data under `tests/data/`.

mod batch;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "sandbox")]
mod code;
mod countdown;
#[cfg(feature = "cli")]
mod engine;
mod filter;
mod format;
mod fuzz_replay;
mod groups;
#[cfg(all(feature = "cli", feature = "sandbox"))]
mod guests;
mod ifeval;
mod json;
mod language;
mod layering;
mod math;
mod math_laws;
mod measures;
#[cfg(feature = "train")]
mod policy;
mod reward;
mod rollout;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(all(feature = "cli", feature = "serve"))]
mod serve;
mod spec;
mod text;
#[cfg(feature = "train")]
mod train;
