//! What a guest is asked to do, and what came of it: the contract between those
//! who judge code and those who run it.
//!
//! Everything here is plain data that crosses a process boundary; requests and
//! replies are bytes whose meaning the guest's harness and the judge share, and
//! the sandbox does not look into them. No expectation of a test is ever in a job
//! that a candidate's guest sees.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Work for one guest image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Name of the guest, as in its manifest: `python`.
    pub guest: String,
    /// What each turn may use.
    pub limits: Limits,
    /// Seeds everything random inside the guest.
    pub seed: u64,
    /// What to run.
    pub work: Work,
}

/// The kinds of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Each request in a fresh instance of its own.
    Fresh(Vec<Request>),
    /// One instance takes `load`, then one call after another. Where a call ends
    /// the instance (a trap, a limit, an exit), a fresh one takes `load` again and
    /// goes on with the next call.
    Calls {
        /// What defines the program.
        load: Request,
        /// Messages for the harness, in order.
        calls: Vec<Vec<u8>>,
    },
    /// The tester's instance takes `test`; what it asks for through `call` goes to
    /// the candidate's instance, which has taken `load`. Where either ends, both do.
    Split {
        /// What defines the candidate.
        load: Request,
        /// What the tester runs.
        test: Request,
    },
}

/// One turn of a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// For the guest's harness.
    pub message: Vec<u8>,
    /// What the program reads from standard input.
    pub stdin: Vec<u8>,
}

/// What one turn may use. Fuel decides; wall time is the backstop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// WebAssembly instructions, roughly; per turn.
    pub fuel: u64,
    /// The same for all turns of a job, a tester's own left out: those that come
    /// when it is used up end with [`End::Fuel`] at once.
    pub total_fuel: u64,
    /// Linear memory that the guest may add to its snapshot.
    pub memory_bytes: u64,
    /// Standard output of one turn; error output has the same limit of its own. All
    /// calls of one program together may write eight times as much.
    pub output_bytes: u64,
    /// A reply, and a message between tester and candidate.
    pub reply_bytes: u64,
    /// Messages that a tester may send to the candidate.
    pub calls: u64,
    /// Wall clock, per turn; never decides on a machine that is not overloaded.
    pub wall: Duration,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The guest that did the work: the one that the job names, or the one that stands
    /// in for it.
    pub guest: String,
    /// sha256 of the guest image, in hexadecimal.
    pub guest_sha256: String,
    /// `Calls` and `Split`: what came of `load`.
    pub load: Option<Turn>,
    /// One for each request or call, in their order; `Split`: the tester's turn.
    /// Empty where `load` ended its instance.
    pub turns: Vec<Turn>,
    /// `Split`: the turns of the candidate that the tester asked for, without their
    /// replies, which the tester has had.
    pub calls: Vec<Turn>,
}

impl Outcome {
    /// The same, of the guest of that name.
    pub(super) fn of(mut self, guest: &str) -> Self {
        guest.clone_into(&mut self.guest);
        self
    }
}

/// What came of one turn. Everything but [`End::Wall`] is deterministic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// How it ended.
    pub end: End,
    /// What the harness sent back; empty unless it returned.
    pub reply: Vec<u8>,
    /// What the program wrote to standard output.
    pub stdout: Vec<u8>,
    /// What the program wrote to standard error.
    pub stderr: Vec<u8>,
    /// WebAssembly instructions, roughly, that the turn took.
    pub fuel: u64,
    /// Most linear memory in use, the snapshot's own taken off.
    pub memory_bytes: u64,
    /// The guest asked for more memory than allowed and was told that there is none.
    pub memory_denied: bool,
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The harness returned with this status; the instance can go on.
    Returned(i32),
    /// The program ended the process with this status.
    Exit(i32),
    /// Out of fuel.
    Fuel,
    /// Out of wall time: says nothing about the program on a busy machine.
    Wall,
    /// More standard or error output than allowed.
    Output,
    /// A longer reply or message than allowed, or too many messages.
    Reply,
    /// The guest's call stack is exhausted.
    Stack,
    /// Another trap, such as `unreachable` or an access out of bounds.
    Trap(String),
}
