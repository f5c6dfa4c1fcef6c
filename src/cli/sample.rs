//! `goldstone sample`: a policy and prompts in, rollouts out.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::container::{FormatOption, rows_in, unwritable};
use super::part::{Existing, PartFile, is_lost_to, is_there};
use super::train::{fault, stop_on_signals};
use super::{Exit, Failure, Outcome, bad_input};
use crate::batch::RowKind;
use crate::rollout::{Reference, Text};
use crate::train::policy::Policy;
use crate::train::recipe::{self, Words};
use crate::train::sample::{Completion, Prompt, SampleOptions, sample};
use crate::train::stage::{Problem, Problems};
use crate::train::task::{Asked, Chat, Fields, Task, TaskOptions};
use crate::train::{DeviceChoice, use_threads};

/// Completions that are drawn before the next rows are written.
const ROWS: usize = 256;
/// Between two lines of progress where there is no terminal.
const LINE: Duration = Duration::from_secs(10);

/// Draw completions from a policy, as rollouts for `goldstone score`.
///
/// The policy is a Hugging Face folder, or the folder of a run (its best policy,
/// else its final one). Prompts are JSON lines, or the problems of a recipe's
/// task. The same command draws the same completions.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone sample models/qwen2.5-0.5b-instruct prompts.jsonl -o rollouts.jsonl --samples 8
  goldstone sample runs/addition --recipe addition --task held-out --limit 100 -o rollouts.jsonl
  goldstone sample model test.jsonl --prompt /question --reference /answer --temperature 0 -o greedy.jsonl")]
pub(super) struct Sample {
    /// A Hugging Face folder, or the folder of a run
    model: PathBuf,
    /// Prompts: JSON lines with `prompt` and, for scoring, `reference`
    #[arg(required_unless_present = "recipe", conflicts_with = "recipe")]
    prompts: Option<PathBuf>,
    /// Take the problems of a recipe's task in place of PROMPTS
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<String>,
    /// The task of the recipe
    #[arg(long, value_name = "NAME", default_value = recipe::DEFAULT_HELD_OUT)]
    task: String,
    /// Write to this file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    format: FormatOption,
    /// Completions of each prompt
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Only the first N prompts
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// The logits are divided by it; 0 takes the likeliest token each time
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    temperature: f64,
    /// Draw only from the likeliest tokens that reach this sum of probability
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    top_p: f64,
    /// Draw only from the K likeliest tokens; 0 is all
    #[arg(long, value_name = "K", default_value_t = 0)]
    top_k: usize,
    /// Draw only tokens at least this likely, relative to the likeliest
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    min_p: f64,
    /// The longest completion, in tokens
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_tokens: usize,
    /// End a completion with this text (may be repeated)
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// What all draws come from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write the log-probability of every token, too, as `logprobs`
    #[arg(long)]
    logprobs: bool,
    /// Where a record has its prompt, as a JSON pointer
    #[arg(long, value_name = "POINTER")]
    prompt: Option<String>,
    /// Where a record has its reference, as a JSON pointer
    #[arg(long, value_name = "POINTER")]
    reference: Option<String>,
    /// Put this system message before every prompt
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Write this for the policy as the beginning of its answer
    #[arg(long, value_name = "TEXT")]
    prefill: Option<String>,
    /// Give plain prompts as they are, without the model's chat template
    #[arg(long, conflicts_with = "system")]
    no_chat: bool,
    /// What computes: `auto`, `cpu` or `cuda`
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// Threads; 0 is one per core
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    jobs: u16,
    /// Replace the output file, whatever it is
    #[arg(long)]
    overwrite: bool,
    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

impl Sample {
    pub(super) fn run(self) -> Outcome {
        let options = self.options()?;
        if is_there(&self.output) && !self.overwrite {
            return Err(bad_input(anyhow!(
                "`{}` exists; name another file, or add `--overwrite`",
                self.output.display()
            )));
        }
        let (task, file) = self.open()?;
        if file.is_some_and(|file| is_lost_to(&file, &self.output)) {
            return Err(bad_input(anyhow!(
                "`{}` would be written over the prompts; name another file",
                self.output.display()
            )));
        }
        use_threads(self.jobs.into());
        let device: DeviceChoice = self.device.parse().map_err(fault)?;
        let device = device.open().map_err(fault)?;
        let model = policy_folder(&self.model);
        let (policy, folder) = recipe::load_kept(&model, &device).map_err(fault)?;
        let asked = Asked::new(task, folder.chat.clone());
        let count = self.count(&asked)?;
        let words = Words(folder.tokenizer);
        let existing = match self.overwrite {
            true => Existing::Overwrite,
            false => Existing::Refuse,
        };
        let stop = Arc::new(AtomicBool::new(false));
        stop_on_signals(&stop)?;
        let drawing = Drawing {
            policy: &policy,
            words: &words,
            problems: &asked,
            options: &options,
            samples: self.samples as usize,
            logprobs: self.logprobs,
            output: &self.output,
            stop: &stop,
        };
        let output = &self.output;
        let container = self.format.container(Some(output.as_path()));
        let out = PartFile::create(output, existing)?;
        let mut out = rows_in(container, RowKind::Rollouts, output, out)?;
        let mut progress = Progress::new(count * u64::from(self.samples), self.quiet);
        let drawn = drawing.draw(count, &mut out, &mut progress);
        if let Ok(Drawn::All) = drawn {
            let whole = out.finish().and_then(PartFile::finish);
            whole.map_err(|error| unwritable(error, output))?;
            progress.end(output);
            return Ok(Exit::Done);
        }
        // What there is should be readable; of no rows no file stays.
        let part = match progress.done {
            0 => Ok(out.into_inner()),
            _ => out.finish(),
        };
        let left = part.and_then(PartFile::leave);
        drawn?;
        let left = left.map_err(|error| unwritable(error, output))?;
        progress.stop(left.as_deref());
        Ok(Exit::Interrupted)
    }

    fn options(&self) -> Result<SampleOptions, Failure> {
        let options = SampleOptions {
            temperature: self.temperature,
            top_p: self.top_p,
            top_k: self.top_k,
            min_p: self.min_p,
            max_tokens: self.max_tokens,
            stop: self.stop.clone(),
            stop_ids: Vec::new(),
            seed: self.seed,
        };
        match options.validate().into_iter().next() {
            None => Ok(options),
            Some(fault) => {
                let flag = fault.field.replace('_', "-");
                Err(bad_input(anyhow!("`--{flag}` {}", fault.problem)))
            }
        }
    }

    /// The problems that are asked, and the file that they are from.
    fn open(&self) -> Result<(Task, Option<PathBuf>), Failure> {
        if let Some(name) = &self.recipe {
            let recipe = recipe::load(name, &[]).map_err(Failure::Recipe)?;
            let Some(options) = recipe.tasks.get(&self.task) else {
                let names: Vec<&str> = recipe.tasks.keys().map(String::as_str).collect();
                return Err(bad_input(anyhow!(
                    "recipe `{name}` has no task `{}`; there are: {}",
                    self.task,
                    names.join(", ")
                )));
            };
            let task = Task::open(&self.task, options, &recipe.folder, recipe.seed);
            let file = options.file.as_ref();
            let file = file.map(|file| recipe.folder.join(file));
            return Ok((task.map_err(bad_input)?, file));
        }
        let options = TaskOptions {
            file: self.prompts.clone(),
            fields: Fields {
                prompt: self.prompt.clone(),
                reference: self.reference.clone(),
                ..Fields::default()
            },
            count: self.limit,
            system: self.system.clone(),
            prefill: self.prefill.clone(),
            chat: match self.no_chat {
                true => Chat::Never,
                false => Chat::Auto,
            },
            ..TaskOptions::default()
        };
        let task = Task::open("prompts", &options, Path::new(""), self.seed);
        Ok((task.map_err(bad_input)?, options.file))
    }

    fn count(&self, problems: &Asked) -> Result<u64, Failure> {
        match (problems.count(), self.limit) {
            (Some(count), limit) => Ok(count.min(limit.unwrap_or(count))),
            (None, Some(limit)) => Ok(limit),
            (None, None) => Err(bad_input(anyhow!(
                "task `{}` has no end; say how many prompts with `--limit`",
                self.task
            ))),
        }
    }
}

/// The folder of the policy: that of a run holds several.
fn policy_folder(path: &Path) -> PathBuf {
    let kept = ["best", "final"].map(|name| path.join(name));
    let is_policy = |folder: &Path| {
        ["config.json", "adapter_config.json"]
            .iter()
            .any(|name| folder.join(name).exists())
    };
    match is_policy(path) {
        true => path.to_owned(),
        false => kept
            .iter()
            .find(|folder| is_policy(folder))
            .map_or(path.to_owned(), PathBuf::clone),
    }
}

/// How far drawing came.
enum Drawn {
    All,
    /// It was asked to stop before.
    Some,
}

/// What draws rollouts.
struct Drawing<'d> {
    policy: &'d Policy,
    words: &'d Words,
    problems: &'d Asked,
    options: &'d SampleOptions,
    samples: usize,
    logprobs: bool,
    output: &'d Path,
    stop: &'d AtomicBool,
}

impl Drawing<'_> {
    /// Draws and writes, so many problems at a time; a row's draws depend on its
    /// number alone.
    fn draw(
        &self,
        count: u64,
        out: &mut impl Write,
        progress: &mut Progress,
    ) -> Result<Drawn, Failure> {
        let at_once = (ROWS / self.samples).max(1) as u64;
        let mut first = 0;
        while first < count {
            if self.stop.load(Ordering::SeqCst) {
                return Ok(Drawn::Some);
            }
            let last = (first + at_once).min(count);
            let mut problems = Vec::new();
            for index in first..last {
                let problem = self.problems.problem(index);
                problems.push(problem.map_err(|problem| bad_input(anyhow!(problem)))?);
            }
            self.answer(first, &problems, out, progress)?;
            first = last;
        }
        Ok(Drawn::All)
    }

    fn answer(
        &self,
        first: u64,
        problems: &[Problem],
        out: &mut impl Write,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let mut prompts: Vec<Vec<u32>> = Vec::new();
        for problem in problems {
            let tokens = problem.framing.encode(&problem.prompt, self.words);
            prompts.push(tokens.map_err(fault)?);
        }
        let rows: Vec<Prompt<'_>> = (0..prompts.len() * self.samples)
            .map(|row| Prompt {
                row: first * self.samples as u64 + row as u64,
                tokens: &prompts[row / self.samples],
            })
            .collect();
        let mut completions: BTreeMap<usize, Completion> = BTreeMap::new();
        let drawn = sample(
            self.policy,
            self.words,
            &rows,
            self.options,
            |row, completion| {
                progress.add(completion.tokens.len() as u64);
                completions.insert(row, completion);
                Ok(())
            },
        );
        drawn.map_err(fault)?;
        for (row, completion) in completions {
            let problem = &problems[row / self.samples];
            let rollout = self.rollout(problem, row % self.samples, &completion);
            let written = serde_json::to_writer(&mut *out, &rollout).map_err(io::Error::from);
            let written = written.and_then(|()| out.write_all(b"\n"));
            written.map_err(|error| unwritable(error, self.output))?;
        }
        Ok(())
    }

    /// A rollout as `goldstone score` reads it.
    fn rollout(&self, problem: &Problem, sample: usize, completion: &Completion) -> Value {
        let asked = &problem.rollout;
        let mut row = json!({
            "id": format!("{}/{sample}", asked.id),
            "group": asked.id,
            "sample_index": sample,
            "prompt": text(&asked.prompt),
            "completion": completion.text,
            "n_tokens": completion.tokens.len(),
            "finish_reason": completion.finish.name(),
        });
        let reference = asked.reference.as_ref().map(|reference| match reference {
            Reference::One(text) => json!(text),
            Reference::AnyOf(texts) => json!(texts),
            Reference::Json(value) => value.clone(),
        });
        let extra = (!asked.extra.is_empty()).then(|| json!(asked.extra));
        let optional = [
            ("reference", reference),
            ("task", asked.task.as_ref().map(|task| json!(task))),
            (
                "data_source",
                asked.data_source.as_ref().map(|name| json!(name)),
            ),
            ("language", asked.language.as_ref().map(|name| json!(name))),
            ("tests", asked.tests.clone()),
            ("extra", extra),
            ("logprobs", self.logprobs.then(|| json!(completion.logps))),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                row[key] = value;
            }
        }
        row
    }
}

fn text(text: &Text) -> Value {
    match text {
        Text::Plain(text) => json!(text),
        Text::Chat(messages) => messages
            .iter()
            .map(|message| json!({ "role": message.role, "content": message.content }))
            .collect(),
    }
}

/// How many completions there are: a bar on a terminal, a line now and then
/// elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    is_quiet: bool,
    began: Instant,
    last: Instant,
    done: u64,
    total: u64,
    tokens: u64,
}

impl Progress {
    fn new(total: u64, is_quiet: bool) -> Self {
        let is_bar = !is_quiet && io::stderr().is_terminal();
        let style = ProgressStyle::with_template("{bar:24} {percent:>3}%  {msg}");
        let style = style.expect("the template is a constant");
        let now = Instant::now();
        Self {
            bar: is_bar.then(|| ProgressBar::new(total).with_style(style)),
            is_quiet,
            began: now,
            last: now,
            done: 0,
            total,
            tokens: 0,
        }
    }

    fn add(&mut self, tokens: u64) {
        self.done += 1;
        self.tokens += tokens;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
            bar.set_message(self.rates());
        } else if !self.is_quiet && self.last.elapsed() >= LINE {
            self.last = Instant::now();
            self.say(&self.rates());
        }
    }

    fn rates(&self) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let speed = self.tokens as f64 / seconds;
        let left = seconds / self.done.max(1) as f64 * self.total.saturating_sub(self.done) as f64;
        let left = left as u64;
        format!(
            "{} of {} completions, {speed:.0} tokens/s, {}:{:02} left",
            self.done,
            self.total,
            left / 60,
            left % 60
        )
    }

    fn end(&self, output: &Path) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if !self.is_quiet {
            let seconds = self.began.elapsed().as_secs_f64();
            self.say(&format!(
                "{} rollouts in {}, {} tokens in {seconds:.1} s",
                self.done,
                output.display(),
                self.tokens
            ));
        }
    }

    /// Says what is there of a run that was interrupted: never that it is whole.
    fn stop(&self, left: Option<&Path>) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        match left {
            Some(part) => self.say(&format!(
                "stopped: {} of {} rollouts, in {}; `--overwrite` begins anew",
                self.done,
                self.total,
                part.display()
            )),
            None => self.say("stopped before the first rollouts were written"),
        }
    }

    /// Progress that nobody can see is no reason to fail.
    fn say(&self, line: &str) {
        drop(writeln!(anstream::stderr(), "{line}"));
    }
}
