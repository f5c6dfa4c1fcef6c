//! Log-probabilities and entropies.

use goldstone::train::policy::{Policy, Recompute};

use super::models::{batch, configs, policies, policy, sequences};
use super::oracle::Oracle;

#[test]
fn scores_are_the_oracles() {
    let both = |(name, config)| policies(&config).map(|policy| (name, policy));
    for (name, policy) in configs().into_iter().flat_map(both) {
        let sequences = sequences();
        let oracle = Oracle::new(&policy);
        for temperature in [1.0, 0.6, 1.7] {
            let found = policy.score(&batch(&sequences), temperature).unwrap();
            let wanted = oracle.scores(&sequences, temperature).unwrap();
            let logps = wanted.logps.to_vec1::<f64>().unwrap();
            let entropies = wanted.entropies.to_vec1::<f64>().unwrap();
            for (found, wanted) in [(&found.logps, logps), (&found.entropies, entropies)] {
                assert_eq!(found.len(), wanted.len());
                for (found, wanted) in found.iter().zip(wanted) {
                    let error = (f64::from(*found) - wanted).abs();
                    assert!(
                        error < 2e-5,
                        "{name} at {temperature}: {found} for {wanted}"
                    );
                }
            }
        }
    }
}

#[test]
fn scoring_is_the_forward_pass() {
    let both = |(name, config)| policies(&config).map(|policy| (name, policy));
    for (name, policy) in configs().into_iter().flat_map(both) {
        let batch = batch(&sequences());
        let scores = policy.score(&batch, 0.9).unwrap();
        for recompute in [Recompute::Never, Recompute::Layers] {
            let (forward, _) = policy.forward(&batch, 0.9, recompute).unwrap();
            assert_eq!(forward, scores, "{name}");
        }
    }
}

#[test]
fn a_sequence_is_scored_alike_in_any_company() {
    let (_, config) = configs().swap_remove(1);
    let policy = policy(&config);
    let sequences = sequences();
    let together = policy.score(&batch(&sequences), 1.0).unwrap().logps;
    let alone: Vec<f32> = sequences
        .iter()
        .flat_map(|sequence| {
            let batch = batch(std::slice::from_ref(sequence));
            policy.score(&batch, 1.0).unwrap().logps
        })
        .collect();
    for (together, alone) in together.iter().zip(alone) {
        assert!((together - alone).abs() < 1e-5, "{together} and {alone}");
    }
}

#[test]
fn a_seed_gives_the_same_policy_and_another_seed_another() {
    let (_, config) = configs().swap_remove(2);
    let embedding = |seed| {
        let device = goldstone::train::Device::Cpu;
        let policy = Policy::random(config.clone(), seed, &device).unwrap();
        let tensor = policy.parameters().get("embed.weight").unwrap().clone();
        tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(embedding(1), embedding(1));
    assert_ne!(embedding(1), embedding(2));
    let squares: f32 = embedding(1).iter().map(|x| x * x).sum();
    let deviation = (squares / embedding(1).len() as f32).sqrt();
    assert!((deviation - 0.02).abs() < 2e-3, "{deviation}");
}
