//! Logits, gradients and optimizer steps against torch's on the same folders.

use candle_core::{Device, Tensor};
use goldstone::train::folder::load_policy;
use goldstone::train::optimizer::{AdamW, AdamWOptions};
use goldstone::train::policy::{Gradients, Policy, Recompute};
use goldstone::train::{
    Aggregation, Baseline, Kl, KlEstimator, LossOptions, Row, Sample, Step, Surrogate, advantages,
    loss,
};

use super::fixture::{Grpo, NAMES, Numbers, Sequence, batch, flat, folder, tensors};

fn load(name: &str) -> Policy {
    load_policy(&folder(name), &Device::Cpu).unwrap().0
}

/// Asserts that numbers are near each other; gives the largest distance.
pub(super) fn near(found: &[f32], expected: &[f32], tolerance: f32, of: &str) -> f32 {
    assert_eq!(found.len(), expected.len(), "{of}");
    let distances = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
    let worst = distances.fold(0.0, f32::max);
    assert!(worst <= tolerance, "{of}: {worst} apart");
    worst
}

/// The largest distance by the largest number: what is lost of a gradient.
pub(super) fn relative(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |most, e| most.max(e.abs()));
    let distances = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
    distances.fold(0.0, f32::max) / largest
}

/// torch's tensors in a policy's shape: matrices turned, q, k and v side by side.
pub(super) fn packed(parameter: &str, theirs: impl Fn(&str) -> Tensor) -> Vec<f32> {
    let Some(rest) = parameter.strip_prefix("layers.") else {
        return flat(&match parameter {
            "embed.weight" => theirs("model.embed_tokens.weight"),
            "norm.weight" => theirs("model.norm.weight"),
            "head.weight" => theirs("lm_head.weight").t().unwrap(),
            other => panic!("{other}"),
        });
    };
    let (layer, name) = rest.split_once('.').unwrap();
    let one = |name: &str| theirs(&format!("model.layers.{layer}.{name}"));
    let side_by_side = |names: &[&str]| {
        let turned: Vec<Tensor> = names.iter().map(|name| one(name).t().unwrap()).collect();
        flat(&Tensor::cat(&turned, 1).unwrap())
    };
    match name {
        "attention_norm.weight" => flat(&one("input_layernorm.weight")),
        "mlp_norm.weight" => flat(&one("post_attention_layernorm.weight")),
        "qkv.weight" => side_by_side(&[
            "self_attn.q_proj.weight",
            "self_attn.k_proj.weight",
            "self_attn.v_proj.weight",
        ]),
        "qkv.bias" => ["q", "k", "v"]
            .into_iter()
            .flat_map(|of| flat(&one(&format!("self_attn.{of}_proj.bias"))))
            .collect(),
        "o.weight" => side_by_side(&["self_attn.o_proj.weight"]),
        "gate_up.weight" => side_by_side(&["mlp.gate_proj.weight", "mlp.up_proj.weight"]),
        "down.weight" => side_by_side(&["mlp.down_proj.weight"]),
        norm => flat(&one(&format!("self_attn.{norm}"))),
    }
}

/// Logits at every position of a sequence: of all its beginnings, and step by step.
pub(super) fn logits(policy: &Policy, sequence: &Sequence) -> [Vec<f32>; 2] {
    let tokens = [sequence.prompt.as_slice(), &sequence.completion].concat();
    let beginnings: Vec<&[u32]> = (1..=tokens.len()).map(|end| &tokens[..end]).collect();
    let mut decoder = policy.decoder(tokens.len(), tokens.len()).unwrap();
    let whole = flat(&decoder.prefill(&beginnings).unwrap());
    let mut decoder = policy.decoder(1, tokens.len()).unwrap();
    let mut steps = flat(&decoder.prefill(&[&tokens[..1]]).unwrap());
    for token in &tokens[1..] {
        steps.extend(flat(&decoder.step(&[*token]).unwrap()));
    }
    [whole, steps]
}

#[test]
fn logits_are_those_of_transformers() {
    for name in NAMES {
        let (policy, numbers, theirs) = (load(name), Numbers::read(name), tensors(name));
        let mut worst = 0.0_f32;
        for (index, sequence) in numbers.weighted.sequences.iter().enumerate() {
            let expected = flat(&theirs[&format!("logits.{index}")]);
            for found in logits(&policy, sequence) {
                worst = worst.max(near(&found, &expected, 1e-5, name));
            }
        }
        println!("{name}: logits {worst:e} apart");
    }
}

#[test]
fn scores_and_gradients_are_those_of_torch() {
    for name in NAMES {
        let (policy, numbers, theirs) = (load(name), Numbers::read(name), tensors(name));
        let weighted = &numbers.weighted;
        let batch = batch(&weighted.sequences);
        let forward = policy.forward(&batch, weighted.temperature, Recompute::Never);
        let (scores, tape) = forward.unwrap();
        let logps = near(&scores.logps, &flat(&theirs["logps"]), 1e-5, name);
        let entropies = near(&scores.entropies, &flat(&theirs["entropies"]), 1e-5, name);
        let mut gradients = Gradients::zeros(&policy).unwrap();
        let entropy_weights = Some(weighted.entropy_weights.as_slice());
        policy
            .backward(tape, &weighted.weights, entropy_weights, &mut gradients)
            .unwrap();
        assert!(gradients.uncovered().unwrap().is_empty());
        let mut worst = (0.0, "");
        for (parameter, _, _) in policy.parameters().iter() {
            let found = flat(&gradients.get(parameter).unwrap().unwrap());
            let expected = packed(parameter, |name| theirs[&format!("grad.{name}")].clone());
            let distance = relative(&found, &expected);
            assert!(distance <= 1e-4, "{name} {parameter}: {distance}");
            if distance > worst.0 {
                worst = (distance, parameter);
            }
        }
        println!("{name}: logps {logps:e}, entropies {entropies:e}, gradients {worst:?} apart");
    }
}

impl Grpo {
    fn loss_options(&self) -> LossOptions {
        LossOptions {
            surrogate: Surrogate::Clip {
                low: self.epsilon_low,
                high: self.epsilon_high,
                delta: None,
            },
            aggregation: Aggregation::Tokens,
            kl: Some(Kl {
                coefficient: self.beta,
                estimator: KlEstimator::K3,
                bias_corrected: false,
            }),
            ..LossOptions::default()
        }
    }

    /// One list per sequence out of one for all tokens.
    fn split(&self, numbers: &[f64]) -> Vec<Vec<f64>> {
        let mut rest = numbers;
        let lengths = self.sequences.iter().map(|one| one.completion.len());
        lengths
            .map(|length| {
                let (row, after) = rest.split_at(length);
                rest = after;
                row.to_vec()
            })
            .collect()
    }
}

#[test]
fn optimizer_steps_are_those_of_torch() {
    for name in NAMES {
        let (mut policy, numbers, theirs) = (load(name), Numbers::read(name), tensors(name));
        let grpo = &numbers.grpo;
        let samples: Vec<Sample> = grpo
            .rewards
            .iter()
            .zip(&grpo.sequences)
            .enumerate()
            .map(|(index, (reward, sequence))| Sample {
                group: index / grpo.group,
                reward: Some(*reward),
                tokens: sequence.completion.len(),
            })
            .collect();
        let advantages = advantages(&samples, Baseline::Grpo { epsilon: 1e-4 });
        for (found, expected) in advantages.iter().zip(&grpo.advantages) {
            assert!((found - expected).abs() <= 1e-6, "{name}");
        }
        let options = AdamWOptions {
            betas: grpo.betas,
            epsilon: grpo.epsilon,
            weight_decay: grpo.weight_decay,
        };
        let mut optimizer = AdamW::new(&policy, options);
        let mut gradients = Gradients::zeros(&policy).unwrap();
        let batch = batch(&grpo.sequences);
        let (old, reference) = (grpo.split(&grpo.old), grpo.split(&grpo.reference));
        for expected in &grpo.steps {
            let forward = policy.forward(&batch, grpo.temperature, Recompute::Layers);
            let (scores, tape) = forward.unwrap();
            let logps: Vec<f64> = scores.logps.iter().map(|logp| f64::from(*logp)).collect();
            let logps = grpo.split(&logps);
            let masks: Vec<Vec<bool>> = logps.iter().map(|row| vec![true; row.len()]).collect();
            let rows: Vec<Row<'_>> = (0..logps.len())
                .map(|index| Row {
                    logps: &logps[index],
                    old: Some(&old[index]),
                    reference: Some(&reference[index]),
                    entropies: None,
                    importance: None,
                    mask: &masks[index],
                    advantage: advantages[index],
                })
                .collect();
            let step = Step {
                tokens: grpo.old.len(),
                micro_batches: 1,
            };
            let found = loss(&rows, &grpo.loss_options(), &step).unwrap();
            let kl = found.metrics.kl.unwrap();
            assert!(
                (found.value - expected.loss).abs() <= 1e-5,
                "{name}: {found:?}"
            );
            assert!((kl - expected.kl).abs() <= 1e-5, "{name}: {kl}");
            let d_logps: Vec<f32> = found.gradient.iter().flatten().map(|d| *d as f32).collect();
            gradients.clear();
            policy
                .backward(tape, &d_logps, None, &mut gradients)
                .unwrap();
            let norm = gradients.norm().unwrap();
            assert!(
                (norm - expected.norm).abs() <= 1e-4 * expected.norm,
                "{name}: {norm}"
            );
            // torch's `clip_grad_norm_`.
            let scale = (grpo.max_norm / (norm + 1e-6)).min(1.0);
            assert!(scale < 1.0, "{name}: clipping is part of the test");
            let rate = grpo.learning_rate;
            optimizer
                .step(&mut policy, &gradients, rate, scale)
                .unwrap();
        }
        let mut worst = (0.0, "");
        let mut apart = 0;
        for (parameter, tensor, _) in policy.parameters().iter() {
            let expected = packed(parameter, |name| theirs[&format!("step.{name}")].clone());
            // A step moves every weight by about the learning rate, 1e-3, whatever its
            // gradient: where that is no more than rounding, so is the direction.
            let of = format!("{name} {parameter}");
            let found = flat(tensor);
            let distance = near(&found, &expected, 5e-5, &of);
            let pairs = found.iter().zip(&expected);
            apart += pairs.filter(|(f, e)| (*f - *e).abs() > 1e-6).count();
            if distance > worst.0 {
                worst = (distance, parameter);
            }
        }
        println!("{name}: weights {worst:?} apart after two steps, {apart} above 1e-6");
        assert!(
            apart * 1000 <= policy.parameters().count(),
            "{name}: {apart}"
        );
    }
}
