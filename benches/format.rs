//! How fast formats are checked, and that the time is linear: throughput at
//! 10 kB, 1 MB and 8 MB must stay the same, on hostile text as well.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use goldstone::format::{Format, FormatOptions, Template};

const SIZES: [(&str, usize); 3] = [("10kB", 10_000), ("1MB", 1_000_000), ("8MB", 8_000_000)];

fn formats() -> Vec<(&'static str, Format)> {
    let base = FormatOptions {
        max_bytes: usize::MAX,
        ..FormatOptions::default()
    };
    let mut formats = Vec::new();
    for (name, template) in [
        ("r1", Template::R1),
        ("think_boxed", Template::ThinkBoxed),
        ("harmony", Template::Harmony),
    ] {
        let options = FormatOptions {
            template: Some(template),
            ..base.clone()
        };
        formats.push((
            name,
            Format::compile(&options, None).expect("a shipped template"),
        ));
    }
    let options = FormatOptions {
        grammar: Some("search.pest".into()),
        think: Some("think".into()),
        answer: Some("answer".into()),
        ..base
    };
    let grammar = include_str!("../examples/grammars/search.pest");
    formats.push((
        "user",
        Format::compile(&options, Some(grammar)).expect("the example"),
    ));
    formats
}

/// A valid completion whose thinking fills the size.
fn normal(format: &str, size: usize) -> String {
    let think = "First add 2 and 3; if x < 4, then double it: 10.\n".repeat(size / 49);
    match format {
        "harmony" => format!(
            "<|channel|>analysis<|message|>{think}<|end|><|start|>assistant<|channel|>final<|message|>10<|return|>"
        ),
        "think_boxed" => format!("<think>{think}</think>\\boxed{{10}}"),
        _ => format!("<think>{think}</think><answer>10</answer>"),
    }
}

/// Texts of which each has been slow in some checker.
fn hostile(format: &str, size: usize) -> Vec<(&'static str, String)> {
    let valid_with =
        |part: &str| normal(format, 49).replacen("First", &part.repeat(size / part.len()), 1);
    vec![
        ("angles", valid_with("<")),
        ("near_tags", valid_with("</thinkk><thin")),
        ("closings", valid_with("</")),
        ("opening_tags", "<think>".repeat(size / 7)),
        (
            "boxes",
            format!("<think>a</think>{}", "\\boxed{".repeat(size / 7)),
        ),
        ("channels", "<|channel|>final<|message|>".repeat(size / 27)),
    ]
}

fn bench(criterion: &mut Criterion) {
    for (name, format) in formats() {
        let mut group = criterion.benchmark_group(format!("format/{name}"));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(100));
        group.measurement_time(Duration::from_millis(500));
        for (label, size) in SIZES {
            let mut texts = vec![("normal", normal(name, size))];
            assert!(format.parse(&texts[0].1, "").is_valid());
            texts.extend(hostile(name, size));
            for (kind, text) in texts {
                group.throughput(Throughput::Bytes(text.len() as u64));
                group.bench_with_input(BenchmarkId::new(kind, label), &text, |bencher, text| {
                    bencher.iter(|| black_box(format.parse(black_box(text), "")));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
