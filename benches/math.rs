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

criterion_group!(benches, numeric, hostile);
criterion_main!(benches);
