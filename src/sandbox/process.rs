//! One worker process as the pool sees it: started, given orders, killed.

use std::collections::HashSet;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::frame::{self, Order, Report};
use super::{Job, Outcome, SandboxError, Walls, Work};

/// Time for a worker to start, to load a guest, to take an order.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longest time for one job.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Why a worker can't be used any more.
pub(super) enum Lost {
    /// Its process has ended, or what it says makes no sense.
    Died(io::Error),
    /// It did not answer in time, though its own clock should have ended the job.
    Silent(io::Error),
}

/// A running worker. Killed when dropped.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    socket: UnixStream,
    /// Its other end closes when this process ends, however it ends.
    lifeline: UnixStream,
    walls: Walls,
    /// sha256 of the guests that it has loaded, by their names.
    loaded: HashSet<(String, String)>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    BetweenJobs,
    AtWork,
}

impl Worker {
    /// Runs one job. An outer error means that the worker is lost.
    pub(super) fn run(
        &mut self,
        job: &Job,
        sha256: &str,
        grace: Duration,
    ) -> Result<Result<Outcome, SandboxError>, Lost> {
        self.state = State::AtWork;
        let guest = (job.guest.clone(), sha256.to_owned());
        if !self.loaded.contains(&guest) {
            let order = Order::Load {
                guest: guest.0.clone(),
                sha256: guest.1.clone(),
            };
            match self.order(&order, PATIENCE)? {
                Report::Loaded => self.loaded.insert(guest),
                report => return self.unless(report),
            };
        }
        let time = time_for(job).saturating_add(grace).min(LONGEST);
        match self.order(&Order::Run(job.clone()), time)? {
            Report::Done(outcome) => {
                self.state = State::BetweenJobs;
                Ok(Ok(outcome))
            }
            report => self.unless(report),
        }
    }

    /// A report that is not the one hoped for.
    fn unless<T>(&mut self, report: Report) -> Result<Result<T, SandboxError>, Lost> {
        match report {
            Report::Failed { doing, why } => {
                self.state = State::BetweenJobs;
                Ok(Err(SandboxError::failed(doing, io::Error::other(why))))
            }
            _ => Err(Lost::Died(io::Error::other(
                "an answer to another question",
            ))),
        }
    }

    fn order(&mut self, order: &Order, time: Duration) -> Result<Report, Lost> {
        self.socket
            .set_read_timeout(Some(time))
            .map_err(Lost::Died)?;
        frame::write(&mut self.socket, order).map_err(lost)?;
        self.hear()
    }

    fn hear(&mut self) -> Result<Report, Lost> {
        let ended = || Lost::Died(io::ErrorKind::UnexpectedEof.into());
        frame::read(&mut self.socket)
            .map_err(lost)?
            .ok_or_else(ended)
    }

    pub(super) fn is_between_jobs(&self) -> bool {
        self.state == State::BetweenJobs
    }

    pub(super) fn walls(&self) -> &Walls {
        &self.walls
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Each fails only where the worker has ended already. `wait` leaves no zombie.
        drop(self.lifeline.shutdown(Shutdown::Both));
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Wall time that all turns of a job may take.
fn time_for(job: &Job) -> Duration {
    let turns = match &job.work {
        Work::Fresh(requests) => requests.len() as u64,
        // Each may end the instance, and the next then loads again.
        Work::Calls { calls, .. } => 1 + 2 * calls.len() as u64,
        Work::Split { .. } => job.limits.calls.saturating_add(2),
    };
    let turns = u32::try_from(turns).unwrap_or(u32::MAX);
    job.limits.wall.saturating_mul(turns)
}

fn lost(error: io::Error) -> Lost {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Lost::Silent(error),
        _ => Lost::Died(error),
    }
}

/// Starts workers, all from one thread that lives as long as the pool: the system
/// kills a worker when the thread that started it ends, and a thread that happens to
/// have the first job may end long before the pool does.
#[derive(Debug)]
pub(super) struct Starter {
    binary: PathBuf,
    cache: PathBuf,
    /// Taken when the starter is dropped.
    commands: Option<Mutex<mpsc::Sender<Start>>>,
    thread: Option<JoinHandle<()>>,
}

/// What to start, and where the process goes.
type Start = (Command, mpsc::Sender<io::Result<Child>>);

impl Starter {
    pub(super) fn new(binary: Option<PathBuf>, cache: &Path) -> Result<Self, SandboxError> {
        let (commands, received) = mpsc::channel::<Start>();
        let thread = thread::Builder::new()
            .name("sandbox-starter".into())
            .spawn(move || {
                for (mut command, child) in received {
                    drop(child.send(command.spawn()));
                }
            })
            .map_err(|error| SandboxError::failed("start its thread", error))?;
        Ok(Self {
            // Still this program where its file has been replaced since it started.
            binary: binary.unwrap_or_else(|| "/proc/self/exe".into()),
            cache: cache.to_owned(),
            commands: Some(Mutex::new(commands)),
            thread: Some(thread),
        })
    }

    /// Starts a worker and waits until it is ready.
    pub(super) fn start(&self) -> Result<Worker, SandboxError> {
        let failed = |error| {
            let doing = format!("start the worker `{}`", self.binary.display());
            SandboxError::failed(doing, error)
        };
        let mut worker = self.launch().map_err(failed)?;
        match worker.hear() {
            Ok(Report::Ready(walls)) => worker.walls = walls,
            Ok(_) => return Err(failed(io::Error::other("it is no worker of this version"))),
            Err(Lost::Died(error) | Lost::Silent(error)) => return Err(failed(error)),
        }
        Ok(worker)
    }

    fn launch(&self) -> io::Result<Worker> {
        let (socket, its_socket) = UnixStream::pair()?;
        let (lifeline, its_lifeline) = UnixStream::pair()?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let mut command = Command::new(&self.binary);
        command
            .arg0("goldstone")
            .args(["worker", "--cache"])
            .arg(&self.cache)
            // Nothing of ours that a worker has no need of, such as tokens.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(its_socket)))
            .stdout(Stdio::from(OwnedFd::from(its_lifeline)));
        let (child, receive) = mpsc::channel();
        let commands = self.commands.as_ref().expect("taken by `drop` alone");
        let gone = || io::Error::other("the thread that starts workers has ended");
        commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send((command, child))
            .map_err(|_| gone())?;
        let child = receive.recv().map_err(|_| gone())??;
        Ok(Worker {
            child,
            socket,
            lifeline,
            walls: Walls::default(),
            loaded: HashSet::new(),
            state: State::BetweenJobs,
        })
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to do and nothing to say.
            drop(thread.join());
        }
    }
}
