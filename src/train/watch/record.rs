//! What a run says of itself: the records that watchers are told, and their JSON.

use std::fmt;
use std::path::PathBuf;

use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A run: what it trains, and by which recipe. It is the content of `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunInfo {
    /// The version of goldstone.
    pub version: String,
    /// The run's name, usually the recipe's.
    pub name: String,
    /// SHA-256 of the recipe with what the command line changed, in hexadecimal.
    pub recipe_sha256: String,
    /// The model in a few words: `qwen2, 4 layers of 128`.
    pub model: String,
    /// Numbers in the model.
    pub parameters: u64,
    /// How many of them are trained.
    pub trainable: u64,
    /// What it is trained on: `cpu, 2 threads`.
    pub device: String,
    /// The seed of all that is random.
    pub seed: u64,
    /// The stages, in order.
    pub stages: Vec<StageInfo>,
    /// The metric of an evaluation that says how good the policy is; the best
    /// policy is kept by it, and reports begin with it.
    pub headline: Option<String>,
    /// Seconds since 1970 when the run began first.
    pub began: f64,
    /// The run's folder. Not in the file: folders get moved.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The recipe, in TOML. Not in the file: it is in `recipe.toml`.
    #[serde(skip)]
    pub recipe: String,
    /// The last step of an earlier run that this one goes on after.
    #[serde(skip)]
    pub resumed_at: Option<u64>,
}

/// A stage of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageInfo {
    /// Its name in the recipe.
    pub name: String,
    /// What it does: `sft`, `grpo`, `reject`, `evaluate`.
    pub kind: String,
    /// The optimizer steps that it will make.
    pub steps: u64,
}

/// One optimizer step, or one evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// The stage's name.
    pub stage: String,
    /// What the metrics are of.
    pub kind: Kind,
    /// Optimizer steps since the run began; an evaluation has that of the policy
    /// that it judged.
    pub step: u64,
    /// Optimizer steps since the stage began.
    pub stage_step: u64,
    /// Optimizer steps of the whole stage.
    pub stage_steps: u64,
    /// Seconds since 1970.
    pub time: f64,
    /// The metrics under TRL's names, without the prefix `eval_`. A number that
    /// is not finite is written as `null`.
    pub metrics: Vec<(String, f64)>,
}

/// What metrics are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An optimizer step.
    Train,
    /// An evaluation on held-out problems.
    Evaluation,
}

/// A completion that was sampled, and what it earned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionRecord {
    /// Optimizer steps since the run began.
    pub step: u64,
    /// The stage's name.
    pub stage: String,
    /// The completions of one prompt in one step have the same number.
    pub group: u64,
    /// The prompt.
    pub prompt: String,
    /// What the policy wrote.
    pub completion: String,
    /// The reward; `None` when it could not be judged.
    pub reward: Option<f64>,
    /// The terms of the reward by their names in the spec.
    pub terms: Vec<(String, Option<f64>)>,
    /// Why the reward is what it is, in a few words.
    pub reason: Option<String>,
    /// How much better than its group it is.
    pub advantage: Option<f64>,
    /// Why sampling stopped: `stop`, `length`.
    pub finish: String,
    /// Tokens of the completion.
    pub n_tokens: u64,
}

impl StepRecord {
    /// A metric by its name.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics
            .iter()
            .find(|(known, _)| known == name)
            .map(|&(_, value)| value)
    }
}

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
