//! Data mode: arguments in, data out, compared on the host.

use super::Run;
use super::turn::{self, Fault, SHOWN};
use crate::code::CodeError;
use crate::code::oracle::{Judged, Oracle, Returned};
use crate::code::report::{CodeVerdict, TestReport};
use crate::code::task::Call;
use crate::code::value::Value;
use crate::code::wire::message;
use crate::sandbox::{Request, Turn, Work};

/// Name of the module that a program is defined as.
const MODULE: &str = "solution";

/// Runs calls in portions; each begins with a freshly defined program.
pub(super) fn run(
    run: &mut Run,
    entry_point: &str,
    calls: &[Call],
    source: &str,
) -> Result<(), CodeError> {
    run.report.total = calls.len();
    let mut begun = 0;
    while begun < calls.len() && run.goes_on() && !run.is_spent(begun) {
        let portion = &calls[begun..calls.len().min(begun + run.portion(begun))];
        let outcome = run.work(Work::Calls {
            load: load(source, MODULE),
            calls: portion
                .iter()
                .enumerate()
                .map(|(offset, call)| {
                    message(
                        b'C',
                        &Value::Tuple(vec![
                            Value::int(begun + offset),
                            Value::text(entry_point),
                            Value::Tuple(call.args.clone()),
                            Value::Dict(Vec::new()),
                        ]),
                    )
                })
                .collect(),
        })?;
        let Some(loaded) = &outcome.load else {
            return Err(CodeError::Harness("nothing was loaded".to_owned()));
        };
        if let Err(fault) = turn::reply(loaded).and_then(|fields| turn::finished(&fields)) {
            run.fail_all(fault);
            return Ok(());
        }
        if outcome.turns.len() != portion.len() {
            return Err(CodeError::Harness(format!(
                "{} calls, {} turns",
                portion.len(),
                outcome.turns.len()
            )));
        }
        for (offset, (call, turn)) in portion.iter().zip(&outcome.turns).enumerate() {
            run.note(judge(begun + offset, &call.oracle, turn));
        }
        begun += portion.len();
    }
    Ok(())
}

/// The request that defines a program.
pub(super) fn load(source: &str, module: &str) -> Request {
    Request {
        message: message(
            b'L',
            &Value::Tuple(vec![Value::text(source), Value::text(module)]),
        ),
        stdin: Vec::new(),
    }
}

impl Run<'_> {
    /// The program could not be defined: all tests have failed so.
    pub(super) fn fail_all(&mut self, fault: Fault) {
        let Fault {
            verdict,
            exception,
            message,
        } = fault;
        self.settle(
            verdict,
            exception
                .into_iter()
                .chain([message])
                .collect::<Vec<_>>()
                .join(": "),
        );
    }
}

/// One call's turn, held against its oracle.
fn judge(index: usize, oracle: &Oracle, turn: &Turn) -> TestReport {
    let report = turn::test(index, turn);
    let returned = turn::reply(turn).and_then(|fields| match fields.as_slice() {
        // Another number is the reply to another call.
        [Value::Int(number), rest @ ..] if *number == index.into() => turn::returned(rest),
        _ => Err(Fault::protocol()),
    });
    let returned = match returned {
        Ok(returned) => returned,
        Err(fault) => return report.failed(fault),
    };
    let (verdict, exception) = match oracle.judge(&returned) {
        Judged::Pass => (CodeVerdict::Pass, None),
        Judged::Wrong => (CodeVerdict::WrongAnswer, None),
        Judged::Raises(name) => (CodeVerdict::RuntimeError, Some(name.to_owned())),
    };
    TestReport {
        verdict,
        exception,
        message: match &returned {
            Returned::Refused { why, .. } => Some(why.clone()),
            _ => None,
        },
        got: Some(match &returned {
            Returned::Value(value) => value.show(SHOWN),
            Returned::View(items) => format!(
                "an iterator over {}",
                Value::List(items.clone()).show(SHOWN)
            ),
            Returned::Refused { why, .. } => why.clone(),
        }),
        expected: Some(oracle.show(SHOWN)),
        ..report
    }
}
