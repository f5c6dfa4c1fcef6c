//! Candidate programs in WASM guests: a [`Job`] in, an [`Outcome`] out.

mod job;

mod run;

mod budget;

mod instance;

mod guest;

mod door;
mod imports;
mod wasi;

mod cache;
mod engine;
mod host;
mod in_process;

mod pool;
mod process;

mod frame;
mod walls;
mod worker;

pub mod manifest;

pub mod install;

pub use frame::{Wall, Walls};
pub use in_process::InProcess;
pub use job::{End, Job, Limits, Outcome, Request, Turn, Work};
pub use pool::{Workers, WorkersOptions};
pub use worker::serve;

/// Runs jobs: in this process, or in workers.
pub trait Runner: Send + Sync {
    /// Runs a job to its end. The same job gives the same outcome, wherever and
    /// whenever it runs, but for [`End::Wall`].
    ///
    /// # Errors
    /// Our own failures alone: a guest that is not installed, a worker that can't
    /// be started. Whatever the program in the guest does is an [`Outcome`].
    fn run(&self, job: &Job) -> Result<Outcome, SandboxError>;

    /// SHA-256 of the image that jobs for `guest` run in, in hexadecimal; `None` where
    /// the runner cannot tell.
    fn guest_sha256(&self, guest: &str) -> Option<String> {
        let _ = guest;
        None
    }
}

/// Why a job could not be run; never the fault of the program in the guest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// No guest of that name is installed.
    #[error("the guest `{name}` is not installed; run `goldstone sandbox install {name}`")]
    NotInstalled {
        /// The guest's name.
        name: String,
    },
    /// The guest is not the one that this version of goldstone works with.
    #[error(
        "the guest `{name}` is of another version of goldstone; run `goldstone sandbox install {name}`"
    )]
    Outdated {
        /// The guest's name.
        name: String,
    },
    /// The sandbox itself failed.
    #[error("the sandbox could not {doing}")]
    Failed {
        /// What it was about to do.
        doing: String,
        /// Why it could not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SandboxError {
    /// A failure of ours, while `doing` something.
    fn failed(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Failed {
            doing: doing.into(),
            source: source.into(),
        }
    }
}

#[cfg(test)]
mod tests;
