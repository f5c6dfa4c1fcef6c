//! How tests are run: which mode, in what portions, and what their turns say.

mod turn;

mod data;

mod stdio;

mod program;

mod split;

pub use program::{ProgramRun, Script, run_program};

use super::CodeError;
use super::literal;
use super::options::{CodeOptions, Stop, Trusting};
use super::report::{CodeReport, CodeVerdict, Mode, TestReport, Trust};
use super::task::{Call, Task, Tests};
use crate::sandbox::{Job, Outcome, Runner, Work};

/// Runs the tests of a task.
pub(super) fn run(
    task: &Task,
    source: &str,
    options: &CodeOptions,
    runner: &dyn Runner,
) -> Result<CodeReport, CodeError> {
    let mut run = Run::new(task, options, runner);
    let shared = options.trusting == Trusting::Shared;
    match &task.tests {
        Tests::Stdio(stdio) => stdio::run(&mut run, stdio, source)?,
        Tests::Calls { entry_point, cases } => data::run(&mut run, entry_point, cases, source)?,
        Tests::Check(_) | Tests::Asserts(_) | Tests::Unittest { .. } if shared => {
            split::run_shared(&mut run, source)?;
        }
        Tests::Check(program) | Tests::Asserts(program) => match calls(task) {
            Some(calls) => data::run(&mut run, &program.entry_point, &calls, source)?,
            None => split::run(&mut run, source)?,
        },
        Tests::Unittest { .. } => split::run(&mut run, source)?,
    }
    Ok(run.report)
}

/// The calls that tests come down to, where the host understands all of them.
fn calls(task: &Task) -> Option<Vec<Call>> {
    match &task.tests {
        // A check's text stands after the prelude, which may define anything.
        Tests::Check(program) if program.setup.is_empty() => {
            literal::from_check(&program.code, &program.entry_point)
        }
        Tests::Asserts(program) if program.setup.trim().is_empty() => {
            literal::from_asserts(&program.asserts, &program.entry_point)
        }
        _ => None,
    }
}

/// The tests of one task on their way.
struct Run<'r> {
    task: &'r Task,
    options: &'r CodeOptions,
    runner: &'r dyn Runner,
    /// What is known so far.
    report: CodeReport,
    /// Fuel of all turns, also those that are not the solution's.
    spent: u64,
}

impl<'r> Run<'r> {
    fn new(task: &'r Task, options: &'r CodeOptions, runner: &'r dyn Runner) -> Self {
        let guest = task.guest.as_ref().unwrap_or(&options.guest);
        Self {
            task,
            options,
            runner,
            report: CodeReport {
                verdict: CodeVerdict::Pass,
                message: String::new(),
                passed: 0,
                total: 0,
                first_failed: None,
                tests: Vec::new(),
                mode: Mode::Data,
                trust: Trust::Full,
                load_fuel: 0,
                fuel: 0,
                guest: guest.clone(),
                guest_sha256: String::new(),
                limits: options.limits.clone(),
                seed: options.seed,
            },
            spent: 0,
        }
    }

    /// Runs one job of the task.
    fn work(&mut self, work: Work) -> Result<Outcome, CodeError> {
        let mut limits = self.options.limits.turn();
        limits.total_fuel = limits.total_fuel.saturating_sub(self.spent);
        let outcome = self.runner.run(&Job {
            guest: self.report.guest.clone(),
            limits,
            seed: self.options.seed,
            work,
        })?;
        self.report.guest.clone_from(&outcome.guest);
        self.report.guest_sha256.clone_from(&outcome.guest_sha256);
        if let Some(load) = &outcome.load {
            self.report.load_fuel = self.report.load_fuel.max(load.fuel);
        }
        let turns = outcome
            .load
            .iter()
            .chain(&outcome.turns)
            .chain(&outcome.calls);
        self.spent = turns.fold(self.spent, |spent, turn| spent.saturating_add(turn.fuel));
        Ok(outcome)
    }

    /// The tests cannot be run, or not even be reached: one verdict for all.
    fn settle(&mut self, verdict: CodeVerdict, message: impl Into<String>) {
        self.report.verdict = verdict;
        self.report.message = message.into();
        self.report.passed = 0;
        self.report.first_failed = (self.report.total > 0).then_some(0);
    }

    /// Takes down what came of one test.
    fn note(&mut self, test: TestReport) {
        let report = &mut self.report;
        report.fuel = report.fuel.saturating_add(test.fuel);
        match test.verdict {
            CodeVerdict::Pass => report.passed += 1,
            verdict => {
                // What says nothing about the program outweighs what does: with
                // one test unjudged the whole is unjudged.
                let unjudged = |verdict| {
                    matches!(
                        verdict,
                        CodeVerdict::BadTask | CodeVerdict::InfraError | CodeVerdict::TimeoutWall
                    )
                };
                if report.first_failed.is_none() || unjudged(verdict) && !unjudged(report.verdict) {
                    report.verdict = verdict;
                    report.message = [test.exception.as_deref(), test.message.as_deref()]
                        .into_iter()
                        .flatten()
                        .collect::<Vec<_>>()
                        .join(": ");
                }
                report.first_failed = report.first_failed.or(Some(test.index));
            }
        }
        report.tests.push(test);
    }

    /// Whether further tests are worth running.
    fn goes_on(&self) -> bool {
        self.options.stop == Stop::Never || self.report.first_failed.is_none()
    }

    /// How many tests the next portion has: a few first, so that a program that
    /// fails them all by running out of fuel does not take n times as long.
    fn portion(&self, begun: usize) -> usize {
        if begun == 0 { 8 } else { 64 }
    }

    /// Whether all fuel of the task is used up; the tests that are left have failed.
    fn is_spent(&mut self, from: usize) -> bool {
        if self.spent < self.options.limits.total_fuel {
            return false;
        }
        for index in from..self.report.total {
            self.note(TestReport {
                index,
                verdict: CodeVerdict::TimeoutFuel,
                message: Some("the fuel for all tests together is used up".to_owned()),
                ..TestReport::default()
            });
        }
        true
    }
}
