//! `remote = { … }`: what rules cannot decide is put to a judge or a reward model
//! behind HTTP, and its reply is read by a strict rule.
//!
//! Nothing here opens a connection. A [`Question`] is a function of rollout and
//! spec; whoever implements [`Remote`] gets it answered; what was said becomes a
//! number or an abstention. A failure on the way is never a number.

mod check;
mod options;
mod question;
mod quote;
mod reply;

pub use options::{
    Endpoint, InputForm, OnFailure, Protocol, ProxyChoice, RemoteOptions, ReplyForm,
};

use serde_json::Value;

use super::judge::{Subject, judged_section, section};
use super::score::{ErrorKind, RowError};
use super::spec::Reward;
use super::term::JUDGE_REPLY;
use crate::verdict::Measure;

/// What gets questions answered: the client of this package, or a program's own.
///
/// `ask` blocks its thread until there is an answer or a failure, and may be called
/// from many threads at once.
pub trait Remote: Send + Sync {
    /// Puts one question.
    ///
    /// # Errors
    /// [`RemoteFailure`] where nothing was said that could be read.
    fn ask(&self, question: &Question) -> Result<Said, RemoteFailure>;

    /// Puts one question, unless `is_stopped` says that nobody wants the answer any
    /// more: it may be called at any time until the question is on its way.
    ///
    /// # Errors
    /// As [`Remote::ask`], and [`RemoteFailure::stopped`].
    fn ask_unless(
        &self,
        question: &Question,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Said, RemoteFailure> {
        match is_stopped() {
            true => Err(RemoteFailure::stopped()),
            false => self.ask(question),
        }
    }

    /// What has been asked of an endpoint so far.
    fn usage(&self, _endpoint: &Endpoint) -> Usage {
        Usage::default()
    }
}

/// One question to an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Who is asked.
    pub endpoint: Endpoint,
    /// What is asked, as the endpoint's [`Protocol`] has it: a whole request of
    /// `chat`, one entry of the list that the others take.
    pub item: Value,
}

/// What an endpoint said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A judge's reply.
    Text {
        /// All of it.
        text: String,
        /// Whether the judge ended it; one that was cut off decides nothing.
        is_whole: bool,
    },
    /// A reward model's number, finite.
    Number(f64),
}

/// Why a question has no answer. None of it is the completion's doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RemoteFailure {
    /// Of which sort.
    pub fault: RemoteFault,
    /// What happened, without any secret.
    pub message: String,
}

/// The sorts of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RemoteFault {
    /// No reply in time.
    Timeout,
    /// No connection, or one that broke.
    Unreachable,
    /// A status that is no success.
    Status(u16),
    /// A reply that is not what the protocol promises.
    Reply,
    /// Too many failures in a row: nothing was sent.
    Away,
}

/// Counts of one endpoint, from the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Questions, those answered from the cache included.
    pub asked: u64,
    /// Answered from the cache.
    pub cached: u64,
    /// Without an answer.
    pub failed: u64,
    /// HTTP requests, retries included.
    pub requests: u64,
    /// HTTP requests that repeat one which failed, or a part of it.
    pub retries: u64,
    /// From sending a request to the end of its reply, of all requests together, in
    /// microseconds.
    pub spent_us: u64,
    /// Tokens of requests, as far as replies say.
    pub prompt_tokens: u64,
    /// Tokens of replies, as far as they say.
    pub completion_tokens: u64,
    /// Whether nothing is sent for now, after too many failures in a row.
    pub is_away: bool,
}

impl RemoteFailure {
    /// Of a question that was not sent since nobody wants its answer any more.
    #[must_use]
    pub fn stopped() -> Self {
        Self {
            fault: RemoteFault::Away,
            message: "scoring was stopped before this was asked".to_owned(),
        }
    }
}

impl RemoteFault {
    /// The reason that a term has because of it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Timeout => "remote_timeout",
            Self::Unreachable => "remote_unreachable",
            Self::Status(_) => "remote_status",
            Self::Reply => "remote_reply",
            Self::Away => "remote_away",
        }
    }
}

/// The reason where there is too much to judge.
const TOO_LONG: &str = "too_long";
/// The reason where there is nothing to judge.
const EMPTY: &str = "empty_section";

/// Has the reward's section judged.
///
/// A completion without that section, or with nothing in it, gets the least that
/// the reward may come to, and nobody is asked.
pub(super) fn measure(
    reward: &Reward,
    options: &RemoteOptions,
    subject: &Subject<'_>,
) -> Result<Measure, RowError> {
    let judged = judged_section(reward, subject).and_then(|judged| section(judged, subject));
    let Some((text, _)) = judged else {
        let violation = subject.completion.violation.as_ref();
        let reason = violation.map_or("unfinished_thinking", |violation| violation.code);
        return Ok(Measure::of(reward.payout.wrong).because(reason));
    };
    if text.trim().is_empty() {
        return Ok(Measure::of(reward.payout.wrong).because(EMPTY));
    }
    let length = text.chars().count();
    if length > options.max_chars {
        return Ok(Measure::abstain(TOO_LONG).with("characters", length));
    }
    let asked = question::about(reward, options, subject, &text)?;
    let Some(remote) = subject.remote else {
        let problem = format!("there is no client to ask `{}` with", options.url);
        return Err(ours(reward, &problem));
    };
    let mut said = Vec::with_capacity(options.votes());
    for item in asked.items {
        let question = Question {
            endpoint: options.endpoint(),
            item,
        };
        match remote.ask(&question) {
            Ok(answer) => said.push(answer),
            Err(failure) => return failed(reward, options, &failure),
        }
    }
    let mut measure = reply::measure(options, asked.mark.as_deref(), &said);
    if asked.mark.is_some() {
        let place = match options.reply.unwrap_or_default() {
            ReplyForm::Score => "label",
            ReplyForm::Json => "object",
        };
        measure = measure.with(place, "marked");
    }
    if asked.role_tokens > 0 {
        measure = measure.with("role_tokens", asked.role_tokens);
    }
    Ok(measure)
}

/// A question that nobody answered: `null`, or an error of the machinery where the
/// spec says so.
fn failed(
    reward: &Reward,
    options: &RemoteOptions,
    failure: &RemoteFailure,
) -> Result<Measure, RowError> {
    if options.on_failure == OnFailure::Error {
        return Err(ours(reward, &failure.message));
    }
    let measure = Measure::abstain(failure.fault.reason());
    Ok(match failure.fault {
        RemoteFault::Status(status) => measure.with("status", status),
        _ => measure,
    })
}

fn ours(reward: &Reward, problem: &str) -> RowError {
    RowError {
        kind: ErrorKind::Machinery,
        term: Some(reward.name.to_string()),
        ..RowError::data(problem)
    }
}
