//! What came of a program: one verdict for the task, one for each test.

use serde::Serialize;

use super::options::CodeLimits;

/// What came of a program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CodeReport {
    /// [`CodeVerdict::Pass`], or that of the first test that failed.
    pub verdict: CodeVerdict,
    /// Why, for a person; empty for a pass.
    pub message: String,
    /// How many tests passed.
    pub passed: usize,
    /// How many tests the task has; also those that were not run.
    pub total: usize,
    /// Index of the first test that failed.
    pub first_failed: Option<usize>,
    /// One for each test that was run, in order.
    pub tests: Vec<TestReport>,
    /// How the tests were run.
    pub mode: Mode,
    /// How far the verdict can be trusted.
    pub trust: Trust,
    /// WebAssembly instructions, roughly, that defining the program took.
    pub load_fuel: u64,
    /// The same for the solution's part of all tests.
    pub fuel: u64,
    /// The guest's name: where another stood in for it, that one's.
    pub guest: String,
    /// sha256 of the guest's image, in hexadecimal; empty where nothing was run.
    pub guest_sha256: String,
    /// The limits it ran under.
    pub limits: CodeLimits,
    /// The seed it ran with.
    pub seed: u64,
}

/// What came of one test.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TestReport {
    /// Its place among the tests, from 0.
    pub index: usize,
    /// What the test calls itself: an assertion's text, a test's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Group of the case, where the task has groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What came of it.
    pub verdict: CodeVerdict,
    /// WebAssembly instructions, roughly.
    pub fuel: u64,
    /// Most memory, beyond what the interpreter has.
    pub memory_bytes: u64,
    /// Type of the exception that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// The exception's text, or what else went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Standard output: its head and tail.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stdout: String,
    /// What the solution returned or printed, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// What was expected, shortened. For the trainer's eyes: never put it into
    /// text that a policy sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// The verdicts on a program or one of its tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeVerdict {
    /// Right.
    Pass,
    /// It answered, and the answer is not what was expected.
    WrongAnswer,
    /// It raised an exception or ended with a status that says failure.
    RuntimeError,
    /// It is no program of its language.
    CompileError,
    /// Out of fuel: says something about the program, on any machine.
    TimeoutFuel,
    /// Out of wall time: says nothing on a busy machine; worth another try.
    TimeoutWall,
    /// Out of memory.
    Memory,
    /// It wrote or returned more than allowed.
    OutputLimit,
    /// It ended the process where it should have answered.
    Exit,
    /// It answered in a way that no program does by accident.
    ProtocolError,
    /// The task's tests cannot be run; says nothing about the program.
    BadTask,
    /// We failed; says nothing about the program.
    #[default]
    InfraError,
}

impl CodeVerdict {
    /// The verdict's name in records, e.g. `wrong_answer`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CodeVerdict::Pass => "pass",
            CodeVerdict::WrongAnswer => "wrong_answer",
            CodeVerdict::RuntimeError => "runtime_error",
            CodeVerdict::CompileError => "compile_error",
            CodeVerdict::TimeoutFuel => "timeout_fuel",
            CodeVerdict::TimeoutWall => "timeout_wall",
            CodeVerdict::Memory => "memory",
            CodeVerdict::OutputLimit => "output_limit",
            CodeVerdict::Exit => "exit",
            CodeVerdict::ProtocolError => "protocol_error",
            CodeVerdict::BadTask => "bad_task",
            CodeVerdict::InfraError => "infra_error",
        }
    }
}

/// How tests were run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Arguments or input in, data out, compared on the host.
    #[default]
    Data,
    /// Tests in a guest of their own, the solution behind calls by value.
    Split,
    /// The same, with handles for the solution's objects.
    Object,
    /// Tests and solution in one interpreter.
    Shared,
}

/// How far a verdict can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The solution could not reach what judges it.
    #[default]
    Full,
    /// The same, but tests asked the solution's own objects.
    Objects,
    /// The solution ran beside its judges.
    Weak,
}
