//! Rewards: a spec is compiled into a [`Scorer`], which turns rollouts into
//! [`Score`]s.

mod score;

pub use score::{ErrorKind, RowError, Score, Status, Term};
