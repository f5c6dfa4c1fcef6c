//! Time of training steps and of sampling, and memory, of policies.
//!
//! Without arguments, a table. With `serve MODEL` it waits for lines on stdin, each
//! `train`, `recompute`, `sample`, `group`, `alone` or `memory`, does that once and answers with a
//! line of JSON: `benches/policy_peers.py` has it take turns with PyTorch. With
//! `device WHAT …` it measures one thing on `GOLDSTONE_BENCH_DEVICE`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark ends at the first surprise and prints what it measured"
)]

#[path = "policy/device.rs"]
mod device;

use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use goldstone::train::optimizer::{AdamW, AdamWOptions};
use goldstone::train::policy::{
    Architecture, Gradients, ModelConfig, Policy, Recompute, Rope, RopeScaling, TokenBatch,
};
use goldstone::train::{Device, DeviceChoice};
use rustix::time::{ClockId, clock_gettime};

/// A training step: sequences, and tokens read of each.
const TRAIN: (usize, usize) = (64, 48);
/// Sampling: rows, tokens of the prompt, tokens written.
const SAMPLE: (usize, usize, usize) = (256, 16, 32);
/// The same of longer prompts, which eight rows have in common, or each its own.
const GROUP: (usize, usize, usize) = (256, 64, 32);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => serve(&arguments[1]),
        Some("device") => {
            let what: Vec<&str> = arguments[1..].iter().map(String::as_str).collect();
            device::run(&place(), &what);
            let peak = memory("VmHWM:");
            println!("peak memory of the process {peak} kB");
        }
        _ => table(),
    }
}

/// Where the policy is: `GOLDSTONE_BENCH_DEVICE`, the processor if it is not set.
fn place() -> Device {
    let choice = std::env::var("GOLDSTONE_BENCH_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    let choice: DeviceChoice = choice.parse().unwrap();
    choice.open().unwrap()
}

fn config(name: &str) -> ModelConfig {
    let (layers, hidden_size, heads, kv_heads, intermediate_size, vocab_size) = match name {
        "4x128" => (4, 128, 4, 2, 352, 64),
        "6x192" => (6, 192, 6, 2, 512, 64),
        // A large vocabulary on a small body.
        "2x128v" => (2, 128, 4, 2, 352, 32_000),
        _ => panic!("models are 4x128, 6x192 and 2x128v"),
    };
    ModelConfig {
        architecture: Architecture::Llama,
        vocab_size,
        hidden_size,
        intermediate_size,
        layers,
        heads,
        kv_heads,
        head_dim: 32,
        rms_norm_eps: 1e-5,
        rope: Rope {
            theta: 10_000.0,
            scaling: RopeScaling::None,
        },
        tie_embeddings: false,
        attention_bias: false,
        qk_norm: false,
        max_positions: 96,
    }
}

/// A policy in training.
struct Bench {
    policy: Policy,
    batch: TokenBatch,
    gradients: Gradients,
    optimizer: AdamW,
    seed: u64,
}

impl Bench {
    fn new(name: &str) -> Self {
        let policy = Policy::random(config(name), 1, &place()).unwrap();
        let (sequences, length) = TRAIN;
        let vocab = policy.config().vocab_size;
        let mut batch = TokenBatch::new();
        for sequence in 0..sequences {
            let token = |i: usize| (((sequence * length + i) * 7919 + i / 13) % vocab) as u32;
            let tokens: Vec<u32> = (0..=length).map(token).collect();
            batch.push(&tokens[..1], &tokens[1..]);
        }
        Self {
            gradients: Gradients::zeros(&policy).unwrap(),
            optimizer: AdamW::new(&policy, AdamWOptions::default()),
            policy,
            batch,
            seed: 1,
        }
    }

    /// Forward, backward and AdamW on the mean cross-entropy; gives the loss.
    fn train(&mut self, recompute: Recompute) -> f64 {
        let (scores, tape) = self.policy.forward(&self.batch, 1.0, recompute).unwrap();
        let slopes = vec![-1.0 / self.batch.scored() as f32; self.batch.scored()];
        self.gradients.clear();
        self.policy
            .backward(tape, &slopes, None, &mut self.gradients)
            .unwrap();
        self.optimizer
            .step(&mut self.policy, &self.gradients, 1e-4, 1.0)
            .unwrap();
        let sum: f64 = scores.logps.iter().map(|logp| f64::from(*logp)).sum();
        -sum / scores.logps.len() as f64
    }

    /// Writes tokens drawn at temperature 1, each prompt for so many rows; gives the
    /// mean of the last ones.
    fn sample(&mut self, (rows, prompt, written): (usize, usize, usize), group: usize) -> f64 {
        let vocab = self.policy.config().vocab_size;
        let prompts: Vec<Vec<u32>> = (0..rows)
            .map(|row| {
                let row = row / group;
                // The first two tokens are the row's number.
                let token = |i: usize| match i {
                    0 => (row % 61) as u32,
                    1 => (row / 61) as u32,
                    _ => ((row * prompt + i) % vocab.min(61)) as u32,
                };
                (0..prompt).map(token).collect()
            })
            .collect();
        let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
        let mut decoder = self.policy.decoder(rows, prompt + written).unwrap();
        let mut logits = decoder.prefill(&prompts).unwrap();
        let mut tokens = Vec::new();
        for step in 0..written {
            let numbers: Vec<f32> = logits.flatten_all().unwrap().to_vec1().unwrap();
            tokens = numbers
                .chunks_exact(vocab)
                .map(|logits| draw(logits, &mut self.seed))
                .collect();
            if step + 1 < written {
                logits = decoder.step(&tokens).unwrap();
            }
        }
        tokens.iter().sum::<u32>() as f64 / rows as f64
    }

    fn run(&mut self, what: &str) -> f64 {
        match what {
            "train" => self.train(Recompute::Never),
            "recompute" => self.train(Recompute::Layers),
            "sample" => self.sample(SAMPLE, 1),
            "group" => self.sample(GROUP, 8),
            "alone" => self.sample(GROUP, 1),
            _ => panic!("to do are train, recompute, sample, group and alone"),
        }
    }
}

/// A token from the softmax of its logits.
fn draw(logits: &[f32], seed: &mut u64) -> u32 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    let peak = logits.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - peak).exp()).collect();
    let sum: f32 = powers.iter().sum();
    let mut left = (*seed >> 40) as f32 / (1 << 24) as f32 * sum;
    for (token, power) in powers.iter().enumerate() {
        left -= power;
        if left <= 0.0 {
            return token as u32;
        }
    }
    logits.len() as u32 - 1
}

/// Wall and processor seconds of one run, and what it gave.
fn timed(bench: &mut Bench, what: &str) -> (f64, f64, f64) {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let value = bench.run(what);
    (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu, value)
}

fn serve(model: &str) {
    let mut bench = Bench::new(model);
    for line in stdin().lock().lines() {
        let line = line.unwrap();
        if line == "memory" {
            println!("{{\"peak\":{}}}", memory("VmHWM:"));
        } else {
            let (wall, cpu, value) = timed(&mut bench, &line);
            println!("{{\"wall\":{wall},\"cpu\":{cpu},\"value\":{value}}}");
        }
        stdout().flush().unwrap();
    }
}

fn table() {
    println!("model    what        best wall ms   best cpu ms   tokens by cpu second");
    for model in ["4x128", "6x192"] {
        let mut bench = Bench::new(model);
        for what in ["train", "recompute", "sample", "group", "alone"] {
            let tokens = match what {
                "sample" => SAMPLE.0 * SAMPLE.2,
                "group" | "alone" => GROUP.0 * GROUP.2,
                _ => TRAIN.0 * TRAIN.1,
            };
            let runs: Vec<_> = (0..8).map(|_| timed(&mut bench, what)).collect();
            let least = |of: fn(&(f64, f64, f64)) -> f64| runs.iter().map(of).fold(1e9, f64::min);
            let (wall, cpu) = (least(|run| run.0), least(|run| run.1));
            println!(
                "{model:8} {what:10} {:13.1} {:13.1} {:22.0}",
                wall * 1e3,
                cpu * 1e3,
                tokens as f64 / cpu
            );
        }
    }
    println!("peak memory {} kB", memory("VmHWM:"));
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A field of the process's status, in kB; 0 where there is none.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
