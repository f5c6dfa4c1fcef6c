//! Gradients of every parameter.

use goldstone::train::policy::{Gradients, ModelConfig, Policy, Recompute, TokenBatch};
use goldstone::train::{Device, Tensor};

use super::models::{Numbers, batch, configs, policies, policy, sequences};
use super::oracle::Oracle;

/// Gradients of weighted log-probabilities and entropies.
fn gradients(
    policy: &Policy,
    batch: &TokenBatch,
    weights: (&[f32], Option<&[f32]>),
    recompute: Recompute,
) -> Gradients {
    let mut gradients = Gradients::zeros(policy).unwrap();
    add(policy, batch, weights, recompute, &mut gradients);
    gradients
}

fn add(
    policy: &Policy,
    batch: &TokenBatch,
    (d_logps, d_entropies): (&[f32], Option<&[f32]>),
    recompute: Recompute,
    gradients: &mut Gradients,
) {
    let (_, tape) = policy.forward(batch, 0.8, recompute).unwrap();
    policy
        .backward(tape, d_logps, d_entropies, gradients)
        .unwrap();
}

fn numbers(gradients: &Gradients, name: &str) -> Vec<f32> {
    let tensor = gradients.get(name).unwrap().unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn names(policy: &Policy) -> Vec<String> {
    let parameters = policy.parameters().iter();
    parameters.map(|(name, ..)| name.to_owned()).collect()
}

/// The distance of two lists, by the length of the second.
fn distance(found: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let squares = |f: &dyn Fn(usize) -> f64| (0..wanted.len()).map(f).map(|x| x * x).sum::<f64>();
    let difference = squares(&|i| f64::from(found[i]) - wanted[i]);
    (difference / squares(&|i| wanted[i])).sqrt()
}

#[test]
fn every_parameter_has_the_oracles_gradient() {
    let both = |(name, config)| policies(&config).map(|policy| (name, policy));
    for (name, policy) in configs().into_iter().flat_map(both) {
        let sequences = sequences();
        let batch = batch(&sequences);
        let mut drawn = Numbers(3);
        let (d_logps, d_entropies) = (drawn.list(batch.scored()), drawn.list(batch.scored()));
        for d_entropies in [None, Some(d_entropies.as_slice())] {
            let weights = (d_logps.as_slice(), d_entropies);
            let found = gradients(&policy, &batch, weights, Recompute::Never);
            let oracle = Oracle::new(&policy);
            let scores = oracle.scores(&sequences, 0.8).unwrap();
            let zeros = vec![0.0; batch.scored()];
            let wanted = oracle
                .gradients(&scores, &d_logps, d_entropies.unwrap_or(&zeros))
                .unwrap();
            assert_eq!(wanted.len(), names(&policy).len());
            for (parameter, wanted) in &wanted {
                let error = distance(&numbers(&found, parameter), wanted);
                assert!(error < 1e-5, "{name} {parameter}: {error:.1e}");
            }
            assert!(found.uncovered().unwrap().is_empty());
        }
    }
}

#[test]
fn gradients_are_the_slopes_of_the_loss() {
    let (_, config) = configs().swap_remove(1);
    let mut policy = policy(&config);
    let batch = batch(&sequences());
    let mut drawn = Numbers(9);
    let (d_logps, d_entropies) = (drawn.list(batch.scored()), drawn.list(batch.scored()));
    let weights = (d_logps.as_slice(), Some(d_entropies.as_slice()));
    let found = gradients(&policy, &batch, weights, Recompute::Never);
    let loss = |policy: &Policy| -> f64 {
        let scores = policy.score(&batch, 0.8).unwrap();
        let weigh = |scores: &[f32], weights: &[f32]| -> f64 {
            let pairs = scores.iter().zip(weights);
            pairs.map(|(s, w)| f64::from(*s) * f64::from(*w)).sum()
        };
        weigh(&scores.logps, &d_logps) + weigh(&scores.entropies, &d_entropies)
    };
    for name in names(&policy) {
        let before = policy.parameters().get(&name).unwrap().clone();
        let mut weights: Vec<f32> = before.flatten_all().unwrap().to_vec1().unwrap();
        let place = weights.len() * 3 / 7;
        let (middle, width) = (weights[place], 4e-3);
        let mut at = |weight: f32| {
            weights[place] = weight;
            let tensor = Tensor::from_slice(&weights, before.shape(), before.device()).unwrap();
            policy.parameters_mut().set(&name, tensor).unwrap();
            loss(&policy)
        };
        let slope = (at(middle + width) - at(middle - width)) / f64::from(2.0 * width);
        policy.parameters_mut().set(&name, before).unwrap();
        let gradient = f64::from(numbers(&found, &name)[place]);
        let error = (slope - gradient).abs() / (1.0 + gradient.abs());
        assert!(
            error < 1e-2,
            "{name}[{place}]: slope {slope}, gradient {gradient}"
        );
    }
}

#[test]
fn recomputation_changes_no_bit() {
    let both = |(name, config)| policies(&config).map(|policy| (name, policy));
    for (name, policy) in configs().into_iter().flat_map(both) {
        let batch = batch(&sequences());
        let weights = Numbers(3).list(batch.scored());
        let kept = gradients(&policy, &batch, (&weights, None), Recompute::Never);
        let again = gradients(&policy, &batch, (&weights, None), Recompute::Layers);
        for parameter in names(&policy) {
            let (kept, again) = (numbers(&kept, &parameter), numbers(&again, &parameter));
            assert!(bits(&kept) == bits(&again), "{name} {parameter}");
        }
    }
}

#[test]
fn two_runs_give_the_same_bits() {
    let (_, config) = configs().swap_remove(0);
    let policy = policy(&config);
    let batch = batch(&sequences());
    let weights = Numbers(3).list(batch.scored());
    let first = gradients(&policy, &batch, (&weights, None), Recompute::Never);
    let second = gradients(&policy, &batch, (&weights, None), Recompute::Never);
    for parameter in names(&policy) {
        assert!(bits(&numbers(&first, &parameter)) == bits(&numbers(&second, &parameter)));
    }
}

/// Large enough that products and loops are shared among the threads.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (_, small) = configs().swap_remove(1);
    let config = ModelConfig {
        hidden_size: 128,
        intermediate_size: 256,
        layers: 1,
        ..small
    };
    let policy = Policy::random(config, 3, &Device::Cpu).unwrap();
    let mut batch = TokenBatch::new();
    for sequence in 0..12 {
        let tokens: Vec<u32> = (0..40).map(|i| (i * i + sequence) % 29).collect();
        batch.push(&tokens[..5], &tokens[5..]);
    }
    let weights = Numbers(3).list(batch.scored());
    let found = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        let run = || gradients(&policy, &batch, (&weights, None), Recompute::Never);
        let found = pool.install(run);
        let lists = names(&policy).into_iter();
        lists
            .map(|name| bits(&numbers(&found, &name)))
            .collect::<Vec<_>>()
    });
    assert!(found[0] == found[1]);
    assert!(found[0] == found[2]);
}

#[test]
fn micro_batches_add_up_to_the_batch() {
    for (name, config) in configs() {
        let policy = policy(&config);
        let sequences = sequences();
        let whole = batch(&sequences);
        let weights = Numbers(3).list(whole.scored());
        let wanted = gradients(&policy, &whole, (&weights, None), Recompute::Never);
        let mut sums = Gradients::zeros(&policy).unwrap();
        let (first, second) = (batch(&sequences[..2]), batch(&sequences[2..]));
        let (first_weights, second_weights) = weights.split_at(first.scored());
        add(
            &policy,
            &first,
            (first_weights, None),
            Recompute::Never,
            &mut sums,
        );
        add(
            &policy,
            &second,
            (second_weights, None),
            Recompute::Never,
            &mut sums,
        );
        for parameter in names(&policy) {
            let wanted = numbers(&wanted, &parameter);
            let wanted: Vec<f64> = wanted.into_iter().map(f64::from).collect();
            let error = distance(&numbers(&sums, &parameter), &wanted);
            assert!(error < 1e-6, "{name} {parameter}: {error:.1e}");
        }
    }
}

#[test]
fn frozen_parameters_get_nothing_and_others_the_same() {
    let (_, config) = configs().swap_remove(0);
    let mut policy = policy(&config);
    let batch = batch(&sequences());
    let weights = Numbers(3).list(batch.scored());
    let all = gradients(&policy, &batch, (&weights, None), Recompute::Never);
    policy
        .parameters_mut()
        .set_trainable(|name| name.contains("norm"));
    let some = gradients(&policy, &batch, (&weights, None), Recompute::Never);
    assert!(some.get("embed.weight").unwrap().is_none());
    let norm = "layers.0.attention_norm.weight";
    assert!(bits(&numbers(&all, norm)) == bits(&numbers(&some, norm)));
    assert!(some.norm().unwrap() < all.norm().unwrap());
}

#[test]
fn what_is_not_covered_is_named() {
    let (_, config) = configs().swap_remove(2);
    policies(&config).iter().for_each(names_what_is_not_covered);
}

fn names_what_is_not_covered(policy: &Policy) {
    let batch = batch(&sequences());
    let mut found = Gradients::zeros(policy).unwrap();
    assert_eq!(found.uncovered().unwrap(), names(policy));
    let mut weights = vec![0.1; batch.scored()];
    add(
        policy,
        &batch,
        (&weights, None),
        Recompute::Never,
        &mut found,
    );
    assert!(found.uncovered().unwrap().is_empty());
    weights[3] = f32::NAN;
    add(
        policy,
        &batch,
        (&weights, None),
        Recompute::Never,
        &mut found,
    );
    assert_eq!(found.uncovered().unwrap(), names(policy));
    assert!(!found.norm().unwrap().is_finite());
    found.clear();
    assert_eq!(found.uncovered().unwrap(), names(policy));
    assert_eq!(found.norm().unwrap(), 0.0);
}

#[test]
fn scaling_scales_the_norm() {
    let (_, config) = configs().swap_remove(2);
    let policy = policy(&config);
    let batch = batch(&sequences());
    let weights = Numbers(3).list(batch.scored());
    let mut found = gradients(&policy, &batch, (&weights, None), Recompute::Never);
    let squares: f64 = names(&policy)
        .iter()
        .flat_map(|name| numbers(&found, name))
        .map(|g| f64::from(g) * f64::from(g))
        .sum();
    let norm = found.norm().unwrap();
    assert!((norm / squares.sqrt() - 1.0).abs() < 1e-6);
    found.scale(0.5).unwrap();
    assert!((found.norm().unwrap() / norm - 0.5).abs() < 1e-7);
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}
