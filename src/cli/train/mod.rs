//! `goldstone train`: a recipe in, a run's folder out.

mod plan;
mod start;
mod tally;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow};
use clap::Args;

use super::live::{Live, Show};
use super::terminal::{STRONG, Safe, Styled};
use super::{Exit, Failure, Outcome, bad_input};
#[cfg(feature = "remote")]
use crate::remote::Client;
use crate::train::folder::FolderError;
use crate::train::policy::{Compute, Policy};
use crate::train::recipe::{self, Prepared, Recipe};
use crate::train::run::{Ended, Run};
use crate::train::watch::{ReportPage, RunFiles, RunFilesOptions, TensorBoard, Watchers};
use crate::train::{ComputeChoice, Device, DeviceChoice, TrainError};
use start::Wish;
use tally::Tally;

/// Train a policy by a recipe.
///
/// A recipe is a TOML file, or the name of one that comes with goldstone
/// (`--list`). What a run makes is kept in its folder: metrics, completions,
/// TensorBoard's files, checkpoints, the best and the final policy. Ctrl-C saves
/// the run after the step that it is in; `--resume` goes on as if nothing had
/// happened.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone train addition
  goldstone train addition --seed 2 -o runs/addition-2 --set stages.reasoning.grpo.steps=60
  goldstone train my-recipe.toml --dry-run
  goldstone train addition --resume
  goldstone train --show addition > my-recipe.toml")]
pub(super) struct Train {
    /// A recipe: a TOML file, or the name of a shipped one
    #[arg(required_unless_present_any = ["list", "show", "schema"], value_name = "RECIPE")]
    recipe: Option<String>,
    /// Override a key of the recipe (may be repeated)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Override the recipe's `seed`
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The run's folder; `runs/NAME` by default
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// What computes: `auto`, `cpu` or `cuda`
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// Override the recipe's `model.compute`: `auto`, `f32` or `bf16`
    #[arg(long, value_name = "NUMBERS")]
    compute: Option<String>,
    /// Threads; 0 is one per core. Runs are equal to the bit for equal N
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    jobs: u16,
    /// Go on with a run that was stopped or killed
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Begin anew in a folder that has a run, which is removed
    #[arg(long)]
    overwrite: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// A line per step in place of the live view
    #[arg(long)]
    plain: bool,
    /// Nothing but errors
    #[arg(short, long)]
    quiet: bool,
    /// List the recipes that come with goldstone
    #[arg(long, conflicts_with_all = ["recipe", "show", "schema"])]
    list: bool,
    /// Print a shipped recipe, to begin one's own from
    #[arg(long, value_name = "NAME", conflicts_with_all = ["recipe", "schema"])]
    show: Option<String>,
    /// Print the JSON Schema of recipes, for editors
    #[arg(long, conflicts_with = "recipe")]
    schema: bool,
}

impl Train {
    pub(super) fn run(self) -> Outcome {
        if let Some(outcome) = self.information() {
            return outcome;
        }
        let mut recipe = self.load()?;
        let folder = self.folder(&recipe);
        if self.dry_run {
            let is_cpu = self.is_planned_on_cpu(&mut recipe)?;
            return plan::show(&recipe, &folder, is_cpu);
        }
        let begin = start::begin(
            &recipe,
            &folder,
            &Wish {
                recipe: Path::new(self.recipe.as_deref().unwrap_or_default()),
                resume: self.resume,
                overwrite: self.overwrite,
            },
        )?;
        let threads = crate::train::use_threads(self.jobs.into());
        let device = self.device()?;
        let mut prepared = recipe.prepare(&device, folder.clone()).map_err(fault)?;
        self.attach_sandbox(&mut prepared)?;
        attach_remote(&mut prepared)?;
        prepared.plan.info.device = in_words(&prepared.policy, threads);
        if !self.quiet {
            plan::memory(&recipe, &prepared.policy)?;
        }
        let stop = Arc::new(AtomicBool::new(false));
        stop_on_signals(&stop)?;
        let tally = Tally::default();
        let mut watchers = self.watchers(&tally);
        let run = Run {
            plan: &prepared.plan,
            policy: &mut prepared.policy,
            vocabulary: &prepared.words,
            store: &prepared.store,
            watcher: &mut watchers,
            stop: &stop,
        };
        let ended = run.go(begin).map_err(fault)?;
        self.conclude(ended, &tally, &folder)
    }

    /// What is only asked to be printed.
    fn information(&self) -> Option<Outcome> {
        let print = |text: &str| -> Outcome {
            write!(anstream::stdout(), "{text}")?;
            Ok(Exit::Done)
        };
        if self.schema {
            return Some(print(&format!("{}\n", recipe::json_schema())));
        }
        if self.list {
            return Some(list().map_err(Failure::from));
        }
        let name = self.show.as_ref()?;
        let shipped = recipe::shipped().find(|shipped| shipped.name == name);
        Some(match shipped {
            Some(shipped) => print(shipped.text),
            None => {
                let names: Vec<&str> = recipe::shipped().map(|shipped| shipped.name).collect();
                Err(bad_input(anyhow!(
                    "no shipped recipe is called `{name}`; there are: {}",
                    names.join(", ")
                )))
            }
        })
    }

    fn device(&self) -> Result<Device, Failure> {
        let device: DeviceChoice = self.device.parse().map_err(fault)?;
        device.open().map_err(fault)
    }

    /// Where a run would be made. A device that cannot be opened here is among what is
    /// missing, and the plan that of a GPU.
    fn is_planned_on_cpu(&self, recipe: &mut Recipe) -> Result<bool, Failure> {
        let choice: DeviceChoice = self.device.parse().map_err(fault)?;
        match choice.open() {
            Ok(device) => Ok(device.is_cpu()),
            Err(error @ TrainError::Device { .. }) => {
                recipe.missing.push(error.to_string());
                Ok(false)
            }
            Err(error) => Err(fault(error)),
        }
    }

    fn load(&self) -> Result<Recipe, Failure> {
        let mut settings = self.settings.clone();
        if let Some(compute) = &self.compute {
            let _: ComputeChoice = compute.parse().map_err(fault)?;
            settings.push(format!("model.compute=\"{compute}\""));
        }
        settings.extend(self.seed.map(|seed| format!("seed={seed}")));
        let name = self.recipe.as_deref().unwrap_or_default();
        match self.dry_run {
            false => recipe::load(name, &settings),
            true => recipe::sketch(name, &settings),
        }
        .map_err(Failure::Recipe)
    }

    fn folder(&self, recipe: &Recipe) -> PathBuf {
        let default = || Path::new("runs").join(&recipe.name);
        self.output.clone().unwrap_or_else(default)
    }

    /// Workers for the programs of code tasks, where a stage is paid by them.
    #[cfg(feature = "sandbox")]
    fn attach_sandbox(&self, prepared: &mut Prepared) -> Result<(), Failure> {
        for scorer in prepared.scorers_mut() {
            let guests: Vec<String> = scorer.guests().into_iter().map(str::to_owned).collect();
            if guests.is_empty() {
                continue;
            }
            let names: Vec<&str> = guests.iter().map(String::as_str).collect();
            let runner = super::sandbox_for(&names, self.jobs)?;
            *scorer = scorer.clone().with_sandbox(runner);
        }
        Ok(())
    }

    #[cfg(not(feature = "sandbox"))]
    #[allow(clippy::unused_self, reason = "as in builds with the sandbox")]
    fn attach_sandbox(&self, _prepared: &mut Prepared) -> Result<(), Failure> {
        Ok(())
    }

    fn watchers(&self, tally: &Tally) -> Watchers {
        let mut watchers = Watchers::new();
        watchers.add(RunFiles::new(RunFilesOptions::default()));
        watchers.add(TensorBoard::new());
        watchers.add(tally.clone());
        watchers.add(ReportPage::new());
        if !self.quiet {
            watchers.add(Live::new(match self.plain {
                true => Show::Lines,
                false => Show::suited(),
            }));
        }
        watchers
    }

    fn conclude(&self, ended: Ended, tally: &Tally, folder: &Path) -> Outcome {
        let mut out = anstream::stderr();
        let shown = folder.display().to_string();
        match ended {
            Ended::Stopped => {
                let hint = "the same command with `--resume` goes on";
                writeln!(out, "stopped and saved in {}; {hint}", Safe(&shown))?;
                Ok(Exit::Interrupted)
            }
            Ended::Finished => {
                if !self.quiet {
                    tally.write(&mut out)?;
                    let name = Styled(STRONG, Safe(&shown));
                    let policies = match folder.join("best").exists() {
                        true => "best/ and final/ policies",
                        false => "the final/ policy",
                    };
                    writeln!(out, "{name}: report.html, metrics, completions, {policies}")?;
                }
                Ok(Exit::Done)
            }
        }
    }
}

/// What a run is made on: `cpu, 2 threads`, and what is multiplied where that is not
/// f32.
fn in_words(policy: &Policy, threads: usize) -> String {
    let place = if policy.device().is_cpu() {
        "cpu"
    } else {
        "cuda"
    };
    let threads = match threads {
        1 => "1 thread".to_owned(),
        threads => format!("{threads} threads"),
    };
    match policy.compute() {
        Compute::Kernels | Compute::Plain => format!("{place}, {threads}"),
        Compute::Bf16 => format!("{place}, {threads}, bf16"),
    }
}

/// One client for all that stages and evaluation ask, so that they share answers.
#[cfg(feature = "remote")]
fn attach_remote(prepared: &mut Prepared) -> Result<(), Failure> {
    let asked: Vec<_> = prepared
        .scorers_mut()
        .flat_map(|scorer| scorer.endpoints().into_iter().map(|(_, endpoint)| endpoint))
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let client = Arc::new(Client::new(asked, Some(super::say)).map_err(bad_input)?);
    for scorer in prepared.scorers_mut() {
        *scorer = scorer.clone().with_remote(client.clone());
    }
    Ok(())
}

#[cfg(not(feature = "remote"))]
#[allow(clippy::unnecessary_wraps, reason = "as in builds with the client")]
fn attach_remote(_prepared: &mut Prepared) -> Result<(), Failure> {
    Ok(())
}

/// The shipped recipes, one a line.
fn list() -> io::Result<Exit> {
    let mut out = anstream::stdout().lock();
    let width = recipe::shipped().map(|shipped| shipped.name.len()).max();
    let width = width.unwrap_or(0);
    for shipped in recipe::shipped() {
        let name = format!("{:<width$}", shipped.name);
        let about = recipe::description(shipped);
        writeln!(out, "{}  {}", Styled(STRONG, name), Safe(&about))?;
    }
    Ok(Exit::Done)
}

/// Whose fault an error of training is.
pub(super) fn fault(error: TrainError) -> Failure {
    match error {
        TrainError::Tensor(error) if error.is_out_of_memory() => bad_input(anyhow!(
            "the device has no memory left for the model and its prompts: use a smaller model, \
             shorter prompts, or `--device cpu` ({error})"
        )),
        TrainError::Scoring { .. }
        | TrainError::File { .. }
        | TrainError::Folder(FolderError::Write { .. })
        | TrainError::Watch(_)
        | TrainError::Loss(_)
        | TrainError::Length { .. }
        | TrainError::NoGradient { .. }
        | TrainError::Tensor(_) => Failure::Ours(error.into()),
        error => bad_input(error),
    }
}

/// The first signal ends the run after its step; a second ends the process at once.
pub(super) fn stop_on_signals(stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::SeqCst) {
            std::process::exit(Exit::Interrupted as i32);
        }
    })
    .context("cannot listen for Ctrl-C")
    .map_err(Failure::Ours)
}

#[cfg(test)]
mod tests {
    use super::{Failure, FolderError, TrainError, fault};

    #[test]
    fn a_full_disk_is_not_the_fault_of_what_was_given() {
        let path = || "best/model.safetensors".into();
        let full = || std::io::ErrorKind::StorageFull.into();
        let write = FolderError::Write {
            path: path(),
            source: full(),
        };
        assert!(matches!(fault(TrainError::Folder(write)), Failure::Ours(_)));
        let read = FolderError::Read {
            path: path(),
            source: full(),
        };
        assert!(matches!(fault(TrainError::Folder(read)), Failure::Input(_)));
    }
}
