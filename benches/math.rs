//! Verifications per second by kind of answer, and bytes per second on hostile text.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use goldstone::math::{Gold, MathOptions, Scope, verify};

fn numeric(c: &mut Criterion) {
    let options = MathOptions::default();
    let mut group = c.benchmark_group("verify");
    group.throughput(Throughput::Elements(1));
    let response = format!(
        "<think>{}</think> So \\boxed{{42}}.",
        "We add 2 and 3. ".repeat(200)
    );
    for (name, gold, text, scope) in [
        ("integer", "42", "\\boxed{42}", Scope::Response),
        ("wrong integer", "42", "\\boxed{43}", Scope::Response),
        ("fraction", "0.5", "\\boxed{\\frac{1}{2}}", Scope::Response),
        (
            "wrong fraction",
            "0.5",
            "\\boxed{\\frac{1}{3}}",
            Scope::Response,
        ),
        ("unit", "5\\text{ m}", "500\\text{ cm}", Scope::Answer),
        ("opaque", "x^2+1", "\\boxed{x^2 + 1}", Scope::Response),
        ("3 kB response", "42", response.as_str(), Scope::Response),
    ] {
        let gold = Gold::compile(gold, &options).expect("the references are valid");
        group.bench_function(name, |b| {
            b.iter(|| verify(&gold, black_box(text), scope, &options))
        });
    }
    group.finish();
}

fn hostile(c: &mut Criterion) {
    let options = MathOptions::default();
    let gold = Gold::compile("5", &options).expect("the reference is valid");
    let mut group = c.benchmark_group("hostile");
    group.sample_size(10);
    for size in [10_000, 1_000_000] {
        for unit in ["{", "\\boxed{", "the answer is ", "<answer>", "$", "9"] {
            let text = unit.repeat(size / unit.len());
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(format!("{unit} x {size}"), |b| {
                b.iter(|| verify(&gold, black_box(&text), Scope::Response, &options));
            });
        }
    }
    group.finish();
}

/// What parser, comparer and decider take, by the kind of answer: the reference,
/// an equal answer and a wrong one.
const SYMBOLIC: [(&str, &str, &str, &str); 15] = [
    (
        "radical",
        "\\frac{1}{\\sqrt{2}}",
        "\\frac{\\sqrt{2}}{2}",
        "\\frac{\\sqrt{3}}{2}",
    ),
    ("multiple of pi", "\\frac{2\\pi}{4}", "\\pi/2", "\\pi/3"),
    ("polynomial", "(x+1)^2", "x^2+2x+1", "x^2+2x+2"),
    ("big power", "(x+y)^{60}", "(x+y)^{59}(x+y)", "(x+y)^{61}"),
    (
        "rational function",
        "\\frac{x}{x^2-1}",
        "\\frac{1}{2(x-1)}+\\frac{1}{2(x+1)}",
        "\\frac{1}{2(x-1)}-\\frac{1}{2(x+1)}",
    ),
    (
        "trigonometry",
        "\\sin 2x",
        "2\\sin x\\cos x",
        "2\\sin x\\cos 2x",
    ),
    (
        "nested radical",
        "\\sqrt{2}+\\sqrt{3}",
        "\\sqrt{5+2\\sqrt{6}}",
        "\\sqrt{5+2\\sqrt{5}}",
    ),
    ("complex", "2i", "(1+i)^2", "(1-i)^2"),
    ("tuple", "(1, \\frac{9}{2})", "(1, 4.5)", "(1, 5.5)"),
    ("set", "\\{1,2,3\\}", "\\{3,2,1\\}", "\\{3,2,4\\}"),
    ("interval", "(-\\infty,3)", "x<3", "x<4"),
    (
        "matrix",
        "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
        "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}",
        "\\begin{bmatrix}1&2\\\\4&3\\end{bmatrix}",
    ),
    ("equation", "2x+4y=6", "x+2y=3", "x+3y=3"),
    ("logarithm", "\\ln 8", "3\\ln 2", "2\\ln 3"),
    ("word", "\\text{yes}", "\\text{Yes.}", "\\text{No.}"),
];

fn symbolic(c: &mut Criterion) {
    let options = MathOptions::default();
    let mut group = c.benchmark_group("symbolic");
    group.throughput(Throughput::Elements(1));
    for (name, gold, right, wrong) in SYMBOLIC {
        let gold = Gold::compile(gold, &options).expect("the references are valid");
        for (name, text) in [(name.to_owned(), right), (format!("wrong {name}"), wrong)] {
            group.bench_function(name, |b| {
                b.iter(|| verify(&gold, black_box(text), Scope::Answer, &options))
            });
        }
    }
    group.finish();
}

/// The public pairs and our own, references compiled once as in training;
/// `benches/math_verify.py` runs the same through Math-Verify.
fn corpora(c: &mut Criterion) {
    let options = MathOptions::default();
    let mut group = c.benchmark_group("corpus");
    group.sample_size(10);
    for (name, corpus) in [
        (
            "peer_cases",
            include_str!("../tests/data/math/peer_cases.jsonl"),
        ),
        (
            "adversarial",
            include_str!("../tests/data/math/adversarial.jsonl"),
        ),
    ] {
        let pairs: Vec<(Gold, String, Scope)> = corpus
            .lines()
            .filter_map(|line| {
                let row: serde_json::Value = serde_json::from_str(line).expect("lines are JSON");
                let field = |name: &str| row[name].as_str().expect("fields are text").to_owned();
                let scope = match field("form").as_str() {
                    "response" => Scope::Response,
                    _ => Scope::Answer,
                };
                let gold = Gold::compile(&field("gold"), &options).ok()?;
                Some((gold, field("pred"), scope))
            })
            .collect();
        group.throughput(Throughput::Elements(pairs.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                for (gold, text, scope) in &pairs {
                    black_box(verify(gold, black_box(text), *scope, &options));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, numeric, symbolic, corpora, hostile);
criterion_main!(benches);
