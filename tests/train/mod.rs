//! The optimizer: its numbers, its policies and its folders against other
//! people's code.

mod chat;
mod commands;
mod fixture;
mod folder;
mod golden;
mod lora;
mod micro_batches;
mod options;
mod parity;
mod recipe;
mod resume;
mod sampler;
mod stages;
mod statistics;
mod tasks;
mod watch;
mod world;
