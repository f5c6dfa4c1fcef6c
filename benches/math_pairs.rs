//! CPU time of the verifier on a file of pairs, for `benches/math_verify.py`.
//!
//! ```sh
//! cargo bench --no-default-features --bench math_pairs -- FILE.jsonl [--every K] [--each]
//! ```
//!
//! Lines hold `gold`, `pred` and perhaps `form` (`response` or `answer`). Prints
//! one JSON object: pairs, correct, and the processor time of one pass in
//! seconds, once with references compiled anew for every pair and once with
//! references compiled before, as in training. `--each` prints every pair's
//! least time in microseconds instead. Linux only: the time is the scheduler's,
//! so that other programs on the core do not count.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints its figures and ends at the first surprise"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use goldstone::math::{Gold, MathOptions, Scope, verify};
use goldstone::verdict::Outcome;

struct Pair {
    gold: String,
    answer: String,
    scope: Scope,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let every: usize = after("--every").map_or(1, |text| text.parse().unwrap());
    let path = arguments.iter().find(|text| text.ends_with(".jsonl"));
    let Some(path) = path else {
        println!("no FILE.jsonl given: nothing to measure");
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let pairs: Vec<Pair> = text.lines().step_by(every).map(pair).collect();
    if arguments.iter().any(|argument| argument == "--each") {
        return each(&pairs);
    }
    let options = MathOptions::default();
    let golds: Vec<Option<Gold>> = pairs
        .iter()
        .map(|pair| Gold::compile(&pair.gold, &options).ok())
        .collect();
    let correct = pairs.iter().zip(&golds).filter(|(pair, gold)| {
        let judged = |gold| verify(gold, &pair.answer, pair.scope, &options).outcome;
        gold.as_ref().map(judged) == Some(Outcome::Correct)
    });
    let correct = correct.count();
    let compiled = seconds(|| {
        for (pair, gold) in pairs.iter().zip(&golds) {
            let Some(gold) = gold else { continue };
            black_box(verify(gold, black_box(&pair.answer), pair.scope, &options));
        }
    });
    let anew = seconds(|| {
        for pair in &pairs {
            let Ok(gold) = Gold::compile(black_box(&pair.gold), &options) else {
                continue;
            };
            black_box(verify(&gold, black_box(&pair.answer), pair.scope, &options));
        }
    });
    println!(
        "{{\"pairs\": {}, \"correct\": {correct}, \"anew\": {anew}, \"compiled\": {compiled}}}",
        pairs.len()
    );
}

fn pair(line: &str) -> Pair {
    let row: serde_json::Value = serde_json::from_str(line).unwrap();
    let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    Pair {
        gold: field("gold"),
        answer: field("pred"),
        scope: match field("form").as_str() {
            "response" => Scope::Response,
            _ => Scope::Answer,
        },
    }
}

/// Processor time of one pass, over two seconds of passes after a warm one.
fn seconds(pass: impl Fn()) -> f64 {
    pass();
    let start = processor();
    let mut passes = 0.0;
    while processor() - start < Duration::from_secs(2) {
        pass();
        passes += 1.0;
    }
    (processor() - start).as_secs_f64() / passes
}

/// What this process has used.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The least of many short runs: what the pair takes where nothing interferes.
fn each(pairs: &[Pair]) {
    const RUNS: u32 = 10;
    let options = MathOptions::default();
    for pair in pairs {
        let Ok(gold) = Gold::compile(&pair.gold, &options) else {
            continue;
        };
        let run = || {
            let start = Instant::now();
            for _ in 0..RUNS {
                black_box(verify(&gold, black_box(&pair.answer), pair.scope, &options));
            }
            start.elapsed() / RUNS
        };
        let least = (0..300).map(|_| run()).min().unwrap_or_default();
        let verdict = verify(&gold, &pair.answer, pair.scope, &options);
        println!(
            "{:>9.2} µs {:>8} {:<16} {} | {}",
            least.as_secs_f64() * 1e6,
            format!("{:?}", verdict.outcome).to_lowercase(),
            verdict.reason.unwrap_or_default(),
            pair.gold,
            pair.answer
        );
    }
}
