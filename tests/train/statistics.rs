//! The statistics of evaluations, against cases worked by hand and against all
//! choices one by one.

use std::fs;

use goldstone::train::watch::{Estimate, Judged, majority_at, pass_at, statistics};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    pass: Vec<Pass>,
    majority: Vec<Majority>,
    interval: Vec<Interval>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "`why` is for people")]
struct Pass {
    name: String,
    n: usize,
    c: usize,
    k: usize,
    is: Option<f64>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "`why` is for people")]
struct Majority {
    name: String,
    samples: Vec<String>,
    k: usize,
    is: Option<f64>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "`why` is for people")]
struct Interval {
    name: String,
    values: Vec<f64>,
    samples: usize,
    mean: f64,
    standard_error: Option<f64>,
    low: f64,
    high: f64,
    why: String,
}

fn cases() -> Cases {
    let text = fs::read_to_string("tests/data/train/statistics.toml").expect("the cases");
    toml::from_str(&text).expect("cases as they are declared")
}

fn assert_near(name: &str, found: Option<f64>, wanted: Option<f64>, tolerance: f64) {
    match (found, wanted) {
        (None, None) => {}
        (Some(found), Some(wanted)) => {
            assert!(
                (found - wanted).abs() <= tolerance,
                "{name}: {found}, not {wanted}"
            );
        }
        _ => panic!("{name}: {found:?}, not {wanted:?}"),
    }
}

#[test]
fn statistics_are_those_worked_by_hand() {
    let cases = cases();
    for case in cases.pass {
        assert_near(&case.name, pass_at(case.k, case.n, case.c), case.is, 1e-9);
    }
    for case in cases.majority {
        let samples: Vec<(bool, Option<&str>)> = case
            .samples
            .iter()
            .map(|sample| match sample.as_str() {
                "-" => (false, None),
                sample => (
                    sample.ends_with('+'),
                    Some(sample.trim_end_matches(['+', '-'])),
                ),
            })
            .collect();
        assert_near(&case.name, majority_at(case.k, &samples), case.is, 1e-12);
    }
    for case in cases.interval {
        let found = Estimate::over(&case.values, case.samples).unwrap();
        assert_near(&case.name, Some(found.mean), Some(case.mean), 1e-12);
        assert_near(&case.name, found.standard_error, case.standard_error, 1e-12);
        assert_near(&case.name, Some(found.low), Some(case.low), 1e-6);
        assert_near(&case.name, Some(found.high), Some(case.high), 1e-6);
    }
    assert!(Estimate::over(&[], 0).is_none());
}

/// All choices of `k` from the samples, one by one.
fn majority_by_trial(k: usize, samples: &[(bool, Option<&str>)]) -> f64 {
    let mut outcomes = Vec::new();
    for chosen in 0_u32..1 << samples.len() {
        if chosen.count_ones() as usize != k {
            continue;
        }
        let votes = |answer: &str| {
            let equal = (0..samples.len())
                .filter(|&i| chosen >> i & 1 == 1 && samples[i].1 == Some(answer));
            equal.count()
        };
        let answers: std::collections::BTreeSet<&str> =
            samples.iter().filter_map(|&(_, answer)| answer).collect();
        let top = answers
            .iter()
            .map(|answer| votes(answer))
            .max()
            .unwrap_or(0);
        let tied: Vec<f64> = answers
            .iter()
            .filter(|answer| top > 0 && votes(answer) == top)
            .map(|answer| {
                let all: Vec<bool> = samples
                    .iter()
                    .filter(|(_, other)| other == &Some(*answer))
                    .map(|&(is_correct, _)| is_correct)
                    .collect();
                all.iter().filter(|&&is_correct| is_correct).count() as f64 / all.len() as f64
            })
            .collect();
        outcomes.push(match tied.len() {
            0 => 0.0,
            ties => tied.iter().sum::<f64>() / ties as f64,
        });
    }
    outcomes.iter().sum::<f64>() / outcomes.len() as f64
}

#[test]
fn majorities_are_those_of_all_choices() {
    const ANSWERS: [Option<&str>; 5] = [Some("1"), Some("2"), Some("3"), Some("4"), None];
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..60 {
        let samples: Vec<(bool, Option<&str>)> = (0..=random(8))
            .map(|_| (random(2) == 0, ANSWERS[random(5) as usize]))
            .collect();
        for k in 1..=samples.len() {
            let name = format!("{k} of {samples:?}");
            let wanted = majority_by_trial(k, &samples);
            assert_near(&name, majority_at(k, &samples), Some(wanted), 1e-12);
        }
    }
}

#[test]
fn what_nobody_judged_counts_nowhere() {
    let sample = |is_correct, answer| Judged {
        is_correct,
        answer,
        can_vote: true,
    };
    let prompts = [
        vec![
            sample(Some(true), Some("1")),
            sample(None, Some("2")),
            sample(Some(false), None),
        ],
        vec![sample(None, None)],
        vec![
            sample(Some(false), Some("3")),
            sample(Some(false), Some("3")),
        ],
    ];
    let found = statistics(&prompts, &[1, 2, 4]);
    assert_eq!((found.unjudged, found.unjudged_prompts), (2, 1));
    let names: Vec<&str> = found.estimates.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["mean@2", "pass@1", "pass@2"]);
    let means: Vec<f64> = found.estimates.iter().map(|(_, is)| is.mean).collect();
    assert_eq!(means, [0.25, 0.25, 0.5]);
    assert!(found.estimates.iter().all(|(_, is)| is.prompts == 2));
    let metrics = found.metrics();
    let names: Vec<&str> = metrics.iter().map(|(name, _)| &**name).take(3).collect();
    assert_eq!(names, ["mean@2", "mean@2/low", "mean@2/high"]);
    assert!(statistics(&[], &[1]).estimates.is_empty());
}

#[test]
fn nobody_votes_for_silence() {
    let silent = Judged {
        is_correct: Some(false),
        answer: None,
        can_vote: true,
    };
    let majority = |prompts: &[Vec<Judged<'_>>], k: usize| {
        let found = statistics(prompts, &[k]).metrics().into_iter();
        let mut named = found.filter(|(name, _)| *name == format!("maj@{k}"));
        named.next().map(|(_, value)| value)
    };
    assert_eq!(majority(&[vec![silent; 4]], 3), Some(0.0));
    // No majority of two differs from one of them; four were never seen.
    assert_eq!(majority(&[vec![silent; 4]], 2), None);
    assert_eq!(majority(&[vec![silent; 3]], 4), None);
    let speaks = Judged {
        is_correct: Some(true),
        answer: Some("7"),
        can_vote: true,
    };
    assert_eq!(majority(&[vec![silent, speaks, silent]], 3), Some(1.0));
    // What names no answers, right or wrong, is no vote lost.
    let tested = |is_correct| Judged {
        is_correct,
        answer: None,
        can_vote: false,
    };
    let right = tested(Some(true));
    assert_eq!(majority(&[vec![right; 4]], 3), None);
    let mixed = [vec![right; 3], vec![speaks; 3], vec![silent; 3]];
    assert_eq!(majority(&mixed, 3), Some(0.5));
    assert_eq!(majority(&[vec![right, speaks, speaks]], 3), None);
    // What nobody judged counts nowhere, here neither.
    let unjudged = [speaks, speaks, speaks, tested(None)];
    assert_eq!(majority(&[unjudged.to_vec()], 3), Some(1.0));
}
