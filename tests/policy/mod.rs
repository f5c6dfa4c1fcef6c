//! The policy against a plain model of differentiable tensor operations in f64.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly")]
#![allow(clippy::print_stdout, reason = "tests say how near they are")]

mod adamw;
mod bf16;
mod decode;
mod gradients;
mod hostile;
mod models;
mod oracle;
mod plain;
mod scores;
