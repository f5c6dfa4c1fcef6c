//! Runs whole data sets through the code verifier and counts the verdicts.
//!
//! `cargo run --release --example code_corpus -- DATA [--cache DIR] [--guest NAME] [--fuel N] [--only ID] [SET…]`
//!
//! `DATA` is a folder of JSON lines; each row has tests (`test_format` says in what
//! form) and either a `canonical_solution`, which must pass, or `code` with the
//! verdict that is `expected` of it. Nothing is downloaded and nothing is written.
#![expect(clippy::print_stdout, reason = "the counts are its output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use goldstone::code::{CodeOptions, CodeReport, CodeVerdict, Credit, Objects, Task, verify};
use goldstone::sandbox::InProcess;
use serde_json::{Value, json};

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

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let data = PathBuf::from(args.next().ok_or("name the folder of data sets")?);
    let (mut cache, mut sets, mut only, mut fuel) = (None, Vec::new(), None, None);
    let mut guest = CodeOptions::default().guest;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--cache" => cache = args.next().map(PathBuf::from),
            "--guest" => guest = args.next().ok_or("which guest")?,
            "--only" => only = args.next(),
            "--fuel" => fuel = Some(args.next().ok_or("how much fuel")?.parse()?),
            _ => sets.push(arg),
        }
    }
    if sets.is_empty() {
        sets.extend(REFERENCES.map(str::to_owned));
        sets.extend(["hacks", "controls", "wrong"].map(str::to_owned));
    }
    let corpus = Corpus {
        runner: InProcess::new(cache)?,
        guest,
        data,
        only,
        fuel,
    };
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
    Ok(())
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
        verify(&task, source, &options, &self.runner).map_err(|error| format!("{error:?}"))
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

fn word<'j>(row: &'j Value, name: &str) -> &'j str {
    row[name].as_str().unwrap_or_default()
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

/// A row's tests as one of the verifier's forms.
fn tests(row: &Value) -> Value {
    let tests = &row["tests"];
    let with = |mut fields: Value, kind: &str| {
        fields["type"] = json!(kind);
        fields["entry_point"] = row["entry_point"].clone();
        fields
    };
    match word(row, "test_format") {
        "humaneval_check" => {
            json!({"type": "check", "entry_point": row["entry_point"], "code": tests, "prelude": row["prompt"]})
        }
        "assert_list" => {
            let mut fields = with(tests.clone(), "asserts");
            if let Some(more) = tests["challenge"].as_array() {
                let all: Vec<Value> = tests["asserts"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .chain(more)
                    .cloned()
                    .collect();
                fields["asserts"] = json!(all);
            }
            fields
        }
        "call_pylit" => with(tests.clone(), "calls"),
        "unittest_module" => with(tests.clone(), "unittest"),
        "lcb" => {
            json!({"type": "livecodebench", "encoded": tests["encoded_original"], "fn_name": tests["fn_name"]})
        }
        _ => {
            let mut fields = with(tests.clone(), "stdio");
            if tests["checker"]["kind"] == "custom" {
                fields["checker"]["code"] = json!(checker(word(&tests["checker"], "name")));
            }
            fields
        }
    }
}

/// The forms of a cheat's tests: as the program that it is, and as calls.
fn forms(row: &Value) -> Vec<(&'static str, Value)> {
    let entry_point = &row["entry_point"];
    let mut forms = Vec::new();
    match word(row, "format") {
        "check" => forms.push(("check", json!({"type": "check", "entry_point": entry_point, "code": row["tests"], "prelude": row["prelude"]}))),
        "asserts" => forms.push(("asserts", json!({"type": "asserts", "entry_point": entry_point, "asserts": [row["tests"]]}))),
        "unittest" => forms.push(("unittest", json!({"type": "unittest", "code": row["tests"]}))),
        _ => {
            let mut tests = row["tests"].clone();
            tests["type"] = json!("stdio");
            forms.push(("stdio", tests));
        }
    }
    if row["cases"].is_array() {
        forms.push(("calls", json!({"type": "calls", "entry_point": entry_point, "cases": row["cases"], "oracle": row["oracle"]})));
        if word(row, "format") == "check" {
            // The same tests in a form that the host does not read.
            let code = format!("_ = [0 for _ in '']\n{}", word(row, "tests"));
            forms.push(("split", json!({"type": "check", "entry_point": entry_point, "code": code, "prelude": row["prelude"]})));
        }
    }
    forms
}

/// The checkers that rows name.
fn checker(name: &str) -> &'static str {
    match name {
        "derangement" => {
            "def check(input, expected, output):\n    n = int(input)\n    got = output.split()\n    return sorted(got) == sorted(str(i) for i in range(1, n + 1)) and all(int(x) != i for i, x in enumerate(got, 1))\n"
        }
        "wcd" => {
            "def check(input, expected, output):\n    words = input.split()\n    n = int(words[0])\n    pairs = [(int(words[1 + 2 * i]), int(words[2 + 2 * i])) for i in range(n)]\n    got = output.split()\n    if len(got) != 1:\n        return False\n    if expected.split() == ['-1'] or got == ['-1']:\n        return got == expected.split()\n    if not (got[0].isascii() and got[0].isdigit()):\n        return False\n    x = int(got[0])\n    return x > 1 and all(a % x == 0 or b % x == 0 for a, b in pairs)\n"
        }
        _ => "def check(input, expected, output):\n    return output.split() == expected.split()\n",
    }
}
