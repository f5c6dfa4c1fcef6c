//! What a sandboxed run costs: a fresh instance, a small program, and how runs scale
//! from one worker process to two.
//!
//! ```sh
//! cargo bench --bench sandbox
//! cargo bench --bench sandbox -- pass small
//! ```
//!
//! Programs that are named are measured alone.
//!
//! The guest of `sandboxes/hostile/` is always measured; `python` where it is
//! installed in the user's cache directory (`goldstone sandbox install python`).

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, thread};

use goldstone::sandbox::{
    End, InProcess, Job, Limits, Outcome, Request, Runner, Turn, Work, Workers, WorkersOptions,
};

/// Runs in one job, so that what a job costs by itself does not count.
const RUNS: usize = 500;

/// Fewer where a run takes longer than this.
const LONG: Duration = Duration::from_millis(10);

/// Jobs with one run each, from as many threads as there are workers.
const JOBS: usize = 2_000;

fn main() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let guest = folder.path().join("guests/hostile");
    fs::create_dir_all(&guest).expect("a folder that can be written to");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("sandboxes/hostile/hostile.wat");
    fs::copy(source, guest.join("guest.wasm")).expect("a guest of ours");
    let echo = [("echo", b"e".to_vec())];
    measure("hostile", Some(folder.path().to_owned()), &echo);
    match python_message("print(6 * 7)") {
        Some(form) => {
            let programs = [
                ("pass", "pass"),
                ("small", SMALL),
                (
                    "floats",
                    "x = 0.5\nfor i in range(300000): x = x * 3.7 * (1 - x)",
                ),
                (
                    "integers",
                    "s = 0\nfor i in range(1000000): s += i * i & 1023",
                ),
            ];
            let programs = programs.map(|(name, source)| (name, form(source)));
            measure("python", None, &programs);
        }
        None => print("python: not installed, or its harness takes other messages"),
    }
}

/// Five functions with an assertion each.
const SMALL: &str = "\
def add(a, b): return a + b
assert add(2, 3) == 5
def rev(s): return s[::-1]
assert rev('abc') == 'cba'
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
assert fib(10) == 55
def uniq(xs): return sorted(set(xs))
assert uniq([3, 1, 3]) == [1, 3]
def count(s): return {c: s.count(c) for c in s}
assert count('aab') == {'a': 2, 'b': 1}
";

fn measure(guest: &str, cache: Option<PathBuf>, programs: &[(&str, Vec<u8>)]) {
    let here = InProcess::new(cache.clone()).expect("a sandbox");
    let pools = [1, 2].map(|count| {
        let options = WorkersOptions {
            count: NonZeroUsize::new(count),
            binary: Some(env!("CARGO_BIN_EXE_goldstone").into()),
            cache: cache.clone(),
            ..WorkersOptions::default()
        };
        (count, Workers::new(options).expect("a pool"))
    });
    let named: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |name: &str| {
        let mut names = named
            .iter()
            .filter(|named| !named.starts_with('-'))
            .peekable();
        names.peek().is_none() || names.any(|named| named == name)
    };
    for (name, message) in programs.iter().filter(|(name, _)| is_wanted(name)) {
        let one = job(guest, message, 1);
        let begin = Instant::now();
        here.run(&one).expect("an outcome");
        here.run(&one).expect("an outcome");
        let share = if begin.elapsed() > 2 * LONG { 20 } else { 1 };
        let many = job(guest, message, RUNS / share);
        let outcome = here.run(&many).expect("an outcome");
        let first = &outcome.turns[0];
        let same = outcome.turns.iter().all(|turn| turn == first);
        let (begin, cpu) = (Instant::now(), processor_seconds("self"));
        here.run(&many).expect("an outcome");
        let each = begin.elapsed().as_secs_f64() / (RUNS / share) as f64;
        let cpu = (processor_seconds("self") - cpu) / (RUNS / share) as f64;
        print(&format!(
            "{guest} {name}: {:?}, fuel {}, {:.3} ms a run ({:.3} ms of processor time), {:.0} fuel/us, {}",
            first.end,
            first.fuel,
            each * 1e3,
            cpu * 1e3,
            first.fuel as f64 / cpu / 1e6,
            if same {
                "all the same"
            } else {
                "NOT ALL THE SAME"
            },
        ));
        for (count, pool) in &pools {
            let (rate, cpu) = rate(pool, *count, &one, JOBS / share);
            print(&format!(
                "  {count} workers: {rate:.0} jobs/s, {:.3} ms of processor time each",
                cpu * 1e3
            ));
        }
    }
}

/// Processor time that a process has taken, in seconds, from hundredths.
fn processor_seconds(process: &str) -> f64 {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).expect("a living process");
    let (_, fields) = line.rsplit_once(')').expect("a name in brackets");
    let fields: Vec<_> = fields.split_whitespace().collect();
    let hundredths = |index: usize| fields[index].parse::<f64>().expect("a number");
    (hundredths(11) + hundredths(12)) / 100.0
}

/// Jobs per second by a pool, and the processor time that a job takes its worker.
fn rate(pool: &Workers, threads: usize, job: &Job, jobs: usize) -> (f64, f64) {
    let share = jobs / threads;
    let run = |times| (0..times).for_each(|_| drop(pool.run(job).expect("an outcome")));
    let all = |times| {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| run(times));
            }
        });
    };
    all(20);
    let spent = || -> f64 {
        let workers = pool.idle_processes().into_iter();
        workers
            .map(|process| processor_seconds(&process.to_string()))
            .sum()
    };
    let (begin, cpu) = (Instant::now(), spent());
    all(share);
    let jobs = (share * threads) as f64;
    (jobs / begin.elapsed().as_secs_f64(), (spent() - cpu) / jobs)
}

fn job(guest: &str, message: &[u8], runs: usize) -> Job {
    let request = Request {
        message: message.to_vec(),
        stdin: Vec::new(),
    };
    Job {
        guest: guest.to_owned(),
        limits: Limits {
            fuel: 10_000_000_000,
            total_fuel: u64::MAX,
            memory_bytes: 256 << 20,
            output_bytes: 1 << 20,
            reply_bytes: 1 << 20,
            calls: 1,
            wall: Duration::from_secs(60),
        },
        seed: 1,
        work: Work::Fresh(vec![request; runs]),
    }
}

/// How the installed harness takes a program: as `run` with a marshalled tuple, or as
/// the text itself. `None` where neither prints what `probe` prints.
fn python_message(probe: &str) -> Option<fn(&str) -> Vec<u8>> {
    let marshalled = |source: &str| {
        let mut message = b"P(\x01\0\0\0u".to_vec();
        message.extend_from_slice(&(source.len() as u32).to_le_bytes());
        message.extend_from_slice(source.as_bytes());
        message
    };
    let here = InProcess::new(None).ok()?;
    let forms: [fn(&str) -> Vec<u8>; 2] = [marshalled, |source| source.as_bytes().to_vec()];
    forms.into_iter().find(|form| {
        let outcome = here.run(&job("python", &form(probe), 1));
        outcome.is_ok_and(|Outcome { turns, .. }| {
            let [Turn { end, stdout, .. }] = &turns[..] else {
                return false;
            };
            matches!(end, End::Returned(_)) && stdout == b"42\n"
        })
    })
}

#[allow(clippy::print_stdout, reason = "a benchmark's result")]
fn print(line: &str) {
    println!("{line}");
}
