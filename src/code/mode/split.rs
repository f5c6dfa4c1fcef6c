//! Split, object and shared mode: tests that are programs themselves.
//!
//! In split mode they run in a guest of their own and meet the solution through
//! calls by value; object mode adds handles for what is no data. In shared mode
//! they run beside the solution, which can reach them.

use std::ops::Range;

use super::Run;
use super::data::load;
use super::turn::{self, Fault};
use crate::code::CodeError;
use crate::code::options::Objects;
use crate::code::report::{CodeVerdict, Mode, TestReport, Trust};
use crate::code::task::Tests;
use crate::code::value::Value;
use crate::code::wire::message;
use crate::sandbox::{Outcome, Request, Turn, Work};

/// Name of the module that a program is defined as, unless its tests say.
const MODULE: &str = "solution";

/// What a tester said came of one test.
struct Said {
    name: String,
    /// The calls that it made, by their place among all that the tester made.
    calls: Range<usize>,
    fault: Option<Fault>,
    /// The solution's instance ended; why is the sandbox's to say.
    is_gone: bool,
    /// Nothing more could be asked.
    ends: bool,
}

/// Runs tests in a guest of their own; where the solution ends in one of them,
/// the tests after it begin anew.
pub(super) fn run(run: &mut Run, source: &str) -> Result<(), CodeError> {
    let objects = run.task.objects || run.options.objects == Objects::Full;
    (run.report.mode, run.report.trust) = if objects {
        (Mode::Object, Trust::Objects)
    } else {
        (Mode::Split, Trust::Full)
    };
    let (program, module) = program(run);
    let mut begun = 0;
    loop {
        let mut fields = program.clone();
        fields.push(Value::int(begun));
        fields.push(if objects {
            Value::text("full")
        } else {
            Value::None
        });
        let outcome = run.work(Work::Split {
            load: load(source, &module),
            test: Request {
                message: message(b'T', &Value::Tuple(fields)),
                stdin: Vec::new(),
            },
        })?;
        let Some(next) = take_in(run, &outcome, begun)? else {
            return Ok(());
        };
        begun = next;
        if begun >= run.report.total || !run.goes_on() || run.is_spent(begun) {
            return Ok(());
        }
    }
}

/// Runs tests beside the solution.
pub(super) fn run_shared(run: &mut Run, source: &str) -> Result<(), CodeError> {
    (run.report.mode, run.report.trust) = (Mode::Shared, Trust::Weak);
    let (mut fields, _) = program(run);
    fields.insert(0, Value::text(source));
    let outcome = run.work(Work::Fresh(vec![Request {
        message: message(b'W', &Value::Tuple(fields)),
        stdin: Vec::new(),
    }]))?;
    let [turn] = outcome.turns.as_slice() else {
        return Err(CodeError::Harness("one request, no turn".to_owned()));
    };
    run.report.total = 1;
    run.report.fuel = turn.fuel;
    match turn::reply(turn).as_deref() {
        Ok([kind, Value::Tuple(end)]) if turn::is(kind, "load") => {
            let fault = turn::finished(end).err().unwrap_or_else(Fault::protocol);
            run.fail_all(fault);
        }
        Ok([kind, rest @ ..]) if turn::is(kind, "tests") => match tests(rest) {
            Some((said, total)) => {
                run.report.total = total;
                for (index, said) in said.into_iter().enumerate() {
                    run.note(said.report(index, &[]));
                }
            }
            None => run.fail_all(Fault::protocol()),
        },
        Ok(_) => run.fail_all(Fault::protocol()),
        Err(fault) => run.fail_all(fault.clone()),
    }
    if run.report.tests.is_empty() && run.report.verdict == CodeVerdict::Pass {
        run.settle(CodeVerdict::BadTask, "there are no tests");
    }
    Ok(())
}

/// The tests, as the harness wants them, and the solution's module.
fn program(run: &Run) -> (Vec<Value>, String) {
    let prelude = run.task.prelude.as_deref().unwrap_or_default();
    let (kind, entry_point, module, setup, code, asserts) = match &run.task.tests {
        Tests::Check(check) => (
            "check",
            &*check.entry_point,
            MODULE,
            &*check.setup,
            &*check.code,
            &[][..],
        ),
        Tests::Asserts(asserts) => (
            "asserts",
            &*asserts.entry_point,
            MODULE,
            &*asserts.setup,
            "",
            &asserts.asserts[..],
        ),
        Tests::Unittest { code, module } => ("unittest", "", &**module, "", &**code, &[][..]),
        Tests::Calls { .. } | Tests::Stdio(_) => ("none", "", MODULE, "", "", &[][..]),
    };
    let fields = vec![
        Value::text(kind),
        Value::List(vec![Value::text(entry_point)]),
        Value::text(module),
        Value::text(prelude),
        Value::text(setup),
        Value::text(code),
        Value::List(asserts.iter().map(|text| Value::text(text)).collect()),
    ];
    (fields, module.to_owned())
}

/// Takes in what a tester said; where its tests can go on, the index of the next.
fn take_in(run: &mut Run, outcome: &Outcome, begun: usize) -> Result<Option<usize>, CodeError> {
    let Some(loaded) = &outcome.load else {
        return Err(CodeError::Harness("nothing was loaded".to_owned()));
    };
    if let Err(fault) = turn::reply(loaded).and_then(|fields| turn::finished(&fields)) {
        run.report.total = run.report.total.max(1);
        run.fail_all(fault);
        return Ok(None);
    }
    let [tester] = outcome.turns.as_slice() else {
        return Err(CodeError::Harness("the tester had no turn".to_owned()));
    };
    // That of each test is added with the test.
    let mut calls_fuel = fuel(&outcome.calls);
    let gone = outcome.calls.last().and_then(turn::ended);
    let fields = match turn::reply(tester) {
        Ok(fields) => fields,
        Err(fault) => {
            // The tester says nothing where the solution's end has ended it too.
            let fault = gone.unwrap_or(match fault.verdict {
                // It ran out of what it has in work that the solution gave it.
                CodeVerdict::TimeoutFuel
                | CodeVerdict::TimeoutWall
                | CodeVerdict::Memory
                | CodeVerdict::OutputLimit => fault,
                _ => Fault::new(
                    CodeVerdict::BadTask,
                    format!("the tests end their process: {}", fault.message),
                ),
            });
            run.report.total = run.report.total.max(begun + 1);
            run.note(used(begun, &outcome.calls).failed(fault));
            return Ok(None);
        }
    };
    let Some((said, total)) = tests(&fields) else {
        return Err(CodeError::Harness("the tester gave no results".to_owned()));
    };
    run.report.total = total;
    let mut index = begun;
    let mut ends = false;
    for mut said in said {
        if said.is_gone {
            said.fault = Some(gone.clone().unwrap_or_else(Fault::protocol));
        }
        let is_bad = matches!(&said.fault, Some(fault) if fault.verdict == CodeVerdict::BadTask);
        ends = said.ends;
        let calls = outcome.calls.get(said.calls.clone()).unwrap_or_default();
        calls_fuel = calls_fuel.saturating_sub(fuel(calls));
        run.note(said.report(index, calls));
        index += 1;
        if is_bad {
            return Ok(None);
        }
    }
    // What setting up the tests took.
    run.report.fuel = run.report.fuel.saturating_add(calls_fuel);
    if total == 0 || index == begun && begun < total {
        run.settle(CodeVerdict::BadTask, "there are no tests");
        return Ok(None);
    }
    if begun == 0 && outcome.calls.is_empty() && run.report.first_failed.is_none() {
        run.settle(CodeVerdict::BadTask, "the tests never call the solution");
        return Ok(None);
    }
    Ok(ends.then_some(index))
}

/// `(results, asked, total)` of a tester.
fn tests(fields: &[Value]) -> Option<(Vec<Said>, usize)> {
    let [Value::List(results), _, Value::Int(total)] = fields else {
        return None;
    };
    let said = results.iter().map(said).collect::<Option<Vec<_>>>()?;
    Some((said, usize::try_from(total).ok()?))
}

fn fuel(calls: &[Turn]) -> u64 {
    calls
        .iter()
        .fold(0, |sum, turn| sum.saturating_add(turn.fuel))
}

/// A test's report, with what the calls that it made have measured.
fn used(index: usize, calls: &[Turn]) -> TestReport {
    let memory = calls.iter().map(|turn| turn.memory_bytes).max();
    let stdout: Vec<u8> = calls.iter().flat_map(|turn| turn.stdout.clone()).collect();
    TestReport {
        index,
        fuel: fuel(calls),
        memory_bytes: memory.unwrap_or_default(),
        stdout: turn::head_and_tail(&stdout),
        ..TestReport::default()
    }
}

/// One result: `(name, first call, call behind the last, status, …)`.
fn said(result: &Value) -> Option<Said> {
    let Value::Tuple(fields) = result else {
        return None;
    };
    let [name, Value::Int(begin), Value::Int(end), status, rest @ ..] = fields.as_slice() else {
        return None;
    };
    let mut said = Said {
        name: turn::text(name)?,
        calls: usize::try_from(begin).ok()?..usize::try_from(end).ok()?,
        fault: None,
        is_gone: false,
        ends: false,
    };
    match (turn::text(status)?.as_str(), rest) {
        ("pass", []) => {}
        ("wrong", [exception, message]) => {
            said.fault = Some(Fault {
                verdict: CodeVerdict::WrongAnswer,
                exception: turn::text(exception),
                message: turn::text(message)?,
            });
        }
        ("raise" | "stop", [exception, message]) => {
            let exception = turn::text(exception)?;
            said.ends = turn::is(status, "stop");
            said.fault = Some(turn::exception(
                &exception.clone(),
                exception,
                turn::text(message)?,
            ));
        }
        ("bad", [exception, message]) => {
            said.fault = Some(Fault {
                verdict: CodeVerdict::BadTask,
                exception: turn::text(exception),
                message: turn::text(message)?,
            });
        }
        ("exit", [Value::Int(status)]) => {
            said.ends = true;
            said.fault = Some(Fault {
                verdict: CodeVerdict::Exit,
                exception: Some("SystemExit".to_owned()),
                message: status.to_string(),
            });
        }
        ("protocol", [_]) => {
            said.ends = true;
            said.fault = Some(Fault::protocol());
        }
        ("gone", []) => (said.ends, said.is_gone) = (true, true),
        _ => return None,
    }
    Some(said)
}

impl Said {
    fn report(self, index: usize, calls: &[Turn]) -> TestReport {
        let report = TestReport {
            name: self.name,
            verdict: CodeVerdict::Pass,
            ..used(index, calls)
        };
        match self.fault {
            Some(fault) => report.failed(fault),
            None => report,
        }
    }
}
