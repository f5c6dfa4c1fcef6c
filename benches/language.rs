//! Speed of the language measure: 4 kB texts of reasoning, long texts, hostile ones.
//!
//! `cargo bench --bench language`; next to other libraries:
//! `benches/language-peers`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use goldstone::language::{Language, LanguageOptions, measure};

const SENTENCES: [(&str, &str); 6] = [
    (
        "en",
        "Let $x$ be the number of crates; then the total weight is \\(12x + 5\\) kilograms, so we subtract five from both sides and check the remainder.\n",
    ),
    (
        "de",
        "Sei $x$ die Anzahl der Kisten; dann beträgt das Gesamtgewicht \\(12x + 5\\) Kilogramm, also ziehen wir auf beiden Seiten fünf ab und prüfen den Rest.\n",
    ),
    (
        "vi",
        "Gọi $x$ là số thùng hàng; khi đó tổng khối lượng là \\(12x + 5\\) ki-lô-gam, vì vậy ta trừ năm ở cả hai vế rồi kiểm tra số dư.\n",
    ),
    (
        "ru",
        "Пусть $x$ обозначает число ящиков; тогда общий вес равен \\(12x + 5\\) килограммам, поэтому вычтем пять из обеих частей и проверим остаток.\n",
    ),
    (
        "zh",
        "设 $x$ 为箱子的数量，那么总重量是 \\(12x + 5\\) 千克，所以我们从两边减去五，然后检查余数是否正确。\n",
    ),
    (
        "ja",
        "箱の個数を $x$ とおくと、全体の重さは \\(12x + 5\\) キログラムなので、両辺から五を引いて余りを確かめます。\n",
    ),
];

/// About `bytes` of a language's sentence, over and over.
fn text(sentence: &str, bytes: usize) -> String {
    sentence.repeat(bytes / sentence.len() + 1)
}

fn reasoning(c: &mut Criterion) {
    let options = LanguageOptions::default();
    let mut group = c.benchmark_group("language");
    for (code, sentence) in SENTENCES {
        let target: Language = code.parse().expect("a code");
        for bytes in [4_096, 8_000_000] {
            let text = text(sentence, bytes);
            group.throughput(Throughput::Bytes(text.len() as u64));
            if bytes > 1_000_000 {
                group.sample_size(10);
            }
            group.bench_function(BenchmarkId::new(code, bytes), |b| {
                b.iter(|| measure(black_box(&text), target, &options));
            });
        }
    }
    group.finish();
}

fn hostile(c: &mut Criterion) {
    let options = LanguageOptions::default();
    let mut group = c.benchmark_group("language_hostile");
    group.sample_size(10);
    let units = [
        ("letters", "a"),
        ("marks", "\u{301}"),
        ("overrides", "\u{202e}ab "),
        ("emoji", "😀"),
        ("dollars", "$x "),
        ("commands", "\\a{xxxxxxxxxxxxxxxxxxxxxxxx"),
        ("environments", "\\begin{align}"),
        ("one character", "的"),
    ];
    for (name, unit) in units {
        let text = text(unit, 1_000_000);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| measure(black_box(&text), Language::En, &options));
        });
    }
    group.finish();
}

criterion_group!(benches, reasoning, hostile);
criterion_main!(benches);
