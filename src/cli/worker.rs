//! `goldstone worker`, hidden: a process that runs sandboxed programs for another
//! one, which speaks to it on standard input.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, Outcome};
use crate::sandbox;

#[derive(Args)]
pub(super) struct Worker {
    /// The cache directory with the guests
    #[arg(long)]
    cache: PathBuf,
}

impl Worker {
    pub(super) fn run(&self) -> Outcome {
        sandbox::serve(&self.cache).map_err(|error| Failure::Ours(error.into()))?;
        Ok(Exit::Done)
    }
}
