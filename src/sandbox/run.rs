//! The kinds of work: which instance takes which turn, and what becomes of it.

use sha2::{Digest, Sha256};

use super::budget::Budget;
use super::instance::{Image, Instance, Partner};
use super::{End, Job, Outcome, Request, SandboxError, Turn, Work};

/// Runs a job against the guest that it names.
pub(super) fn run(image: &Image, job: &Job) -> Result<Outcome, SandboxError> {
    let fresh = || Instance::new(image, &job.limits, Role::Candidate.seed(job));
    let mut outcome = Outcome {
        guest: job.guest.clone(),
        guest_sha256: image.sha256.clone(),
        load: None,
        turns: Vec::new(),
        calls: Vec::new(),
    };
    let mut budget = match &job.work {
        Work::Fresh(_) => Budget::new(&job.limits),
        Work::Calls { .. } | Work::Split { .. } => Budget::of_calls(&job.limits),
    };
    match &job.work {
        Work::Fresh(requests) => {
            for request in requests {
                outcome.turns.push(match budget.next() {
                    Some(limits) => budget.spend(fresh()?.turn(request, &limits)?),
                    None => budget.refuse(),
                });
            }
        }
        Work::Calls { load, calls } => {
            let mut program = fresh()?;
            let turn = budget.spend(program.turn(load, &budget.limits())?);
            let goes_on = goes_on(&turn);
            outcome.load = Some(turn);
            if goes_on {
                outcome.turns = call_all(image, job, load, calls, program, &mut budget)?;
            }
        }
        Work::Split { load, test } => {
            let mut candidate = fresh()?;
            let turn = budget.spend(candidate.turn(load, &budget.limits())?);
            let goes_on = goes_on(&turn);
            outcome.load = Some(turn);
            if goes_on {
                let partner = Partner::new(candidate, budget);
                let tester = Instance::new(image, &job.limits, Role::Tester.seed(job))?;
                let mut tester = tester.with_partner(partner);
                outcome.turns.push(tester.turn(test, &job.limits)?);
                outcome.calls = tester.into_calls();
            }
        }
    }
    Ok(outcome)
}

/// One call after another, with a fresh instance after each end.
fn call_all(
    image: &Image,
    job: &Job,
    load: &Request,
    calls: &[Vec<u8>],
    program: Instance,
    budget: &mut Budget,
) -> Result<Vec<Turn>, SandboxError> {
    let mut live = Some(program);
    let mut turns = Vec::with_capacity(calls.len());
    for call in calls {
        let Some(limits) = budget.next() else {
            turns.push(budget.refuse());
            continue;
        };
        let mut program = match live.take() {
            Some(program) => program,
            None => {
                let mut program = Instance::new(image, &job.limits, Role::Candidate.seed(job))?;
                let turn = budget.spend(program.turn(load, &limits)?);
                if !goes_on(&turn) {
                    // Only the wall clock, or the end of all fuel, can make a second
                    // loading end otherwise than the first; the call then ends as
                    // its loading did.
                    turns.push(turn);
                    continue;
                }
                program
            }
        };
        let request = Request {
            message: call.clone(),
            stdin: Vec::new(),
        };
        let turn = budget.spend(program.turn(&request, &budget.limits())?);
        live = goes_on(&turn).then_some(program);
        turns.push(turn);
    }
    Ok(turns)
}

/// What an instance is in its job.
#[derive(Clone, Copy)]
enum Role {
    Candidate,
    Tester,
}

impl Role {
    /// The seed of what the instance draws. Hashed, so that a candidate can't tell
    /// from its own draws what its tester draws.
    fn seed(self, job: &Job) -> u64 {
        let role: &[u8] = match self {
            Self::Candidate => b"candidate",
            Self::Tester => b"tester",
        };
        let hash = Sha256::new()
            .chain_update(role)
            .chain_update(job.seed.to_le_bytes())
            .finalize();
        u64::from_le_bytes(hash[..8].try_into().expect("a hash has 32 bytes"))
    }
}

/// Whether the instance can take another turn.
fn goes_on(turn: &Turn) -> bool {
    matches!(turn.end, End::Returned(_))
}
