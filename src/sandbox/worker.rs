//! A worker process: takes orders on a socket, runs jobs, reports. Before the first
//! order it gives up what it does not need of the system.
//!
//! Standard input is the socket; standard output is one on which nothing is ever
//! said, but whose other end closes when the process that started the worker ends.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::{process, thread};

use super::cache::Cache;
use super::frame::{self, Order, Report};
use super::host::Host;
use super::{SandboxError, engine, walls};

/// Serves as a worker until the process that started this one closes the socket on
/// standard input. Guests are those compiled in the cache directory `cache`.
///
/// A binary of your own can be a worker by calling this when its only argument is
/// `worker`, followed by `--cache` and a directory: that is how [`Workers`] start it.
/// The process loses its privileges and must do nothing else.
///
/// [`Workers`]: super::Workers
///
/// # Errors
/// Our own failures: the sandbox can't be set up, the socket fails.
pub fn serve(cache: &Path) -> Result<(), SandboxError> {
    let failed = |error| SandboxError::failed("serve as a worker", error);
    let orders = socket(io::stdin()).map_err(failed)?;
    let lifeline = socket(io::stdout()).map_err(failed)?;
    let cache = Cache::open(Some(cache))?;
    // What must be there, or be opened, while there is sight of it.
    cache.compiled_directory().map_err(failed)?;
    engine::lists_written_pages();
    // Before there are other threads: they inherit what this one may do.
    let parent = walls::die_with_parent();
    let files = walls::only_files_below(&cache.compiled_path());
    thread::Builder::new()
        .name("sandbox-lifeline".into())
        .stack_size(64 << 10)
        .spawn(move || wait_for_the_end(lifeline))
        .map_err(failed)?;
    let worker = thread::Builder::new()
        .name("sandbox".into())
        .stack_size(engine::THREAD_STACK_BYTES)
        .spawn(move || {
            let host = Host::new(cache)?;
            let limits = walls::limit_resources();
            let calls = walls::only_needed_calls();
            let walls = frame::Walls {
                files,
                calls,
                limits,
                parent,
            };
            answer(orders, host, walls).map_err(failed)
        })
        .map_err(failed)?;
    match worker.join() {
        Ok(done) => done,
        Err(_) => Err(failed(io::Error::other("its thread has panicked"))),
    }
}

/// A standard stream as the socket that it is.
fn socket(stream: impl AsFd) -> io::Result<UnixStream> {
    Ok(stream.as_fd().try_clone_to_owned()?.into())
}

/// Ends the process when the one that started it does.
fn wait_for_the_end(mut lifeline: UnixStream) {
    // Neither bytes nor errors are expected; either way nobody is there any more.
    drop(lifeline.read(&mut [0]));
    process::exit(0);
}

/// Carries out orders until there are no more.
fn answer(mut socket: UnixStream, mut host: Host, walls: frame::Walls) -> io::Result<()> {
    frame::write(&mut socket, &Report::Ready(walls))?;
    while let Some(order) = frame::read(&mut socket)? {
        let report = match order {
            Order::Load { guest, sha256 } => host.load(&guest, &sha256).map(|()| Report::Loaded),
            Order::Run(job) => host.run(&job).map(Report::Done),
        };
        let report = report.unwrap_or_else(|error| failure(&error));
        frame::write(&mut socket, &report)?;
    }
    Ok(())
}

/// An error as it crosses the socket: words.
fn failure(error: &SandboxError) -> Report {
    let mut why = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        why.push(error.to_string());
        cause = error.source();
    }
    let doing = match error {
        SandboxError::Failed { doing, .. } => doing.clone(),
        SandboxError::NotInstalled { name } | SandboxError::Outdated { name } => {
            format!("find the guest `{name}`")
        }
    };
    Report::Failed {
        doing,
        why: why.join(": "),
    }
}
