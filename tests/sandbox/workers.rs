//! Worker processes: the same outcomes as in this process, whatever befalls them.

use std::fs;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use goldstone::sandbox::{End, Job, Runner, SandboxError, Wall, Work, Workers, WorkersOptions};

use super::{cache, install, job, request};

/// A pool of `count` workers of this package's binary.
pub(super) fn workers(count: usize, cache: &Path) -> Workers {
    Workers::new(WorkersOptions {
        count: NonZeroUsize::new(count),
        binary: Some(env!("CARGO_BIN_EXE_goldstone").into()),
        cache: Some(cache.to_owned()),
        grace: Some(Duration::from_secs(5)),
    })
    .expect("a pool")
}

/// A job that takes half a second or more.
fn long_job() -> Job {
    let mut job = job(Work::Fresh(vec![request("l"), request("ehello")]));
    job.limits.fuel = 500_000_000;
    job
}

/// Workers of this process whose guests are in `cache`.
fn processes(cache: &Path) -> Vec<u32> {
    let cache = fs::canonicalize(cache).expect("a cache directory");
    let cache = cache.to_str().expect("a plain path");
    let entries = fs::read_dir("/proc").expect("a Linux system");
    let is_worker = |process: &u32| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("worker") && line.contains(cache)
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(is_worker)
        .collect()
}

fn kill(process: u32) {
    signal("-KILL", process);
}

fn signal(name: &str, process: u32) {
    let status = Command::new("kill")
        .args([name, &process.to_string()])
        .status()
        .expect("the command `kill`");
    assert!(status.success());
}

fn own_cache() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    install(folder.path(), "hostile");
    folder
}

/// Waits until `done`, for ten seconds at most.
fn eventually(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "not in time: {what}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_job_whose_worker_is_killed_is_run_again() {
    let cache = own_cache();
    let pool = workers(1, cache.path());
    let expected = pool.run(&long_job()).expect("an outcome");
    assert_eq!(expected.turns[0].end, End::Fuel);
    let [first] = pool.idle_processes()[..] else {
        panic!("one worker wanted");
    };
    let outcome = thread::scope(|scope| {
        let running = scope.spawn(|| pool.run(&long_job()));
        thread::sleep(Duration::from_millis(150));
        kill(first);
        running.join().expect("no panic")
    });
    assert_eq!(outcome.expect("a second worker"), expected);
    assert_ne!(pool.idle_processes(), [first]);
}

#[test]
fn a_worker_killed_between_jobs_is_replaced() {
    let cache = own_cache();
    let pool = workers(1, cache.path());
    let job = job(Work::Fresh(vec![request("ehello")]));
    let expected = pool.run(&job).expect("an outcome");
    for _ in 0..3 {
        kill(pool.idle_processes()[0]);
        assert_eq!(pool.run(&job).expect("a new worker"), expected);
    }
}

#[test]
fn a_job_that_two_workers_die_of_is_our_failure() {
    let cache = own_cache();
    let pool = workers(1, cache.path());
    pool.run(&job(Work::Fresh(vec![request("e")])))
        .expect("an outcome");
    let ended = AtomicBool::new(false);
    let outcome = thread::scope(|scope| {
        let running = scope.spawn(|| {
            let outcome = pool.run(&long_job());
            ended.store(true, Ordering::SeqCst);
            outcome
        });
        while !ended.load(Ordering::SeqCst) {
            processes(cache.path()).into_iter().for_each(|process| {
                // It may have ended since.
                drop(
                    Command::new("kill")
                        .args(["-KILL", &process.to_string()])
                        .output(),
                );
            });
            thread::sleep(Duration::from_millis(50));
        }
        running.join().expect("no panic")
    });
    assert!(
        matches!(outcome, Err(SandboxError::Failed { .. })),
        "{outcome:?}"
    );
    pool.run(&job(Work::Fresh(vec![request("e")])))
        .expect("a pool that goes on");
}

#[test]
fn a_worker_that_does_not_answer_is_killed_and_our_failure() {
    let cache = own_cache();
    let pool = workers(1, cache.path());
    let mut job = job(Work::Fresh(vec![request("e")]));
    job.limits.wall = Duration::from_millis(10);
    pool.run(&job).expect("an outcome");
    let stopped = pool.idle_processes()[0];
    signal("-STOP", stopped);
    // On a busy machine its threads take a while to stop.
    eventually("all its threads stopped", || {
        let threads = fs::read_dir(format!("/proc/{stopped}/task")).expect("a process");
        threads.into_iter().all(|thread| {
            let status = thread.expect("a thread").path().join("status");
            let status = fs::read_to_string(status).expect("its status");
            status.contains("State:\tT")
        })
    });
    let outcome = pool.run(&job);
    assert!(
        matches!(outcome, Err(SandboxError::Failed { .. })),
        "{outcome:?}"
    );
    assert!(
        !Path::new(&format!("/proc/{stopped}")).exists(),
        "it lives on"
    );
    pool.run(&job).expect("a pool that goes on");
}

#[test]
fn the_wall_clock_ends_what_fuel_does_not() {
    let pool = workers(1, &cache());
    let mut job = job(Work::Fresh(vec![request("l"), request("Z"), request("e")]));
    job.limits.fuel = u64::MAX;
    job.limits.wall = Duration::from_millis(100);
    let outcome = pool.run(&job).expect("an outcome");
    let ends: Vec<_> = outcome.turns.into_iter().map(|turn| turn.end).collect();
    assert_eq!(ends, [End::Wall, End::Wall, End::Returned(7)]);
    job.work = Work::Split {
        load: request("n"),
        test: request("al"),
    };
    let outcome = pool.run(&job).expect("an outcome");
    // The tester did nothing but wait.
    assert_eq!(outcome.calls[0].end, End::Wall);
    assert_eq!(outcome.turns[0].end, End::Returned(7));
}

#[test]
fn what_cannot_be_started_is_our_failure() {
    let cache = own_cache();
    for binary in ["/bin/false", "/nowhere/goldstone"] {
        let pool = Workers::new(WorkersOptions {
            binary: Some(binary.into()),
            cache: Some(cache.path().to_owned()),
            ..WorkersOptions::default()
        });
        let outcome = pool.expect("a pool").run(&job(Work::Fresh(Vec::new())));
        assert!(
            matches!(outcome, Err(SandboxError::Failed { .. })),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_guest_that_is_not_installed_is_told() {
    let pool = workers(1, &cache());
    for name in ["cobol", "", "../hostile", "hostile/../hostile", "HOSTILE"] {
        let mut job = job(Work::Fresh(Vec::new()));
        job.guest = name.into();
        let outcome = pool.run(&job);
        assert!(
            matches!(outcome, Err(SandboxError::NotInstalled { .. })),
            "{name}: {outcome:?}"
        );
    }
}

#[test]
fn workers_end_with_their_pool() {
    let cache = own_cache();
    let pool = workers(2, cache.path());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| pool.run(&long_job()).expect("an outcome"));
        }
    });
    assert_eq!(processes(cache.path()).len(), 2);
    drop(pool);
    assert_eq!(processes(cache.path()), [0; 0]);
}

#[test]
fn a_worker_ends_with_the_process_that_started_it() {
    let (orders, its_orders) = UnixStream::pair().expect("a socket");
    let (lifeline, its_lifeline) = UnixStream::pair().expect("a socket");
    let mut worker = Command::new(env!("CARGO_BIN_EXE_goldstone"))
        .args(["worker", "--cache"])
        .arg(cache())
        .stdin(Stdio::from(OwnedFd::from(its_orders)))
        .stdout(Stdio::from(OwnedFd::from(its_lifeline)))
        .spawn()
        .expect("a worker");
    assert!(worker.try_wait().expect("its state").is_none());
    // As the system closes it when a process is killed; the other socket is held open
    // by a child of ours that knows nothing of it, say.
    drop(lifeline);
    let begin = Instant::now();
    while worker.try_wait().expect("its state").is_none() {
        assert!(begin.elapsed() < Duration::from_secs(10), "it lives on");
        thread::sleep(Duration::from_millis(10));
    }
    drop(orders);
}

#[test]
fn more_threads_than_workers() {
    let pool = workers(2, &cache());
    let job = job(Work::Fresh(vec![request("R"), request("n")]));
    let expected = pool.run(&job).expect("an outcome");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(pool.run(&job).expect("an outcome"), expected);
                }
            });
        }
    });
    assert!(pool.idle_processes().len() <= 2);
}

#[test]
fn walls_stand_where_the_system_has_them() {
    let pool = workers(1, &cache());
    let walls = pool.walls().expect("a worker");
    // Every Linux has these; seccomp and Landlock may be missing or forbidden.
    assert_eq!(
        (&walls.limits, &walls.parent),
        (&Wall::Stands, &Wall::Stands)
    );
    for wall in [&walls.files, &walls.calls] {
        assert_ne!(wall, &Wall::Unknown);
    }
    let status = fs::read_to_string(format!("/proc/{}/status", pool.idle_processes()[0]));
    let status = status.expect("a living worker");
    if walls.calls == Wall::Stands {
        assert!(status.contains("Seccomp:\t2"), "{status}");
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    }
    let environment = fs::read(format!("/proc/{}/environ", pool.idle_processes()[0]));
    assert_eq!(environment.expect("a living worker"), [0; 0]);
}

/// What may leak: descriptors, threads, resident memory in KiB.
fn resources(process: u32) -> [usize; 3] {
    let count = |what| {
        let entries = fs::read_dir(format!("/proc/{process}/{what}"));
        entries.expect("a living process").count()
    };
    let status = fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("a living process");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident
        .expect("a resident size")
        .trim()
        .trim_end_matches(" kB");
    [
        count("fd"),
        count("task"),
        resident.parse().expect("a number"),
    ]
}

#[test]
fn hostile_runs_leak_nothing() {
    let cache = own_cache();
    let pool = workers(1, cache.path());
    let commands = [
        "l", "f", "g", "G", "T", "o", "O", "v", "r", "Q", "d", "u", "U", "x\u{1}", "p", "P", "q",
        "k", "Z", "z", "e", "R",
    ];
    let round = || {
        let mut fresh = job(Work::Fresh(commands.map(request).to_vec()));
        fresh.limits.fuel = 200_000;
        pool.run(&fresh).expect("an outcome");
        for test in ["au", "ad", "Al", "bl", "Kn", "aae", "ao"] {
            let mut split = job(Work::Split {
                load: request("n"),
                test: request(test),
            });
            split.limits.fuel = 200_000;
            pool.run(&split).expect("an outcome");
        }
    };
    (0..15).for_each(|_| round());
    let worker = pool.idle_processes()[0];
    let measure = || [worker, std::process::id()].map(resources);
    let before = measure();
    (0..45).for_each(|_| round());
    let after = measure();
    assert_eq!(pool.idle_processes(), [worker], "it has been replaced");
    let [worker_grown, own_grown] =
        [0, 1].map(|index| after[index][2].saturating_sub(before[index][2]));
    // Other tests of this process have memory, descriptors and threads of theirs;
    // of the worker's own there is none more.
    assert!(
        worker_grown < 2048 && own_grown < 128 * 1024,
        "{before:?} {after:?}"
    );
    for index in [0, 1] {
        assert!(
            after[1][index] <= before[1][index] + 40,
            "{before:?} {after:?}"
        );
    }
    assert_eq!(
        before[0][..2],
        after[0][..2],
        "the worker's descriptors and threads"
    );
    eventually("one worker", || processes(cache.path()) == [worker]);
}
