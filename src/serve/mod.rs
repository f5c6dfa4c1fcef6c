//! Rewards over HTTP: requests in, scores out.
//!
//! A [`Server`] has an address and one or more specs. Rows of all requests wait in one
//! bounded queue per spec, scoring threads take them from there, and every request gets
//! its own scores in its own order: the bytes that `goldstone score` writes. What does
//! not fit is refused, and nothing that was taken is lost when the server is told to
//! stop. Reading order: `accept` takes connections, `routes` finds the handler,
//! `native`, `stream` and `protocol` make rows of bodies and bodies of scores,
//! `queue` is in between.
//!
//! ```no_run
//! use goldstone::engine::EngineOptions;
//! use goldstone::load;
//! use goldstone::serve::{ServeOptions, Server};
//!
//! let specs = vec![load::spec("r1-zero")?];
//! let server = Server::bind("127.0.0.1:8080", specs, &EngineOptions::default(), ServeOptions::default())?;
//! println!("listening on {}", server.address());
//! server.run()?; // until `server.stopper().stop()` is called on another thread
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accept;
mod app;
mod body;
mod lane;
mod lines;
mod meters;
mod native;
mod options;
mod page;
mod patience;
mod protocol;
mod queue;
mod recent;
mod refusal;
#[cfg(feature = "remote")]
mod remote;
mod routes;
mod server;
mod stream;

pub use options::{Log, ServeOptions, Token};
pub use server::{ServeError, Server, Stopper};
