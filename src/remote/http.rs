//! One POST: a body out, a body back, or what went wrong.

use std::env;
use std::fmt;
use std::time::Duration;

use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body, Error, Proxy, Timeout};

use super::RemoteError;
use super::retry::Attempt;
use crate::reward::{Endpoint, ProxyChoice, RemoteFailure, RemoteFault};

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How much of a body that reports an error is looked at, and shown.
const ERROR_BYTES: u64 = 4096;
const ERROR_CHARS: usize = 160;

/// Connections to one endpoint.
pub(super) struct Http {
    agent: Agent,
    url: String,
    key: Option<Key>,
    reply_bytes: u64,
}

/// An API key, which nothing prints.
struct Key {
    header: HeaderValue,
    secret: String,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({})", self.url)
    }
}

impl Http {
    pub(super) fn open(endpoint: &Endpoint) -> Result<Self, RemoteError> {
        let unusable = |problem: String| RemoteError::Endpoint {
            url: endpoint.url.clone(),
            problem,
        };
        endpoint
            .url
            .parse::<Uri>()
            .map_err(|error| unusable(error.to_string()))?;
        let proxy = match endpoint.proxy {
            ProxyChoice::None => None,
            ProxyChoice::Env => Proxy::try_from_env(),
        };
        let timeout = Duration::from_millis(endpoint.timeout_ms);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout.min(CONNECT)))
            .max_idle_connections(endpoint.concurrency)
            .max_idle_connections_per_host(endpoint.concurrency)
            .user_agent(concat!("goldstone/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: config.into(),
            url: endpoint.url.clone(),
            key: match &endpoint.key_env {
                Some(name) => Some(Key::read(name, &endpoint.url)?),
                None => None,
            },
            reply_bytes: endpoint.max_reply_kb << 10,
        })
    }

    /// Sends `body`, and reads the reply.
    pub(super) fn post(&self, body: &[u8]) -> Attempt {
        let mut request = self
            .agent
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key.header.clone());
        }
        let mut response = match request.send(body) {
            Ok(response) => response,
            Err(error) => return self.broken(&error),
        };
        if !response.status().is_success() {
            return self.refused(response);
        }
        let reader = response.body_mut().with_config().limit(self.reply_bytes);
        match reader.read_to_vec() {
            Ok(body) => Attempt::Done(body),
            Err(Error::BodyExceedsLimit(_)) => {
                let most = self.reply_bytes >> 10;
                let message = format!("`{}` replied with more than {most} KiB", self.url);
                Attempt::Lasting(failure(RemoteFault::Reply, message))
            }
            Err(error) => self.broken(&error),
        }
    }

    /// A status that is no success.
    fn refused(&self, mut response: Response<Body>) -> Attempt {
        let status = response.status().as_u16();
        let after = response.headers().get(RETRY_AFTER);
        let after = after.and_then(|after| after.to_str().ok()?.trim().parse().ok());
        let reader = response.body_mut().with_config().limit(ERROR_BYTES);
        let said = reader.read_to_vec().unwrap_or_default();
        let said = self.shown(&String::from_utf8_lossy(&said));
        let said = match said.is_empty() {
            true => String::new(),
            false => format!(": {said}"),
        };
        let message = format!("`{}` answers with status {status}{said}", self.url);
        let failure = failure(RemoteFault::Status(status), message);
        match status {
            408 | 425 | 429 | 500..=599 => Attempt::Passing {
                failure,
                after: after.map(Duration::from_secs),
            },
            _ => Attempt::Lasting(failure),
        }
    }

    /// No reply at all, or the beginning of one.
    fn broken(&self, error: &Error) -> Attempt {
        let said = self.shown(&error.to_string());
        let passing = |fault, message| Attempt::Passing {
            failure: failure(fault, message),
            after: None,
        };
        match error {
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => passing(
                RemoteFault::Timeout,
                format!("no connection to `{}` in time", self.url),
            ),
            // It may still be at work on this request: another would be one more.
            Error::Timeout(_) => Attempt::Lasting(failure(
                RemoteFault::Timeout,
                format!("no reply from `{}` in time", self.url),
            )),
            Error::Io(_) | Error::ConnectionFailed | Error::HostNotFound => passing(
                RemoteFault::Unreachable,
                format!("`{}` cannot be reached: {said}", self.url),
            ),
            Error::Protocol(_) => passing(
                RemoteFault::Reply,
                format!("`{}` does not speak HTTP: {said}", self.url),
            ),
            _ => Attempt::Lasting(failure(
                RemoteFault::Unreachable,
                format!("`{}` cannot be asked: {said}", self.url),
            )),
        }
    }

    /// A text of the endpoint's in one line, shortened, without the key: some
    /// servers repeat it.
    fn shown(&self, text: &str) -> String {
        let text = match &self.key {
            Some(key) => text.replace(&key.secret, "***"),
            None => text.to_owned(),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").chars().take(ERROR_CHARS).collect()
    }
}

impl Key {
    fn read(name: &str, url: &str) -> Result<Self, RemoteError> {
        let fault = |problem| RemoteError::Key {
            name: name.to_owned(),
            url: url.to_owned(),
            problem,
        };
        let secret = env::var(name).map_err(|_| fault("is not set"))?;
        let secret = secret.trim().to_owned();
        if secret.is_empty() {
            return Err(fault("is empty"));
        }
        let header = HeaderValue::from_str(&format!("Bearer {secret}"));
        let mut header = header.map_err(|_| fault("holds what no header can"))?;
        header.set_sensitive(true);
        Ok(Self { header, secret })
    }
}

fn failure(fault: RemoteFault, message: String) -> RemoteFailure {
    RemoteFailure { fault, message }
}
