//! How a server runs: limits, time-outs and the token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// Limits of a server. No score depends on any of them.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServeOptions {
    /// Rows that wait or are in work at a time, per spec. A request that does not fit
    /// beside the others is refused with 429, one that never would with 413.
    pub rows: usize,
    /// Longest body in bytes; in a stream of lines, longest line. At most 4 GiB.
    pub body_bytes: usize,
    /// How long the server waits for a client: for the head of a request, for its body,
    /// for the next part of a stream, and for it to take a part of the answer.
    pub patience: Duration,
    /// Connections open at a time; more wait to be accepted.
    pub connections: usize,
    /// What requests must bring as `Authorization: Bearer …`; `None` for no check.
    pub token: Option<Token>,
    /// Hears of refusals, at most once a minute for every kind.
    pub log: Log,
}

/// What takes one line at a time.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            rows: 65_536,
            body_bytes: 64 << 20,
            patience: Duration::from_secs(30),
            connections: 512,
            token: None,
            log: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeOptions")
            .field("rows", &self.rows)
            .field("body_bytes", &self.body_bytes)
            .field("patience", &self.patience)
            .field("connections", &self.connections)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// A secret that requests must bring. Only its hash is kept.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// The token of that text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether `text` is the token. The time that it takes tells nothing about either:
    /// hashes are compared, and all of them.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        let other: [u8; 32] = Sha256::digest(text).into();
        let differences = self.0.iter().zip(other).map(|(ours, theirs)| ours ^ theirs);
        differences.fold(0, |all, one| all | one) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
