//! The optimizer: its numbers, its policies and its folders against other
//! people's code.

mod chat;
mod fixture;
mod folder;
mod golden;
mod lora;
mod parity;
