use candle_core::{DType, Device, Tensor};

use super::{Learner, Passed, parts};
use crate::train::error::TrainError;
use crate::train::optimizer::OptimizerOptions;
use crate::train::policy::{
    Architecture, Compute, Gradients, ModelConfig, Policy, Recompute, Rope, RopeScaling, TokenBatch,
};

#[test]
fn parts_hold_every_sequence_once_and_no_more_tokens_than_allowed() {
    assert!(parts(&[], 10).is_empty());
    assert_eq!(parts(&[4, 6, 1], 10), [0..2, 2..3]);
    assert_eq!(parts(&[40, 6, 1], 10), [0..1, 1..3]);
    assert_eq!(parts(&[1, 40, 1], 10), [0..1, 1..2, 2..3]);
    assert_eq!(parts(&[10, 10], 10), [0..1, 1..2]);
}

fn policy() -> Policy {
    let config = ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 5,
        hidden_size: 4,
        intermediate_size: 4,
        layers: 1,
        heads: 1,
        kv_heads: 1,
        head_dim: 4,
        rms_norm_eps: 1e-6,
        rope: Rope {
            theta: 100.0,
            scaling: RopeScaling::None,
        },
        tie_embeddings: false,
        attention_bias: false,
        qk_norm: false,
        max_positions: 8,
    };
    Policy::random(config, 1, &Device::Cpu).unwrap()
}

fn bits(policy: &Policy) -> Vec<u32> {
    let tensors = policy.parameters().iter();
    let numbers = tensors.flat_map(|(_, tensor, _)| {
        let numbers: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        numbers
    });
    numbers.map(f32::to_bits).collect()
}

fn add(policy: &Policy, gradients: &mut Gradients, slope: f32) -> Result<Passed, TrainError> {
    let mut batch = TokenBatch::new();
    batch.push(&[1, 2], &[3, 4, 0]);
    let (_, tape) = policy.forward(&batch, 1.0, Recompute::Never)?;
    policy.backward(tape, &[slope; 3], None, gradients)?;
    Ok(Passed::Finite)
}

#[test]
fn updates_that_are_not_finite_are_left_out_until_there_are_too_many() {
    let mut policy = policy();
    let options = OptimizerOptions {
        max_skipped: 3,
        ..OptimizerOptions::default()
    };
    let mut learner = Learner::new(&policy, options).unwrap();
    let before = bits(&policy);
    for slope in [f32::NAN, f32::INFINITY] {
        let update = learner.update(&mut policy, 0.1, |policy, gradients| {
            add(policy, gradients, slope)
        });
        assert!(update.unwrap().is_skipped);
        assert_eq!(
            before,
            bits(&policy),
            "a left out update changed the weights"
        );
    }
    // A good one between them starts the count again.
    let update = learner.update(&mut policy, 0.1, |policy, gradients| {
        add(policy, gradients, 1.0)
    });
    assert!(!update.unwrap().is_skipped && learner.skipped == 0);
    assert_ne!(before, bits(&policy));
    let mut skip = || learner.update(&mut policy, 0.1, |_, _| Ok(Passed::NotFinite));
    assert!(skip().unwrap().is_skipped && skip().unwrap().is_skipped);
    assert!(matches!(skip(), Err(TrainError::NotFinite { updates: 3 })));
}

#[test]
fn weights_without_a_gradient_end_the_run() {
    let mut policy = policy();
    let mut learner = Learner::new(&policy, OptimizerOptions::default()).unwrap();
    let result = learner.update(&mut policy, 0.1, |_, _| Ok(Passed::Finite));
    let Err(TrainError::NoGradient { names }) = result else {
        panic!("nothing was found to be missing");
    };
    assert!(
        names.iter().any(|name| name == "layers.0.qkv.weight"),
        "{names:?}"
    );
    // Nothing to learn from is another matter.
    let idle = learner.update(&mut policy, 0.1, |_, _| Ok(Passed::Idle));
    assert!(!idle.unwrap().is_skipped);
}

/// Numbers that no operation can be done on stand for a device that fails.
#[test]
fn a_device_that_fails_is_no_update_that_is_left_out() {
    let mut policy = policy();
    policy.set_compute(Compute::Plain).unwrap();
    let mut learner = Learner::new(&policy, OptimizerOptions::default()).unwrap();
    let before = bits(&policy);
    let shape = policy.parameters().iter().next().unwrap().1.shape().clone();
    let count = shape.elem_count();
    let broken =
        Tensor::from_raw_buffer(&vec![0; count], DType::F8E8M0, shape.dims(), &Device::Cpu);
    let broken = broken.unwrap();
    let update = learner.update(&mut policy, 0.1, |_, gradients| {
        gradients.add(0, &broken)?;
        Ok(Passed::Finite)
    });
    assert!(matches!(update, Err(TrainError::Tensor(_))), "{update:?}");
    assert_eq!(learner.skipped, 0);
    assert_eq!(before, bits(&policy));
}
