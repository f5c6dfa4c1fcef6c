//! Rewards: a spec is compiled into a [`Scorer`], which turns rollouts into
//! [`Score`]s.
//!
//! Three outcomes, never mixed: the model was wrong (a verdict, and what the
//! spec pays for it); the data is unusable (a row error, reward `null`); our
//! machinery failed (a row error of that kind). Nothing turns an error into 0.

#[cfg(feature = "sandbox")]
mod code;
mod combine;
#[cfg(feature = "sandbox")]
mod efficiency;
mod group;
mod instructions;
mod judge;
mod language;
mod measure;
#[cfg(feature = "remote")]
mod remote;
mod score;
mod scorer;
mod spec;
mod structured;
mod term;

pub use group::Pending;
#[cfg(feature = "remote")]
pub use remote::{
    Endpoint, InputForm, OnFailure, Protocol, ProxyChoice, Question, Remote, RemoteFailure,
    RemoteFault, RemoteOptions, ReplyForm, Said, Usage,
};
pub use score::{ErrorKind, RowError, Score, Status, Term};
pub use scorer::{Explanation, Scorer};
pub(crate) use spec::nearest;
#[cfg(feature = "sandbox")]
pub use spec::{Against, CodeReward, EfficiencyOptions};
pub use spec::{
    Colour, FormatReward, FormatScore, NullOr, Payout, Section, SpecError, SpecSource, json_schema,
};
#[cfg(feature = "train")]
pub(crate) use spec::{Problem, Reader, Span, Table};
