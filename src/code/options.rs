//! How a program is run and what its tests pay.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sandbox::Limits;

/// How to judge a program; every field has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeOptions {
    /// The guest that runs it, unless the task names one: `python`.
    pub guest: String,
    /// What a run may use.
    pub limits: CodeLimits,
    /// Seeds everything random inside the guest.
    pub seed: u64,
    /// How much of the tests is run.
    pub stop: Stop,
    /// Whether tests may hold the solution's objects.
    pub objects: Objects,
    /// Whether tests run beside the solution, in one interpreter.
    pub trusting: Trusting,
}

impl Default for CodeOptions {
    fn default() -> Self {
        Self {
            guest: "python".to_owned(),
            limits: CodeLimits::default(),
            seed: 0,
            stop: Stop::default(),
            objects: Objects::default(),
            trusting: Trusting::default(),
        }
    }
}

/// What a run may use. Fuel decides; wall time is the backstop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeLimits {
    /// WebAssembly instructions, roughly: for one test, and apart from that for
    /// defining the program.
    pub fuel: u64,
    /// The same for all tests together; those that come too late have failed.
    pub total_fuel: u64,
    /// Memory in MiB that a program may add to what the interpreter has.
    pub memory_mb: u64,
    /// Standard output in KiB; error output has the same limit of its own.
    pub output_kb: u64,
    /// A returned value in KiB, as it crosses.
    pub value_kb: u64,
    /// Calls of the solution that one test program may make.
    pub calls: u64,
    /// Wall clock in milliseconds for one test.
    pub wall_ms: u64,
}

impl Default for CodeLimits {
    fn default() -> Self {
        Self {
            // About seven seconds of one core, for one second and a half of Python
            // outside of a sandbox.
            fuel: 100_000_000_000,
            total_fuel: 300_000_000_000,
            memory_mb: 256,
            // Contest outputs reach a megabyte.
            output_kb: 4096,
            value_kb: 1024,
            calls: 10_000,
            // An overloaded machine may be ten times slower before it counts.
            wall_ms: 60_000,
        }
    }
}

impl CodeLimits {
    /// The limits of one turn, in the sandbox's terms.
    pub(super) fn turn(&self) -> Limits {
        Limits {
            fuel: self.fuel,
            total_fuel: self.total_fuel,
            memory_bytes: self.memory_mb << 20,
            output_bytes: self.output_kb << 10,
            // A reply also carries its frame and an exception's text.
            reply_bytes: (self.value_kb << 10) + 4096,
            calls: self.calls,
            wall: Duration::from_millis(self.wall_ms),
        }
    }
}

/// How much of the tests is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Every test, for a credit that counts them.
    #[default]
    Never,
    /// None after the first that fails, as far as that saves work.
    FirstFailure,
}

/// Whether tests may hold objects of the solution's own classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objects {
    /// Only to build arguments with; whatever else needs them cannot be judged.
    #[default]
    Build,
    /// As opaque handles whose methods and operators run where the solution
    /// lives. What they answer is the solution's word, as it is anywhere where
    /// tests ask the solution's own `==`.
    Full,
}

/// Whether tests run beside the solution, in one interpreter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trusting {
    /// Never.
    #[default]
    No,
    /// Always. The solution can reach its judges, so the report is marked
    /// [`Trust::Weak`](super::Trust::Weak) and earns nothing by itself.
    Shared,
}

/// What k of n passed tests are worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credit {
    /// 1 for all tests, else 0.
    #[default]
    Binary,
    /// k / n; with groups of cases, the share of groups of which all pass.
    Fraction,
    /// (p + k / (10 n)) / 1.1, where p is 1 for all tests, else 0: a little for
    /// each test, most for all of them. Source: open-r1, `code_reward`.
    Weighted,
}
