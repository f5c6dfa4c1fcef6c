//! The optimizer: its numbers, its policies and its folders against other
//! people's code.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![allow(
    clippy::print_stdout,
    reason = "the figures of docs/policies.md, shown by `--no-capture`"
)]

#[cfg(feature = "cli")]
mod asking;
#[cfg(feature = "cli")]
mod begins;
mod chat;
#[cfg(feature = "cli")]
mod commands;
#[cfg(feature = "cli")]
mod copies;
#[cfg(feature = "cli")]
mod drawing;
mod fixture;
mod folder;
mod golden;
#[cfg(feature = "cli")]
mod interrupted;
mod long;
mod lora;
mod micro_batches;
mod options;
mod parity;
mod recipe;
mod refusals;
mod reject;
mod resume;
mod rows;
mod sampler;
mod stages;
mod statistics;
mod tasks;
mod watch;
mod world;
