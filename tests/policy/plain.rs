//! Plain tensor operations against the kernels, adapters included.

use goldstone::train::Tensor;
use goldstone::train::optimizer::{AdamW, AdamWOptions};
use goldstone::train::policy::{Compute, Gradients, LoraOptions, Policy, Recompute};

use super::models::{Numbers, batch, computed_by, configs, sequences};

/// The same policy with adapters that change something, in both ways of computing.
fn adapted(config: &goldstone::train::policy::ModelConfig) -> [Policy; 2] {
    [Compute::Kernels, Compute::Plain].map(|compute| {
        let options = LoraOptions {
            rank: 3,
            dropout: 0.25,
            ..LoraOptions::default()
        };
        let policy = computed_by(config, compute);
        let mut policy = policy.with_lora(&options, 5).unwrap();
        let names: Vec<(String, Tensor)> = policy
            .parameters()
            .iter()
            .filter(|(.., is_trainable)| *is_trainable)
            .map(|(name, tensor, _)| (name.to_owned(), tensor.clone()))
            .collect();
        let mut numbers = Numbers(17);
        for (name, tensor) in names {
            let drawn = numbers.list(tensor.elem_count());
            let tensor = Tensor::from_vec(drawn, tensor.shape(), tensor.device()).unwrap();
            policy
                .parameters_mut()
                .set(&name, (tensor * 0.1).unwrap())
                .unwrap();
        }
        policy
    })
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn assert_near(found: &[f32], wanted: &[f32], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let squares = |f: &dyn Fn(usize) -> f32| (0..wanted.len()).map(|i| f(i).powi(2)).sum::<f32>();
    let error = squares(&|i| found[i] - wanted[i]).sqrt();
    let size = squares(&|i| wanted[i]).sqrt();
    assert!(error <= 2e-5 * size, "{what}: {error} of {size}");
}

#[test]
fn adapters_learn_alike() {
    for (name, config) in configs() {
        let batch = batch(&sequences());
        let weights = Numbers(3).list(batch.scored());
        let [kernels, plain] = adapted(&config).map(|policy| {
            let (scores, tape) = policy.forward(&batch, 0.9, Recompute::Never).unwrap();
            let mut gradients = Gradients::zeros(&policy).unwrap();
            policy
                .backward(tape, &weights, None, &mut gradients)
                .unwrap();
            assert!(gradients.uncovered().unwrap().is_empty());
            (scores, gradients, policy)
        });
        assert_near(&plain.0.logps, &kernels.0.logps, name);
        assert_near(&plain.0.entropies, &kernels.0.entropies, name);
        let trained = kernels.2.parameters().iter();
        for (parameter, ..) in trained.filter(|(.., is_trainable)| *is_trainable) {
            let [found, wanted] = [&plain.1, &kernels.1]
                .map(|gradients| flat(&gradients.get(parameter).unwrap().unwrap()));
            assert_near(&found, &wanted, &format!("{name} {parameter}"));
        }
        assert!((plain.1.norm().unwrap() / kernels.1.norm().unwrap() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn merged_adapters_score_alike() {
    let (_, config) = configs().swap_remove(0);
    let batch = batch(&sequences());
    for policy in adapted(&config) {
        let merged = policy.merged().unwrap();
        let [found, wanted] = [&merged, &policy].map(|p| p.score(&batch, 1.0).unwrap().logps);
        assert_near(&found, &wanted, "merged");
        let reference = policy.without_lora().unwrap().score(&batch, 1.0).unwrap();
        assert_ne!(reference.logps, wanted);
    }
}

#[test]
fn an_optimizer_stays_with_what_computes() {
    let (_, config) = configs().swap_remove(0);
    let mut policy = computed_by(&config, Compute::Kernels);
    let mut optimizer = AdamW::new(&policy, AdamWOptions::default());
    policy.set_compute(Compute::Plain).unwrap();
    let gradients = Gradients::zeros(&policy).unwrap();
    let error = optimizer.step(&mut policy, &gradients, 1e-3, 1.0);
    assert_eq!(
        error.unwrap_err().to_string(),
        "parameter `embed.weight` is computed by something else than its optimizer's moments; \
         it must be one of kernels and plain operations throughout"
    );
}
