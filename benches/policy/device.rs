//! One measurement on a device, as rows of a Markdown table: `scripts/gpu-check.sh`
//! runs them one by one, each with a time limit.
//!
//! Shapes are those of models that people train, with random weights made on the
//! device; `tiny` is for trying it out on a processor.

use std::time::Instant;

use goldstone::train::optimizer::{AdamW, AdamWOptions};
use goldstone::train::policy::{
    Architecture, Compute, Gradients, MemoryShape, ModelConfig, Parameters, Passing, Policy,
    Recompute, Rope, RopeScaling, TokenBatch, Writing,
};
use goldstone::train::run::InWords;
use goldstone::train::sample::{Prompt, SampleOptions, Vocabulary, sample};
use goldstone::train::{ComputeChoice, Device, Tensor, TrainError};

/// The heading of all rows.
const HEADING: &str =
    "| shape | numbers | what | figure | remarks |\n| --- | --- | --- | --- | --- |";

/// `ceilings`, `rollout SHAPE NUMBERS ROWS`, `train SHAPE NUMBERS [recompute]`.
pub(crate) fn run(device: &Device, arguments: &[&str]) {
    match arguments {
        ["heading"] => println!("{HEADING}"),
        ["ceilings"] => ceilings(device),
        ["rollout", shape, numbers, rows] => {
            rollout(&Model::new(device, shape, numbers), rows.parse().unwrap());
        }
        ["train", shape, numbers] => {
            train(Model::new(device, shape, numbers), Recompute::Never);
        }
        ["train", shape, numbers, "recompute"] => {
            train(Model::new(device, shape, numbers), Recompute::Layers);
        }
        _ => panic!(
            "to do are heading, ceilings, rollout SHAPE NUMBERS ROWS and \
             train SHAPE NUMBERS [recompute]"
        ),
    }
}

fn config(shape: &str) -> ModelConfig {
    let (layers, hidden_size, heads, kv_heads, head_dim, intermediate_size, vocab_size) =
        match shape {
            "0.5B" => (24, 896, 14, 2, 64, 4864, 151_936),
            "1.5B" => (28, 1536, 12, 2, 128, 8960, 151_936),
            "tiny" => (2, 64, 4, 2, 16, 176, 512),
            // For memory on a processor: most of it layers, or most of it a table.
            "deep" => (8, 512, 8, 2, 64, 1408, 8192),
            "wide" => (2, 512, 8, 2, 64, 1408, 65_536),
            _ => panic!("shapes are 0.5B, 1.5B (Qwen2.5's), tiny, deep and wide"),
        };
    ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size,
        hidden_size,
        intermediate_size,
        layers,
        heads,
        kv_heads,
        head_dim,
        rms_norm_eps: 1e-6,
        rope: Rope {
            theta: 1e6,
            scaling: RopeScaling::None,
        },
        tie_embeddings: true,
        attention_bias: true,
        qk_norm: false,
        max_positions: 4096,
    }
}

/// A policy to be measured.
struct Model {
    policy: Policy,
    /// `| 0.5B | bf16 |`.
    row: String,
    /// Whether it is of a shape for GPUs.
    is_large: bool,
}

impl Model {
    fn new(device: &Device, shape: &str, numbers: &str) -> Self {
        let config = config(shape);
        let shapes = config.parameter_shapes().into_iter();
        let tensors = shapes.map(|(name, shape)| {
            let tensor = match shape.len() {
                1 if name.ends_with("norm.weight") => Tensor::ones(shape, F32, device),
                1 => Tensor::zeros(shape, F32, device),
                _ => Tensor::randn(0.0_f32, 0.02, shape, device),
            };
            (name, tensor.unwrap())
        });
        let mut policy = Policy::from_parameters(config, Parameters::new(tensors)).unwrap();
        let choice: ComputeChoice = numbers.parse().unwrap();
        policy.set_compute(choice.on(device.is_cpu())).unwrap();
        Self {
            policy,
            row: format!("| {shape} | {numbers} |"),
            is_large: shape.ends_with('B'),
        }
    }

    fn say(&self, what: &str, figure: &str, remarks: &str) {
        println!("{} {what} | {figure} | {remarks} |", self.row);
    }

    fn shape(&self) -> MemoryShape<'_> {
        self.policy.memory_shape()
    }

    fn wait(&self) {
        self.policy.device().synchronize().unwrap();
    }
}

const F32: candle_core::DType = candle_core::DType::F32;

/// What the device can do at most: products of large matrices, and copies.
fn ceilings(device: &Device) {
    let is_small = device.is_cpu();
    let (width, numbers) = if is_small {
        (512, 1 << 22)
    } else {
        (8192, 1 << 28)
    };
    for (name, element) in [("f32", F32), ("bf16", candle_core::DType::BF16)] {
        let rate = product_rate(device, width, element);
        println!("| | {name} | product of {width} x {width} | {rate:.3} TFLOP/s | measured |");
    }
    let x = Tensor::ones(numbers, F32, device).unwrap();
    let seconds = best(device, 5, || drop(x.affine(2.0, 1.0).unwrap()));
    let rate = 2.0 * 4.0 * numbers as f64 / seconds / 1e9;
    println!(
        "| | f32 | reading and writing {} MB | {rate:.0} GB/s | measured |",
        numbers >> 18
    );
}

/// TFLOP/s of the product of two square matrices.
fn product_rate(device: &Device, width: usize, element: candle_core::DType) -> f64 {
    let matrix = || {
        let x = Tensor::randn(0.0_f32, 1.0, (width, width), device).unwrap();
        x.to_dtype(element).unwrap()
    };
    let (a, b) = (matrix(), matrix());
    let seconds = best(device, 5, || drop(a.matmul(&b).unwrap()));
    2.0 * (width as f64).powi(3) / seconds / 1e12
}

/// Seconds of the quickest of some runs; one more goes first.
fn best(device: &Device, runs: usize, mut what: impl FnMut()) -> f64 {
    let mut once = || {
        device.synchronize().unwrap();
        let begin = Instant::now();
        what();
        device.synchronize().unwrap();
        begin.elapsed().as_secs_f64()
    };
    once();
    (0..runs).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// Words that never end.
struct Endless;

impl Vocabulary for Endless {
    fn encode(&self, _: &str) -> Result<Vec<u32>, TrainError> {
        Ok(vec![1])
    }

    fn decode(&self, _: &[u32]) -> Result<String, TrainError> {
        Ok(String::new())
    }

    fn end_ids(&self) -> &[u32] {
        &[]
    }
}

/// Completions as a stage draws them, and the decoder by itself.
fn rollout(model: &Model, rows: usize) {
    let (prompt, written) = if model.is_large { (256, 64) } else { (16, 8) };
    let policy = &model.policy;
    let prompts: Vec<Vec<u32>> = (0..rows)
        .map(|row| {
            (0..prompt)
                .map(|i| ((row / 8 + i * 7) % 500) as u32)
                .collect()
        })
        .collect();
    let tokens: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
    let asked: Vec<Prompt<'_>> = (0..rows)
        .map(|row| Prompt {
            row: row as u64,
            tokens: tokens[row],
        })
        .collect();
    let options = SampleOptions {
        max_tokens: written,
        ..SampleOptions::default()
    };
    let mut drawn = 0;
    let seconds = best(policy.device(), 1, || {
        drawn = 0;
        sample(policy, &Endless, &asked, &options, |_, completion| {
            drawn += completion.tokens.len();
            Ok(())
        })
        .unwrap();
    });
    let mut decoder = policy.decoder(rows, prompt + written).unwrap();
    let (mut read, mut steps) = (0.0, 0.0);
    for _ in 0..2 {
        let begin = Instant::now();
        decoder.prefill(&tokens).unwrap();
        model.wait();
        read = begin.elapsed().as_secs_f64();
        let next = vec![1; rows];
        let begin = Instant::now();
        for _ in 1..written {
            decoder.step(&next).unwrap();
        }
        model.wait();
        steps = begin.elapsed().as_secs_f64() / (written - 1) as f64;
    }
    let plan = model.shape().weights();
    let plan = model.shape().with_sampling(
        plan,
        Writing {
            rows,
            prompt,
            capacity: prompt + written,
        },
    );
    model.say(
        &format!("rollout, {rows} rows of {prompt} + {written} tokens"),
        &format!("{:.0} tokens/s", drawn as f64 / seconds),
        &format!(
            "decoder alone {:.0} tokens/s, {:.2} ms a step; prompts, 8 rows each, {:.0} ms; {}",
            rows as f64 / steps,
            steps * 1e3,
            read * 1e3,
            InWords(plan)
        ),
    );
}

/// Training steps, and where their time goes.
fn train(mut model: Model, recompute: Recompute) {
    let (sequences, length) = if model.is_large { (16, 512) } else { (4, 128) };
    let mut batch = TokenBatch::new();
    for sequence in 0..sequences {
        let token = |i: usize| ((sequence * length + i) * 7919 % 509) as u32;
        let tokens: Vec<u32> = (0..=length).map(token).collect();
        batch.push(&tokens[..length / 4], &tokens[length / 4..]);
    }
    let config = model.policy.config().clone();
    let mut gradients = Gradients::zeros(&model.policy).unwrap();
    let mut optimizer = AdamW::new(&model.policy, AdamWOptions::default());
    let slopes = vec![-1.0 / batch.scored() as f32; batch.scored()];
    let mut best = [f64::INFINITY; 4];
    let (mut first, mut last) = (f64::NAN, f64::NAN);
    for _ in 0..4 {
        model.wait();
        let mut times = [0.0; 4];
        let mut clock = Instant::now();
        let mut lap = |model: &Model| {
            model.wait();
            let seconds = clock.elapsed().as_secs_f64();
            clock = Instant::now();
            seconds
        };
        let (scores, tape) = model.policy.forward(&batch, 1.0, recompute).unwrap();
        times[0] = lap(&model);
        gradients.clear();
        let back = model.policy.backward(tape, &slopes, None, &mut gradients);
        back.unwrap();
        times[1] = lap(&model);
        let norm = gradients.norm().unwrap();
        assert!(norm.is_finite() && gradients.uncovered().unwrap().is_empty());
        times[2] = lap(&model);
        optimizer
            .step(&mut model.policy, &gradients, 1e-4, (1.0 / norm).min(1.0))
            .unwrap();
        times[3] = lap(&model);
        let sum: f64 = scores.logps.iter().map(|logp| f64::from(*logp)).sum();
        last = -sum / scores.logps.len() as f64;
        if first.is_nan() {
            first = last;
        }
        if times.iter().sum::<f64>() < best.iter().sum::<f64>() {
            best = times;
        }
    }
    let tokens = (sequences * length) as f64;
    let seconds: f64 = best.iter().sum();
    let flops = tokens * flops_per_token(&config, length);
    let rate = flops / (best[0] + best[1]) / 1e12;
    let element = match model.policy.compute() {
        Compute::Bf16 => candle_core::DType::BF16,
        Compute::Kernels | Compute::Plain => F32,
    };
    let width = if model.is_large { 8192 } else { 512 };
    let ceiling = product_rate(model.policy.device(), width, element);
    let again = match recompute {
        Recompute::Never => "",
        Recompute::Layers => ", recomputed",
    };
    let passing = Passing {
        tokens: sequences * length,
        longest: length,
        recompute,
    };
    let plan = model
        .shape()
        .with_training(model.shape().weights(), passing);
    let [forward, backward, norms, step] = best.map(|seconds| seconds * 1e3);
    model.say(
        &format!("training, {sequences} x {length} tokens{again}"),
        &format!("{:.0} tokens/s", tokens / seconds),
        &format!(
            "{rate:.2} TFLOP/s, MFU {:.1} % of the product's {ceiling:.3}; forward {forward:.0} ms, \
             backward {backward:.0}, norm {norms:.1}, AdamW {step:.1}; loss {first:.3} to \
             {last:.3}; planned {}",
            100.0 * rate / ceiling,
            InWords(plan)
        ),
    );
}

/// Forward and backward of one token: 6 for every weight that multiplies it, and
/// attention over half of its sequence. What is computed twice counts once.
fn flops_per_token(config: &ModelConfig, length: usize) -> f64 {
    let weights = config.parameter_count() as f64;
    let looked_up = match config.tie_embeddings {
        true => 0.0,
        false => (config.vocab_size * config.hidden_size) as f64,
    };
    let attention = config.layers * config.heads * config.head_dim * length;
    6.0 * (weights - looked_up) + 6.0 * attention as f64
}
