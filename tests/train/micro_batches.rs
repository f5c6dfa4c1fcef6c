//! A step is the same however it is cut into micro-batches, whatever is chosen.

use goldstone::train::optimizer::OptimizerOptions;
use goldstone::train::stage::{GrpoOptions, KlOptions, KlPlace, TermAggregation};
use goldstone::train::{Aggregation, Baseline, Correction, KlEstimator, Level, Surrogate};

use super::stages::make;
use super::world::{distance, grpo_options};

/// Every choice, once.
fn choices() -> Vec<GrpoOptions> {
    let base = || GrpoOptions {
        iterations: 2,
        minibatches: 2,
        ..grpo_options(2)
    };
    let with = |change: &dyn Fn(&mut GrpoOptions)| {
        let mut options = base();
        change(&mut options);
        options
    };
    let kl = |estimator, place| {
        Some(KlOptions {
            coefficient: 0.1,
            estimator,
            place,
            ..KlOptions::default()
        })
    };
    vec![
        grpo_options(2),
        with(&|o| {
            o.surrogate = Surrogate::DualClip {
                low: 0.1,
                high: 0.1,
                cap: 3.0,
            }
        }),
        with(&|o| o.surrogate = Surrogate::Cispo { cap: 5.0 }),
        with(&|o| {
            o.surrogate = Surrogate::Sapo {
                positive: 1.0,
                negative: 1.05,
            }
        }),
        with(&|o| {
            o.surrogate = Surrogate::Vespo {
                positive: (2.0, 3.0),
                negative: (3.0, 2.0),
            };
        }),
        with(&|o| {
            o.level = Level::Sequence;
            o.aggregation = Aggregation::Sequences;
        }),
        with(&|o| o.aggregation = Aggregation::Constant { max_tokens: 3 }),
        with(&|o| o.aggregation = Aggregation::SequenceSums),
        with(&|o| o.advantage = Baseline::DrGrpo),
        with(&|o| o.advantage = Baseline::BatchScaled { epsilon: 1e-4 }),
        with(&|o| o.advantage = Baseline::Rloo),
        with(&|o| o.advantage = Baseline::ReinforcePlusPlus { epsilon: 1e-4 }),
        with(&|o| o.advantage = Baseline::MaxRl),
        with(&|o| o.terms = TermAggregation::NormalizeThenSum),
        with(&|o| o.kl = kl(KlEstimator::K3, KlPlace::Loss)),
        with(&|o| o.kl = kl(KlEstimator::K2, KlPlace::Loss)),
        with(&|o| o.kl = kl(KlEstimator::K1, KlPlace::Reward)),
        with(&|o| o.entropy_bonus = 0.01),
        with(&|o| o.correction = Some(Correction::SequenceMask { cap: 3.0 })),
        with(&|o| o.mask_truncated = true),
        with(&|o| {
            o.reward_clip = Some((0.0, 0.5));
            o.advantage_clip = 1.0;
        }),
        with(&|o| o.recompute = true),
    ]
}

#[test]
fn a_step_does_not_depend_on_its_micro_batches() {
    for options in choices() {
        let (whole, _) = make(options.clone());
        let (parts, _) = make(GrpoOptions {
            micro_batch_tokens: 11,
            ..options.clone()
        });
        let far = distance(&whole, &parts);
        assert!(far < 2e-4, "{far} apart with {options:?}");
        let (before, _) = make(GrpoOptions {
            optimizer: OptimizerOptions {
                learning_rate: 1e-12,
                ..options.optimizer
            },
            ..options.clone()
        });
        let learned = distance(&whole, &before);
        assert!(
            learned > 20.0 * far,
            "learned {learned}, apart {far}: {options:?}"
        );
    }
}
