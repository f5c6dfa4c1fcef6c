//! The HTTP server: every route, rude clients, load and the end.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod client;
mod command;
mod hostile;
#[cfg(feature = "remote")]
mod judges;
mod load;
mod page;
mod routes;
