//! Options as recipes write them.

use goldstone::train::optimizer::{OptimizerOptions, Schedule};
use goldstone::train::run::CheckpointOptions;
use goldstone::train::sample::SampleOptions;
use goldstone::train::stage::{EvaluationOptions, GrpoOptions, RejectOptions, SftOptions};
use goldstone::train::{Aggregation, Baseline, Correction, KlEstimator, Level, Surrogate};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn every_choice_can_be_written() {
    let grpo = |text: &str| read::<GrpoOptions>(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(grpo(""), GrpoOptions::default());
    assert_eq!(
        grpo("surrogate = { clip = { high = 0.28 } }").surrogate,
        Surrogate::Clip {
            low: 0.2,
            high: 0.28,
            delta: None
        }
    );
    assert_eq!(
        grpo("surrogate = { vespo = {} }").surrogate,
        Surrogate::Vespo {
            positive: (2.0, 3.0),
            negative: (3.0, 2.0)
        }
    );
    assert_eq!(
        grpo("advantage = { grpo = {} }").advantage,
        Baseline::Grpo { epsilon: 1e-4 }
    );
    for (text, choice) in [
        ("dr_grpo", Baseline::DrGrpo),
        ("rloo", Baseline::Rloo),
        ("max_rl", Baseline::MaxRl),
    ] {
        assert_eq!(grpo(&format!("advantage = \"{text}\"")).advantage, choice);
    }
    let aggregation = grpo("aggregation = { constant = { max_tokens = 9 } }").aggregation;
    assert_eq!(aggregation, Aggregation::Constant { max_tokens: 9 });
    assert_eq!(grpo("level = \"sequence\"").level, Level::Sequence);
    let corrected = grpo("correction = { ice_pop = {} }").correction;
    assert_eq!(
        corrected,
        Some(Correction::IcePop {
            low: 0.5,
            high: 5.0
        })
    );
    let kl = grpo("[kl]\ncoefficient = 0.1\nestimator = \"k2\"\nsync = {}")
        .kl
        .unwrap();
    assert_eq!((kl.coefficient, kl.estimator), (0.1, KlEstimator::K2));
    assert_eq!(kl.sync.map(|sync| sync.every), Some(512));
    let rate = grpo("[optimizer]\nlearning_rate = 1e-4\nschedule = \"cosine\"").optimizer;
    assert_eq!(
        (rate.learning_rate, rate.schedule),
        (1e-4, Schedule::Cosine)
    );
}

#[test]
fn what_is_not_known_is_refused() {
    for text in [
        "group = 4",
        "surrogate = { clip = { hi = 0.28 } }",
        "surrogate = { klip = {} }",
        "[optimizer]\nlr = 1e-4",
        "[sampling]\ntemp = 1.0",
        "[kl]\nbeta = 0.1",
    ] {
        let error = read::<GrpoOptions>(text).unwrap_err();
        let is_named = error.contains("unknown") || error.contains("unexpected");
        assert!(is_named, "{text}: {error}");
    }
}

#[test]
fn defaults_are_right_and_can_be_written() {
    fn same<T: Default + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>() {
        let text = toml::to_string(&T::default()).unwrap();
        assert_eq!(read::<T>(&text).unwrap(), T::default(), "{text}");
    }
    same::<SampleOptions>();
    same::<OptimizerOptions>();
    same::<SftOptions>();
    same::<GrpoOptions>();
    same::<RejectOptions>();
    same::<EvaluationOptions>();
    same::<CheckpointOptions>();
    assert_eq!(SampleOptions::default().validate(), []);
    assert_eq!(OptimizerOptions::default().validate(), []);
    assert_eq!(SftOptions::default().validate(), []);
    assert_eq!(GrpoOptions::default().validate(), []);
    assert_eq!(RejectOptions::default().validate(), []);
    assert_eq!(EvaluationOptions::default().validate(), []);
    assert_eq!(CheckpointOptions::default().validate(), []);
}

/// An option out of its range, and the fault's field.
#[test]
fn every_fault_names_its_option() {
    let grpo = [
        ("group_size = 1", "group_size"),
        ("minibatches = 17", "minibatches"),
        ("steps = 0", "steps"),
        ("micro_batch_tokens = 0", "micro_batch_tokens"),
        (
            "advantage = { grpo = { epsilon = 0.0 } }",
            "advantage.epsilon",
        ),
        (
            "terms = \"normalize_then_sum\"\nadvantage = \"rloo\"",
            "advantage",
        ),
        (
            "terms = \"normalize_then_sum\"\nreward_clip = [0.0, 1.0]",
            "terms",
        ),
        ("reward_clip = [1.0, 0.0]", "reward_clip"),
        ("advantage_clip = -1.0", "advantage_clip"),
        ("surrogate = { clip = { low = 2.0 } }", "surrogate.low"),
        ("surrogate = { clip = { delta = 1.1 } }", "surrogate.delta"),
        ("surrogate = { dual_clip = { cap = 0.5 } }", "surrogate.cap"),
        (
            "aggregation = { constant = { max_tokens = 0 } }",
            "aggregation.max_tokens",
        ),
        ("top_entropy = 0.0", "top_entropy"),
        ("entropy_bonus = nan", "entropy_bonus"),
        ("kl = { coefficient = 0.0 }", "kl.coefficient"),
        ("kl = { sync = { alpha = 0.0 } }", "kl.sync.alpha"),
        ("correction = { ice_pop = { low = 6.0 } }", "correction"),
        ("max_unscorable = 2.0", "max_unscorable"),
        (
            "[dynamic_sampling]\nmax_rounds = 0",
            "dynamic_sampling.max_rounds",
        ),
        ("[sampling]\ntemperature = 0.0", "sampling.temperature"),
        // One fault, and not that of 0.
        ("[sampling]\ntemperature = -1.0", "sampling.temperature"),
        ("[sampling]\ntop_p = 0.0", "sampling.top_p"),
        ("[sampling]\nmax_tokens = 1073741825", "sampling.max_tokens"),
        ("[sampling]\nmin_p = 1.5", "sampling.min_p"),
        ("[sampling]\nstop = [\"\"]", "sampling.stop"),
        (
            "[optimizer]\nlearning_rate = 0.0",
            "optimizer.learning_rate",
        ),
        ("[optimizer]\nbetas = [0.9, 1.0]", "optimizer.betas"),
        ("[optimizer]\nwarmup_ratio = -0.1", "optimizer.warmup_ratio"),
    ];
    for (text, field) in grpo {
        let options: GrpoOptions = read(text).unwrap();
        let faults = options.validate();
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert_eq!(faults[0].field, field, "{text}");
    }
    let reject = [
        ("max_unscorable = -0.1", "max_unscorable"),
        ("keep = 0", "keep"),
        ("[sampling]\ntemperature = 0.0", "sampling.temperature"),
        ("[sampling]\ntemperature = -1.0", "sampling.temperature"),
    ];
    for (text, field) in reject {
        let options: RejectOptions = read(text).unwrap();
        let faults = options.validate();
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert_eq!(faults[0].field, field, "{text}");
    }
    let evaluation = [
        ("greedy = false", "samples"),
        ("samples = 2\nk = [4]", "k"),
        ("early_stop = {}", "early_stop"),
        (
            "samples = 2\n[sampling]\ntemperature = 0.0",
            "sampling.temperature",
        ),
    ];
    for (text, field) in evaluation {
        let options: EvaluationOptions = read(text).unwrap();
        let faults = options.validate();
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert_eq!(faults[0].field, field, "{text}");
    }
}
