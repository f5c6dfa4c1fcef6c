//! Small models of every family, and batches for them.

use goldstone::train::policy::{
    Architecture, Compute, ModelConfig, Policy, Rope, RopeScaling, TokenBatch,
};
use goldstone::train::{Device, DeviceChoice, Tensor};

pub(super) const VOCAB: usize = 29;

/// Where the tests of policies run: `GOLDSTONE_TEST_DEVICE`, the processor if it is
/// not set. A device that is asked for and cannot be had fails them.
pub(super) fn device() -> Device {
    let choice = std::env::var("GOLDSTONE_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    let choice: DeviceChoice = choice.parse().unwrap();
    choice.open().unwrap()
}

/// Every family, tied and untied, with one and with several heads by head of k.
pub(super) fn configs() -> Vec<(&'static str, ModelConfig)> {
    let qwen2 = ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: VOCAB,
        hidden_size: 24,
        intermediate_size: 40,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 6,
        rms_norm_eps: 1e-6,
        rope: Rope {
            theta: 10_000.0,
            scaling: RopeScaling::None,
        },
        tie_embeddings: true,
        attention_bias: true,
        qk_norm: false,
        max_positions: 128,
    };
    let qwen3 = ModelConfig {
        architecture: Architecture::Qwen3,
        heads: 3,
        kv_heads: 1,
        head_dim: 16,
        attention_bias: false,
        qk_norm: true,
        ..qwen2.clone()
    };
    let llama = ModelConfig {
        architecture: Architecture::Llama,
        heads: 2,
        kv_heads: 2,
        head_dim: 12,
        rope: Rope {
            theta: 500.0,
            scaling: RopeScaling::Llama3 {
                factor: 8.0,
                low_frequency_factor: 1.0,
                high_frequency_factor: 4.0,
                original_positions: 32,
            },
        },
        tie_embeddings: false,
        attention_bias: false,
        ..qwen2.clone()
    };
    let linear = ModelConfig {
        rope: Rope {
            theta: 1_000.0,
            scaling: RopeScaling::Linear { factor: 2.0 },
        },
        ..llama.clone()
    };
    vec![
        ("qwen2", qwen2),
        ("qwen3", qwen3),
        ("llama", llama),
        ("linear", linear),
    ]
}

/// A policy whose weights are all large enough to matter: biases and norms too.
pub(super) fn policy(config: &ModelConfig) -> Policy {
    policy_on(config, &device())
}

fn policy_on(config: &ModelConfig, device: &Device) -> Policy {
    let mut policy = Policy::random(config.clone(), 7, device).unwrap();
    let mut numbers = Numbers(11);
    for (name, shape) in config.parameter_shapes() {
        let count: usize = shape.iter().product();
        let center = if name.ends_with("norm.weight") {
            1.0
        } else {
            0.0
        };
        let drawn: Vec<f32> = (0..count).map(|_| center + 0.25 * numbers.next()).collect();
        let tensor = Tensor::from_vec(drawn, shape, device).unwrap();
        policy.parameters_mut().set(&name, tensor).unwrap();
    }
    policy
}

/// The same policy, computed by kernels, which are the processor's, and by plain
/// operations where the tests run.
pub(super) fn policies(config: &ModelConfig) -> [Policy; 2] {
    [Compute::Kernels, Compute::Plain].map(|compute| computed_by(config, compute))
}

pub(super) fn computed_by(config: &ModelConfig, compute: Compute) -> Policy {
    let mut policy = match compute {
        Compute::Kernels => policy_on(config, &Device::Cpu),
        Compute::Plain | Compute::Bf16 => policy(config),
    };
    policy.set_compute(compute).unwrap();
    policy
}

/// Sequences of different lengths: one token of prompt, one of completion, and
/// more than a block of attention.
pub(super) fn sequences() -> Vec<(Vec<u32>, Vec<u32>)> {
    let mut numbers = Numbers(5);
    let lengths = [(1, 1), (3, 7), (20, 55), (9, 1), (1, 30)];
    lengths
        .into_iter()
        .map(|(prompt, completion)| (numbers.tokens(prompt), numbers.tokens(completion)))
        .collect()
}

pub(super) fn batch(sequences: &[(Vec<u32>, Vec<u32>)]) -> TokenBatch {
    let mut batch = TokenBatch::new();
    for (prompt, completion) in sequences {
        batch.push(prompt, completion);
    }
    batch
}

/// Numbers in [-1, 1) that are the same every time.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub(super) fn list(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }

    pub(super) fn tokens(&mut self, count: usize) -> Vec<u32> {
        let mut token = || ((self.next() + 1.0) / 2.0 * VOCAB as f32) as u32;
        (0..count).map(|_| token()).collect()
    }
}
