//! Sequences of 640 tokens against transformers: the training path and the
//! decoding path, beyond the context that the frequencies were made for.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use goldstone::train::folder::load_policy;
use goldstone::train::policy::{
    Compute, Gradients, ModelConfig, Parameters, Policy, Recompute, TokenBatch,
};
use serde::Deserialize;

use super::fixture::{flat, folder};
use super::parity::{near, packed, relative};

/// See `make_long.py` beside the numbers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    positions: usize,
    temperature: f64,
    last: usize,
    prompts: HashMap<String, usize>,
    gradients: Vec<String>,
    tokens: Vec<u32>,
}

fn read() -> (Long, HashMap<String, Tensor>) {
    let data = Path::new("tests/data/train");
    let text = std::fs::read_to_string(data.join("long.json")).unwrap();
    let tensors = candle_core::safetensors::load(data.join("long.safetensors"), &Device::Cpu);
    (serde_json::from_str(&text).unwrap(), tensors.unwrap())
}

/// A policy of the fixture with more positions.
fn load(name: &str, positions: usize) -> Policy {
    let policy = load_policy(&folder(name), &Device::Cpu).unwrap().0;
    let config = ModelConfig {
        max_positions: positions,
        ..policy.config().clone()
    };
    let parameters = policy.parameters().iter();
    let tensors = parameters.map(|(name, tensor, _)| (name.to_owned(), tensor.clone()));
    Policy::from_parameters(config, Parameters::new(tensors)).unwrap()
}

#[test]
fn long_sequences_train_as_in_transformers() {
    let (long, theirs) = read();
    for (name, prompt) in &long.prompts {
        let expected = |key: &str| flat(&theirs[&format!("{name}.{key}")]);
        let mut batch = TokenBatch::new();
        batch.push(&long.tokens[..*prompt], &long.tokens[*prompt..]);
        for compute in [Compute::Kernels, Compute::Plain] {
            let mut policy = load(name, long.positions);
            policy.set_compute(compute).unwrap();
            let forward = policy.forward(&batch, long.temperature, Recompute::Layers);
            let (scores, tape) = forward.unwrap();
            let logps = near(&scores.logps, &expected("logps"), 5e-5, name);
            let entropies = near(&scores.entropies, &expected("entropies"), 5e-5, name);
            let weights: Vec<f32> = (1..=scores.logps.len()).map(|i| (i as f32).sin()).collect();
            let mut gradients = Gradients::zeros(&policy).unwrap();
            policy
                .backward(tape, &weights, None, &mut gradients)
                .unwrap();
            for weight in &long.gradients {
                // Of `q | k | v` one piece is known: by its place among the columns.
                let layer = weight.split('.').nth(2).unwrap();
                let parameter = format!("layers.{layer}.qkv.weight");
                let found = gradients.get(&parameter).unwrap().unwrap();
                let of_piece = |piece: &str| {
                    packed(&parameter, |theirs_name| {
                        let shape = shape_of(&policy, theirs_name);
                        match theirs_name == piece {
                            true => theirs[&format!("{name}.grad.{piece}")].clone(),
                            false => Tensor::full(f32::NAN, shape, &Device::Cpu).unwrap(),
                        }
                    })
                };
                let pairs = flat(&found).into_iter().zip(of_piece(weight));
                let (found, expected): (Vec<f32>, Vec<f32>) =
                    pairs.filter(|(_, expected)| !expected.is_nan()).unzip();
                assert_eq!(
                    expected.len(),
                    theirs[&format!("{name}.grad.{weight}")].elem_count()
                );
                let distance = relative(&found, &expected);
                assert!(distance <= 1e-4, "{name} {weight}: {distance}");
                println!("{name} {compute:?}: gradient of {weight} {distance:e} apart");
            }
            println!("{name} {compute:?}: logps {logps:e}, entropies {entropies:e} apart");
        }
    }
}

/// The shape of a matrix of the attention as transformers has it.
fn shape_of(policy: &Policy, name: &str) -> (usize, usize) {
    let config = policy.config();
    let heads = match name.contains("q_proj") {
        true => config.heads,
        false => config.kv_heads,
    };
    (heads * config.head_dim, config.hidden_size)
}

/// A long and a short row grow together, each at its own positions.
#[test]
fn long_sequences_are_written_as_in_transformers() {
    let (long, theirs) = read();
    let tokens = &long.tokens;
    let begin = tokens.len() - long.last;
    for name in long.prompts.keys() {
        let expected = flat(&theirs[&format!("{name}.logits")]);
        let expected: Vec<&[f32]> = expected.chunks(expected.len() / long.last).collect();
        for compute in [Compute::Kernels, Compute::Plain] {
            let mut policy = load(name, long.positions);
            policy.set_compute(compute).unwrap();
            let alone = short_logits(&policy, &tokens[..3], &tokens[begin + 1..]);
            let mut decoder = policy.decoder(2, long.positions).unwrap();
            let mut worst = 0.0_f32;
            let read = [&tokens[..=begin], &tokens[..3]];
            let mut logits = decoder.prefill(&read).unwrap();
            for (step, expected) in expected.iter().enumerate() {
                let rows: Vec<Vec<f32>> = logits.to_vec2().unwrap();
                worst = worst.max(near(&rows[0], expected, 5e-5, name));
                near(&rows[1], &alone[step], 1e-5, name);
                if let Some(next) = tokens.get(begin + 1 + step) {
                    logits = decoder.step(&[*next, *next]).unwrap();
                }
            }
            println!("{name} {compute:?}: logits {worst:e} apart");
        }
    }
}

/// The logits after a prompt and each of the tokens that follow, of a row alone.
fn short_logits(policy: &Policy, prompt: &[u32], following: &[u32]) -> Vec<Vec<f32>> {
    let mut decoder = policy.decoder(1, 64).unwrap();
    let mut all = vec![flat(&decoder.prefill(&[prompt]).unwrap())];
    all.extend(following.iter().map(|token| {
        let logits = decoder.step(&[*token]).unwrap();
        flat(&logits)
    }));
    all
}
