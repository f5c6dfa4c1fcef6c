//! A pool of worker processes, one for each core: jobs from any number of threads,
//! each run by a worker that is free.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::Engine;

use super::cache::{Cache, Prepared};
use super::process::{Lost, Starter, Worker};
use super::{Job, Outcome, Runner, SandboxError, Walls, engine};

/// Workers that may die of one job before it is given up.
const ATTEMPTS: u32 = 2;

/// Time for a job beyond what its turns may take.
const GRACE: Duration = Duration::from_secs(30);

/// How to start workers.
#[derive(Clone, Debug, Default)]
pub struct WorkersOptions {
    /// Most workers at a time; as many as there are cores where it is `None`.
    pub count: Option<NonZeroUsize>,
    /// The binary to start with the arguments `worker --cache DIRECTORY`; that of this
    /// process where it is `None`.
    pub binary: Option<PathBuf>,
    /// The cache directory with the guests; the user's own where it is `None`.
    pub cache: Option<PathBuf>,
    /// How long a worker may take for a job beyond the wall time of all its turns,
    /// before it is killed and the job is our failure; 30 seconds where it is `None`.
    pub grace: Option<Duration>,
}

/// Runs jobs in worker processes. A worker starts when it is first needed and lives
/// as long as the pool; one that dies is replaced, and its job is run once more.
#[derive(Debug)]
pub struct Workers {
    places: Mutex<Places>,
    /// A place has become free.
    freed: Condvar,
    count: usize,
    grace: Duration,
    cache: Cache,
    compiler: OnceLock<Engine>,
    /// The guests that have been prepared, by the names in jobs.
    prepared: Mutex<HashMap<String, Prepared>>,
    starter: Starter,
}

/// Who is where.
#[derive(Debug, Default)]
struct Places {
    /// Workers without a job; the one that had one last is last, its memory warm.
    idle: Vec<Worker>,
    /// Workers with a job, and those being started.
    busy: usize,
}

impl Workers {
    /// A pool without any worker yet.
    ///
    /// # Errors
    /// The cache directory can't be opened.
    pub fn new(options: WorkersOptions) -> Result<Self, SandboxError> {
        let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let cache = Cache::open(options.cache.as_deref())?;
        Ok(Self {
            places: Mutex::default(),
            freed: Condvar::new(),
            count: options.count.map_or_else(cores, NonZeroUsize::get),
            grace: options.grace.unwrap_or(GRACE),
            compiler: OnceLock::new(),
            prepared: Mutex::default(),
            starter: Starter::new(options.binary, cache.path())?,
            cache,
        })
    }

    /// What stands round the workers on this system. Starts a worker where none is
    /// idle.
    ///
    /// # Errors
    /// No worker can be started.
    pub fn walls(&self) -> Result<Walls, SandboxError> {
        let place = self.take_place()?;
        Ok(place.worker().walls().clone())
    }

    /// Process numbers of the workers that have no job now.
    #[must_use]
    pub fn idle_processes(&self) -> Vec<u32> {
        lock(&self.places)
            .idle
            .iter()
            .map(Worker::process)
            .collect()
    }

    /// Compiles a guest, if that has not been done yet; its name, or that of the one
    /// which stands in for it. A job does so too; this is for whoever wants to know
    /// before the first job.
    ///
    /// # Errors
    /// The guest is not installed, or can't be compiled.
    pub fn prepare(&self, guest: &str) -> Result<String, SandboxError> {
        self.compile(guest).map(|prepared| prepared.guest)
    }

    fn compile(&self, guest: &str) -> Result<Prepared, SandboxError> {
        let mut known = lock(&self.prepared);
        if let Some(prepared) = known.get(guest) {
            return Ok(prepared.clone());
        }
        let compiler = match self.compiler.get() {
            Some(compiler) => compiler,
            None => {
                let new = engine::compiler()
                    .map_err(|error| SandboxError::failed("set up wasmtime", error))?;
                self.compiler.get_or_init(|| new)
            }
        };
        let prepared = self.cache.prepare(compiler, guest)?;
        known.insert(guest.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// Waits for a worker, or for room to start one.
    fn take_place(&self) -> Result<Place<'_>, SandboxError> {
        let is_full = |places: &mut Places| places.idle.is_empty() && places.busy >= self.count;
        let mut places = self
            .freed
            .wait_while(lock(&self.places), is_full)
            .unwrap_or_else(PoisonError::into_inner);
        places.busy += 1;
        let worker = places.idle.pop();
        drop(places);
        let mut place = Place { pool: self, worker };
        if place.worker.is_none() {
            place.worker = Some(self.starter.start()?);
        }
        Ok(place)
    }
}

impl Runner for Workers {
    fn guest_sha256(&self, guest: &str) -> Option<String> {
        self.compile(guest).ok().map(|prepared| prepared.sha256)
    }

    fn run(&self, job: &Job) -> Result<Outcome, SandboxError> {
        let prepared = self.compile(&job.guest)?;
        let mut attempt = 1;
        loop {
            let mut place = self.take_place()?;
            let lost = match place.worker_mut().run(job, &prepared.sha256, self.grace) {
                Ok(outcome) => return outcome.map(|outcome| outcome.of(&prepared.guest)),
                Err(lost) => lost,
            };
            // Not to be used again, whatever it is doing.
            place.worker = None;
            match lost {
                Lost::Died(_) if attempt < ATTEMPTS => attempt += 1,
                Lost::Died(error) => {
                    let doing = format!("run a job: {ATTEMPTS} workers have died of it");
                    return Err(SandboxError::failed(doing, error));
                }
                Lost::Silent(error) => {
                    let doing = "run a job: its worker did not answer in time";
                    return Err(SandboxError::failed(doing, error));
                }
            }
        }
    }
}

/// A place in the pool, with a worker in it or none. Left when dropped.
struct Place<'p> {
    pool: &'p Workers,
    worker: Option<Worker>,
}

impl Place<'_> {
    fn worker(&self) -> &Worker {
        self.worker
            .as_ref()
            .expect("a place is taken with a worker")
    }

    fn worker_mut(&mut self) -> &mut Worker {
        self.worker
            .as_mut()
            .expect("a place is taken with a worker")
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = lock(&self.pool.places);
        places.busy -= 1;
        // In the middle of a job (a panic) its answer would be taken for the next's.
        places
            .idle
            .extend(self.worker.take().filter(Worker::is_between_jobs));
        drop(places);
        self.pool.freed.notify_one();
    }
}

/// What the lock protects stays consistent through a panic: it is changed in single
/// steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
