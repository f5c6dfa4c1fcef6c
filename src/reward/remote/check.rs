//! What is wrong with `remote = { … }`, or not wise.

use serde_json::Map;

use super::options::{MARK_FIELD, Protocol, RemoteOptions, ReplyForm};
use super::quote::{PLACEHOLDERS, placeholders};
use crate::rollout::Pointer;
use crate::text::OptionError;

impl RemoteOptions {
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
            if field.split('/').nth(1) == Some(MARK_FIELD) {
                let problem = "must not begin with `/mark`: a reply shows by that field that \
                               it is no quotation";
                return Err(fault("field", problem));
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
