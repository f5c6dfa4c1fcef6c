//! `remote = { … }` as a spec writes it, and what is wrong with it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::quote::{PLACEHOLDERS, placeholders};
use crate::rollout::Pointer;
use crate::text::OptionError;

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

    /// What is wrong with the options.
    pub(in crate::reward) fn check(&self) -> Result<(), OptionError> {
        check_url(&self.url).map_err(|problem| fault("url", problem))?;
        self.check_keys_of_protocol()?;
        self.check_numbers()?;
        if self.protocol == Protocol::Chat {
            self.check_judge()?;
        }
        if let Some(name) = &self.key_env {
            let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
            if name.is_empty() || !name.chars().all(is_name) {
                let problem = "must be the name of an environment variable, such as \
                               `JUDGE_API_KEY`; the key itself never stands in a spec";
                return Err(fault("key_env", problem));
            }
        }
        Ok(())
    }

    /// What works, and is still not wise.
    pub(in crate::reward) fn doubt(&self) -> Option<OptionError> {
        let is_plain = self.url.starts_with("http://");
        (is_plain && self.key_env.is_some() && !is_loopback(host(&self.url))).then(|| {
            fault(
                "url",
                "is not `https`: the API key goes over the network unencrypted",
            )
        })
    }

    /// Keys that the chosen protocol would silently ignore, and those it needs.
    fn check_keys_of_protocol(&self) -> Result<(), OptionError> {
        let is_chat = self.protocol == Protocol::Chat;
        let of_judges = [
            ("system", self.system.is_some()),
            ("prompt", self.prompt.is_some()),
            ("reply", self.reply.is_some()),
            ("label", self.label.is_some()),
            ("field", self.field.is_some()),
            ("choices", self.choices.is_some()),
            ("max_tokens", self.max_tokens.is_some()),
            ("temperature", self.temperature.is_some()),
            ("votes", self.votes.is_some()),
            ("body", self.body.is_some()),
        ];
        let others = [
            ("batch", self.batch.is_some(), !is_chat, "a reward model"),
            (
                "input",
                self.input.is_some(),
                self.protocol == Protocol::Scores,
                "`protocol = \"scores\"`",
            ),
            (
                "class",
                self.class.is_some(),
                self.protocol == Protocol::Classify,
                "`protocol = \"classify\"`",
            ),
        ];
        let of_judges = of_judges
            .into_iter()
            .map(|(key, given)| (key, given, is_chat, "`protocol = \"chat\"`"));
        for (key, given, is_used, with) in of_judges.chain(others) {
            if given && !is_used {
                return Err(fault(key, format!("does nothing but with {with}")));
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), OptionError> {
        let interval = |[low, high]: [f64; 2]| low.is_finite() && high.is_finite() && low < high;
        match (self.range, &self.choices) {
            (Some(_), Some(_)) => {
                let problem = "does nothing beside `choices`, which say what each is worth";
                return Err(fault("range", problem));
            }
            (None, None) => {
                let problem = "is missing: `[low, high]`, the numbers that may be said";
                return Err(fault("range", problem));
            }
            (Some(range), None) if !interval(range) => {
                let problem = "must be `[low, high]`, two finite numbers with low < high";
                return Err(fault("range", problem));
            }
            _ => {}
        }
        let [first, last] = self.pays;
        if !first.is_finite() || !last.is_finite() || first == last {
            return Err(fault("pays", "must be two finite numbers that differ"));
        }
        let at_least_one = [
            ("timeout_ms", self.timeout_ms),
            ("concurrency", self.concurrency as u64),
            ("batch", self.batch.unwrap_or(1) as u64),
            ("max_reply_kb", self.max_reply_kb),
            ("max_chars", self.max_chars as u64),
            ("away_after", self.away_after.into()),
        ];
        if let Some((key, _)) = at_least_one.into_iter().find(|(_, number)| *number == 0) {
            return Err(fault(key, "must be 1 or more"));
        }
        let at_most = [
            ("timeout_ms", self.timeout_ms, 3_600_000),
            ("retries", self.retries.into(), 20),
            ("backoff_ms", self.backoff_ms, 60_000),
            ("concurrency", self.concurrency as u64, 512),
            ("batch", self.batch.unwrap_or(1) as u64, 1024),
            ("linger_ms", self.linger_ms, 10_000),
            ("max_reply_kb", self.max_reply_kb, 1 << 20),
            ("cache_mb", self.cache_mb as u64, 1 << 20),
            ("away_ms", self.away_ms, 3_600_000),
        ];
        match at_most.into_iter().find(|(_, number, most)| number > most) {
            Some((key, _, most)) => Err(fault(key, format!("must be at most {most}"))),
            None => Ok(()),
        }
    }

    fn check_judge(&self) -> Result<(), OptionError> {
        if self.model.as_ref().is_none_or(String::is_empty) {
            return Err(fault("model", "is missing: a judge's model has a name"));
        }
        let Some(prompt) = &self.prompt else {
            let problem = "is missing: a text with `{completion}` in it, which says what is judged";
            return Err(fault("prompt", problem));
        };
        for (key, text) in [("prompt", Some(prompt)), ("system", self.system.as_ref())] {
            let unknown = placeholders(text.map_or("", String::as_str))
                .find(|name| !PLACEHOLDERS.contains(name) || key == "system");
            if let Some(name) = unknown {
                let known = PLACEHOLDERS.map(|name| format!("`{{{name}}}`")).join(", ");
                let problem = match key {
                    "system" => {
                        format!("must not have `{{{name}}}` in it, which belongs into `prompt`")
                    }
                    _ => format!("has the unknown placeholder `{{{name}}}`; there are {known}"),
                };
                return Err(fault(key, problem));
            }
        }
        if !placeholders(prompt).any(|name| name == "completion") {
            return Err(fault("prompt", "has no `{completion}` in it"));
        }
        let votes = self.votes();
        let temperature = self.temperature.unwrap_or(0.0);
        if votes.is_multiple_of(2) || votes > 15 {
            return Err(fault("votes", "must be an odd number from 1 to 15"));
        }
        if votes > 1 && temperature == 0.0 {
            let problem = "above 1 need a `temperature`: at 0 every vote is the same";
            return Err(fault("votes", problem));
        }
        if !(0.0..=2.0).contains(&temperature) {
            return Err(fault("temperature", "must be from 0 to 2"));
        }
        if self.max_tokens == Some(0) {
            return Err(fault("max_tokens", "must be 1 or more"));
        }
        self.check_reply()
    }

    fn check_reply(&self) -> Result<(), OptionError> {
        let is_json = self.reply == Some(ReplyForm::Json);
        if let Some(field) = &self.field {
            if !is_json {
                return Err(fault("field", "does nothing but with `reply = \"json\"`"));
            }
            if Pointer::parse(field).is_err() {
                return Err(fault("field", "must be a path that begins with `/`"));
            }
        }
        if let Some(label) = &self.label {
            if is_json {
                return Err(fault("label", "does nothing with `reply = \"json\"`"));
            }
            let is_word = |c: char| c.is_alphanumeric() || c == ' ' || c == '_' || c == '-';
            if label.trim().is_empty() || label.trim() != label || !label.chars().all(is_word) {
                return Err(fault("label", "must be a word or two, such as `Score`"));
            }
        }
        if let Some(choices) = &self.choices {
            let [least, most] = self.bounds();
            if choices.values().any(|worth| !worth.is_finite())
                || choices.len() < 2
                || least == most
            {
                let problem = "must be two words or more of different worth, such as \
                               `{ good = 1.0, bad = 0.0 }`";
                return Err(fault("choices", problem));
            }
            let is_line = |word: &String| !word.trim().is_empty() && word.trim() == word;
            if !choices
                .keys()
                .all(|word| is_line(word) && !word.contains('\n'))
            {
                return Err(fault("choices", "must be words without spaces around them"));
            }
            if self.pays != Self::default().pays {
                return Err(fault("pays", "does nothing beside `choices`"));
            }
        }
        let reserved = [
            "model",
            "messages",
            "temperature",
            "max_tokens",
            "seed",
            "stream",
            "n",
        ];
        let body = self.body.iter().flat_map(Map::keys);
        match body
            .into_iter()
            .find(|key| reserved.contains(&key.as_str()))
        {
            Some(key) => Err(fault(
                "body",
                format!("must not have `{key}`, which is set elsewhere"),
            )),
            None => Ok(()),
        }
    }
}

fn fault(field: &'static str, problem: impl Into<String>) -> OptionError {
    OptionError {
        field,
        problem: problem.into(),
    }
}

fn check_url(url: &str) -> Result<(), &'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("must be `http://…` or `https://…`, path included");
    };
    if !matches!(scheme, "http" | "https") {
        return Err("must be `http://…` or `https://…`, path included");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(
            "must not have a name and password; put a key into an environment variable, \
                    and name that in `key_env`",
        );
    }
    if host(url).is_empty() {
        return Err("has no host");
    }
    match url.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(()),
        false => Err("must be ASCII without spaces"),
    }
}

/// The host of a URL, brackets of an IPv6 address included.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.starts_with('[') {
        true => authority.split_inclusive(']').next().unwrap_or_default(),
        false => authority.split(':').next().unwrap_or_default(),
    }
}

/// Whether what is sent there stays on this machine.
fn is_loopback(host: &str) -> bool {
    let numbers: Vec<Option<u8>> = host.split('.').map(|part| part.parse().ok()).collect();
    let is_v4 = matches!(numbers[..], [Some(127), Some(_), Some(_), Some(_)]);
    is_v4 || host.eq_ignore_ascii_case("localhost") || host == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::{check_url, host, is_loopback};

    #[test]
    fn only_this_machine_is_loopback() {
        for url in [
            "http://localhost:80/x",
            "http://127.0.0.1",
            "http://[::1]:9/v1",
        ] {
            assert!(is_loopback(host(url)), "{url}");
        }
        for url in [
            "http://127.0.0.1.evil.org/",
            "http://localhost.evil.org",
            "http://10.0.0.1:8",
        ] {
            assert!(!is_loopback(host(url)), "{url}");
        }
    }

    #[test]
    fn urls_are_plain_and_hold_no_secret() {
        assert!(check_url("https://judge.example/v1/chat/completions").is_ok());
        for url in [
            "",
            "localhost:80",
            "ftp://x/",
            "http://",
            "http:///v1",
            "http://a b/",
            "https://me:secret@judge.example/",
        ] {
            assert!(check_url(url).is_err(), "{url}");
        }
    }
}
