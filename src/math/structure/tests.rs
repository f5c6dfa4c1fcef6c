//! Laws that need the inside: the secrets decide nothing, equality is
//! symmetric, and work is bounded.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;

use std::time::{Duration, Instant};

use crate::math::decide::{Limits, Secrets};
use crate::math::options::MathOptions;
use crate::math::parse::{ParseLimits, parse};

use super::{Context, Judgement, compare};

fn judged(gold: &str, answer: &str, seed: [u64; 2]) -> Judgement {
    let options = MathOptions::default();
    let secrets = Secrets::from_seed(seed);
    let limits = Limits::default();
    let read = |text: &str| parse(text, &ParseLimits::default()).unwrap();
    compare(
        &read(gold),
        &read(answer),
        &Context::new(&options, &secrets, &limits, &Cell::new(0)),
    )
}

fn outcome(judgement: &Judgement) -> &'static str {
    match judgement {
        Judgement::Correct { .. } => "correct",
        Judgement::Wrong { .. } => "wrong",
        Judgement::Unknown(_) => "unknown",
    }
}

const PAIRS: &[(&str, &str, &str)] = &[
    (r"(x+y)^{10}", r"(x+y)^9(x+y)", "correct"),
    (r"(x+y)^{11}", r"x^{11}+y^{11}", "wrong"),
    (r"\frac{x^2-1}{x-1}", r"x+1", "correct"),
    (r"2x+4y=6", r"x+2y=3", "correct"),
    (r"x+2y=3", r"x+2y=4", "wrong"),
    (r"y=2x+1", r"2x-y+1=0", "correct"),
    (r"\sin 2x", r"2\sin x\cos x", "correct"),
    (r"\sin 2x", r"2\sin x", "wrong"),
    (r"\{\sqrt{8},1\}", r"\{1,2\sqrt2\}", "correct"),
    (r"[0,\sqrt2)", r"[0,\frac{2}{\sqrt2})", "correct"),
    (r"[0,\sqrt2)", r"[0,1.5)", "wrong"),
    (r"4^n", r"2^{2n}", "correct"),
    (r"4^n", r"2^{n^2}", "wrong"),
    (
        r"\sqrt{\frac{a}{b}}",
        r"\frac{\sqrt{a}}{\sqrt{b}}",
        "correct",
    ),
    (
        r"\sqrt{\frac{a}{a+r}}",
        r"\frac{1}{\sqrt{1+r/a}}",
        "correct",
    ),
    (r"\ln(xy)+\sqrt{y}", r"\sqrt{y}+\ln(x)", "wrong"),
];

#[test]
fn verdicts_do_not_depend_on_the_secrets() {
    for (gold, answer, expected) in PAIRS {
        let first = judged(gold, answer, [0, 0x9e37]);
        for seed in 0..12 {
            let judgement = judged(gold, answer, [seed, 0x9e37 + 77 * seed]);
            // Reason, proof and witness are written out with the score.
            assert_eq!(judgement, first, "{gold} | {answer}");
            assert_eq!(
                outcome(&judgement),
                *expected,
                "{gold} | {answer}: {judgement:?}"
            );
        }
    }
}

#[test]
fn comparison_is_symmetric() {
    for (gold, answer, expected) in PAIRS {
        let back = judged(answer, gold, [1, 2]);
        assert_eq!(outcome(&back), *expected, "{answer} | {gold}: {back:?}");
    }
}

/// Many members that are hard to tell apart.
#[test]
fn hostile_sets_are_bounded() {
    let member = |n: u32| format!(r"\sqrt[3]{{{}+\sqrt{{{}}}}}", n + 2, n + 5);
    let set = |from: u32| {
        let members: Vec<String> = (from..from + 64).map(member).collect();
        format!(r"\{{{}\}}", members.join(","))
    };
    let start = Instant::now();
    let judgement = judged(&set(0), &set(1), [1, 2]);
    assert_ne!(outcome(&judgement), "correct", "{judgement:?}");
    let reversed: Vec<String> = (0..64).rev().map(member).collect();
    let judgement = judged(&set(0), &format!(r"\{{{}\}}", reversed.join(",")), [1, 2]);
    assert_ne!(outcome(&judgement), "wrong", "{judgement:?}");
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}
