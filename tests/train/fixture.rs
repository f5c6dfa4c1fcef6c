//! The policies under `tests/data/train/policies` and torch's numbers on them; see
//! `make_policies.py` there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use goldstone::train::policy::TokenBatch;
use serde::Deserialize;

/// Policies with numbers.
pub(super) const NAMES: [&str; 3] = ["qwen2", "qwen3", "llama"];

/// The folder of a policy or an adapter.
pub(super) fn folder(name: &str) -> PathBuf {
    Path::new("tests/data/train/policies").join(name)
}

/// A prompt and a completion.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sequence {
    pub(super) prompt: Vec<u32>,
    pub(super) completion: Vec<u32>,
}

/// A text, its tokens alone and as a document, and the text of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) ids: Vec<u32>,
    pub(super) whole: Vec<u32>,
    pub(super) shown: String,
    pub(super) all: String,
}

/// A weighted sum of log-probabilities and entropies.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weighted {
    pub(super) temperature: f64,
    pub(super) weights: Vec<f32>,
    pub(super) entropy_weights: Vec<f32>,
    pub(super) sequences: Vec<Sequence>,
}

/// Two optimizer steps on one batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grpo {
    pub(super) temperature: f64,
    pub(super) beta: f64,
    pub(super) epsilon_low: f64,
    pub(super) epsilon_high: f64,
    pub(super) max_norm: f64,
    pub(super) learning_rate: f64,
    pub(super) betas: (f64, f64),
    pub(super) epsilon: f64,
    pub(super) weight_decay: f64,
    pub(super) group: usize,
    pub(super) sequences: Vec<Sequence>,
    pub(super) rewards: Vec<f64>,
    pub(super) advantages: Vec<f64>,
    pub(super) old: Vec<f64>,
    pub(super) reference: Vec<f64>,
    pub(super) steps: Vec<Step>,
}

/// What a step measured.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) loss: f64,
    pub(super) kl: f64,
    pub(super) norm: f64,
}

/// The numbers of a policy.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Numbers {
    pub(super) texts: Vec<Text>,
    pub(super) chat: String,
    pub(super) eos: u32,
    pub(super) pad: u32,
    pub(super) grpo: Grpo,
    pub(super) weighted: Weighted,
    pub(super) lora: Option<Weighted>,
    pub(super) rslora: Option<Weighted>,
}

impl Numbers {
    pub(super) fn read(name: &str) -> Self {
        let path = folder(&format!("{name}.json"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }
}

/// The tensors of a policy, by a reader that is not ours.
pub(super) fn tensors(name: &str) -> HashMap<String, Tensor> {
    let path = folder(&format!("{name}.safetensors"));
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

/// All numbers of a tensor.
pub(super) fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The sequences as a batch.
pub(super) fn batch(sequences: &[Sequence]) -> TokenBatch {
    let mut batch = TokenBatch::new();
    for sequence in sequences {
        batch.push(&sequence.prompt, &sequence.completion);
    }
    batch
}
