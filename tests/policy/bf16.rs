//! Products in bf16 beside weights in f32, against the oracle in f64 and against
//! f32. The processor runs the very operations that a GPU does: candle widens the
//! factors of a product, multiplies in f32 and rounds what comes out to bf16.

use candle_core::DType;
use goldstone::train::optimizer::{AdamW, AdamWOptions};
use goldstone::train::policy::{
    Compute, Gradients, LoraOptions, ModelConfig, Policy, Recompute, TokenBatch,
};
use goldstone::train::{Device, Tensor};

use super::models::{Numbers, batch, computed_by, configs, device, policy, sequences};
use super::oracle::Oracle;

/// bf16 keeps 8 bits: half a unit of the last is 2^-9 of a number. A dozen roundings
/// follow one another in these models.
const LOGP: f64 = 0.1;
const GRADIENT: f64 = 0.05;

fn rounded(config: &ModelConfig) -> Policy {
    let mut policy = policy(config);
    policy.set_compute(Compute::Bf16).unwrap();
    policy
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn gradients(policy: &Policy, batch: &TokenBatch, recompute: Recompute) -> Gradients {
    let weights = Numbers(3).list(batch.scored());
    let entropies = Numbers(4).list(batch.scored());
    let (_, tape) = policy.forward(batch, 0.8, recompute).unwrap();
    let mut gradients = Gradients::zeros(policy).unwrap();
    policy
        .backward(tape, &weights, Some(&entropies), &mut gradients)
        .unwrap();
    gradients
}

/// The distance of two lists, by the length of the second.
fn distance(found: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let squares = |f: &dyn Fn(usize) -> f64| (0..wanted.len()).map(f).map(|x| x * x).sum::<f64>();
    let difference = squares(&|i| f64::from(found[i]) - wanted[i]);
    (difference / squares(&|i| wanted[i])).sqrt()
}

#[test]
fn scores_are_the_oracles_but_for_rounding() {
    for (name, config) in configs() {
        let policy = rounded(&config);
        let sequences = sequences();
        let found = policy.score(&batch(&sequences), 0.8).unwrap();
        let wanted = Oracle::new(&policy).scores(&sequences, 0.8).unwrap();
        let wanted = wanted.logps.to_vec1::<f64>().unwrap();
        let pairs = found.logps.iter().zip(&wanted);
        let errors: Vec<f64> = pairs.map(|(f, w)| (f64::from(*f) - w).abs()).collect();
        let worst = errors.iter().copied().fold(0.0, f64::max);
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        println!("{name}: logps {worst:.1e} apart, {mean:.1e} in the mean");
        assert!(worst < LOGP, "{name}: {worst}");
        // Products that are not rounded would be far closer.
        assert!(mean > 1e-4, "{name}: {mean}");
    }
}

#[test]
fn every_parameter_has_the_oracles_gradient_but_for_rounding() {
    for (name, config) in configs() {
        let policy = rounded(&config);
        let sequences = sequences();
        let batch = batch(&sequences);
        let found = gradients(&policy, &batch, Recompute::Never);
        assert!(found.uncovered().unwrap().is_empty());
        let oracle = Oracle::new(&policy);
        let scores = oracle.scores(&sequences, 0.8).unwrap();
        let (weights, entropies) = (
            Numbers(3).list(batch.scored()),
            Numbers(4).list(batch.scored()),
        );
        let wanted = oracle.gradients(&scores, &weights, &entropies).unwrap();
        assert_eq!(wanted.len(), policy.parameters().iter().len());
        for (parameter, wanted) in &wanted {
            let tensor = found.get(parameter).unwrap().unwrap();
            assert_eq!(tensor.dtype(), DType::F32);
            let error = distance(&numbers(&tensor), wanted);
            println!("{name} {parameter}: {error:.1e}");
            assert!(error < GRADIENT, "{name} {parameter}: {error:.1e}");
        }
    }
}

#[test]
fn recomputation_changes_no_bit() {
    for (_, config) in configs() {
        let policy = rounded(&config);
        let batch = batch(&sequences());
        let [kept, again] = [Recompute::Never, Recompute::Layers]
            .map(|recompute| gradients(&policy, &batch, recompute));
        for (name, ..) in policy.parameters().iter() {
            let [kept, again] =
                [&kept, &again].map(|gradients| numbers(&gradients.get(name).unwrap().unwrap()));
            assert!(kept == again, "{name}");
        }
    }
}

#[test]
fn adapters_learn_as_in_f32() {
    for (name, config) in configs() {
        let options = LoraOptions {
            rank: 3,
            dropout: 0.25,
            ..LoraOptions::default()
        };
        let batch = batch(&sequences());
        let [plain, bf16] = [Compute::Plain, Compute::Bf16].map(|compute| {
            let mut policy = policy(&config).with_lora(&options, 5).unwrap();
            policy.set_compute(compute).unwrap();
            let tensors: Vec<(String, Tensor)> = policy
                .parameters()
                .iter()
                .filter(|(.., is_trainable)| *is_trainable)
                .map(|(name, tensor, _)| (name.to_owned(), tensor.clone()))
                .collect();
            let mut drawn = Numbers(17);
            for (name, tensor) in tensors {
                let list = drawn.list(tensor.elem_count());
                let list = Tensor::from_vec(list, tensor.shape(), tensor.device()).unwrap();
                let list = (list * 0.1).unwrap();
                policy.parameters_mut().set(&name, list).unwrap();
            }
            // The reference is rounded as the policy is.
            assert_eq!(policy.without_lora().unwrap().compute(), compute);
            gradients(&policy, &batch, Recompute::Never)
        });
        assert!(bf16.uncovered().unwrap().is_empty());
        let policy = policy(&config).with_lora(&options, 5).unwrap();
        for (parameter, _, is_trainable) in policy.parameters().iter() {
            let [found, wanted] =
                [&bf16, &plain].map(|gradients| gradients.get(parameter).unwrap());
            assert_eq!(found.is_some(), is_trainable);
            let (Some(found), Some(wanted)) = (found, wanted) else {
                continue;
            };
            let wanted: Vec<f64> = numbers(&wanted).into_iter().map(f64::from).collect();
            let error = distance(&numbers(&found), &wanted);
            assert!(error < GRADIENT, "{name} {parameter}: {error:.1e}");
        }
    }
}

/// A step that is far smaller than the last bit of a bf16 weight is not lost.
#[test]
fn small_steps_add_up_in_the_weights() {
    let (_, config) = configs().swap_remove(2);
    let mut policy = rounded(&config);
    let before = numbers(policy.parameters().get("layers.0.o.weight").unwrap());
    let batch = batch(&sequences());
    let found = gradients(&policy, &batch, Recompute::Never);
    let mut optimizer = AdamW::new(&policy, AdamWOptions::default());
    for _ in 0..100 {
        optimizer.step(&mut policy, &found, 1e-6, 1.0).unwrap();
    }
    for (name, tensor, _) in policy.parameters().iter() {
        assert_eq!(tensor.dtype(), DType::F32, "{name}");
    }
    for moments in optimizer.moments().unwrap() {
        assert_eq!(moments.first.dtype(), DType::F32);
        assert_eq!(moments.second.dtype(), DType::F32);
    }
    let after = numbers(policy.parameters().get("layers.0.o.weight").unwrap());
    let moved = before.iter().zip(&after).map(|(a, b)| (a - b).abs());
    let mean = moved.sum::<f32>() / before.len() as f32;
    assert!((mean / 1e-4 - 1.0).abs() < 0.02, "{mean}");
}

#[test]
fn what_is_multiplied_follows_the_weights() {
    let (_, config) = configs().swap_remove(0);
    let batch = batch(&sequences());
    let mut trained = rounded(&config);
    let first = trained.score(&batch, 1.0).unwrap();
    let found = gradients(&trained, &batch, Recompute::Never);
    let mut optimizer = AdamW::new(&trained, AdamWOptions::default());
    optimizer.step(&mut trained, &found, 1e-2, 1.0).unwrap();
    let stepped = trained.score(&batch, 1.0).unwrap();
    assert_ne!(stepped, first);
    // A policy that never knew other weights says the same.
    let mut fresh = rounded(&config);
    for (name, tensor, _) in trained.parameters().iter() {
        fresh.parameters_mut().set(name, tensor.clone()).unwrap();
    }
    assert_eq!(fresh.score(&batch, 1.0).unwrap(), stepped);
}

/// Kernels change weights where they are: a copy from before would not show it.
#[test]
fn what_is_multiplied_follows_the_kernels_too() {
    let (_, config) = configs().swap_remove(0);
    let batch = batch(&sequences());
    let mut policy = computed_by(&config, Compute::Kernels);
    policy.set_compute(Compute::Bf16).unwrap();
    let first = policy.score(&batch, 1.0).unwrap();
    policy.set_compute(Compute::Kernels).unwrap();
    let mut optimizer = AdamW::new(&policy, AdamWOptions::default());
    let found = gradients(&policy, &batch, Recompute::Never);
    optimizer.step(&mut policy, &found, 1e-2, 1.0).unwrap();
    policy.set_compute(Compute::Bf16).unwrap();
    let copy = policy.duplicate().unwrap();
    let again = policy.score(&batch, 1.0).unwrap();
    assert_ne!(again, first);
    assert_eq!(again, copy.score(&batch, 1.0).unwrap());
}

/// Written one by one, tokens are as likely as read at once, but for rounding.
#[test]
fn a_rollouts_log_probabilities_are_near_those_of_training() {
    for (name, config) in configs() {
        let policy = rounded(&config);
        let (prompt, completion) = sequences().swap_remove(2);
        let mut decoder = policy.decoder(1, prompt.len() + completion.len()).unwrap();
        let mut logits = decoder.prefill(&[&prompt]).unwrap();
        let mut logps = Vec::new();
        for token in &completion {
            assert_eq!(logits.dtype(), DType::F32);
            let row: Vec<f64> = numbers(&logits).iter().map(|x| f64::from(*x)).collect();
            let peak = row.iter().copied().fold(f64::MIN, f64::max);
            let sum: f64 = row.iter().map(|x| (x - peak).exp()).sum();
            logps.push(row[*token as usize] - peak - sum.ln());
            logits = decoder.step(&[*token]).unwrap();
        }
        let trained = policy.score(&batch(&[(prompt, completion)]), 1.0).unwrap();
        let pairs = trained.logps.iter().zip(&logps);
        let errors: Vec<f64> = pairs.map(|(t, l)| (f64::from(*t) - l).abs()).collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        println!("{name}: {mean:.1e} apart in the mean");
        assert!(mean < 1e-4, "{name}: {mean}");
    }
}

/// Rows of different lengths, which end at different times, are what each is alone.
#[test]
fn rows_of_different_lengths_are_written_as_alone() {
    for (name, config) in configs() {
        let policy = rounded(&config);
        let sequences = sequences();
        let prompts: Vec<&[u32]> = sequences.iter().map(|(prompt, _)| &prompt[..]).collect();
        let alone: Vec<Vec<Vec<f32>>> = sequences
            .iter()
            .map(|(prompt, completion)| {
                let mut decoder = policy.decoder(1, 80).unwrap();
                let first = numbers(&decoder.prefill(&[prompt]).unwrap());
                let rest = completion.iter().map(|token| {
                    let logits = decoder.step(&[*token]).unwrap();
                    numbers(&logits)
                });
                std::iter::once(first).chain(rest).collect()
            })
            .collect();
        let at = |row: usize, step: usize| alone[row][step].iter();
        let mut decoder = policy.decoder(prompts.len(), 80).unwrap();
        let mut logits = decoder.prefill(&prompts).unwrap();
        let mut live: Vec<usize> = (0..sequences.len()).collect();
        let (mut sum, mut count) = (0.0, 0);
        for step in 0.. {
            let found: Vec<Vec<f32>> = logits.to_vec2().unwrap();
            for (found, row) in found.iter().zip(&live) {
                for (found, wanted) in found.iter().zip(at(*row, step)) {
                    sum += f64::from((found - wanted).abs());
                    count += 1;
                }
            }
            let goes_on = |row: &usize| step < sequences[*row].1.len();
            let keep: Vec<bool> = live.iter().map(goes_on).collect();
            decoder.retain(&keep);
            live.retain(goes_on);
            if live.is_empty() {
                break;
            }
            let tokens = live.iter().map(|row| sequences[*row].1[step]);
            logits = decoder.step(&tokens.collect::<Vec<_>>()).unwrap();
        }
        let mean = sum / f64::from(count);
        println!("{name}: logits {mean:.1e} apart in the mean");
        assert!(mean < 1e-3, "{name}: {mean}");
    }
}

/// The mean log-probability of a batch over twenty steps.
fn losses(compute: Compute) -> Vec<f64> {
    let (_, config) = configs().swap_remove(0);
    let place = match compute {
        Compute::Kernels => Device::Cpu,
        Compute::Plain | Compute::Bf16 => device(),
    };
    let mut policy = Policy::random(config, 3, &place).unwrap();
    policy.set_compute(compute).unwrap();
    let batch = batch(&sequences());
    let slopes = vec![-1.0 / batch.scored() as f32; batch.scored()];
    let mut optimizer = AdamW::new(&policy, AdamWOptions::default());
    let mut gradients = Gradients::zeros(&policy).unwrap();
    let step = |_| {
        let (scores, tape) = policy.forward(&batch, 1.0, Recompute::Layers).unwrap();
        gradients.clear();
        policy
            .backward(tape, &slopes, None, &mut gradients)
            .unwrap();
        assert!(gradients.uncovered().unwrap().is_empty());
        optimizer.step(&mut policy, &gradients, 1e-2, 1.0).unwrap();
        let sum: f64 = scores.logps.iter().map(|logp| f64::from(*logp)).sum();
        -sum / scores.logps.len() as f64
    };
    (0..20).map(step).collect()
}

#[test]
fn twenty_steps_of_fine_tuning_fall_as_in_f32() {
    let (wanted, found) = (losses(Compute::Kernels), losses(Compute::Bf16));
    println!("f32 {wanted:.3?}\nbf16 {found:.3?}");
    assert!(wanted[19] < 0.6 * wanted[0]);
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found / wanted - 1.0).abs() < 0.05, "{found} for {wanted}");
    }
}
