//! What a turn of a guest says about a program.

use crate::code::oracle::Returned;
use crate::code::report::{CodeVerdict, TestReport};
use crate::code::value::Value;
use crate::code::wire;
use crate::sandbox::{End, Turn};

/// Bytes of output that a report keeps, from the head and from the tail.
const KEPT: usize = 1000;

/// Characters of a value that a report keeps.
pub(super) const SHOWN: usize = 300;

/// How a program ended otherwise than by returning.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) verdict: CodeVerdict,
    pub(super) exception: Option<String>,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(verdict: CodeVerdict, message: impl Into<String>) -> Self {
        Self {
            verdict,
            exception: None,
            message: message.into(),
        }
    }

    pub(super) fn protocol() -> Self {
        Self::new(
            CodeVerdict::ProtocolError,
            "the reply is none that the harness gives",
        )
    }
}

/// Why a turn gave no reply, where it gave none.
pub(super) fn ended(turn: &Turn) -> Option<Fault> {
    let (verdict, message) = match &turn.end {
        End::Returned(0) => return None,
        // The harness itself failed, which a program brings about by taking its
        // memory or by breaking it.
        End::Returned(_) | End::Trap(_) if turn.memory_denied => {
            (CodeVerdict::Memory, "out of memory".to_owned())
        }
        End::Returned(status) => (
            CodeVerdict::ProtocolError,
            format!("the harness returned {status}"),
        ),
        End::Exit(status) => (
            CodeVerdict::Exit,
            format!("the process ended with status {status}"),
        ),
        End::Fuel => (CodeVerdict::TimeoutFuel, "out of fuel".to_owned()),
        End::Wall => (CodeVerdict::TimeoutWall, "out of wall time".to_owned()),
        End::Output => (
            CodeVerdict::OutputLimit,
            "more output than allowed".to_owned(),
        ),
        End::Reply => (
            CodeVerdict::OutputLimit,
            "a larger value than allowed, or too many calls".to_owned(),
        ),
        End::Stack => (
            CodeVerdict::RuntimeError,
            "the call stack is exhausted".to_owned(),
        ),
        End::Trap(trap) => (
            CodeVerdict::RuntimeError,
            format!("the interpreter died: {trap}"),
        ),
    };
    Some(Fault::new(verdict, message))
}

/// The fields of a reply, which is a tuple.
pub(super) fn reply(turn: &Turn) -> Result<Vec<Value>, Fault> {
    if let Some(fault) = ended(turn) {
        return Err(fault);
    }
    match wire::read(&turn.reply) {
        Ok(Value::Tuple(fields)) => Ok(fields),
        _ => Err(Fault::protocol()),
    }
}

/// Reads `("ok",)`, or how defining or running the program failed.
pub(super) fn finished(fields: &[Value]) -> Result<(), Fault> {
    match fields {
        [kind] if is(kind, "ok") => Ok(()),
        [kind, rest @ ..] if is(kind, "compile") => {
            let mut fault = raised(rest)?;
            fault.verdict = CodeVerdict::CompileError;
            Err(fault)
        }
        fields => Err(stopped(fields)),
    }
}

/// Reads what a call gave.
pub(super) fn returned(fields: &[Value]) -> Result<Returned, Fault> {
    match fields {
        [kind, value] if is(kind, "value") => Ok(Returned::Value(value.clone())),
        [kind, Value::List(items)] if is(kind, "view") => Ok(Returned::View(items.clone())),
        [kind, why, truth] if is(kind, "refused") => Ok(Returned::Refused {
            why: text(why).unwrap_or_default(),
            truth: matches!(truth, Value::Bool(true)),
        }),
        fields => Err(stopped(fields)),
    }
}

/// `("exit", status)` or `("raise", …)`.
fn stopped(fields: &[Value]) -> Fault {
    match fields {
        [kind, Value::Int(status)] if is(kind, "exit") => Fault {
            verdict: CodeVerdict::Exit,
            exception: Some("SystemExit".to_owned()),
            message: status.to_string(),
        },
        [kind, rest @ ..] if is(kind, "raise") => raised(rest).unwrap_or_else(|fault| fault),
        _ => Fault::protocol(),
    }
}

/// An exception: type, text, nearest built-in type, arguments.
fn raised(fields: &[Value]) -> Result<Fault, Fault> {
    let [name, message, base, _] = fields else {
        return Err(Fault::protocol());
    };
    let (Some(name), Some(message), Some(base)) = (text(name), text(message), text(base)) else {
        return Err(Fault::protocol());
    };
    Ok(exception(&base, name, message))
}

/// The verdict on an exception: an assertion of the program's own is its answer
/// that it has none.
pub(super) fn exception(base: &str, name: String, message: String) -> Fault {
    Fault {
        verdict: match base {
            "AssertionError" => CodeVerdict::WrongAnswer,
            "MemoryError" => CodeVerdict::Memory,
            _ => CodeVerdict::RuntimeError,
        },
        exception: Some(name),
        message,
    }
}

/// Whether a field is this word.
pub(super) fn is(value: &Value, word: &str) -> bool {
    matches!(value, Value::Str(bytes) if bytes == word.as_bytes())
}

/// A field that is a text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Str(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

/// A test's report, with what the turn measured.
pub(super) fn test(index: usize, turn: &Turn) -> TestReport {
    TestReport {
        index,
        fuel: turn.fuel,
        memory_bytes: turn.memory_bytes,
        stdout: head_and_tail(&turn.stdout),
        ..TestReport::default()
    }
}

impl TestReport {
    /// The same report of a test that failed so.
    pub(super) fn failed(mut self, fault: Fault) -> Self {
        self.verdict = fault.verdict;
        self.exception = fault.exception;
        self.message = Some(fault.message);
        self
    }
}

/// Output for people: its beginning and its end.
pub(super) fn head_and_tail(output: &[u8]) -> String {
    if output.len() <= 2 * KEPT {
        return String::from_utf8_lossy(output).into_owned();
    }
    let left_out = output.len() - 2 * KEPT;
    format!(
        "{}\n… {left_out} bytes …\n{}",
        String::from_utf8_lossy(&output[..KEPT]),
        String::from_utf8_lossy(&output[output.len() - KEPT..])
    )
}
