//! `goldstone sample`: a policy and prompts in, rollouts out.

mod draw;
mod output;
mod progress;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::anyhow;
use clap::Args;

use super::container::{FormatOption, called, is_standard, rows_in, unwritable};
use super::part::{Existing, is_lost_to, is_there};
use super::train::{fault, stop_on_signals};
use super::{Exit, Failure, Outcome, bad_input};
use crate::batch::RowKind;
use crate::train::recipe::{self, Words};
use crate::train::sample::{SampleOptions, Vocabulary};
use crate::train::stage::{Problems, check_prompts};
use crate::train::task::{Asked, Chat, Fields, Task, TaskError, TaskOptions, fields_of};
use crate::train::{DeviceChoice, use_threads};
use draw::{Drawing, Drawn};
use output::Output;
use progress::Progress;

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
  goldstone sample runs/addition/final prompts.jsonl -o - | goldstone score - --spec math
  goldstone sample model test.jsonl --prompt /question --reference /answer --temperature 0 -o greedy.jsonl")]
pub(super) struct Sample {
    /// A Hugging Face folder, or the folder of a run: its `best`, else its `final`
    model: PathBuf,
    /// Prompts: JSON lines with `prompt` and, for scoring, `reference`; `-` is standard input
    #[arg(required_unless_present = "recipe", conflicts_with = "recipe")]
    prompts: Option<PathBuf>,
    /// Take the problems of a recipe's task in place of PROMPTS
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<String>,
    /// The task of the recipe
    #[arg(long, value_name = "NAME", default_value = recipe::DEFAULT_HELD_OUT, conflicts_with = "prompts")]
    task: String,
    /// Write to this file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    format: FormatOption,
    /// Completions of each prompt
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    samples: u32,
    /// Only the first N prompts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
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
    #[arg(long, value_name = "POINTER", conflicts_with = "recipe")]
    prompt: Option<String>,
    /// Where a record has its reference, as a JSON pointer
    #[arg(long, value_name = "POINTER", conflicts_with = "recipe")]
    reference: Option<String>,
    /// Put this system message before every prompt
    #[arg(long, value_name = "TEXT", conflicts_with = "recipe")]
    system: Option<String>,
    /// Write this for the policy as the beginning of its answer
    #[arg(long, value_name = "TEXT", conflicts_with = "recipe")]
    prefill: Option<String>,
    /// Give plain prompts as they are, without the model's chat template
    #[arg(long, conflicts_with_all = ["system", "recipe"])]
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
        let is_kept = !is_standard(&self.output);
        if is_kept && is_there(&self.output) && !self.overwrite {
            return Err(bad_input(anyhow!(
                "`{}` exists; name another file, or add `--overwrite`",
                self.output.display()
            )));
        }
        let (task, file) = self.open()?;
        if is_kept
            && file
                .as_ref()
                .is_some_and(|file| is_lost_to(file, &self.output))
        {
            return Err(bad_input(anyhow!(
                "`{}` would be written over the prompts; name another file",
                self.output.display()
            )));
        }
        use_threads(self.jobs.into());
        let device: DeviceChoice = self.device.parse().map_err(fault)?;
        let device = device.open().map_err(fault)?;
        let model = policy_folder(&self.model);
        let mut progress = Progress::new(self.quiet);
        if model != self.model {
            progress.tell(&format!("policy   {}", model.display()));
        }
        let (policy, folder) = recipe::load_kept(&model, &device).map_err(fault)?;
        let asked = Asked::new(task, folder.chat.clone());
        let count = self.count(&asked)?;
        let words = Words(folder.tokenizer);
        if words.end_ids().is_empty() && self.stop.is_empty() {
            progress.tell(
                "the model has no end token (`eos_token_id`): completions end only after \
                 `--max-tokens`, unless `--stop` ends them",
            );
        }
        // Before anything is written, as `train` does.
        let task = self.recipe.as_ref().and(asked.file_task());
        if let Err(error) = check_prompts(&asked, task, Some(count), &policy, &words) {
            let error = anyhow::Error::new(error);
            return Err(bad_input(match &file {
                Some(file) => error.context(format!("`{}`", file.display())),
                None => error,
            }));
        }
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
            task,
            options: &options,
            samples: self.samples as usize,
            logprobs: self.logprobs,
            output: called(&self.output),
            stop: &stop,
        };
        let output = called(&self.output);
        let container = match is_kept {
            true => self.format.container(Some(&self.output)),
            false => self.format.container(None),
        };
        let out = Output::create(&self.output, existing)?;
        let mut out = rows_in(container, RowKind::Rollouts, output, out)?;
        progress.begin(count.saturating_mul(self.samples.into()));
        let drawn = drawing.draw(count, &mut out, &mut progress);
        if let Ok(Drawn::All) = drawn {
            let whole = out.finish().and_then(Output::finish);
            whole.map_err(|error| unwritable(error, output))?;
            progress.end(output);
            return Ok(Exit::Done);
        }
        // What there is should be readable; of no rows no file stays.
        let part = match progress.done() {
            0 => Ok(out.into_inner()),
            _ => out.finish(),
        };
        let left = part.and_then(Output::leave);
        drawn?;
        let left = left.map_err(|error| unwritable(error, output))?;
        progress.stop(left.as_deref(), is_kept);
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

    /// The problems that are asked, and the file that they are from, if any.
    fn open(&self) -> Result<(Task, Option<PathBuf>), Failure> {
        if let Some(name) = &self.recipe {
            let recipe = recipe::outline(name, &[]).map_err(Failure::Recipe)?;
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
        let file = options.file.clone().filter(|file| !is_standard(file));
        let task = match &file {
            Some(_) => Task::open(PROMPTS, &options, Path::new(""), self.seed),
            None => Task::open_stdin(PROMPTS, &options, self.seed),
        };
        Ok((task.map_err(without_recipe)?, file))
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

/// The task that prompts without a recipe are.
const PROMPTS: &str = "prompts";

/// The failure of opening prompts, for someone who has flags and no recipe.
fn without_recipe(error: TaskError) -> Failure {
    bad_input(match error {
        TaskError::Row {
            path,
            line,
            problem,
        } => TaskError::Row {
            path,
            line,
            problem: problem.replace(&fields_of(PROMPTS), "`--prompt`"),
        },
        error => error,
    })
}
