//! The same job has the same outcome, byte for byte: again, elsewhere, and on a busy
//! machine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use goldstone::sandbox::{InProcess, Job, Runner, Work};

use super::workers::workers;
use super::{cache, job, request};

/// Jobs of each kind, with ends of each kind.
fn jobs() -> Vec<Job> {
    let commands = [
        "R", "c", "z", "l", "f", "g", "d", "o", "u", "P", "e", "x\u{1}",
    ];
    let mut works = vec![Work::Fresh(commands.map(request).to_vec())];
    works.push(Work::Calls {
        load: request("R"),
        calls: commands.map(|command| command.as_bytes().to_vec()).to_vec(),
    });
    works.extend(["aR", "al", "An", "Bd"].map(|test| Work::Split {
        load: request("R"),
        test: request(test),
    }));
    let mut jobs: Vec<_> = works.into_iter().map(job).collect();
    for job in &mut jobs {
        job.limits.fuel = 4_000_000;
    }
    jobs
}

#[test]
fn outcomes_are_the_same_again_and_elsewhere() {
    let here = InProcess::new(Some(cache())).expect("a sandbox");
    let pool = workers(2, &cache());
    let expected: Vec<_> = jobs()
        .iter()
        .map(|job| here.run(job).expect("an outcome"))
        .collect();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        // Beside the runs below, more than most machines have cores for.
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let runs: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..10 {
                        for (job, expected) in jobs().iter().zip(&expected) {
                            assert_eq!(&pool.run(job).expect("an outcome"), expected);
                        }
                    }
                })
            })
            .collect();
        for _ in 0..5 {
            for (job, expected) in jobs().iter().zip(&expected) {
                assert_eq!(&here.run(job).expect("an outcome"), expected);
            }
        }
        let ends: Vec<_> = runs.into_iter().map(|run| run.join()).collect();
        stop.store(true, Ordering::Relaxed);
        ends.into_iter()
            .for_each(|end| end.expect("the same outcomes"));
    });
}

#[test]
fn the_seed_decides_what_is_drawn() {
    let runner = InProcess::new(Some(cache())).expect("a sandbox");
    let draw = |seed, work: Work| {
        let job = Job { seed, ..job(work) };
        runner.run(&job).expect("an outcome")
    };
    let fresh = || Work::Fresh(vec![request("R"), request("R")]);
    let [first, second] = [draw(1, fresh()), draw(2, fresh())];
    assert_eq!(first, draw(1, fresh()));
    assert_eq!(first.turns[0], first.turns[1]);
    assert_ne!(first.turns[0].reply, second.turns[0].reply);
    let split = |test| Work::Split {
        load: request("R"),
        test: request(test),
    };
    let tester = draw(1, split("R")).turns[0].reply.clone();
    let load = draw(1, split("R")).load.expect("a load").reply;
    assert_ne!(tester, load, "a candidate draws what its tester draws");
}
