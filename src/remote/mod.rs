//! The client of `remote` rewards: questions in, what judges and reward models said
//! out, over HTTP.
//!
//! One [`Client`] serves a scorer. Every endpoint has its own connections, limit of
//! requests at a time, cache and circuit. No thread is started: who asks waits, and
//! the one whose question is the oldest sends for all that wait with it. Redirects
//! are never followed, since a key would go along.

mod cache;
mod circuit;
mod http;
mod line;
mod protocol;
mod retry;
mod stop;

use std::collections::HashMap;

use line::Line;
pub(crate) use stop::Stoppable;

use crate::reward::{Endpoint, Question, Remote, RemoteFailure, RemoteFault, Said, Usage};

/// Asks the endpoints of a spec.
#[derive(Debug)]
pub struct Client {
    lines: HashMap<Endpoint, Line>,
}

/// Told at once what a person should know, such as that a judge is away.
pub type Say = fn(&str);

/// Why a client could not be made. Nothing has been asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The key is not where the spec says.
    #[error(
        "the environment variable `{name}`, which should hold the API key of `{url}`, {problem}"
    )]
    Key {
        /// The variable.
        name: String,
        /// Whose key.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The folder for answers cannot be used.
    #[error("cannot keep answers in the folder `{folder}`")]
    Cache {
        /// The folder.
        folder: String,
        /// What happened.
        #[source]
        source: std::io::Error,
    },
    /// The URL or the proxy cannot be used.
    #[error("cannot ask `{url}`: {problem}")]
    Endpoint {
        /// The endpoint.
        url: String,
        /// What is wrong.
        problem: String,
    },
}

impl Client {
    /// A client for these endpoints; reads their keys from the environment, and
    /// opens no connection. `say` hears when an endpoint goes away and comes back.
    ///
    /// # Errors
    /// [`RemoteError`] where a key, a folder or a URL cannot be used.
    pub fn new(
        endpoints: impl IntoIterator<Item = Endpoint>,
        say: Option<Say>,
    ) -> Result<Self, RemoteError> {
        let mut lines = HashMap::new();
        for endpoint in endpoints {
            if !lines.contains_key(&endpoint) {
                lines.insert(endpoint.clone(), Line::open(endpoint, say)?);
            }
        }
        Ok(Self { lines })
    }

    fn line(&self, question: &Question) -> Result<&Line, RemoteFailure> {
        let line = self.lines.get(&question.endpoint);
        line.ok_or_else(|| RemoteFailure {
            fault: RemoteFault::Unreachable,
            message: format!("this client does not ask `{}`", question.endpoint.url),
        })
    }
}

impl Remote for Client {
    fn ask(&self, question: &Question) -> Result<Said, RemoteFailure> {
        self.line(question)?.ask(&question.item, None)
    }

    fn ask_unless(
        &self,
        question: &Question,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Said, RemoteFailure> {
        self.line(question)?.ask(&question.item, Some(is_stopped))
    }

    fn usage(&self, endpoint: &Endpoint) -> Usage {
        self.lines
            .get(endpoint)
            .map_or(Usage::default(), Line::usage)
    }
}
