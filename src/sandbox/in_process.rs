//! Runs jobs in this process, on a thread of its own with a stack that is large
//! enough; one job at a time.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use super::cache::{Cache, Prepared};
use super::host::Host;
use super::{Job, Outcome, Runner, SandboxError, engine};

/// Runs jobs in this process, one at a time. Threads in one process slow each other
/// down, and a flaw of the sandbox would be a flaw of this process: prefer
/// [`Workers`](super::Workers) where there is a binary for them.
#[derive(Debug)]
pub struct InProcess {
    /// Taken when the runner is dropped.
    orders: Option<Mutex<mpsc::Sender<Order>>>,
    thread: Option<JoinHandle<()>>,
}

/// A job, and where its outcome goes.
struct Order {
    job: Job,
    outcome: mpsc::Sender<Result<Outcome, SandboxError>>,
}

impl InProcess {
    /// Starts the thread. Guests are those installed in `cache`; `None` is the
    /// user's own cache directory.
    ///
    /// # Errors
    /// The directory can't be opened, or wasmtime can't be set up.
    pub fn new(cache: Option<PathBuf>) -> Result<Self, SandboxError> {
        let cache = Cache::open(cache.as_deref())?;
        let (orders, received) = mpsc::channel::<Order>();
        let (started, start) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sandbox".into())
            .stack_size(engine::THREAD_STACK_BYTES)
            .spawn(move || {
                let mut station = match Station::new(cache) {
                    Ok(station) => station,
                    Err(error) => return drop(started.send(Err(error))),
                };
                // Whoever waits for these may have gone; that is their affair.
                drop(started.send(Ok(())));
                for Order { job, outcome } in received {
                    drop(outcome.send(station.run(&job)));
                }
            })
            .map_err(|error| SandboxError::failed("start its thread", error))?;
        start.recv().unwrap_or_else(|_| Err(died()))?;
        Ok(Self {
            orders: Some(Mutex::new(orders)),
            thread: Some(thread),
        })
    }
}

impl Runner for InProcess {
    fn run(&self, job: &Job) -> Result<Outcome, SandboxError> {
        let (outcome, receive) = mpsc::channel();
        let job = job.clone();
        let orders = self.orders.as_ref().expect("taken by `drop` alone");
        let sent = orders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(Order { job, outcome });
        sent.map_err(|_| died())?;
        receive.recv().unwrap_or_else(|_| Err(died()))
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been told to whoever waited for a job.
            drop(thread.join());
        }
    }
}

fn died() -> SandboxError {
    let error = std::io::Error::other("its thread has ended");
    SandboxError::failed("run a job", error)
}

/// A host and a compiler: loads each guest when it is first needed.
struct Station {
    host: Host,
    cache: Cache,
    compiler: wasmtime::Engine,
    /// The guests that have been prepared, by the names in jobs.
    prepared: HashMap<String, Prepared>,
}

impl Station {
    fn new(cache: Cache) -> Result<Self, SandboxError> {
        let path = cache.path().to_owned();
        let compiler =
            engine::compiler().map_err(|error| SandboxError::failed("set up wasmtime", error))?;
        Ok(Self {
            host: Host::new(cache)?,
            cache: Cache::open(Some(&path))?,
            compiler,
            prepared: HashMap::new(),
        })
    }

    fn run(&mut self, job: &Job) -> Result<Outcome, SandboxError> {
        if !self.prepared.contains_key(&job.guest) {
            let prepared = self.cache.prepare(&self.compiler, &job.guest)?;
            self.host.load(&job.guest, &prepared.sha256)?;
            self.prepared.insert(job.guest.clone(), prepared);
        }
        let outcome = self.host.run(job)?;
        Ok(outcome.of(&self.prepared[&job.guest].guest))
    }
}
