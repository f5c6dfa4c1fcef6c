//! The numbers of GRPO against those of the trainers that people use.

use std::collections::BTreeMap;

use goldstone::train::{
    Aggregation, Baseline, Correction, Kl, KlEstimator, Level, Loss, LossError, LossOptions, Row,
    Sample, Step, Surrogate, advantages, importance, loss, term_advantages,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What TRL's own code made of one micro-batch; see the program beside the data.
#[derive(Deserialize)]
struct Golden {
    old: Vec<Vec<f64>>,
    new: Vec<Vec<f64>>,
    #[serde(rename = "ref")]
    reference: Vec<Vec<f64>>,
    mask: Vec<Vec<f64>>,
    adv: Vec<f64>,
    ent: Vec<Vec<f64>>,
    isr: Vec<Vec<f64>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    cfg: Configuration,
    loss: f64,
    grad: Vec<Vec<f64>>,
    metrics: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    loss_type: String,
    level: String,
    beta: f64,
    delta: Option<f64>,
    bias_kl: bool,
    tis: bool,
    teq: f64,
    eps_hi: f64,
}

/// Single precision is what the other side computed in.
const TOLERANCE: f64 = 1e-6;

impl Configuration {
    fn options(&self, longest: usize) -> LossOptions {
        let surrogate = match self.loss_type.as_str() {
            "cispo" => Surrogate::Cispo { cap: self.eps_hi },
            "sapo" => Surrogate::Sapo {
                positive: 1.0,
                negative: 1.05,
            },
            "vespo" => Surrogate::Vespo {
                positive: (2.0, 3.0),
                negative: (3.0, 2.0),
            },
            _ => Surrogate::Clip {
                low: 0.2,
                high: self.eps_hi,
                delta: self.delta,
            },
        };
        let aggregation = match self.loss_type.as_str() {
            "grpo" | "sapo" => Aggregation::Sequences,
            "bnpo" => Aggregation::MicroBatchTokens,
            "dr_grpo" => Aggregation::Constant {
                max_tokens: longest,
            },
            "luspo" => Aggregation::SequenceSums,
            _ => Aggregation::Tokens,
        };
        LossOptions {
            surrogate,
            aggregation,
            level: match self.level.as_str() {
                "sequence" => Level::Sequence,
                _ => Level::Token,
            },
            kl: (self.beta > 0.0).then_some(Kl {
                coefficient: self.beta,
                estimator: KlEstimator::K3,
                bias_corrected: self.bias_kl,
            }),
            top_entropy: (self.teq < 1.0).then_some(self.teq),
        }
    }
}

fn metric(loss: &Loss, name: &str) -> Option<f64> {
    let metrics = &loss.metrics;
    match name {
        "kl" => metrics.kl,
        "entropy" => metrics.entropy,
        "clip_ratio/low_mean" => metrics.clip.map(|clip| clip.low_mean),
        "clip_ratio/low_min" => metrics.clip.map(|clip| clip.low_min),
        "clip_ratio/high_mean" => metrics.clip.map(|clip| clip.high_mean),
        "clip_ratio/high_max" => metrics.clip.map(|clip| clip.high_max),
        "clip_ratio/region_mean" => metrics.clip.map(|clip| clip.region_mean),
        "cispo_clip_ratio" => metrics.cispo_clip_ratio,
        "vespo/phi_seq_mean" => metrics.phi,
        other => panic!("metric `{other}`"),
    }
}

#[test]
fn loss_gradient_and_metrics_are_those_of_trl() {
    let text = std::fs::read_to_string("tests/data/train/trl_golden.json").unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    assert_eq!(golden.cases.len(), 384);
    let masks: Vec<Vec<bool>> = golden
        .mask
        .iter()
        .map(|row| row.iter().map(|active| *active == 1.0).collect())
        .collect();
    let step = Step {
        tokens: masks.iter().flatten().filter(|active| **active).count(),
        micro_batches: 1,
    };
    for case in &golden.cases {
        let cfg = &case.cfg;
        let rows: Vec<Row<'_>> = (0..golden.new.len())
            .map(|index| Row {
                logps: &golden.new[index],
                old: Some(&golden.old[index]),
                reference: Some(&golden.reference[index]),
                entropies: Some(&golden.ent[index]),
                importance: cfg.tis.then_some(&golden.isr[index]),
                mask: &masks[index],
                advantage: golden.adv[index],
            })
            .collect();
        let found = loss(&rows, &cfg.options(golden.new[0].len() + 3), &step).unwrap();
        let differ = |what: &str, found: f64, expected: f64| {
            let distance = (found - expected).abs();
            assert!(
                distance <= TOLERANCE,
                "{cfg:?}: {what} {found}, TRL's {expected}"
            );
        };
        differ("loss", found.value, case.loss);
        for (found, expected) in found
            .gradient
            .iter()
            .flatten()
            .zip(case.grad.iter().flatten())
        {
            differ("gradient", *found, *expected);
        }
        for (name, expected) in &case.metrics {
            let found = metric(&found, name).unwrap_or(f64::NAN);
            differ(name, found, expected.as_f64().unwrap());
        }
    }
}

/// Rows of three completions, none of whose ratios meets a bound.
const LOGPS: [[f64; 4]; 3] = [
    [-0.5, -1.2, -0.3, -2.0],
    [-0.9, -0.1, -1.5, -0.7],
    [-0.2, -0.4, -0.6, -0.8],
];
const OLD: [[f64; 4]; 3] = [
    [-0.55, -1.0, -0.35, -1.9],
    [-0.8, -0.15, -1.75, -0.9],
    [-0.9, -0.35, -0.2, -0.75],
];
const REFERENCE: [[f64; 4]; 3] = [
    [-0.6, -1.1, -0.2, -2.2],
    [-1.0, -0.3, -1.4, -0.6],
    [-0.3, -0.2, -0.5, -1.0],
];
const WEIGHTS: [[f64; 4]; 3] = [
    [1.1, 0.9, 1.0, 0.8],
    [1.0, 1.3, 0.7, 1.0],
    [0.9, 1.0, 1.2, 1.1],
];
const ENTROPIES: [[f64; 4]; 3] = [
    [0.3, 1.2, 0.1, 2.0],
    [0.9, 0.2, 1.4, 0.6],
    [0.5, 0.8, 0.7, 1.1],
];
const MASKS: [[bool; 4]; 3] = [
    [true, true, true, true],
    [true, true, true, false],
    [false, true, true, true],
];
const ADVANTAGES: [f64; 3] = [1.3, -0.8, 0.4];

fn rows(logps: &[[f64; 4]; 3]) -> Vec<Row<'_>> {
    (0..3)
        .map(|index| Row {
            logps: &logps[index],
            old: Some(&OLD[index]),
            reference: Some(&REFERENCE[index]),
            entropies: Some(&ENTROPIES[index]),
            importance: Some(&WEIGHTS[index]),
            mask: &MASKS[index],
            advantage: ADVANTAGES[index],
        })
        .collect()
}

fn step() -> Step {
    Step {
        tokens: MASKS.iter().flatten().filter(|active| **active).count(),
        micro_batches: 1,
    }
}

/// Every option that TRL's numbers do not cover, or only together.
fn varied() -> Vec<LossOptions> {
    let surrogates = [
        Surrogate::Clip {
            low: 0.2,
            high: 0.28,
            delta: None,
        },
        Surrogate::Clip {
            low: 0.1,
            high: 0.1,
            delta: Some(1.3),
        },
        Surrogate::DualClip {
            low: 0.2,
            high: 0.2,
            cap: 1.2,
        },
        Surrogate::Sapo {
            positive: 1.0,
            negative: 1.05,
        },
    ];
    let mut all = Vec::new();
    for surrogate in surrogates {
        for estimator in [KlEstimator::K1, KlEstimator::K2, KlEstimator::K3] {
            for bias_corrected in [false, true] {
                for level in [Level::Token, Level::Sequence] {
                    all.push(LossOptions {
                        surrogate,
                        level,
                        aggregation: Aggregation::Sequences,
                        kl: Some(Kl {
                            coefficient: 0.3,
                            estimator,
                            bias_corrected,
                        }),
                        top_entropy: Some(0.7),
                    });
                }
            }
        }
    }
    all
}

#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    const STEP: f64 = 1e-6;
    for options in varied() {
        let at = |logps: &[[f64; 4]; 3]| loss(&rows(logps), &options, &step()).unwrap();
        let gradient = at(&LOGPS).gradient;
        for row in 0..3 {
            for token in 0..4 {
                let moved = |by: f64| {
                    let mut logps = LOGPS;
                    logps[row][token] += by;
                    at(&logps).value
                };
                let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                let found = gradient[row][token];
                assert!(
                    (found - slope).abs() < 1e-7,
                    "{options:?} row {row} token {token}: {found}, by differences {slope}"
                );
            }
        }
    }
}

#[test]
fn tokens_weigh_the_same_in_any_split_into_micro_batches() {
    let options = LossOptions {
        kl: Some(Kl {
            coefficient: 0.1,
            estimator: KlEstimator::K3,
            bias_corrected: true,
        }),
        ..LossOptions::default()
    };
    let whole = loss(&rows(&LOGPS), &options, &step()).unwrap();
    let split = Step {
        micro_batches: 2,
        ..step()
    };
    let first = loss(&rows(&LOGPS)[..1], &options, &split).unwrap();
    let second = loss(&rows(&LOGPS)[1..], &options, &split).unwrap();
    assert!((whole.value - first.value - second.value).abs() < 1e-15);
    let gradient: Vec<Vec<f64>> = first.gradient.into_iter().chain(second.gradient).collect();
    assert_eq!(whole.gradient, gradient);
}

#[test]
fn the_first_step_after_sampling_has_ratio_one() {
    let mut first = rows(&LOGPS);
    for row in &mut first {
        row.old = None;
        row.importance = None;
    }
    let found = loss(&first, &LossOptions::default(), &step()).unwrap();
    let weight = 1.0 / step().tokens as f64;
    assert_eq!(found.gradient[0], [-1.3 * weight; 4]);
    assert_eq!(found.gradient[1][3], 0.0, "outside the mask");
    assert_eq!(found.metrics.clip.unwrap().region_mean, 0.0);
}

#[test]
fn rows_that_cannot_be_used_are_named() {
    let options = varied()[0];
    let refused = |change: &dyn Fn(&mut Row<'static>)| {
        static LOGPS_OF: [[f64; 4]; 3] = LOGPS;
        let mut all = rows(&LOGPS_OF);
        change(&mut all[1]);
        loss(&all, &options, &step()).unwrap_err()
    };
    let missing = |field| LossError::Missing { row: 1, field };
    assert_eq!(refused(&|row| row.reference = None), missing("reference"));
    assert_eq!(refused(&|row| row.entropies = None), missing("entropies"));
    assert_eq!(
        refused(&|row| row.old = Some(&[0.0])),
        LossError::Length {
            row: 1,
            field: "old",
            found: 1,
            expected: 4
        }
    );
    let bad = |field| LossError::NotFinite { row: 1, field };
    assert_eq!(
        refused(&|row| row.logps = &[-1.0, f64::NEG_INFINITY, -1.0, -1.0]),
        bad("logps")
    );
    assert_eq!(refused(&|row| row.advantage = f64::NAN), bad("advantage"));
    // What the mask leaves out may be anything.
    let mut all = rows(&LOGPS);
    all[1].logps = &[-0.9, -0.1, -1.5, f64::NAN];
    let found = loss(&all, &options, &step()).unwrap();
    assert!(found.value.is_finite());
    assert!(
        found
            .gradient
            .iter()
            .flatten()
            .all(|slope| slope.is_finite())
    );
}

#[derive(Deserialize)]
struct Expected {
    samples: Vec<Reward>,
    epsilon: f64,
    advantages: BTreeMap<String, Vec<f64>>,
    terms: Vec<Vec<Option<f64>>>,
    weights: Vec<f64>,
    gdpo: Vec<f64>,
}

#[derive(Deserialize)]
struct Reward {
    reward: Option<f64>,
    group: usize,
    tokens: usize,
}

#[test]
fn advantages_are_those_of_the_papers() {
    let text = std::fs::read_to_string("tests/data/train/advantages.json").unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    let samples: Vec<Sample> = expected
        .samples
        .iter()
        .map(|sample| Sample {
            group: sample.group,
            reward: sample.reward,
            tokens: sample.tokens,
        })
        .collect();
    let near = |name: &str, found: &[f64], wanted: &[f64]| {
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(
                (found - wanted).abs() < 1e-9,
                "{name}: {found}, not {wanted}"
            );
        }
    };
    let epsilon = expected.epsilon;
    for (name, wanted) in &expected.advantages {
        let baseline = match name.as_str() {
            "grpo" => Baseline::Grpo { epsilon },
            "dr_grpo" => Baseline::DrGrpo,
            "batch" => Baseline::BatchScaled { epsilon },
            "rloo" => Baseline::Rloo,
            "reinforce_plus_plus" => Baseline::ReinforcePlusPlus { epsilon },
            "max_rl" => Baseline::MaxRl,
            other => panic!("advantage `{other}`"),
        };
        let found = advantages(&samples, baseline);
        near(name, &found, wanted);
        // Three rewards of 0.1 teach exactly nothing.
        if name != "reinforce_plus_plus" {
            assert_eq!(found[4..7], [0.0; 3], "{name}");
        }
        assert_eq!(found[7], 0.0, "{name}: nobody judged it");
    }
    let groups: Vec<usize> = samples.iter().map(|sample| sample.group).collect();
    let found = term_advantages(&groups, &expected.terms, &expected.weights, epsilon);
    near("gdpo", &found, &expected.gdpo);
}

#[test]
fn mismatch_weights_are_bounded() {
    let (old, sampled) = ([-1.0, -2.0, -0.5, -3.0], [-1.5, -1.0, -0.5, -90.0]);
    let mask = [true, true, true, false];
    let weights = |correction| importance(&old, &sampled, &mask, correction);
    let near = |found: Vec<f64>, wanted: [f64; 4]| {
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-12, "{found}, not {wanted}");
        }
    };
    let (up, down) = (0.5_f64.exp(), (-1.0_f64).exp());
    near(
        weights(Correction::Token { cap: 1.2 }),
        [1.2, down, 1.0, 1.0],
    );
    let all = (-0.5_f64).exp();
    near(
        weights(Correction::Sequence { cap: 2.0 }),
        [all, all, all, 1.0],
    );
    near(
        weights(Correction::IcePop {
            low: 0.5,
            high: 2.0,
        }),
        [up, 0.0, 1.0, 1.0],
    );
    near(
        weights(Correction::SequenceMask { cap: 0.5 }),
        [0.0, 0.0, 0.0, 1.0],
    );
    let far = importance(
        &[0.0],
        &[-1e9],
        &[true],
        Correction::Sequence { cap: f64::MAX },
    );
    assert!(far[0].is_finite());
}
