//! A scorer with all that it needs to run: what the doors (command line, HTTP
//! server, Python package) have in common.
//!
//! ```
//! use goldstone::engine::{Engine, EngineOptions};
//! use goldstone::load;
//!
//! let engine = Engine::start(load::spec("r1-zero")?, &EngineOptions::default())?;
//! let record = r#"{"completion": "<think>…</think><answer>42</answer>", "reference": "42"}"#;
//! let scores = engine.score_records(&[record]);
//! assert_eq!(scores[0].reward, Some(2.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "sandbox")]
use std::num::NonZeroUsize;
#[cfg(feature = "sandbox")]
use std::path::PathBuf;
#[cfg(any(feature = "sandbox", feature = "remote"))]
use std::sync::Arc;
#[cfg(feature = "remote")]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use crate::batch::{BatchError, Threads};
#[cfg(feature = "remote")]
use crate::remote::{Client, RemoteError, Stoppable};
#[cfg(feature = "remote")]
use crate::reward::Remote;
use crate::reward::{Score, Scorer};
use crate::rollout::Rollout;
#[cfg(feature = "sandbox")]
use crate::sandbox::{Runner, SandboxError, Workers, WorkersOptions};

/// Most threads that are there to wait.
const MOST_WAITING: usize = 128;

/// How an engine runs. No score depends on any of it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Rows scored at a time, and programs run at a time; 0 (the default) for one
    /// per core.
    pub jobs: usize,
    /// The `goldstone` binary that sandboxed programs run in (`goldstone worker`);
    /// `None` where this process is that binary.
    #[cfg(feature = "sandbox")]
    pub worker: Option<PathBuf>,
    /// Told at once, on the thread that finds out, what a person should know while
    /// rows are scored: that a judge does not answer any more, or does again.
    /// `None` tells nobody.
    pub say: Option<fn(&str)>,
}

/// A scorer, its threads and its sandbox. One per process and spec is enough: all
/// methods take `&self`, from any thread.
#[derive(Debug)]
pub struct Engine {
    scorer: Scorer,
    threads: Threads,
    notices: Vec<String>,
}

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The sandbox that the spec needs: not installed, or not working.
    #[cfg(feature = "sandbox")]
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The client of the judges and reward models that the spec asks: a key that is
    /// missing, a folder that cannot be written.
    #[cfg(feature = "remote")]
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The threads could not be started.
    #[error(transparent)]
    Threads(#[from] BatchError),
}

impl EngineOptions {
    /// The defaults, with as many jobs.
    #[must_use]
    pub fn with_jobs(jobs: usize) -> Self {
        Self {
            jobs,
            ..Self::default()
        }
    }
}

impl Engine {
    /// Gives `scorer` all that its spec needs to run.
    ///
    /// # Errors
    /// [`EngineError`] where a guest that the spec runs programs in is not
    /// installed, or where processes or threads cannot be started.
    pub fn start(scorer: Scorer, options: &EngineOptions) -> Result<Self, EngineError> {
        let (scorer, notices) = equip(scorer, options)?;
        Ok(Self {
            threads: Threads::new(threads(&scorer, options.jobs))?,
            scorer,
            notices,
        })
    }

    /// The scorer, equipped.
    #[must_use]
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// What whoever started the engine should be told, such as that one guest
    /// stands in for another.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Whether a row may wait for a program in the sandbox or for a judge.
    #[must_use]
    pub fn waits(&self) -> bool {
        has_programs(&self.scorer) || self.scorer.waiting_rows() > 0
    }

    /// Scores one rollout on the caller's thread. Never panics.
    #[must_use]
    pub fn score(&self, rollout: &Rollout) -> Score {
        self.threads.score(&self.scorer, rollout)
    }

    /// Scores rollouts on the engine's threads, each among all those of its group;
    /// the scores are in the order of the rollouts. Never panics.
    #[must_use]
    pub fn score_all(&self, rollouts: &[Rollout]) -> Vec<Score> {
        self.threads.score_all(&self.scorer, rollouts)
    }

    /// Scores one record by itself, on the caller's thread; as
    /// [`Engine::score_records`], but a reward that compares the rollouts of a group
    /// is `null`, reason `needs_group`.
    #[must_use]
    pub fn score_record(&self, record: &[u8]) -> Score {
        self.threads.score_record(&self.scorer, record)
    }

    /// Scores records as [`Batch`](crate::batch::Batch) scores the lines of a file:
    /// one JSON object each, one score each, in order. A record that is no rollout
    /// has a score with an error; one without an `id` is called by its position,
    /// 1-based.
    #[must_use]
    pub fn score_records<T: AsRef<[u8]> + Sync>(&self, records: &[T]) -> Vec<Score> {
        self.threads.score_records(&self.scorer, records)
    }

    /// The same for records that are part of something longer, such as a stream:
    /// each has its own position with it. One record alone is scored on the
    /// caller's thread.
    #[must_use]
    pub fn score_placed<T: AsRef<[u8]> + Sync>(&self, records: &[(u64, T)]) -> Vec<Score> {
        self.threads.score_placed(&self.scorer, records)
    }

    /// As [`Engine::score_records`], but asks `go_on` while the threads work,
    /// on the caller's thread, some ten times a second; `None` where it said no, once
    /// the records that had begun are done.
    pub fn score_records_while<T: AsRef<[u8]> + Sync>(
        &self,
        records: &[T],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Option<Vec<Score>> {
        #[cfg(feature = "remote")]
        if let Some(remote) = self.scorer.remote() {
            let is_stopped = Arc::new(AtomicBool::new(false));
            let remote = Stoppable::new(Arc::clone(remote), Arc::clone(&is_stopped));
            let scorer = self.scorer.clone().with_remote(Arc::new(remote));
            let mut go_on = || {
                let goes_on = go_on();
                is_stopped.store(!goes_on, Relaxed);
                goes_on
            };
            let threads = &self.threads;
            return threads.score_records_while(&scorer, records, &mut go_on);
        }
        self.threads
            .score_records_while(&self.scorer, records, go_on)
    }
}

/// Gives `scorer` what its spec needs to run, and says what whoever asked should be
/// told.
///
/// # Errors
/// [`EngineError`] where a guest is not installed or cannot be started.
pub fn equip(
    scorer: Scorer,
    options: &EngineOptions,
) -> Result<(Scorer, Vec<String>), EngineError> {
    #[cfg(any(feature = "sandbox", feature = "remote"))]
    let mut scorer = scorer;
    #[cfg(feature = "sandbox")]
    let mut notices = scorer.warnings().to_vec();
    #[cfg(not(feature = "sandbox"))]
    let notices = scorer.warnings().to_vec();
    #[cfg(feature = "sandbox")]
    if let guests @ [_, ..] = scorer.guests().as_slice() {
        let (runner, said) = sandbox(guests, options)?;
        notices.extend(said);
        scorer = scorer.with_sandbox(runner);
    }
    #[cfg(feature = "remote")]
    if let Some(client) = remote(&scorer, options)? {
        scorer = scorer.with_remote(client);
    }
    #[cfg(not(any(feature = "sandbox", feature = "remote")))]
    let _ = options;
    Ok((scorer, notices))
}

/// A client for the endpoints that the spec's rewards ask; `None` where they ask
/// none. No connection is opened before the first question.
///
/// # Errors
/// [`RemoteError`] where a key is missing or a folder cannot be written.
#[cfg(feature = "remote")]
pub fn remote(
    scorer: &Scorer,
    options: &EngineOptions,
) -> Result<Option<Arc<dyn Remote>>, RemoteError> {
    let endpoints = scorer.endpoints();
    if endpoints.is_empty() {
        return Ok(None);
    }
    let endpoints = endpoints.into_iter().map(|(_, endpoint)| endpoint);
    Ok(Some(Arc::new(Client::new(endpoints, options.say)?)))
}

/// Scoring threads for `jobs` rows at a time; 0 is one per core. A thread that waits
/// for a program in the sandbox, or for a judge, needs no core: there are others for
/// the rows that wait for nothing.
#[must_use]
pub fn threads(scorer: &Scorer, jobs: usize) -> usize {
    let waiting = scorer.waiting_rows().min(MOST_WAITING);
    let has_programs = has_programs(scorer);
    if waiting == 0 && !has_programs {
        return jobs;
    }
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let jobs = if jobs == 0 { cores() } else { jobs };
    jobs + waiting + if has_programs { jobs } else { 0 }
}

fn has_programs(scorer: &Scorer) -> bool {
    #[cfg(feature = "sandbox")]
    return !scorer.guests().is_empty();
    #[cfg(not(feature = "sandbox"))]
    {
        let _ = scorer;
        false
    }
}

/// Worker processes for the named guests, each of which must be installed: better
/// known now than at every row.
///
/// # Errors
/// [`SandboxError`] where a guest is not installed or cannot be started.
#[cfg(feature = "sandbox")]
pub fn sandbox(
    guests: &[&str],
    options: &EngineOptions,
) -> Result<(Arc<dyn Runner>, Vec<String>), SandboxError> {
    let workers = Workers::new(WorkersOptions {
        count: NonZeroUsize::new(options.jobs),
        binary: options.worker.clone(),
        ..WorkersOptions::default()
    })?;
    let mut notices = Vec::new();
    for guest in guests {
        let found = workers.prepare(guest)?;
        if found != *guest {
            notices.push(format!("`{found}` stands in for the guest `{guest}`"));
        }
    }
    Ok((Arc::new(workers), notices))
}
