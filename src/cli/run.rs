//! `goldstone run`: one program in the sandbox, by itself or against tests.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::terminal::{BAD, DOUBT, FAINT, GOOD, STRONG, Safe, Styled, shortened};
use super::{Exit, Failure, Outcome, bad_input, sandbox_for};
use crate::code::{
    CodeOptions, CodeReport, CodeVerdict, Objects, ProgramRun, Script, Task, TestReport, Trust,
    Trusting, extract, run_program, verify,
};
use crate::sandbox::Runner;

/// Run one program in the sandbox, by itself or against the tests of a task.
///
/// Alone, the program's output goes through, with Python's own traceback where it
/// ends by an exception, and what it used to standard error. With `--tests`, each test has a line, and the verdict comes last.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone run fib.py --stdin input.txt
  goldstone run solution.py --tests tests.json
  goldstone run --completion answer.md --tests tests.json --json

TESTS is JSON, as the field `tests` of a code rollout:
  {\"type\": \"calls\", \"entry_point\": \"f\", \"cases\": [{\"args\": \"(1,)\", \"expected\": \"2\"}]}
  {\"type\": \"stdio\", \"cases\": [{\"input\": \"1 2\\n\", \"output\": \"3\\n\"}]}
  {\"type\": \"asserts\", \"entry_point\": \"f\", \"asserts\": [\"assert f(1) == 2\"]}

Exit codes: 0 it ran to its end, or passed; 1 it failed; 2 bad input; 3 a failure of goldstone.")]
pub(super) struct Run {
    /// The program; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// FILE is a completion: take the program out of its last code block
    #[arg(long)]
    completion: bool,
    /// Tests of the task, a JSON file
    #[arg(long, value_name = "FILE")]
    tests: Option<PathBuf>,
    /// What the program reads from standard input
    #[arg(long, value_name = "FILE", conflicts_with = "tests")]
    stdin: Option<PathBuf>,
    /// The guest that runs it (see `goldstone sandbox list`)
    #[arg(long, value_name = "NAME", default_value = "python")]
    guest: String,
    /// Fuel for one test, in millions of WebAssembly instructions, roughly
    #[arg(long, value_name = "MILLIONS", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    fuel: Option<u64>,
    /// Memory that the program may add to the interpreter's, in MiB
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=4096))]
    memory_mb: Option<u64>,
    /// Seed of everything random in the guest
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Let tests hold objects of the program's own classes
    #[arg(long)]
    objects: bool,
    /// Run tests beside the program in one interpreter: weak, and never paid
    #[arg(long, requires = "tests", conflicts_with = "objects")]
    shared: bool,
    /// Print the whole record as JSON
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) fn run(self) -> Outcome {
        let text = read(&self.file)?;
        let source = match self.completion {
            false => text,
            true => match extract(&text) {
                Ok(program) => program.source,
                Err(reason) => return self.no_program(reason.name()),
            },
        };
        let task = self.tests.as_deref().map(task).transpose()?;
        let stdin = match &self.stdin {
            None => Vec::new(),
            Some(path) => fs::read(path)
                .with_context(|| format!("cannot read `{}`", path.display()))
                .map_err(Failure::Input)?,
        };
        let options = self.options();
        let guest = task.as_ref().and_then(|task| task.guest.as_deref());
        let runner = sandbox_for(&[guest.unwrap_or(&options.guest)], 1)?;
        match task {
            None => self.alone(&source, &stdin, &options, &*runner),
            Some(task) => self.tested(&task, &source, &options, &*runner),
        }
    }

    fn options(&self) -> CodeOptions {
        let mut options = CodeOptions {
            guest: self.guest.clone(),
            seed: self.seed,
            ..CodeOptions::default()
        };
        if let Some(millions) = self.fuel {
            options.limits.fuel = millions * 1_000_000;
            options.limits.total_fuel = options.limits.total_fuel.max(options.limits.fuel);
        }
        if let Some(memory_mb) = self.memory_mb {
            options.limits.memory_mb = memory_mb;
        }
        if self.objects {
            options.objects = Objects::Full;
        }
        if self.shared {
            options.trusting = Trusting::Shared;
        }
        options
    }

    fn no_program(&self, reason: &str) -> Outcome {
        let mut out = anstream::stdout().lock();
        if self.json {
            writeln!(out, "{}", json!({"verdict": "no_answer", "reason": reason}))?;
        } else {
            writeln!(out, "{}  {reason}", Styled(DOUBT.bold(), "no answer"))?;
        }
        Ok(Exit::SomeUnusable)
    }

    fn alone(
        &self,
        source: &str,
        stdin: &[u8],
        options: &CodeOptions,
        runner: &dyn Runner,
    ) -> Outcome {
        let path = self.file.to_string_lossy();
        let script = Script {
            source,
            name: Some(if path == "-" { "<stdin>" } else { &path }),
            stdin,
        };
        let run =
            run_program(&script, options, runner).map_err(|error| Failure::Ours(error.into()))?;
        if self.json {
            let mut record = serde_json::to_value(&run).unwrap_or_default();
            record["stdout"] = String::from_utf8_lossy(&run.stdout).into();
            record["stderr"] = String::from_utf8_lossy(&run.stderr).into();
            writeln!(io::stdout().lock(), "{record}")?;
        } else {
            io::stdout().lock().write_all(&run.stdout)?;
            io::stderr().lock().write_all(&run.stderr)?;
            ended(&mut anstream::stderr(), &run)?;
        }
        Ok(exit(run.verdict))
    }

    fn tested(
        &self,
        task: &Task,
        source: &str,
        options: &CodeOptions,
        runner: &dyn Runner,
    ) -> Outcome {
        let report =
            verify(task, source, options, runner).map_err(|error| Failure::Ours(error.into()))?;
        let mut out = anstream::stdout().lock();
        if self.json {
            writeln!(
                out,
                "{}",
                serde_json::to_string(&report).unwrap_or_default()
            )?;
        } else {
            table(&mut out, &report)?;
        }
        Ok(exit(report.verdict))
    }
}

fn exit(verdict: CodeVerdict) -> Exit {
    match verdict {
        CodeVerdict::Pass => Exit::Done,
        CodeVerdict::BadTask => Exit::BadInput,
        CodeVerdict::InfraError => Exit::OurFailure,
        _ => Exit::SomeUnusable,
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let result = match path.as_os_str() == "-" {
        true => io::stdin().lock().read_to_end(&mut bytes).map(drop),
        false => fs::read(path).map(|read| bytes = read),
    };
    let name = path.display();
    result
        .with_context(|| format!("cannot read `{name}`"))
        .map_err(Failure::Input)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        bad_input(anyhow!("`{name}` is not UTF-8 text (byte {at})"))
    })
}

/// A rollout, of which the tests are asked.
#[derive(Deserialize)]
struct WithTests<'j> {
    #[serde(borrow)]
    tests: Option<&'j RawValue>,
}

fn task(path: &Path) -> Result<Task, Failure> {
    let text = read(path)?;
    let name = path.display();
    let value: &RawValue = serde_json::from_str(&text)
        .with_context(|| format!("`{name}` is not JSON"))
        .map_err(Failure::Input)?;
    // A whole rollout is as good as its field.
    let rollout: Option<WithTests<'_>> = serde_json::from_str(&text).ok();
    let tests = rollout.and_then(|rollout| rollout.tests).unwrap_or(value);
    Task::from_text(tests.get())
        .with_context(|| format!("`{name}`"))
        .map_err(Failure::Input)
}

/// How a program ended by itself, in a line.
fn ended(out: &mut impl Write, run: &ProgramRun) -> io::Result<()> {
    let used = format!("{}, {}", fuel(run.fuel), memory(run.memory_bytes));
    write!(
        out,
        "{}  {}",
        Styled(colour(run.verdict).bold(), words(run.verdict)),
        Styled(FAINT, used)
    )?;
    match why(run.exception.as_deref(), run.message.as_deref()) {
        Some(why) => writeln!(out, "  {}", Safe(&why)),
        None => writeln!(out),
    }
}

/// One line for each test, then the verdict.
fn table(out: &mut impl Write, report: &CodeReport) -> io::Result<()> {
    for test in &report.tests {
        let name = words(test.verdict);
        write!(
            out,
            "{:>4}  {}{:pad$}  {:>9}  {:>8}",
            test.index,
            Styled(colour(test.verdict), &name),
            "",
            fuel(test.fuel),
            memory(test.memory_bytes),
            pad = 13_usize.saturating_sub(name.len()),
        )?;
        match evidence(test) {
            Some(text) => writeln!(out, "  {}", Safe(&shortened(&text, 120)))?,
            None => writeln!(out)?,
        }
    }
    let mut facts = vec![
        format!("{} of {} tests", report.passed, report.total),
        fuel(report.fuel),
        format!("{} to define it", fuel(report.load_fuel)),
        format!("{} mode", mode(report)),
    ];
    if report.trust == Trust::Weak {
        facts.push("weak trust: pays nothing".to_owned());
    }
    writeln!(
        out,
        "{}  {}",
        Styled(colour(report.verdict).bold(), words(report.verdict)),
        facts.join(", ")
    )?;
    if !report.message.is_empty() {
        writeln!(out, "{}", Styled(STRONG, Safe(&report.message)))?;
    }
    Ok(())
}

fn mode(report: &CodeReport) -> String {
    serde_json::to_value(report.mode)
        .ok()
        .and_then(|mode| mode.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Why a test failed: the exception, or what came and what should have come.
fn evidence(test: &TestReport) -> Option<String> {
    if test.verdict == CodeVerdict::Pass {
        return (!test.name.is_empty()).then(|| test.name.clone());
    }
    let compared = match (&test.got, &test.expected) {
        (Some(got), Some(expected)) => Some(format!("{got}, expected {expected}")),
        (None, Some(expected)) if test.exception.is_none() => Some(format!("expected {expected}")),
        _ => None,
    };
    let why = why(test.exception.as_deref(), test.message.as_deref());
    let parts: Vec<String> = [
        (!test.name.is_empty()).then(|| test.name.clone()),
        why,
        compared,
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

fn why(exception: Option<&str>, message: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = [exception, message]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

fn words(verdict: CodeVerdict) -> String {
    verdict.name().replace('_', " ")
}

fn colour(verdict: CodeVerdict) -> anstyle::Style {
    match verdict {
        CodeVerdict::Pass => GOOD,
        CodeVerdict::BadTask | CodeVerdict::InfraError | CodeVerdict::TimeoutWall => DOUBT,
        _ => BAD,
    }
}

/// Fuel in thousands or millions.
fn fuel(fuel: u64) -> String {
    match fuel {
        0..1_000_000 => format!("{:.1} k fuel", fuel as f64 / 1e3),
        _ => format!("{:.1} M fuel", fuel as f64 / 1e6),
    }
}

fn memory(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
