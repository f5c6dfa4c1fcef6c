//! Rows per second of batch scoring, from a file to a sink, by thread count.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use goldstone::batch::{Batch, BatchOptions, Columns, Control, Input, Inputs};
use goldstone::load;

const ROWS: usize = 20_000;

/// Rollouts with about 1 kB of thinking each, half of them right.
fn rollouts() -> String {
    let mut text = String::new();
    for index in 0..ROWS {
        let think = "We add the parts and check the sum once more. ".repeat(20);
        let (group, answer) = (index / 8, index % 2 + index / 8);
        writeln!(
            text,
            r#"{{"id":"p{group}/{}","group":"p{group}","task":"math","prompt":"What is {group} + 0?","completion":"<think>{think}</think><answer>\\frac{{{}}}{{2}}</answer>","reference":"{group}"}}"#,
            index % 8,
            2 * answer
        )
        .expect("a String takes everything");
    }
    text
}

fn score(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("rollouts.jsonl");
    let text = rollouts();
    std::fs::write(&path, &text).expect("room for some megabytes");
    let scorer = load::spec("r1-zero").expect("a shipped spec");
    let inputs = Inputs::check(vec![Input::named(&path)]).expect("the file was just written");
    let mut group = criterion.benchmark_group("score");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(ROWS as u64));
    for columns in [Columns::All, Columns::Scores] {
        for jobs in [1, 2, 4, 8] {
            let options = BatchOptions {
                columns,
                jobs,
                ..BatchOptions::default()
            };
            let name = format!("{columns:?}").to_lowercase();
            group.bench_function(BenchmarkId::new(name, jobs), |bencher| {
                bencher.iter(|| {
                    let control = Control::default();
                    let batch = Batch {
                        judge: &scorer,
                        inputs: &inputs,
                        options: &options,
                        control: &control,
                    };
                    black_box(batch.run(&mut io::sink()).expect("a sink takes everything"))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, score);
criterion_main!(benches);
