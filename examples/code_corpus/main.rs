//! Runs whole data sets through the code verifier and counts the verdicts.
//!
//! `cargo run --release --example code_corpus -- DATA [--cache DIR] [--guest NAME] [--fuel N] [--only ID] [SET…]`
//!
//! With `--leak N` the cheats run N times over in two workers, and memory, threads and
//! open files of this process and the workers are watched; with `--same N` the first N
//! tasks run alone, on two workers, and beside programs that take all cores, and the
//! reports are compared.
//!
//! `DATA` is a folder of JSON lines; each row has tests (`test_format` says in what
//! form) and either a `canonical_solution`, which must pass, or `code` with the
//! verdict that is `expected` of it. Nothing is downloaded and nothing is written.
#![expect(clippy::print_stdout, reason = "the counts are its output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use goldstone::code::{CodeOptions, CodeReport, CodeVerdict, Credit, Objects, Task, verify};
use goldstone::sandbox::{InProcess, Runner, serve};
use serde_json::Value;

mod endurance;
mod rows;

use rows::{forms, tests, word};

/// Sets whose rows hold a reference solution.
const REFERENCES: [&str; 11] = [
    "humaneval",
    "mbpp",
    "humanevalplus_mini",
    "mbppplus",
    "cruxeval",
    "stdio_humaneval",
    "stdio_codecontests",
    "stdio_own",
    "stdio_kattis",
    "lcb_sample",
    "exercism",
];

/// Fuel for all tests of a program that is run thousands of times over.
const SHORT_FUEL: u64 = 200_000_000;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let data = PathBuf::from(args.next().ok_or("name the folder of data sets")?);
    if data.as_os_str() == "worker" {
        // This program is its own worker: `worker --cache DIRECTORY`.
        serve(Path::new(&args.nth(1).ok_or("name the cache directory")?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (mut cache, mut sets, mut only, mut fuel) = (None, Vec::new(), None, None);
    let (mut leak, mut same) = (None, None);
    let mut guest = CodeOptions::default().guest;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--cache" => cache = args.next().map(PathBuf::from),
            "--guest" => guest = args.next().ok_or("which guest")?,
            "--only" => only = args.next(),
            "--fuel" => fuel = Some(args.next().ok_or("how much fuel")?.parse()?),
            "--leak" => leak = Some(args.next().ok_or("how many runs")?.parse()?),
            "--same" => same = Some(args.next().ok_or("how many tasks")?.parse()?),
            _ => sets.push(arg),
        }
    }
    if sets.is_empty() {
        sets.extend(REFERENCES.map(str::to_owned));
        sets.extend(["hacks", "controls", "wrong"].map(str::to_owned));
    }
    if leak.is_some() {
        fuel = fuel.or(Some(SHORT_FUEL));
    }
    let corpus = Corpus {
        runner: InProcess::new(cache.clone())?,
        guest,
        data,
        only,
        fuel,
    };
    if let Some(runs) = leak {
        return endurance::leak(&corpus, cache, runs);
    }
    if let Some(tasks) = same {
        return endurance::same(&corpus, cache, tasks);
    }
    for set in &sets {
        let begun = Instant::now();
        let said = match set.as_str() {
            "hacks" => corpus.hacks("hacks", false)?,
            "controls" => corpus.hacks("controls", true)?,
            "wrong" => corpus.wrong()?,
            set => corpus.references(set)?,
        };
        println!("{set}: {said} ({:.1} s)", begun.elapsed().as_secs_f64());
    }
    Ok(ExitCode::SUCCESS)
}

struct Corpus {
    runner: InProcess,
    guest: String,
    data: PathBuf,
    only: Option<String>,
    /// For all tests of a program; the default is the options' own.
    fuel: Option<u64>,
}

impl Corpus {
    fn rows(&self, set: &str) -> Result<Vec<Value>, Box<dyn Error>> {
        let path = self.data.join(format!("{set}.jsonl"));
        let text = std::fs::read_to_string(Path::new(&path))?;
        let rows = text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<Vec<Value>, _>>()?;
        Ok(rows
            .into_iter()
            .filter(|row| {
                self.only
                    .as_ref()
                    .is_none_or(|only| word(row, "id").contains(only.as_str()))
            })
            .collect())
    }

    fn run(&self, set: &str, tests: &Value, source: &str) -> Result<CodeReport, String> {
        self.run_by(&self.runner, set, tests, source)
    }

    fn run_by(
        &self,
        runner: &dyn Runner,
        set: &str,
        tests: &Value,
        source: &str,
    ) -> Result<CodeReport, String> {
        let task = Task::from_json(tests).map_err(|error| error.to_string())?;
        let mut options = CodeOptions {
            guest: self.guest.clone(),
            objects: if set == "exercism" {
                Objects::Full
            } else {
                Objects::Build
            },
            ..CodeOptions::default()
        };
        if let Some(fuel) = self.fuel {
            options.limits.total_fuel = fuel;
            options.limits.fuel = options.limits.fuel.min(fuel);
        }
        verify(&task, source, &options, runner).map_err(|error| format!("{error:?}"))
    }

    /// References: all should pass.
    fn references(&self, set: &str) -> Result<String, Box<dyn Error>> {
        let rows = self.rows(set)?;
        let (mut passed, mut modes) = (0, BTreeMap::new());
        let mut most_fuel = 0;
        for row in &rows {
            match self.run(set, &tests(row), word(row, "canonical_solution")) {
                Ok(report) if report.verdict == CodeVerdict::Pass => {
                    passed += 1;
                    most_fuel = report
                        .tests
                        .iter()
                        .map(|test| test.fuel)
                        .max()
                        .unwrap_or(0)
                        .max(most_fuel);
                    *modes.entry(format!("{:?}", report.mode)).or_insert(0) += 1;
                }
                Ok(report) => println!("  {} {}", word(row, "id"), told(&report)),
                Err(error) => println!("  {} {error}", word(row, "id")),
            }
        }
        Ok(format!(
            "{passed}/{} pass {modes:?}, most fuel of a test {most_fuel}",
            rows.len()
        ))
    }

    /// Cheats earn nothing, honest programs pass; by each form of the tests.
    fn hacks(&self, set: &str, honest: bool) -> Result<String, Box<dyn Error>> {
        let (mut runs, mut good, mut verdicts) = (0, 0, BTreeMap::new());
        for row in self.rows(set)? {
            for (form, tests) in forms(&row) {
                let report = self.run(set, &tests, word(&row, "code"));
                let pays = match &report {
                    Ok(report) => report.verdict(Credit::Fraction).is_ok_and(|verdict| {
                        if honest {
                            verdict.credit == 1.0
                        } else {
                            report.passed == report.total && verdict.credit > 0.0
                        }
                    }),
                    Err(_) => false,
                };
                runs += 1;
                let is_judged = report
                    .as_ref()
                    .is_ok_and(|report| report.verdict != CodeVerdict::BadTask);
                good += usize::from(pays == honest);
                if pays != honest || !is_judged {
                    let said = report.as_ref().map_or_else(Clone::clone, told);
                    println!("  {} by {form}: {said}", word(&row, "id"));
                }
                let verdict = report.map_or("error", |report| report.verdict.name());
                *verdicts.entry(verdict).or_insert(0) += 1;
            }
        }
        Ok(format!("{good}/{runs} as they should be, {verdicts:?}"))
    }

    /// Wrong programs: none passes, and the kind of verdict is the recorded one.
    fn wrong(&self) -> Result<String, Box<dyn Error>> {
        let mut tasks: BTreeMap<String, Value> = BTreeMap::new();
        for set in REFERENCES {
            for row in self.rows_of_all(set)? {
                tasks.insert(word(&row, "id").to_owned(), tests(&row));
            }
        }
        let (mut runs, mut same, mut paid) = (0, 0, 0);
        let mut other: BTreeMap<(String, String, String), usize> = BTreeMap::new();
        for row in self.rows("wrong")? {
            let expected = word(&row, "expected");
            let Some(tests) = tasks.get(word(&row, "task_id")) else {
                println!("  {} has no task", word(&row, "id"));
                continue;
            };
            let report = self.run(word(&row, "dataset"), tests, word(&row, "code"));
            runs += 1;
            let verdict = match &report {
                Ok(report) if report.verdict == CodeVerdict::TimeoutFuel => "timeout",
                Ok(report) => report.verdict.name(),
                Err(_) => "error",
            };
            paid += usize::from(verdict == "pass");
            if verdict == expected {
                same += 1;
            } else {
                let said = report.as_ref().map_or_else(Clone::clone, told);
                println!("  {} expected {expected}: {said}", word(&row, "id"));
                *other
                    .entry((
                        word(&row, "mutation").to_owned(),
                        expected.to_owned(),
                        verdict.to_owned(),
                    ))
                    .or_insert(0) += 1;
            }
        }
        Ok(format!(
            "{paid}/{runs} pass, {same} with the recorded kind of verdict; others {other:?}"
        ))
    }

    fn rows_of_all(&self, set: &str) -> Result<Vec<Value>, Box<dyn Error>> {
        let text = std::fs::read_to_string(self.data.join(format!("{set}.jsonl")))?;
        Ok(text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?)
    }
}

fn told(report: &CodeReport) -> String {
    let test = report
        .first_failed
        .and_then(|index| report.tests.iter().find(|test| test.index == index));
    format!(
        "{} in {:?}: {} ({}/{}); {:?}",
        report.verdict.name(),
        report.mode,
        report.message,
        report.passed,
        report.total,
        test.map(|test| (
            test.index,
            &test.name,
            &test.got,
            &test.expected,
            &test.stdout,
            test.fuel
        ))
    )
}
