//! `goldstone import`: published data sets in, native rows out.

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum, builder::PossibleValue};
use serde_json::{Map, Value};

use super::container::{FormatOption, is_standard, rows_in, unwritable};
use super::inputs::{no_stream_is_shared, none_is};
use super::summary::rows;
use super::terminal::{BAD, STRONG, Safe, Styled};
use super::whole::WholeFile;
use super::{Exit, Failure, Outcome, bad_input};
use crate::batch::{BatchOptions, Input, Inputs, RowKind, each_line};
use crate::import::{Source, program_text, with_completion};

/// Fields of a sample that may name its task.
const TASK_NAMES: [&str; 5] = ["task_id", "question_id", "unique_id", "group", "id"];
/// Fields that may hold one completion.
const ONE: [&str; 5] = ["completion", "solution", "response", "output", "generation"];
/// Fields that may hold a list of them.
const MANY: [&str; 4] = ["completions", "generations", "responses", "outputs"];
/// Unusable rows that are shown.
const SHOWN: usize = 3;

/// Make native rows of a published data set: prompts, or rollouts to score.
///
/// A row has `id`, `group`, `task`, `data_source`, `prompt`, and `reference` or
/// `tests`. With `--completions` it is a rollout: one row per completion.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone import gsm8k test.jsonl -o prompts.jsonl
  goldstone import humaneval HumanEval.jsonl.gz --completions samples.jsonl -o rollouts.jsonl
  goldstone score rollouts.jsonl --spec code -o scored.jsonl

Lines of --completions: {\"task_id\": \"HumanEval/0\", \"completion\": …}; also `solution`, `response`,
`output`, or a list in `completions`, `generations`, `responses`, `outputs`. `completion` of
HumanEval goes on where the prompt ends.")]
pub(super) struct Import {
    /// The data set
    #[arg(value_enum, value_name = "DATASET")]
    source: Source,
    /// Its files: JSON lines, plain or compressed, or Parquet
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Files of completions, by the tasks' names
    #[arg(long, value_name = "FILE", num_args = 1..)]
    completions: Vec<PathBuf>,
    /// Write to this file rather than to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: FormatOption,
    /// Replace the output file, whatever it is
    #[arg(long, requires = "output")]
    overwrite: bool,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
}

impl ValueEnum for Source {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl Import {
    pub(super) fn run(mut self) -> Outcome {
        let tasks = inputs(&self.files)?;
        let samples = match self.completions.as_slice() {
            [] => None,
            files => Some(inputs(files)?),
        };
        if let Some(samples) = &samples {
            no_stream_is_shared(&tasks, samples)?;
        }
        let mut told = Told::default();
        self.output.take_if(|path| is_standard(path));
        let (samples, output) = (samples.as_ref(), self.output.as_deref());
        let container = self.format.container(output);
        let kind = RowKind::Rollouts;
        match output {
            None => {
                let out = io::BufWriter::new(io::stdout().lock());
                let mut out = rows_in(container, kind, Path::new("-"), out)?;
                self.convert(&tasks, samples, &mut out, &mut told)?;
                out.finish()?;
            }
            Some(path) => {
                for inputs in [Some(&tasks), samples].into_iter().flatten() {
                    none_is(path, inputs)?;
                }
                let out = WholeFile::create(path, self.overwrite)?;
                let mut out = rows_in(container, kind, path, out)?;
                self.convert(&tasks, samples, &mut out, &mut told)?;
                let whole = out.finish().and_then(WholeFile::finish);
                whole.map_err(|error| unwritable(error, path))?;
            }
        }
        if !self.quiet {
            told.say(&mut anstream::stderr())?;
        }
        Ok(match told.unusable {
            0 => Exit::Done,
            _ => Exit::SomeUnusable,
        })
    }

    fn convert(
        &self,
        tasks: &Inputs,
        samples: Option<&Inputs>,
        out: &mut impl Write,
        told: &mut Told,
    ) -> Result<(), Failure> {
        let mut named = HashMap::new();
        // Two tasks of one name would share a group, and their answers.
        let mut task_of = |number: u64, row: &Map<String, Value>| {
            let task = self.source.convert(row, number);
            let task = task.map_err(|error| error.to_string())?;
            let name = task["id"].as_str().unwrap_or_default().to_owned();
            let first = *named.entry(name.clone()).or_insert(number);
            if first != number {
                return Err(format!(
                    "row {first} is called `{name}` too; give the rows names of their own, or \
                     import the files apart"
                ));
            }
            Ok((name, task))
        };
        let Some(samples) = samples else {
            return self.each_object(tasks, told, |number, row, told| {
                match task_of(number, &row) {
                    Ok((_, task)) => told.write(out, &task).map(Ok),
                    Err(problem) => Ok(Err(problem)),
                }
            });
        };
        let mut known = HashMap::new();
        self.each_object(tasks, told, |number, row, _| {
            Ok(task_of(number, &row).map(|(name, task)| {
                known.insert(name, (task, 0));
            }))
        })?;
        let prefix = format!("{}/", self.source.name());
        self.each_object(samples, told, |_, sample, told| {
            let named = TASK_NAMES
                .iter()
                .find_map(|field| match sample.get(*field)? {
                    Value::String(name) => Some((field, name.clone())),
                    Value::Number(number) => Some((field, number.to_string())),
                    _ => None,
                });
            let Some((field, given)) = named else {
                let fields = TASK_NAMES.join("`, `");
                return Ok(Err(format!("there is no task's name in `{fields}`")));
            };
            let names = [format!("{prefix}{given}"), given.clone()];
            let Some(name) = names.iter().find(|name| known.contains_key(*name)) else {
                return Ok(Err(format!(
                    "no task has the name `{given}`, its `{field}`"
                )));
            };
            let (task, count) = known.get_mut(name).expect("it was found");
            let completions = match completions_of(&sample) {
                Ok(completions) => completions,
                Err(problem) => return Ok(Err(problem)),
            };
            for (completion, goes_on) in completions {
                let completion = match completion {
                    Value::String(text) => Value::String(program_text(task, text, goes_on)),
                    chat => chat.clone(),
                };
                let row = with_completion(task, &completion, *count);
                *count += 1;
                told.write(out, &row)?;
            }
            Ok(Ok(()))
        })
    }

    /// Hands every JSON object of the inputs to `visit`, with its number; counts lines
    /// that are none, and those with which `visit` finds a fault.
    fn each_object(
        &self,
        inputs: &Inputs,
        told: &mut Told,
        mut visit: impl FnMut(u64, Map<String, Value>, &mut Told) -> io::Result<Result<(), String>>,
    ) -> Result<(), Failure> {
        let mut written = Ok(());
        each_line(inputs, BatchOptions::default().max_line_bytes, |line| {
            let place = format!("{}:{}", line.file, line.line);
            let parsed = line.text.map_err(|error| error.message).and_then(|text| {
                serde_json::from_slice(text).map_err(|error| format!("no JSON object: {error}"))
            });
            let visited = match parsed {
                Ok(row) => visit(line.row, row, told),
                Err(problem) => Ok(Err(problem)),
            };
            match visited {
                Ok(Ok(())) => {}
                Ok(Err(problem)) => told.unusable(&place, &problem),
                Err(error) => {
                    written = Err(error);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })
        .map_err(bad_input)?;
        written.map_err(|error| match &self.output {
            Some(path) => unwritable(error, path),
            None => error.into(),
        })
    }
}

/// The completions of a sample, and whether each goes on where the prompt ends.
fn completions_of(sample: &Map<String, Value>) -> Result<Vec<(&Value, bool)>, String> {
    let lists = MANY.iter().find_map(|name| sample.get(*name)?.as_array());
    if let Some(list) = lists {
        return Ok(list.iter().map(|completion| (completion, false)).collect());
    }
    let one = ONE.iter().find_map(|name| {
        let value = sample.get(*name).filter(|value| !value.is_null())?;
        Some((value, *name == "completion"))
    });
    match one {
        Some((value @ (Value::String(_) | Value::Array(_)), goes_on)) => Ok(vec![(value, goes_on)]),
        Some(_) => Err("the completion is neither a string nor messages".to_owned()),
        None => Err(format!("there is no `{}`", ONE.join("`, `"))),
    }
}

/// What came of the rows.
#[derive(Default)]
struct Told {
    written: u64,
    unusable: u64,
    first: Vec<String>,
}

impl Told {
    fn write(&mut self, out: &mut impl Write, row: &Map<String, Value>) -> io::Result<()> {
        serde_json::to_writer(&mut *out, row)?;
        out.write_all(b"\n")?;
        self.written += 1;
        Ok(())
    }

    fn unusable(&mut self, place: &str, problem: &str) {
        self.unusable += 1;
        if self.first.len() < SHOWN {
            self.first.push(format!("{place}: {problem}"));
        }
    }

    fn say(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{} written", Styled(STRONG, rows(self.written)))?;
        if self.unusable > 0 {
            let said = format!("{} left out:", rows(self.unusable));
            writeln!(out, "{}", Styled(BAD, said))?;
            for problem in &self.first {
                writeln!(out, "  {}", Safe(problem))?;
            }
        }
        Ok(())
    }
}

fn inputs(files: &[PathBuf]) -> Result<Inputs, Failure> {
    for file in files {
        let extension = file.extension().and_then(|extension| extension.to_str());
        if extension == Some("csv") {
            let name = file.display();
            return Err(bad_input(anyhow!(
                "`{name}` is a table of commas; write it as JSON lines first (`df.to_json(…, orient=\"records\", lines=True)`)"
            )));
        }
    }
    Inputs::check(files.iter().map(Input::named).collect()).map_err(bad_input)
}
