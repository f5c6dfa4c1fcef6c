//! The worst that one verification takes, in time and memory: corpora, hostile
//! text and generated soups.
//!
//! ```sh
//! cargo bench --no-default-features --bench math_bounds [-- --only soups --soups 20000 --seed 1]
//! ```
//!
//! `--only` runs the families whose names begin so.
//!
//! For each family: verifications, the 50th, 99th and 99.9th percentile and the
//! worst processor time, the peak of live bytes above what was live before, and the
//! text of the worst. What takes long is measured again and the least counts, so
//! that a busy machine shows little. Linux only: the time is the thread's. References are compiled under the same
//! measure.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints its figures and ends at the first surprise"
)]

#[path = "math_bounds/hostile.rs"]
mod hostile;

#[path = "math_bounds/measure.rs"]
mod measure;

use goldstone::math::{Gold, MathOptions, Scope, verify};

use measure::{Family, measured};

/// References whose stages differ: digits, expansion, residues, members, towers.
const REFERENCES: [&str; 5] = [
    "5",
    "x^2+2x+1",
    "\\sqrt{2}+\\sqrt{3}",
    "\\{1,2,3\\}",
    "9^{9^{9^9}}",
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, usual: u64| value(name).map_or(usual, |text| text.parse().unwrap());
    let options = MathOptions::default();
    // Answers as long as the hostile texts, beyond what any answer is.
    let wide = MathOptions {
        max_answer_bytes: 1 << 16,
        ..MathOptions::default()
    };
    // The secrets of the process are drawn once.
    let _ = Gold::compile("x+1", &options);
    println!(
        "{:<22} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10}  text of the peak, then the slowest",
        "family", "count", "p50 µs", "p99 µs", "p99.9 µs", "worst µs", "peak kB"
    );
    let only = value("--only").unwrap_or_default();
    let wanted = |name: &str| name.starts_with(&only);
    let mut all = Family::new("all");
    for (name, corpus) in [
        (
            "peer_cases",
            include_str!("../tests/data/math/peer_cases.jsonl"),
        ),
        (
            "adversarial",
            include_str!("../tests/data/math/adversarial.jsonl"),
        ),
        ("attacks", include_str!("../tests/data/math/attacks.jsonl")),
    ] {
        if !wanted(name) {
            continue;
        }
        let mut family = Family::new(name);
        for line in corpus.lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let scope = match text("form").as_str() {
                "response" => Scope::Response,
                _ => Scope::Answer,
            };
            let (gold, answer) = (text("gold"), text("pred"));
            one(&mut family, &gold, &answer, scope, &options);
        }
        family.report(&mut all);
    }
    let golds: Vec<String> = include_str!("../tests/data/math/math_golds.jsonl")
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["answer"].as_str().unwrap().to_owned()
        })
        .collect();
    if wanted("math_golds") {
        against_neighbours(&golds, &options).report(&mut all);
    }
    for (name, texts, options) in [
        ("hostile 4 kB", hostile::texts(4096), &options),
        ("hostile 64 kB", hostile::texts(1 << 16), &options),
        ("hostile 64 kB, wide", hostile::texts(1 << 16), &wide),
    ] {
        if wanted(name) {
            against_all(name, &texts, options).report(&mut all);
        }
    }
    let (soups, seed) = (number("--soups", 20_000), number("--seed", 1));
    for (name, text) in [
        ("soups", hostile::soup as fn(u64, u64) -> String),
        ("expressions", hostile::expression),
    ] {
        if wanted(name) {
            let texts: Vec<String> = (0..soups).map(|n| text(seed, n)).collect();
            one_each(name, &texts, &options).report(&mut all);
        }
    }
    all.report(&mut Family::new(""));
}

/// Compiles and verifies under the measure.
fn one(family: &mut Family, reference: &str, answer: &str, scope: Scope, options: &MathOptions) {
    let (compiled, sample) = measured(|| Gold::compile(reference, options));
    family.add(sample, reference, "compiled");
    if let Ok(gold) = compiled {
        let sample = measured(|| verify(&gold, answer, scope, options)).1;
        family.add(sample, answer, reference);
    }
}

/// Every answer against itself and the three after it.
fn against_neighbours(golds: &[String], options: &MathOptions) -> Family {
    let mut family = Family::new("math_golds");
    for (n, gold) in golds.iter().enumerate() {
        for step in [0, 1, 2, 3] {
            let answer = &golds[(n + step) % golds.len()];
            one(&mut family, gold, answer, Scope::Answer, options);
        }
    }
    family
}

/// Every text against every reference, and against itself.
fn against_all(name: &'static str, texts: &[String], options: &MathOptions) -> Family {
    let mut family = Family::new(name);
    for text in texts {
        let (own, sample) = measured(|| Gold::compile(text, options).ok());
        family.add(sample, text, "compiled");
        let golds = REFERENCES
            .iter()
            .filter_map(|reference| Gold::compile(reference, options).ok())
            .chain(own);
        for gold in golds {
            for scope in [Scope::Answer, Scope::Response] {
                let sample = measured(|| verify(&gold, text, scope, options)).1;
                family.add(sample, text, &gold.canonical());
            }
        }
    }
    family
}

/// Every text against a reference, itself and the text before it.
fn one_each(name: &'static str, texts: &[String], options: &MathOptions) -> Family {
    let mut family = Family::new(name);
    let references: Vec<Gold> = REFERENCES
        .iter()
        .map(|reference| Gold::compile(reference, options).unwrap())
        .collect();
    let mut before: Option<Gold> = None;
    for (n, text) in texts.iter().enumerate() {
        let (own, sample) = measured(|| Gold::compile(text, options).ok());
        family.add(sample, text, "compiled");
        let scope = match n % 2 {
            0 => Scope::Answer,
            _ => Scope::Response,
        };
        for gold in [
            Some(&references[n % references.len()]),
            own.as_ref(),
            before.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            let sample = measured(|| verify(gold, text, scope, options)).1;
            family.add(sample, text, &gold.canonical());
        }
        before = own.or(before);
    }
    family
}
