//! A server from start to end.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;

use tokio::runtime;
use tokio::sync::watch;

use super::accept::accept;
use super::app::App;
use super::lane::Lane;
use super::meters::Meters;
use super::options::ServeOptions;
use super::recent::Recent;
use super::routes::router;
use crate::engine::{Engine, EngineError, EngineOptions};
use crate::reward::Scorer;

/// Threads that speak HTTP. Scoring has its own.
const HTTP_THREADS: usize = 2;

/// A server that has its address and its specs, and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    notices: Vec<String>,
}

/// Stops a server, from any thread.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// No spec.
    #[error("a server needs a spec")]
    NoSpec,
    /// Requests name specs; two have one name.
    #[error("two specs are called `{name}`; requests could not tell them apart")]
    SameName {
        /// The name.
        name: String,
    },
    /// Another program has the address, or it is none of this machine's.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address as given.
        address: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A spec's engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Threads, or the runtime.
    #[error("cannot start the server")]
    Start(#[source] io::Error),
}

impl Server {
    /// Takes an address and starts the engines of all specs. The first spec is the
    /// default one. Port 0 takes any that is free.
    ///
    /// # Errors
    /// [`ServeError`] for specs that cannot be told apart or need what is not
    /// installed, and where the address cannot be had.
    pub fn bind(
        address: &str,
        specs: Vec<Scorer>,
        engines: &EngineOptions,
        options: ServeOptions,
    ) -> Result<Self, ServeError> {
        if specs.is_empty() {
            return Err(ServeError::NoSpec);
        }
        for (index, spec) in specs.iter().enumerate() {
            if specs[..index]
                .iter()
                .any(|other| other.name() == spec.name())
            {
                let name = spec.name().to_owned();
                return Err(ServeError::SameName { name });
            }
        }
        let listener = listen(address).map_err(|source| ServeError::Listen {
            address: address.to_owned(),
            source,
        })?;
        let own = listener.local_addr().map_err(ServeError::Start)?;
        let meters = Meters::new();
        let recent = Arc::new(Recent::new());
        let mut notices = Vec::new();
        let mut lanes = Vec::with_capacity(specs.len());
        for spec in specs {
            let engine = Engine::start(spec, engines)?;
            notices.extend_from_slice(engine.notices());
            let lane_meters = meters.lane(engine.scorer());
            let recent = Arc::clone(&recent);
            let lane = Lane::new(engine, engines.jobs, options.rows, lane_meters, recent);
            lanes.push(Arc::new(lane));
        }
        let (stop, stopped) = watch::channel(false);
        Ok(Self {
            listener,
            address: own,
            app: Arc::new(App::new(lanes, options, meters, recent, stopped)),
            stop,
            notices,
        })
    }

    /// The address that clients can connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What whoever started the server should be told, such as that one guest stands
    /// in for another.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// What stops the server.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Answers requests until it is told to stop; then takes no more connections and
    /// requests, answers all that it has taken, and returns.
    ///
    /// # Errors
    /// [`ServeError::Start`] where threads cannot be had.
    pub fn run(self) -> Result<(), ServeError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(HTTP_THREADS)
            .thread_name("http")
            .enable_all()
            .build()
            .map_err(ServeError::Start)?;
        let mut threads = Vec::new();
        let mut started = Ok(());
        for lane in &self.app.lanes {
            match Lane::start(lane) {
                Ok(more) => threads.extend(more),
                Err(error) => started = Err(error),
            }
        }
        let served = started.and_then(|()| {
            self.listener.set_nonblocking(true)?;
            let _inside = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            runtime.block_on(accept(listener, &self.app, router(&self.app)));
            Ok(())
        });
        for lane in &self.app.lanes {
            lane.queue().close();
        }
        for thread in threads {
            // A thread catches its own panics.
            drop(thread.join());
        }
        served.map_err(ServeError::Start)
    }
}

impl Stopper {
    /// Tells the server to stop; more than once is the same as once.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

fn listen(address: &str) -> io::Result<TcpListener> {
    let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
    TcpListener::bind(&addresses[..])
}
