//! What shows only over time, or under load: leaks, and reports that differ.

use std::collections::BTreeSet;
use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{fs, thread};

use goldstone::code::CodeReport;
use goldstone::sandbox::{Runner, Workers, WorkersOptions};
use serde_json::Value;

use super::Corpus;
use super::rows::{forms, tests, word};

/// Runs between two looks at the processes.
const STRIDE: usize = 1_000;

/// Looks after which everything has been allocated that is kept: the pools of both
/// workers have met the largest program.
const WARM: usize = 3;

/// Memory that a process may have more than when it was warm, in KiB.
const SLACK_KIB: u64 = 16 << 10;

/// A program and its tests.
struct Run {
    set: &'static str,
    tests: Value,
    source: String,
}

fn pool(cache: Option<PathBuf>) -> Result<Workers, Box<dyn Error>> {
    Ok(Workers::new(WorkersOptions {
        count: NonZeroUsize::new(2),
        cache,
        ..WorkersOptions::default()
    })?)
}

/// Runs every cheat and every honest program over and over, in two workers.
pub(crate) fn leak(
    corpus: &Corpus,
    cache: Option<PathBuf>,
    runs: usize,
) -> Result<ExitCode, Box<dyn Error>> {
    let pool = pool(cache)?;
    let mut programs = Vec::new();
    for set in ["hacks", "controls"] {
        for row in corpus.rows(set)? {
            for (_, tests) in forms(&row) {
                let source = word(&row, "code").to_owned();
                programs.push(Run { set, tests, source });
            }
        }
    }
    println!("{} programs, {runs} runs in 2 workers", programs.len());
    let mut warm: Option<Vec<Use>> = None;
    let (mut grown, mut failed, mut replaced) = (false, 0, 0);
    let mut processes = BTreeSet::new();
    for done in 1..=runs.div_ceil(STRIDE) {
        failed += all(corpus, &pool, &programs, (done - 1) * STRIDE, STRIDE);
        let now = pool.idle_processes();
        replaced += processes.iter().filter(|old| !now.contains(old)).count();
        processes = now.iter().copied().collect();
        let mut uses = vec![Use::of("host", "self")?];
        for process in &processes {
            uses.push(Use::of("worker", &process.to_string())?);
        }
        let said: Vec<String> = uses.iter().map(ToString::to_string).collect();
        println!("{:>6} runs: {}", done * STRIDE, said.join("; "));
        match &warm {
            _ if done < WARM => {}
            None => warm = Some(uses),
            Some(warm) => {
                grown |= uses.iter().zip(warm).any(|(now, warm)| now.exceeds(warm));
            }
        }
    }
    println!("{failed} runs failed by our fault, {replaced} workers replaced");
    if grown {
        println!("memory, threads or files have grown");
    }
    Ok(match grown || failed > 0 {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// Runs `count` programs from the one at `begin` on, from two threads; how many could
/// not be judged because we failed.
fn all(corpus: &Corpus, pool: &Workers, programs: &[Run], begin: usize, count: usize) -> usize {
    let (next, failed) = (AtomicUsize::new(begin), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= begin + count {
                        return;
                    }
                    let run = &programs[index % programs.len()];
                    if let Err(error) = corpus.run_by(pool, run.set, &run.tests, &run.source) {
                        println!("  {error}");
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    failed.into_inner()
}

/// What a process holds of the system.
struct Use {
    who: &'static str,
    memory_kib: u64,
    threads: u64,
    files: usize,
}

impl Use {
    fn of(who: &'static str, process: &str) -> Result<Self, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let number = |name: &str| -> Result<u64, Box<dyn Error>> {
            let line = status.lines().find(|line| line.starts_with(name));
            let word = line.and_then(|line| line.split_whitespace().nth(1));
            Ok(word.ok_or("the system does not say")?.parse()?)
        };
        Ok(Self {
            who,
            memory_kib: number("VmRSS:")?,
            threads: number("Threads:")?,
            files: fs::read_dir(format!("/proc/{process}/fd"))?.count(),
        })
    }

    fn exceeds(&self, warm: &Self) -> bool {
        self.memory_kib > warm.memory_kib + warm.memory_kib / 10 + SLACK_KIB
            || self.threads > warm.threads
            || self.files > warm.files
    }
}

impl std::fmt::Display for Use {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (who, memory) = (self.who, self.memory_kib as f64 / 1024.0);
        let (threads, files) = (self.threads, self.files);
        write!(
            out,
            "{who} {memory:.1} MiB, {threads} threads, {files} files"
        )
    }
}

/// Runs tasks alone, on two workers, and beside threads that take every core; the
/// reports must be the same: verdicts, fuel, memory, outputs.
pub(crate) fn same(
    corpus: &Corpus,
    cache: Option<PathBuf>,
    tasks: usize,
) -> Result<ExitCode, Box<dyn Error>> {
    let pool = pool(cache)?;
    let mut runs = Vec::new();
    // Each of the forms and modes, and programs that fail in every way.
    for set in [
        "humaneval",
        "stdio_own",
        "stdio_humaneval",
        "mbpp",
        "exercism",
    ] {
        for row in corpus.rows(set)?.iter().take(tasks / 5) {
            let source = word(row, "canonical_solution").to_owned();
            runs.push(Run {
                set,
                tests: tests(row),
                source,
            });
        }
    }
    for row in corpus.rows("hacks")? {
        let (_, tests) = forms(&row).remove(0);
        let source = word(&row, "code").to_owned();
        runs.push(Run {
            set: "hacks",
            tests,
            source,
        });
    }
    runs.truncate(tasks);
    let alone = reports(corpus, &corpus.runner, 1, &runs)?;
    let shared = reports(corpus, &pool, 2, &runs)?;
    let stop = AtomicBool::new(false);
    let cores = thread::available_parallelism().map_or(2, NonZeroUsize::get);
    let busy = thread::scope(|scope| {
        for _ in 0..2 * cores {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let busy = reports(corpus, &pool, 2, &runs);
        stop.store(true, Ordering::Relaxed);
        busy
    })?;
    let mut different = 0;
    for (index, alone) in alone.iter().enumerate() {
        for (where_, other) in [("2 workers", &shared[index]), ("busy", &busy[index])] {
            if alone != other {
                different += 1;
                println!(
                    "  {} differs: {alone:?}, {where_}: {other:?}",
                    runs[index].set
                );
            }
        }
    }
    let fuel: u64 = alone.iter().map(CodeReport::work_fuel).sum();
    println!(
        "{} tasks alone, on 2 workers, and beside {} busy threads: {different} reports differ; \
         fuel of all {fuel}",
        runs.len(),
        2 * cores
    );
    Ok(match different {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The report of each run, by `threads` threads.
fn reports(
    corpus: &Corpus,
    runner: &dyn Runner,
    threads: usize,
    runs: &[Run],
) -> Result<Vec<CodeReport>, String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(vec![None; runs.len()]);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(index) else { return };
                    let report = corpus.run_by(runner, run.set, &run.tests, &run.source);
                    let mut found = found.lock().expect("no thread panics");
                    found[index] = Some(report);
                }
            });
        }
    });
    let found = found.into_inner().expect("no thread panics");
    found
        .into_iter()
        .map(|report| report.expect("every run has been made"))
        .collect()
}
