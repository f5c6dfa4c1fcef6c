//! One program by itself: standard input in, what it wrote and used out.

use serde::Serialize;

use super::stdio::succeeded;
use super::turn;
use crate::code::CodeError;
use crate::code::options::CodeOptions;
use crate::code::report::CodeVerdict;
use crate::code::value::Value;
use crate::code::wire::message;
use crate::sandbox::{Job, Request, Runner, Work};

/// A program by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script<'s> {
    /// Its text.
    pub source: &'s str,
    /// Its name in tracebacks. With a name, what ends the program is written to
    /// standard error as the interpreter does; without, it is in the result alone.
    pub name: Option<&'s str>,
    /// Its standard input.
    pub stdin: &'s [u8],
}

/// What came of a program that no test judges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProgramRun {
    /// [`CodeVerdict::Pass`] where it ended with status 0.
    pub verdict: CodeVerdict,
    /// Type of the exception that ended it.
    pub exception: Option<String>,
    /// The exception's text, or what else went wrong.
    pub message: Option<String>,
    /// All that it wrote to standard output.
    pub stdout: Vec<u8>,
    /// All that it wrote to standard error.
    pub stderr: Vec<u8>,
    /// WebAssembly instructions, roughly.
    pub fuel: u64,
    /// Most memory, beyond what the interpreter has.
    pub memory_bytes: u64,
    /// sha256 of the guest's image, in hexadecimal.
    pub guest_sha256: String,
}

/// Runs a program to its end.
///
/// # Errors
/// [`CodeError`] where we failed; what the program does is in the result.
pub fn run_program(
    script: &Script<'_>,
    options: &CodeOptions,
    runner: &dyn Runner,
) -> Result<ProgramRun, CodeError> {
    let mut fields = vec![Value::text(script.source)];
    fields.extend(script.name.map(Value::text));
    let outcome = runner.run(&Job {
        guest: options.guest.clone(),
        limits: options.limits.turn(),
        seed: options.seed,
        work: Work::Fresh(vec![Request {
            message: message(b'P', &Value::Tuple(fields)),
            stdin: script.stdin.to_vec(),
        }]),
    })?;
    let [ended] = outcome.turns.as_slice() else {
        let turns = outcome.turns.len();
        return Err(CodeError::Harness(format!("one program, {turns} turns")));
    };
    let mut report = turn::test(0, ended);
    match succeeded(ended) {
        Ok(()) => report.verdict = CodeVerdict::Pass,
        Err(fault) => report = report.failed(fault),
    }
    Ok(ProgramRun {
        verdict: report.verdict,
        exception: report.exception,
        message: report.message,
        stdout: ended.stdout.clone(),
        stderr: ended.stderr.clone(),
        fuel: ended.fuel,
        memory_bytes: ended.memory_bytes,
        guest_sha256: outcome.guest_sha256,
    })
}
