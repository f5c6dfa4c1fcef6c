//! Programs that read standard input and write standard output: one fresh
//! instance for each case.

use super::Run;
use super::data::load;
use super::turn::{self, Fault, head_and_tail};
use crate::code::CodeError;
use crate::code::compare::CompareMode;
use crate::code::report::{CodeVerdict, TestReport};
use crate::code::task::{Stdio, StdioCase};
use crate::code::value::Value;
use crate::code::wire::message;
use crate::sandbox::{End, Request, Turn, Work};

/// Runs the cases in portions.
pub(super) fn run(run: &mut Run, stdio: &Stdio, source: &str) -> Result<(), CodeError> {
    run.report.total = stdio.cases.len();
    let program = message(b'P', &Value::Tuple(vec![Value::text(source)]));
    let mut begun = 0;
    while begun < stdio.cases.len() && run.goes_on() && !run.is_spent(begun) {
        let end = stdio.cases.len().min(begun + run.portion(begun));
        let portion = &stdio.cases[begun..end];
        let outcome = run.work(Work::Fresh(
            portion
                .iter()
                .map(|case| Request {
                    message: program.clone(),
                    stdin: case.input.clone().into_bytes(),
                })
                .collect(),
        ))?;
        if outcome.turns.len() != portion.len() {
            return Err(CodeError::Harness(format!(
                "{} cases, {} turns",
                portion.len(),
                outcome.turns.len()
            )));
        }
        for (offset, (case, turn)) in portion.iter().zip(&outcome.turns).enumerate() {
            let report = judge(run, begun + offset, stdio, case, turn)?;
            let is_no_program = report.verdict == CodeVerdict::CompileError;
            run.note(report);
            if is_no_program {
                // Nor is it one for any other case.
                return Ok(());
            }
        }
        begun = end;
    }
    Ok(())
}

fn judge(
    run: &mut Run,
    index: usize,
    stdio: &Stdio,
    case: &StdioCase,
    turn: &Turn,
) -> Result<TestReport, CodeError> {
    let mut report = turn::test(index, turn);
    report.group.clone_from(&case.group);
    report.expected = Some(head_and_tail(case.output.as_bytes()));
    if let Err(fault) = succeeded(turn) {
        return Ok(report.failed(fault));
    }
    report.verdict = if stdio.compare.mode == CompareMode::Checker {
        match checked(run, stdio, case, turn)? {
            Ok(true) => CodeVerdict::Pass,
            Ok(false) => CodeVerdict::WrongAnswer,
            Err(fault) => return Ok(report.failed(fault)),
        }
    } else if stdio.compare.accepts(&turn.stdout, &case.output) {
        CodeVerdict::Pass
    } else {
        CodeVerdict::WrongAnswer
    };
    Ok(report)
}

/// Whether the program ended with status 0, by whatever way.
pub(super) fn succeeded(turn: &Turn) -> Result<(), Fault> {
    let failed = |status: String| Fault {
        verdict: CodeVerdict::RuntimeError,
        exception: Some("SystemExit".to_owned()),
        message: status,
    };
    match turn.end {
        End::Exit(0) => return Ok(()),
        End::Exit(status) => return Err(failed(status.to_string())),
        _ => {}
    }
    let fields = turn::reply(turn)?;
    match turn::finished(&fields) {
        Err(fault) if fault.verdict == CodeVerdict::Exit => match fault.message.as_str() {
            "0" => Ok(()),
            _ => Err(failed(fault.message)),
        },
        // An assertion that fails is a crash to whoever waits for output.
        Err(mut fault) if fault.verdict == CodeVerdict::WrongAnswer => {
            fault.verdict = CodeVerdict::RuntimeError;
            Err(fault)
        }
        other => other,
    }
}

/// Asks the task's checker, in a guest of its own.
fn checked(
    run: &mut Run,
    stdio: &Stdio,
    case: &StdioCase,
    turn: &Turn,
) -> Result<Result<bool, Fault>, CodeError> {
    let Ok(output) = std::str::from_utf8(&turn.stdout) else {
        return Ok(Ok(false));
    };
    let checker = stdio.compare.checker.as_deref().unwrap_or_default();
    let call = Value::Tuple(vec![
        Value::int(0),
        Value::text("check"),
        Value::Tuple(vec![
            Value::text(&case.input),
            Value::text(&case.output),
            Value::text(output),
        ]),
        Value::Dict(Vec::new()),
    ]);
    let outcome = run.work(Work::Calls {
        load: load(checker, "checker"),
        calls: vec![message(b'C', &call)],
    })?;
    let bad = |fault: Fault| {
        let what = fault.exception.unwrap_or_default();
        Fault::new(
            CodeVerdict::BadTask,
            format!("the checker fails: {what} {}", fault.message),
        )
    };
    let loaded = outcome
        .load
        .as_ref()
        .ok_or_else(|| CodeError::Harness("nothing was loaded".to_owned()))
        .map(|turn| turn::reply(turn).and_then(|fields| turn::finished(&fields)))?;
    if let Err(fault) = loaded {
        return Ok(Err(bad(fault)));
    }
    let [turn] = outcome.turns.as_slice() else {
        return Err(CodeError::Harness("one call, no turn".to_owned()));
    };
    Ok(match turn::reply(turn).as_deref() {
        Ok([_, kind, Value::Bool(right)]) if turn::is(kind, "value") => Ok(*right),
        Ok([_, rest @ ..]) => Err(match turn::returned(rest) {
            Ok(_) => Fault::new(CodeVerdict::BadTask, "the checker returns no bool"),
            Err(fault) => bad(fault),
        }),
        Ok(_) => Err(bad(Fault::protocol())),
        Err(fault) => Err(bad(fault.clone())),
    })
}
