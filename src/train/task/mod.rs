//! Tasks: numbered problems with what their answers are judged by.
//!
//! A problem is a pure function of the task and a number, be the task a file or
//! a generator, so that a run that goes on after a stop meets the problems that
//! it would have met. Training and held-out problems are told apart by the
//! problem's own hash ([`Part`]), never by chance or order.

mod addition;
mod asked;
mod countdown;
mod draw;
mod options;
mod part;
mod rows;
mod unsaid;

pub use addition::{AdditionFlaws, AdditionOptions};
pub use asked::Asked;
pub use countdown::{CountdownOptions, Wording};
pub use options::{Chat, Fields, Generator, TaskOptions};
pub use part::Part;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use addition::Sum;
use countdown::Game;
use part::Split;
use rows::Row;

use crate::rollout::{ELSEWHERE, Message, Reference, Rollout, Text, prompt_group};

/// The first problems of a generator must each be found within so many tries: a
/// part that has one problem in 1000 is not refused.
const SOON: u32 = 20_000;
/// How many problems are looked for when a task is opened.
const PROBED: u64 = 16;
/// Tries at any problem. Where 16 were found within [`SOON`] each, the part has more
/// than one problem in 100 000 but by a miracle, and so many tries do not fail.
const TRIES: u32 = 10_000_000;

/// What the policy is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The prompt and what an answer is judged by; the completion is empty.
    pub rollout: Rollout,
    /// What the answer begins with, written for the policy; often empty.
    pub prefill: String,
}

/// A problem with a good answer, or one that is flawed on purpose.
#[derive(Clone, Debug, PartialEq)]
pub struct Demonstration {
    /// What is asked.
    pub problem: Problem,
    /// The answer, after the problem's prefill.
    pub completion: String,
}

/// A named source of problems.
#[derive(Clone, Debug)]
pub struct Task {
    name: String,
    options: TaskOptions,
    split: Split,
    seed: u64,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Addition(AdditionOptions),
    Countdown(CountdownOptions),
    /// Of a file, at this path.
    Rows(Arc<Vec<Row>>, PathBuf),
}

/// A task that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is packed.
    #[error("`{path}` is a {kind} file; prompts and demonstrations are read from plain JSON lines: \
        unpack it first", path = .path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// What packs it.
        kind: &'static str,
    },
    /// A line of the file is no problem.
    #[error("{path}, line {line}: {problem}", path = .path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line, 1-based.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// No line of the file is in the part that is wanted.
    #[error("`{path}` has no problem for this task")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A field's place is not a JSON pointer.
    #[error("`{text}` is not a JSON pointer; write `/{text}`")]
    Pointer {
        /// What was given.
        text: String,
    },
    /// The task has no source that can be opened.
    #[error("task `{name}` needs a `generator` or a `file`")]
    NoSource {
        /// The task.
        name: String,
    },
    /// A row that should demonstrate has no completion that can be learned.
    #[error("task `{name}`, {path}, line {line}: {problem}", path = .path.display())]
    NoDemonstration {
        /// The task.
        name: String,
        /// Its file.
        path: PathBuf,
        /// The line, 1-based.
        line: u64,
        /// What it lacks.
        problem: String,
    },
    /// A part of a generator with no problem, or almost none.
    #[error(
        "task `{name}`: of {SOON} problems of the generator none is in this part; \
         set `held_out` to a share of 0.001 to 0.999, or widen the generator"
    )]
    Scarce {
        /// The task.
        name: String,
    },
    /// Problems of evaluation are trained on.
    #[error("task `{training}` trains on problems of `{held_out}`: {example}")]
    Overlap {
        /// The task that trains.
        training: String,
        /// The task that evaluates.
        held_out: String,
        /// A shared problem, or why problems may be shared.
        example: String,
    },
}

/// The table of a recipe that says which fields of a file a task takes.
#[must_use]
pub fn fields_of(task: &str) -> String {
    format!("`[tasks.{task}.fields]`")
}

impl TaskError {
    /// The same, with the place where a task names fields: it has no spec of its own.
    fn with_fields_of(self, task: &str) -> Self {
        match self {
            Self::Row {
                path,
                line,
                problem,
            } => Self::Row {
                path,
                line,
                problem: problem.replace(ELSEWHERE, &fields_of(task)),
            },
            error => error,
        }
    }
}

impl Problem {
    fn new(rollout: Rollout) -> Self {
        Self {
            rollout,
            prefill: String::new(),
        }
    }

    /// What tells problems apart: the prompt, without white space at its ends.
    fn key(&self) -> String {
        match &self.rollout.prompt {
            Text::Plain(text) => text.trim().to_owned(),
            Text::Chat(messages) => {
                let asked = messages.iter().filter(|message| message.role != "system");
                let parts: Vec<&str> = asked.map(|message| message.content.trim()).collect();
                parts.join("\n")
            }
        }
    }
}

impl Task {
    /// Opens the task `name`. Files are relative to `folder`; `seed` draws the
    /// problems of a generator that has none of its own.
    ///
    /// # Errors
    /// [`TaskError`] if the file, a line or a pointer cannot be used.
    pub fn open(
        name: &str,
        options: &TaskOptions,
        folder: &Path,
        seed: u64,
    ) -> Result<Self, TaskError> {
        let rows = |path: PathBuf| {
            let split = Split::of(options);
            let rows = rows::read_file(&path, &options.fields, split, options.count);
            let rows = rows.map_err(|error| error.with_fields_of(name))?;
            Ok(Source::Rows(Arc::new(rows), path))
        };
        let source = match (&options.generator, &options.file) {
            (Some(Generator::Addition(options)), _) => Source::Addition(options.clone()),
            (Some(Generator::Countdown(options)), _) => Source::Countdown(options.clone()),
            (None, Some(file)) => rows(folder.join(file))?,
            (None, None) => {
                return Err(TaskError::NoSource {
                    name: name.to_owned(),
                });
            }
        };
        let task = Self::of(name, options, source, seed);
        task.refuse_scarce()?;
        Ok(task)
    }

    /// Opens a task whose rows are on standard input, in place of a file.
    ///
    /// # Errors
    /// [`TaskError`] as of a file.
    pub fn open_stdin(name: &str, options: &TaskOptions, seed: u64) -> Result<Self, TaskError> {
        let path = PathBuf::from("standard input");
        let (split, most) = (Split::of(options), options.count);
        let rows = rows::read(io::stdin(), &path, &options.fields, split, most);
        let rows = rows.map_err(|error| error.with_fields_of(name))?;
        let source = Source::Rows(Arc::new(rows), path);
        Ok(Self::of(name, options, source, seed))
    }

    fn of(name: &str, options: &TaskOptions, source: Source, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            options: options.clone(),
            split: Split::of(options),
            seed: options.seed.unwrap_or(seed),
            source,
        }
    }

    /// The task's name in the recipe.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many problems there are; `None` for a generator without `count`.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match &self.source {
            Source::Rows(rows, _) => Some(rows.len() as u64),
            Source::Addition(_) | Source::Countdown(_) => self.options.count,
        }
    }

    /// The options that the task was opened with.
    #[must_use]
    pub fn options(&self) -> &TaskOptions {
        &self.options
    }

    /// Where the problem of that number stands: a line of a file, or the task and the
    /// number.
    #[must_use]
    pub fn place(&self, index: u64) -> String {
        match &self.source {
            Source::Rows(rows, path) => {
                let row = &rows[self.within(index) as usize];
                format!("`{}`, line {}", path.display(), row.line)
            }
            _ => format!("task `{}`, number {index}", self.name),
        }
    }

    /// The problem of that number; numbers past the end begin anew.
    #[must_use]
    pub fn problem(&self, index: u64) -> Problem {
        let index = self.within(index);
        let mut problem = match &self.source {
            Source::Addition(options) => {
                let sum = Self::drawn(Sum::draw(options, self.split, self.seed, index, TRIES));
                self.made(
                    index,
                    sum.prompt(),
                    Reference::One(sum.reference()),
                    "addition",
                )
            }
            Source::Countdown(options) => {
                let game = Self::drawn(Game::draw(options, self.split, self.seed, index, TRIES));
                let prompt = game.prompt(options.wording);
                self.made(
                    index,
                    prompt,
                    Reference::Json(game.reference()),
                    "countdown",
                )
            }
            Source::Rows(rows, _) => rows[index as usize].problem.clone(),
        };
        self.dress(&mut problem);
        problem
    }

    /// The problem of that number with an answer to learn from.
    ///
    /// # Errors
    /// [`TaskError::NoDemonstration`] if the record has no completion that is text.
    pub fn demonstration(&self, index: u64) -> Result<Demonstration, TaskError> {
        let index = self.within(index);
        let problem = self.problem(index);
        let completion = match &self.source {
            Source::Addition(options) => {
                let sum = Self::drawn(Sum::draw(options, self.split, self.seed, index, TRIES));
                sum.demonstration(options.flaws, self.seed, index)
            }
            Source::Countdown(options) => {
                let game = Self::drawn(Game::draw(options, self.split, self.seed, index, TRIES));
                game.demonstration(options.flawed, self.seed, index)
            }
            Source::Rows(rows, path) => {
                let row = &rows[index as usize];
                match &row.completion {
                    Ok(completion) => completion.clone(),
                    Err(lacking) => {
                        return Err(TaskError::NoDemonstration {
                            name: self.name.clone(),
                            path: path.clone(),
                            line: row.line,
                            problem: lacking.clone(),
                        });
                    }
                }
            }
        };
        // Generators write the whole answer; the prefill is already there.
        let completion = match completion.strip_prefix(&problem.prefill) {
            Some(rest) => rest.to_owned(),
            None => completion,
        };
        Ok(Demonstration {
            problem,
            completion,
        })
    }

    /// Refuses a file of which a row has nothing to learn, among the first `most`.
    ///
    /// # Errors
    /// [`TaskError::NoDemonstration`].
    pub fn check_demonstrations(&self, most: Option<u64>) -> Result<(), TaskError> {
        let count = match &self.source {
            Source::Rows(rows, _) => rows.len() as u64,
            Source::Addition(_) | Source::Countdown(_) => 0,
        };
        let count = most.map_or(count, |most| most.min(count));
        (0..count).try_for_each(|index| self.demonstration(index).map(drop))
    }

    /// [`Task::open`] has refused a part that has almost nothing.
    fn drawn<T>(drawn: Option<T>) -> T {
        drawn.expect("a part that was opened has problems")
    }

    /// Refuses a part of a generator whose first problems are not found soon.
    fn refuse_scarce(&self) -> Result<(), TaskError> {
        let (split, seed) = (self.split, self.seed);
        let is_found = |index: u64| match &self.source {
            Source::Addition(options) => Sum::draw(options, split, seed, index, SOON).is_some(),
            Source::Countdown(options) => Game::draw(options, split, seed, index, SOON).is_some(),
            Source::Rows(..) => true,
        };
        match (0..PROBED).all(is_found) {
            true => Ok(()),
            false => Err(TaskError::Scarce {
                name: self.name.clone(),
            }),
        }
    }

    fn within(&self, index: u64) -> u64 {
        match self.count() {
            Some(count) if count > 0 => index % count,
            _ => index,
        }
    }

    fn made(&self, index: u64, prompt: String, reference: Reference, kind: &str) -> Problem {
        Problem::new(Rollout {
            id: format!("{}/{index}", self.name),
            task: Some(kind.to_owned()),
            prompt: Text::Plain(prompt),
            reference: Some(reference),
            ..Rollout::default()
        })
    }

    /// Puts the recipe's wording round a problem and names its group.
    fn dress(&self, problem: &mut Problem) {
        let rollout = &mut problem.rollout;
        if let (Some(template), Text::Plain(prompt)) = (&self.options.template, &rollout.prompt) {
            rollout.prompt = Text::Plain(template.replace("{prompt}", prompt));
        }
        if let Some(system) = &self.options.system {
            let message = |role: &str, content: &str| Message {
                role: role.to_owned(),
                content: content.to_owned(),
                reasoning: None,
            };
            let mut messages = vec![message("system", system)];
            match std::mem::take(&mut rollout.prompt) {
                Text::Plain(prompt) => messages.push(message("user", &prompt)),
                Text::Chat(asked) => messages.extend(asked),
            }
            rollout.prompt = Text::Chat(messages);
        }
        if let Some(task) = &self.options.task {
            rollout.task = Some(task.clone());
        }
        rollout.group = prompt_group(&rollout.prompt);
        problem.prefill = self.options.prefill.clone().unwrap_or_default();
    }

    /// Refuses a `training` task that has problems of this one, which evaluates.
    ///
    /// # Errors
    /// [`TaskError::Overlap`] with a shared problem, or with what would keep
    /// two parts of a generator apart.
    pub fn held_out_of(&self, training: &Task) -> Result<(), TaskError> {
        let overlap = |example: String| TaskError::Overlap {
            training: training.name.clone(),
            held_out: self.name.clone(),
            example,
        };
        let is_one_generator = matches!(
            (&self.source, &training.source),
            (Source::Addition(_), Source::Addition(_))
                | (Source::Countdown(_), Source::Countdown(_))
        );
        if is_one_generator {
            return match training.split.is_apart_from(self.split) {
                true => Ok(()),
                false => Err(overlap(
                    "give one `part = \"train\"` and the other `part = \"held_out\"`, \
                     with the same share `held_out`"
                        .to_owned(),
                )),
            };
        }
        let (Source::Rows(asked, _), Source::Rows(trained, _)) = (&self.source, &training.source)
        else {
            return Ok(());
        };
        let asked: HashSet<String> = asked.iter().map(|row| row.problem.key()).collect();
        match trained
            .iter()
            .find(|row| asked.contains(&row.problem.key()))
        {
            Some(row) => Err(overlap(format!("`{}`", shortened(&row.problem.key())))),
            None => Ok(()),
        }
    }
}

/// The first 60 characters, on one line.
fn shortened(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
