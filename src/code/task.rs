//! What a program is judged by: the tests of its task, typed and checked.

use super::compare::Compare;
use super::forms;
use super::oracle::Oracle;
use super::value::Value;

/// The tests of one task and what they need.
#[derive(Clone, Debug)]
pub struct Task {
    /// The tests.
    pub tests: Tests,
    /// Trusted code that tests may use, such as the prompt with its helper
    /// functions; it never comes from a completion.
    pub prelude: Option<String>,
    /// The guest that the task needs, where it names one.
    pub guest: Option<String>,
    /// Whether the task's own tests hold the solution's objects.
    pub objects: bool,
    /// A program that passes the tests, to measure others by.
    pub reference: Option<String>,
}

/// The forms of tests.
#[derive(Clone, Debug)]
pub enum Tests {
    /// Calls whose results the host compares.
    Calls {
        /// The function to call.
        entry_point: String,
        /// At least one.
        cases: Vec<Call>,
    },
    /// Programs that read standard input and write standard output.
    Stdio(Stdio),
    /// A program that defines and calls `check(candidate)`, as HumanEval has it.
    Check(Program),
    /// Assertions, one test each, as MBPP has them.
    Asserts(Program),
    /// A `unittest` or pytest-style file that imports the solution.
    Unittest {
        /// The file.
        code: String,
        /// Name under which it imports the solution.
        module: String,
    },
}

/// One call of a function.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it is called with.
    pub args: Vec<Value>,
    /// What it should return.
    pub oracle: Oracle,
}

/// Cases of standard input and output.
#[derive(Clone, Debug)]
pub struct Stdio {
    /// At least one.
    pub cases: Vec<StdioCase>,
    /// How outputs are compared.
    pub compare: Compare,
}

/// One run of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StdioCase {
    /// Standard input.
    pub input: String,
    /// What standard output should be.
    pub output: String,
    /// Group of cases that count together.
    pub group: Option<String>,
}

/// Tests that are a program themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The function under test.
    pub entry_point: String,
    /// Trusted code that runs first.
    pub setup: String,
    /// The text of `check`; empty for assertions.
    pub code: String,
    /// The assertions; empty for `check`.
    pub asserts: Vec<String>,
}

/// Tests that cannot be used: the data is at fault, the row pays `null`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tests: {field}: {problem}")]
pub struct BadTask {
    /// The field, as a path such as `cases[3].args`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl BadTask {
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl Task {
    /// Reads the tests of a row: one of the forms of `docs/code.md`, as JSON or
    /// as JSON in a string.
    ///
    /// # Errors
    /// [`BadTask`] names the field that cannot be used.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, BadTask> {
        forms::read(value)
    }

    /// As [`Task::from_json`], of JSON as it is written: integers of any size keep
    /// their digits, which [`serde_json::Value`] rounds beyond 64 bits.
    ///
    /// # Errors
    /// [`BadTask`] names the field that cannot be used.
    pub fn from_text(json: &str) -> Result<Self, BadTask> {
        forms::read_text(json)
    }
}
