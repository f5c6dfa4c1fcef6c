//! What no policy can be made of, and what no policy can read.

use goldstone::train::policy::{Gradients, ModelConfig, Parameters, Policy, Recompute, TokenBatch};
use goldstone::train::{Device, Tensor, TrainError};

use super::models::{VOCAB, configs, policy};

fn refusal(push: &[(&[u32], &[u32])]) -> String {
    let (_, config) = configs().swap_remove(0);
    let policy = policy(&config);
    let mut batch = TokenBatch::new();
    for (prompt, completion) in push {
        batch.push(prompt, completion);
    }
    let error = policy.score(&batch, 1.0).unwrap_err().to_string();
    let forward = policy.forward(&batch, 1.0, Recompute::Never);
    assert_eq!(forward.unwrap_err().to_string(), error);
    error
}

#[test]
fn batches_that_cannot_be_scored_are_refused() {
    assert_eq!(refusal(&[]), "the batch holds no sequence");
    assert_eq!(
        refusal(&[(&[1], &[2]), (&[1], &[])]),
        "sequence 1: its completion is empty; it needs at least one token"
    );
    assert_eq!(
        refusal(&[(&[], &[2])]),
        "sequence 0: its prompt is empty; it needs at least one token"
    );
    let unknown = VOCAB as u32;
    assert_eq!(
        refusal(&[(&[1], &[2]), (&[1, 2], &[3, unknown])]),
        "sequence 1, position 3: token 29 is outside the vocabulary of 29 tokens"
    );
    assert_eq!(
        refusal(&[(&[1], &[u32::MAX])]),
        "sequence 0, position 1: token 4294967295 is outside the vocabulary of 29 tokens"
    );
    assert_eq!(
        refusal(&[(&[1; 100], &[2; 29])]),
        "sequence 0 has 129 tokens; there are 128 positions"
    );
}

#[test]
fn the_longest_sequence_is_scored() {
    let (_, config) = configs().swap_remove(0);
    let policy = policy(&config);
    let mut batch = TokenBatch::new();
    batch.push(&[1; 100], &[2; 28]);
    assert_eq!(policy.score(&batch, 1.0).unwrap().logps.len(), 28);
}

#[test]
fn temperatures_are_positive() {
    let (_, config) = configs().swap_remove(0);
    let policy = policy(&config);
    let mut batch = TokenBatch::new();
    batch.push(&[1], &[2]);
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = policy.score(&batch, temperature).unwrap_err();
        assert!(matches!(
            error,
            TrainError::Number {
                name: "temperature",
                ..
            }
        ));
    }
}

#[test]
fn decoders_refuse_what_has_no_room_or_no_meaning() {
    let (_, config) = configs().swap_remove(0);
    let policy = policy(&config);
    let message = |result: Result<Tensor, TrainError>| result.unwrap_err().to_string();
    let too_long = policy.decoder(1, 129).unwrap_err().to_string();
    assert_eq!(
        too_long,
        "sequence 0 has 129 tokens; there are 128 positions"
    );
    let mut decoder = policy.decoder(2, 4).unwrap();
    assert_eq!(
        message(decoder.prefill(&[&[1]])),
        "`prompts` has 1 entries; it must have 2"
    );
    assert_eq!(
        message(decoder.prefill(&[&[1], &[]])),
        "sequence 1: its prompt is empty; it needs at least one token"
    );
    assert_eq!(
        message(decoder.prefill(&[&[1], &[2; 5]])),
        "sequence 1 has 5 tokens; there are 4 positions"
    );
    assert_eq!(
        message(decoder.prefill(&[&[1], &[29]])),
        "sequence 1, position 0: token 29 is outside the vocabulary of 29 tokens"
    );
    decoder.prefill(&[&[1, 2, 3], &[4]]).unwrap();
    assert_eq!(
        message(decoder.step(&[1])),
        "`tokens` has 1 entries; it must have 2"
    );
    assert_eq!(
        message(decoder.step(&[1, 29])),
        "sequence 1, position 0: token 29 is outside the vocabulary of 29 tokens"
    );
    decoder.step(&[1, 2]).unwrap();
    assert_eq!(
        message(decoder.step(&[1, 2])),
        "sequence 0 has 5 tokens; there are 4 positions"
    );
    decoder.retain(&[false, false]);
    assert_eq!(message(decoder.step(&[])), "the batch holds no sequence");
}

#[test]
fn gradients_need_one_number_per_scored_token() {
    let (_, config) = configs().swap_remove(0);
    let policy = policy(&config);
    let mut batch = TokenBatch::new();
    batch.push(&[1], &[2, 3]);
    let mut gradients = Gradients::zeros(&policy).unwrap();
    let mut backward = |d_logps: &[f32], d_entropies: Option<&[f32]>| {
        let (_, tape) = policy.forward(&batch, 1.0, Recompute::Never).unwrap();
        let result = policy.backward(tape, d_logps, d_entropies, &mut gradients);
        result.unwrap_err().to_string()
    };
    assert_eq!(
        backward(&[1.0], None),
        "`d_logps` has 1 entries; it must have 2"
    );
    assert_eq!(
        backward(&[1.0, 1.0], Some(&[])),
        "`d_entropies` has 0 entries; it must have 2"
    );
    assert_eq!(gradients.norm().unwrap(), 0.0);
}

#[test]
fn parameters_that_do_not_fit_are_named() {
    let (_, config) = configs().swap_remove(2);
    let tensors = || -> Vec<(String, Tensor)> {
        let policy = policy(&config);
        let parameters = policy.parameters().iter();
        parameters
            .map(|(name, tensor, _)| (name.to_owned(), tensor.clone()))
            .collect()
    };
    let refusal = |tensors: Vec<(String, Tensor)>| {
        let parameters = Parameters::new(tensors);
        let policy = Policy::from_parameters(config.clone(), parameters);
        policy.unwrap_err().to_string()
    };
    let mut missing = tensors();
    missing.retain(|(name, _)| name != "head.weight");
    assert_eq!(
        refusal(missing),
        "parameter `head.weight` is missing; the configuration asks for one of shape [24, 29]"
    );
    let mut extra = tensors();
    extra.push(("tail.weight".to_owned(), extra[0].1.clone()));
    assert_eq!(
        refusal(extra),
        "parameter `tail.weight` is not part of this architecture"
    );
    let mut turned = tensors();
    turned[0].1 = turned[0].1.t().unwrap();
    assert_eq!(
        refusal(turned),
        "parameter `embed.weight` is of shape [24, 29]; it must be of shape [29, 24]"
    );
    let mut halves = tensors();
    halves[0].1 = halves[0].1.to_dtype(candle_core::DType::BF16).unwrap();
    assert_eq!(
        refusal(halves),
        "parameter `embed.weight` is of type BF16; it must be of type F32"
    );
    let mut shuffled = tensors();
    shuffled.reverse();
    let policy = Policy::from_parameters(config.clone(), Parameters::new(shuffled)).unwrap();
    let names: Vec<&str> = policy.parameters().iter().map(|(name, ..)| name).collect();
    let wanted = config.parameter_shapes();
    assert!(
        names
            .iter()
            .zip(&wanted)
            .all(|(name, (wanted, _))| name == wanted)
    );
}

#[test]
fn numbers_that_make_no_model_are_named() {
    let (_, good) = configs().swap_remove(0);
    let refusal = |change: &dyn Fn(&mut goldstone::train::policy::ModelConfig)| {
        let mut config = good.clone();
        change(&mut config);
        let policy = Policy::random(config, 1, &Device::Cpu);
        policy.unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&|c| c.kv_heads = 3),
        "model configuration: `kv_heads` is 3; it must be a divisor of `heads`, which is 4"
    );
    assert_eq!(
        refusal(&|c| c.head_dim = 7),
        "model configuration: `head_dim` is 7; it must be even, for its halves are rotated"
    );
    assert_eq!(
        refusal(&|c| c.layers = 0),
        "model configuration: `layers` is 0; it must be at least 1"
    );
    assert_eq!(
        refusal(&|c| c.rms_norm_eps = f64::NAN),
        "model configuration: `rms_norm_eps` is NaN; it must be finite and not negative"
    );
    assert_eq!(
        refusal(&|c| c.rope.theta = 0.0),
        "model configuration: `rope.theta` is 0; it must be finite and above 1"
    );
}

#[test]
fn sizes_that_can_only_be_mistakes_are_refused_before_memory_is_reserved() {
    let (_, good) = configs().swap_remove(0);
    let refusal = |change: &dyn Fn(&mut ModelConfig)| {
        let mut config = good.clone();
        change(&mut config);
        let policy = Policy::random(config, 1, &Device::Cpu);
        policy.unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&|c| c.layers = 1_000_000_000_000),
        "model configuration: `layers` is 1000000000000; it must be at most 4096"
    );
    for change in [
        (|c: &mut ModelConfig| c.vocab_size = usize::MAX) as fn(&mut ModelConfig),
        |c| c.hidden_size = usize::MAX,
        |c| c.intermediate_size = usize::MAX,
        |c| (c.heads, c.kv_heads) = (usize::MAX, usize::MAX),
        |c| c.head_dim = usize::MAX - 1,
        |c| c.max_positions = usize::MAX,
    ] {
        assert!(refusal(&change).contains("at most"));
    }
    // Every size may pass, and the model not.
    let all =
        refusal(&|c| (c.hidden_size, c.intermediate_size, c.layers) = (1 << 20, 1 << 22, 4096));
    assert!(
        all.contains("`parameters`") && all.contains("at most"),
        "{all}"
    );
}

#[test]
fn parameters_are_counted_without_a_list() {
    for (name, config) in configs() {
        let shapes = config.parameter_shapes();
        let listed: usize = shapes
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        assert_eq!(config.parameter_count(), listed as u128, "{name}");
    }
    let (_, mut largest) = configs().swap_remove(0);
    (largest.hidden_size, largest.layers) = (usize::MAX, usize::MAX);
    assert_eq!(largest.parameter_count(), u128::MAX);
}
