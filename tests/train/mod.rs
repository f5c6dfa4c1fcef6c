//! The optimizer: its numbers, its policies and its folders against other
//! people's code.

mod golden;
mod statistics;
mod watch;
