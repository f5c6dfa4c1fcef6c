//! The command line: arguments in, exit code out.
//!
//! Results go to standard output or `-o`, everything else to standard error.
//! Exit codes: 0 done; 1 done, some rows unusable; 2 bad input or spec; 3 a
//! failure of ours; 130 interrupted.

mod check;
mod container;
mod diff;
mod explain;
mod filter;
mod import;
mod inputs;
mod languages;
#[cfg(feature = "train")]
mod live;
mod math;
mod part;
mod progress;
mod report;
#[cfg(feature = "sandbox")]
mod run;
#[cfg(feature = "train")]
mod sample;
#[cfg(feature = "sandbox")]
mod sandbox;
mod score;
#[cfg(feature = "serve")]
mod serve;
mod summary;
mod terminal;
#[cfg(feature = "train")]
mod train;
mod verify;
#[cfg(feature = "train")]
mod watch;
mod whole;
#[cfg(feature = "sandbox")]
mod worker;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
#[cfg(feature = "sandbox")]
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::engine::{self, EngineError, EngineOptions};
use crate::load::{self, LoadError};
use crate::reward::{Colour, Scorer};
#[cfg(feature = "sandbox")]
use crate::sandbox::{Runner, SandboxError};
#[cfg(feature = "train")]
use crate::train::recipe;
use terminal::{BAD, Styled};

/// Trustworthy rewards for reinforcement learning on verifiable tasks.
///
/// Rollouts (JSON lines with `completion`, `reference`, and optionally `id`,
/// `group`, `task`, `prompt`) come in; rewards with reasons come out.
#[derive(Parser)]
#[command(name = "goldstone", version, max_term_width = 100, after_help = EXAMPLES)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  goldstone score rollouts.jsonl --spec r1-zero -o scored.jsonl
  goldstone explain rollouts.jsonl --spec r1-zero --row 17
  goldstone check my-spec.toml
  goldstone math '\\frac{1}{2}' --gold 0.5
  goldstone run solution.py --tests tests.json
  goldstone train addition

Exit codes: 0 done; 1 done, some rows unusable; 2 bad input or spec; 3 a failure of goldstone.";

#[derive(Subcommand)]
enum Command {
    /// Score rollouts: one line in, one line out, in order
    Score(score::Score),
    /// Show why one rollout has its reward
    Explain(explain::Explain),
    /// Serve rewards over HTTP
    #[cfg(feature = "serve")]
    Serve(Box<serve::Serve>),
    /// Train a policy by a recipe: SFT, GRPO, rejection sampling
    #[cfg(feature = "train")]
    Train(Box<train::Train>),
    /// Draw completions from a policy, as rollouts
    #[cfg(feature = "train")]
    Sample(Box<sample::Sample>),
    /// Show what scored files hold, as a page and as JSON
    Report(report::Report),
    /// Keep the good ones of scored rollouts, as demonstrations for SFT
    Filter(filter::Filter),
    /// Make native rows of a published data set: HumanEval, MBPP, GSM8K, MATH…
    Import(import::Import),
    /// Compare two scored files: which rows changed, and why
    Diff(diff::DiffCommand),
    /// Check specs; list and show those that come with goldstone
    Check(check::Check),
    /// Compare one answer with a reference, or a file of them
    Math(math::Math),
    /// Run one program in the sandbox, by itself or against tests
    #[cfg(feature = "sandbox")]
    Run(run::Run),
    /// Install, list, check and remove the guests that run programs
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Sandbox),
    /// Show a training run on the terminal, running or ended
    #[cfg(feature = "train")]
    Watch(watch::Watch),
    /// Run sandboxed programs for the process that started this one
    #[cfg(feature = "sandbox")]
    #[command(hide = true)]
    Worker(worker::Worker),
}

/// Why a command failed, by whose fault it is.
#[derive(Debug)]
enum Failure {
    /// The user's input or spec: exit code 2.
    Input(anyhow::Error),
    /// Ours, or the system's: exit code 3.
    Ours(anyhow::Error),
    /// A spec with mistakes, already worded: exit code 2.
    Spec(LoadError),
    /// A recipe with mistakes, already worded: exit code 2.
    #[cfg(feature = "train")]
    Recipe(recipe::LoadError),
}

/// What the process says when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Done = 0,
    SomeUnusable = 1,
    BadInput = 2,
    OurFailure = 3,
    Interrupted = 130,
}

type Outcome = Result<Exit, Failure>;

/// Runs the command that the process's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Score(command) => command.run(),
        Command::Explain(command) => command.run(),
        #[cfg(feature = "serve")]
        Command::Serve(command) => command.run(),
        #[cfg(feature = "train")]
        Command::Train(command) => command.run(),
        #[cfg(feature = "train")]
        Command::Sample(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Filter(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Math(command) => command.run(),
        #[cfg(feature = "sandbox")]
        Command::Run(command) => command.run(),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(command) => command.run(),
        #[cfg(feature = "train")]
        Command::Watch(command) => command.run(),
        #[cfg(feature = "sandbox")]
        Command::Worker(command) => command.run(),
    };
    let exit = outcome.unwrap_or_else(|failure| failure.report());
    ExitCode::from(exit as u8)
}

impl Failure {
    fn report(&self) -> Exit {
        let mut stderr = anstream::stderr();
        let (said, exit) = match self {
            Self::Input(error) => (complain(&mut stderr, error), Exit::BadInput),
            Self::Spec(LoadError::Spec(error)) => {
                let colour = match io::stderr().is_terminal() {
                    true => Colour::Ansi,
                    false => Colour::None,
                };
                (writeln!(stderr, "{}", error.render(colour)), Exit::BadInput)
            }
            Self::Spec(error) => {
                let error = anyhow::Error::msg(chain(error));
                (complain(&mut stderr, &error), Exit::BadInput)
            }
            #[cfg(feature = "train")]
            Self::Recipe(recipe::LoadError::Recipe(error)) => {
                let colour = match io::stderr().is_terminal() {
                    true => Colour::Ansi,
                    false => Colour::None,
                };
                (writeln!(stderr, "{}", error.render(colour)), Exit::BadInput)
            }
            #[cfg(feature = "train")]
            Self::Recipe(error) => {
                let error = anyhow::Error::msg(chain(error));
                (complain(&mut stderr, &error), Exit::BadInput)
            }
            // The reader of our output has gone: a normal end.
            Self::Ours(error) if is_broken_pipe(error) => return Exit::Done,
            Self::Ours(error) => (complain(&mut stderr, error), Exit::OurFailure),
        };
        // Nobody reads standard error: the exit code has to do.
        drop(said);
        exit
    }
}

fn complain(out: &mut impl Write, error: &anyhow::Error) -> io::Result<()> {
    writeln!(
        out,
        "{}: {}",
        Styled(BAD.bold(), "error"),
        terminal::Safe(&format!("{error:#}"))
    )
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io_error = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>());
    io_error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// What `?` does with an error of writing results.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Ours(error.into())
    }
}

fn load_spec(name_or_path: &str) -> Result<Scorer, Failure> {
    load::spec(name_or_path).map_err(Failure::Spec)
}

/// A spec with all that it needs to run. `jobs` is how many programs run at a time;
/// 0 is one per core.
fn load_scorer(name_or_path: &str, jobs: u16) -> Result<Scorer, Failure> {
    ready(load_spec(name_or_path)?, jobs)
}

/// A scorer with all that its spec needs to run.
fn ready(scorer: Scorer, jobs: u16) -> Result<Scorer, Failure> {
    let options = EngineOptions {
        say: Some(say),
        ..EngineOptions::with_jobs(jobs.into())
    };
    let (scorer, notices) = engine::equip(scorer, &options).map_err(engine_failure)?;
    warn(&notices);
    Ok(scorer)
}

fn engine_failure(error: EngineError) -> Failure {
    match error {
        #[cfg(feature = "sandbox")]
        EngineError::Sandbox(error) => sandbox_failure(error),
        // A key or a folder that the user has to see to.
        #[cfg(feature = "remote")]
        EngineError::Remote(error) => bad_input(error),
        error => Failure::Ours(error.into()),
    }
}

/// Worker processes for the named guests, each of which must be installed.
/// `jobs = 0` is one worker per core.
#[cfg(feature = "sandbox")]
fn sandbox_for(guests: &[&str], jobs: u16) -> Result<Arc<dyn Runner>, Failure> {
    let options = EngineOptions::with_jobs(jobs.into());
    let (runner, notices) = engine::sandbox(guests, &options).map_err(sandbox_failure)?;
    warn(&notices);
    Ok(runner)
}

#[cfg(feature = "sandbox")]
fn sandbox_failure(error: SandboxError) -> Failure {
    match error {
        SandboxError::Failed { .. } => Failure::Ours(error.into()),
        // Something for the user to do, and the message says what.
        _ => bad_input(error),
    }
}

fn warn(notices: &[String]) {
    for notice in notices {
        // One that shows a place in a spec says itself what it is.
        let is_worded = notice.starts_with("warning");
        let warning = Styled(terminal::DOUBT, "warning: ");
        drop(match is_worded {
            true => writeln!(anstream::stderr(), "{notice}"),
            false => writeln!(anstream::stderr(), "{warning}{notice}"),
        });
    }
}

/// Says something while rows are scored, be it over a progress bar.
fn say(notice: &str) {
    let mut stderr = anstream::stderr();
    let cleared = match io::stderr().is_terminal() {
        true => "\r\x1b[K",
        false => "",
    };
    let warning = Styled(terminal::BAD, "warning");
    drop(writeln!(
        stderr,
        "{cleared}{warning}: {}",
        terminal::Safe(notice)
    ));
}

fn bad_input(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Input(error.into())
}
