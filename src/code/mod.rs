//! The code verifier: a program and the tests of its task in, a verdict out.
//!
//! The guest that runs a candidate has no authority and no secrets. It gets the
//! source and the arguments of one call, or standard input, and gives plain data
//! back; expectations, comparison, counting and the verdict stay here. Tests that
//! are programs themselves run in a second guest, which meets the candidate only
//! through calls by value.
//!
//! `docs/code.md` lists what is accepted and what is refused.

mod task;

mod forms;

mod options;

mod report;

mod mode;

pub mod value;

pub mod literal;

mod oracle;

mod compare;

mod extract;

mod wire;

mod score;

mod efficiency;

pub use compare::{Compare, CompareMode};
pub use efficiency::{NoReference, References, against_best, against_reference};
pub use extract::{Extracted, NoCode, extract};
pub use mode::{ProgramRun, Script, run_program};
pub use options::{CodeLimits, CodeOptions, Credit, Objects, Stop, Trusting};
pub use oracle::Oracle;
pub use report::{CodeReport, CodeVerdict, Mode, TestReport, Trust};
pub use score::Unjudged;
pub use task::{BadTask, Call, Program, Stdio, StdioCase, Task, Tests};

use crate::sandbox::{Runner, SandboxError};

/// Why a program could not be judged; never the program's fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// The sandbox could not run.
    #[error("the program could not be run")]
    Sandbox(#[from] SandboxError),
    /// A guest answered in a way that its harness never does.
    #[error("the guest's harness broke its protocol: {0}")]
    Harness(String),
}

/// Runs `source` against the tests of `task`.
///
/// The same four arguments give the same report; only
/// [`CodeVerdict::TimeoutWall`] depends on the machine, and says so.
///
/// # Errors
/// [`CodeError`] where we failed. Tests that cannot be run are a report whose
/// verdict is [`CodeVerdict::BadTask`].
pub fn verify(
    task: &Task,
    source: &str,
    options: &CodeOptions,
    runner: &dyn Runner,
) -> Result<CodeReport, CodeError> {
    mode::run(task, source, options, runner)
}
