//! Records as lines of JSON: flat objects under the names of TRL and Hugging
//! Face's trainer, which any tool reads as a table.

use std::fmt;

use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::record::{CompletionRecord, Kind, StepRecord};

/// The prefix of an evaluation's metrics, as Hugging Face's trainer logs them.
const EVALUATION: &str = "eval_";

/// One flat object, which tables of any tool can be made of.
impl Serialize for StepRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("stage", &self.stage)?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("stage_step", &self.stage_step)?;
        map.serialize_entry("stage_steps", &self.stage_steps)?;
        map.serialize_entry("time", &finite(self.time))?;
        for (name, value) in &self.metrics {
            match self.kind {
                Kind::Train => map.serialize_entry(name, &finite(*value))?,
                Kind::Evaluation => {
                    map.serialize_entry(&format!("{EVALUATION}{name}"), &finite(*value))?;
                }
            }
        }
        map.end()
    }
}

/// JSON has no NaN and no infinity.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

impl<'de> Deserialize<'de> for StepRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut line = Pairs::deserialize(deserializer)?;
        let record = Self {
            step: line.take("step")?,
            stage: line.take("stage")?,
            kind: line.take("kind")?,
            stage_step: line.take("stage_step")?,
            stage_steps: line.take("stage_steps")?,
            time: line.take::<Option<f64>, _>("time")?.unwrap_or(f64::NAN),
            metrics: Vec::new(),
        };
        let metrics = line.0.into_iter().map(|(name, value)| {
            let name = match record.kind {
                Kind::Train => name,
                Kind::Evaluation => match name.strip_prefix(EVALUATION) {
                    Some(plain) => plain.to_owned(),
                    None => name,
                },
            };
            Ok((name.clone(), number(&name, &value)?.unwrap_or(f64::NAN)))
        });
        Ok(Self {
            metrics: metrics.collect::<Result<_, D::Error>>()?,
            ..record
        })
    }
}

/// The prefix of a term that has the name of another column.
const TERM: &str = "rewards/";

/// Columns of a completion that are no terms of its reward.
const COMPLETION_KEYS: [&str; 10] = [
    "step",
    "stage",
    "group",
    "prompt",
    "completion",
    "reward",
    "reason",
    "advantage",
    "finish_reason",
    "n_tokens",
];

/// A row of TRL's table of completions: one column for every term.
impl Serialize for CompletionRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("stage", &self.stage)?;
        map.serialize_entry("group", &self.group)?;
        map.serialize_entry("prompt", &self.prompt)?;
        map.serialize_entry("completion", &self.completion)?;
        for (name, value) in &self.terms {
            let value = value.and_then(finite);
            match COMPLETION_KEYS.contains(&&**name) {
                true => map.serialize_entry(&format!("{TERM}{name}"), &value)?,
                false => map.serialize_entry(name, &value)?,
            }
        }
        map.serialize_entry("reward", &self.reward.and_then(finite))?;
        map.serialize_entry("reason", &self.reason)?;
        map.serialize_entry("advantage", &self.advantage.and_then(finite))?;
        map.serialize_entry("finish_reason", &self.finish)?;
        map.serialize_entry("n_tokens", &self.n_tokens)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for CompletionRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut line = Pairs::deserialize(deserializer)?;
        let record = Self {
            step: line.take("step")?,
            stage: line.take("stage")?,
            group: line.take("group")?,
            prompt: line.take("prompt")?,
            completion: line.take("completion")?,
            reward: line.take("reward")?,
            reason: line.take("reason")?,
            advantage: line.take("advantage")?,
            finish: line.take("finish_reason")?,
            n_tokens: line.take("n_tokens")?,
            terms: Vec::new(),
        };
        let terms = line.0.into_iter().map(|(name, value)| {
            let plain = name
                .strip_prefix(TERM)
                .filter(|plain| COMPLETION_KEYS.contains(plain))
                .unwrap_or(&name);
            Ok((plain.to_owned(), number(&name, &value)?))
        });
        Ok(Self {
            terms: terms.collect::<Result<_, D::Error>>()?,
            ..record
        })
    }
}

/// An object with its entries in their order.
struct Pairs(Vec<(String, Value)>);

impl Pairs {
    /// An entry that must be there, and is no longer then.
    fn take<T: DeserializeOwned, E: Error>(&mut self, key: &'static str) -> Result<T, E> {
        let place = self.0.iter().position(|(name, _)| name == key);
        let (_, value) = self.0.remove(place.ok_or_else(|| E::missing_field(key))?);
        serde_json::from_value(value).map_err(|error| E::custom(format!("`{key}`: {error}")))
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

fn number<E: Error>(name: &str, value: &Value) -> Result<Option<f64>, E> {
    match value {
        Value::Null => Ok(None),
        value => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(E::custom(format!("`{name}` is no number"))),
        },
    }
}
