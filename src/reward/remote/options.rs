//! `remote = { … }` as a spec writes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The field of a JSON reply by which it shows that it is no quotation.
pub(super) const MARK_FIELD: &str = "mark";

/// `remote = { … }`, beside the keys of all measures.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteOptions {
    /// The endpoint, `http://…` or `https://…`, path included.
    pub url: String,
    /// What the endpoint speaks: `chat` (default), `scores`, `openrlhf`,
    /// `classify` or `pooling`.
    pub protocol: Protocol,
    /// The model's name, sent along. `chat` needs one.
    pub model: Option<String>,
    /// With `scores`: whether prompt and completion are sent as chat `messages`
    /// (default) or as one `text`.
    pub input: Option<InputForm>,
    /// With `classify`: which class's probability counts, from 0. Not needed where
    /// the model has one class.
    pub class: Option<usize>,
    /// The numbers that the judge may reply with, or between which the model's
    /// scores are kept.
    pub range: Option<[f64; 2]>,
    /// What the two ends of `range` are worth; linear in between. Default `[0, 1]`.
    pub pays: [f64; 2],
    /// With `chat`: the system prompt.
    pub system: Option<String>,
    /// With `chat`: what the judge is asked, with `{completion}` and, as wanted,
    /// `{prompt}` and `{reference}`.
    pub prompt: Option<String>,
    /// With `chat`: `score` (default), a last line `Score: 7`; or `json`.
    pub reply: Option<ReplyForm>,
    /// With `chat`: the word before the colon. Default `Score`.
    pub label: Option<String>,
    /// With `chat` and `reply = "json"`: where the number is. Default `/score`.
    pub field: Option<String>,
    /// With `chat`: words that the judge chooses from, and what each is worth; in
    /// place of `range`.
    pub choices: Option<BTreeMap<String, f64>>,
    /// With `chat`: the longest reply, in tokens. Default 1,024.
    pub max_tokens: Option<u32>,
    /// With `chat`: default 0.
    pub temperature: Option<f64>,
    /// With `chat`: how often the judge is asked; the median counts. An odd number,
    /// at most 15. Default 1.
    pub votes: Option<usize>,
    /// With `chat`: more keys of the request, such as `top_p`.
    pub body: Option<Map<String, Value>>,
    /// A longer section is not sent. In characters.
    pub max_chars: usize,
    /// The environment variable that holds the API key.
    pub key_env: Option<String>,
    /// `null` (`abstain`, default) or a failure of the run (`error`) where nothing
    /// is answered.
    pub on_failure: OnFailure,
    /// For one attempt, in milliseconds.
    pub timeout_ms: u64,
    /// Further attempts after a 429, a 5xx or a broken connection.
    pub retries: u32,
    /// The wait before the second attempt, in milliseconds; it doubles.
    pub backoff_ms: u64,
    /// Requests on their way at a time.
    pub concurrency: usize,
    /// Most questions in a request; `chat` has one.
    pub batch: Option<usize>,
    /// How long a request waits to fill up, in milliseconds.
    pub linger_ms: u64,
    /// The largest reply that is read, in KiB.
    pub max_reply_kb: u64,
    /// A folder in which answers are kept.
    pub cache: Option<String>,
    /// Answers kept in memory, in MiB.
    pub cache_mb: usize,
    /// After so many failures in a row the endpoint counts as away.
    pub away_after: u32,
    /// How long it then is left alone, in milliseconds.
    pub away_ms: u64,
    /// `none` (default) or `env`: the proxy that the environment names.
    pub proxy: ProxyChoice,
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// A judge: OpenAI's chat completions.
    #[default]
    Chat,
    /// A reward model: `{"model", "messages" | "input": […]}` to `{"scores": […]}`.
    Scores,
    /// OpenRLHF's remote reward model: `{"query", "prompts", "labels"}` to
    /// `{"rewards": […]}`.
    Openrlhf,
    /// vLLM's `/classify`: a class's probability.
    Classify,
    /// vLLM's `/pooling`, of a model with one number for a text.
    Pooling,
}

/// How prompt and completion are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputForm {
    /// A conversation.
    #[default]
    Messages,
    /// One text, the completion after the prompt.
    Text,
}

/// What a judge's reply looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplyForm {
    /// Anything, and a last line with the label.
    #[default]
    Score,
    /// One JSON object.
    Json,
}

/// What becomes of a row whose question nobody answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The term is `null`.
    #[default]
    Abstain,
    /// The row is an error of the machinery.
    Error,
}

/// Whether a proxy is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProxyChoice {
    /// None.
    #[default]
    None,
    /// The one of `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY`.
    Env,
}

/// Who is asked, and how: all of the options that a client needs. Rewards with
/// equal endpoints share connections, limits and cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// [`RemoteOptions::url`].
    pub url: String,
    /// [`RemoteOptions::protocol`].
    pub protocol: Protocol,
    /// [`RemoteOptions::model`].
    pub model: Option<String>,
    /// [`RemoteOptions::input`].
    pub input: InputForm,
    /// [`RemoteOptions::class`].
    pub class: Option<usize>,
    /// [`RemoteOptions::key_env`].
    pub key_env: Option<String>,
    /// [`RemoteOptions::timeout_ms`].
    pub timeout_ms: u64,
    /// [`RemoteOptions::retries`].
    pub retries: u32,
    /// [`RemoteOptions::backoff_ms`].
    pub backoff_ms: u64,
    /// [`RemoteOptions::concurrency`].
    pub concurrency: usize,
    /// Questions in a request; 1 for a judge.
    pub batch: usize,
    /// [`RemoteOptions::linger_ms`].
    pub linger_ms: u64,
    /// [`RemoteOptions::max_reply_kb`].
    pub max_reply_kb: u64,
    /// [`RemoteOptions::cache`].
    pub cache: Option<String>,
    /// [`RemoteOptions::cache_mb`].
    pub cache_mb: usize,
    /// [`RemoteOptions::away_after`].
    pub away_after: u32,
    /// [`RemoteOptions::away_ms`].
    pub away_ms: u64,
    /// [`RemoteOptions::proxy`].
    pub proxy: ProxyChoice,
}

/// Questions in a request where the spec does not say.
const DEFAULT_BATCH: usize = 32;

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            protocol: Protocol::default(),
            model: None,
            input: None,
            class: None,
            range: None,
            pays: [0.0, 1.0],
            system: None,
            prompt: None,
            reply: None,
            label: None,
            field: None,
            choices: None,
            max_tokens: None,
            temperature: None,
            votes: None,
            body: None,
            max_chars: 100_000,
            key_env: None,
            on_failure: OnFailure::default(),
            timeout_ms: 60_000,
            retries: 3,
            backoff_ms: 500,
            concurrency: 16,
            batch: None,
            linger_ms: 5,
            max_reply_kb: 1024,
            cache: None,
            cache_mb: 64,
            away_after: 8,
            away_ms: 30_000,
            proxy: ProxyChoice::default(),
        }
    }
}

impl RemoteOptions {
    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            url: self.url.clone(),
            protocol: self.protocol,
            model: self.model.clone(),
            input: self.input.unwrap_or_default(),
            class: self.class,
            key_env: self.key_env.clone(),
            timeout_ms: self.timeout_ms,
            retries: self.retries,
            backoff_ms: self.backoff_ms,
            concurrency: self.concurrency,
            batch: match self.protocol {
                Protocol::Chat => 1,
                _ => self.batch.unwrap_or(DEFAULT_BATCH),
            },
            linger_ms: self.linger_ms,
            max_reply_kb: self.max_reply_kb,
            cache: self.cache.clone(),
            cache_mb: self.cache_mb,
            away_after: self.away_after,
            away_ms: self.away_ms,
            proxy: self.proxy,
        }
    }

    /// How often one completion is put to the judge.
    pub(super) fn votes(&self) -> usize {
        self.votes.unwrap_or(1)
    }

    /// The least and the most that it may come to.
    pub(in crate::reward) fn bounds(&self) -> [f64; 2] {
        let worth = |numbers: &mut dyn Iterator<Item = f64>| {
            numbers.fold(
                [f64::INFINITY, f64::NEG_INFINITY],
                |[least, most], number| [least.min(number), most.max(number)],
            )
        };
        match &self.choices {
            Some(choices) if !choices.is_empty() => worth(&mut choices.values().copied()),
            _ => worth(&mut self.pays.into_iter()),
        }
    }
}
