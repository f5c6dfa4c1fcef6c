//! `goldstone sandbox`: installs, lists, checks and removes the guests that run
//! programs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::progress::Show;
use super::terminal::{BAD, DOUBT, FAINT, GOOD, STRONG, Safe, Styled, shortened};
use super::{Exit, Failure, Outcome, bad_input};
use crate::sandbox::install::{
    Again, Finding, Guests, InstallError, InstallOptions, Installed, Recipe, State, Watch, install,
    verify,
};
use crate::sandbox::manifest::GuestName;

/// Install, list, check and remove the guests that run programs.
///
/// A guest is an interpreter as a WebAssembly module. It lies in $GOLDSTONE_CACHE,
/// else in $XDG_CACHE_HOME/goldstone, else in ~/.cache/goldstone.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone sandbox install python
  goldstone sandbox list
  goldstone sandbox verify python")]
pub(super) struct Sandbox {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build a guest from its sources and install it
    Install(Install),
    /// List the guests that there are
    List(List),
    /// Check installed guests: their files, and a program that runs in them
    Verify(Verify),
    /// Remove installed guests
    Remove(Remove),
}

/// Build a guest from its sources and install it.
///
/// Fetches with apt and pip what its manifest names, as any user; nothing is
/// installed into the system. What is installed already is left alone.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone sandbox install python
  goldstone sandbox install python --source Python-3.13.5.tar.xz
  goldstone sandbox install ./my-guest")]
struct Install {
    /// A guest that comes with goldstone, or a folder with a manifest.toml
    #[arg(value_name = "GUEST")]
    guest: String,
    /// A file to use instead of fetching it; known by its sha256
    #[arg(long, value_name = "FILE")]
    source: Vec<PathBuf>,
    /// Build even what is installed already
    #[arg(long)]
    force: bool,
    /// Build in this folder, keep it, and go on where an earlier build stopped
    #[arg(long, value_name = "DIR")]
    keep_build: Option<PathBuf>,
}

#[derive(Args)]
struct List {
    /// Print JSON lines
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Verify {
    /// Guests to check; all that are installed if none is named
    #[arg(value_name = "GUEST")]
    guests: Vec<String>,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Remove {
    /// Guests to remove
    #[arg(value_name = "GUEST", required = true)]
    guests: Vec<String>,
}

impl Sandbox {
    pub(super) fn run(self) -> Outcome {
        let guests = Guests::open(None).map_err(|error| Failure::Ours(error.into()))?;
        match self.command {
            Command::Install(command) => command.run(&guests),
            Command::List(command) => command.run(&guests),
            Command::Verify(command) => command.run(&guests),
            Command::Remove(command) => command.run(&guests),
        }
    }
}

impl Install {
    fn run(self, guests: &Guests) -> Outcome {
        let recipe = recipe(&self.guest)?;
        let options = InstallOptions {
            sources: self.source,
            keep_build: self.keep_build,
            again: match self.force {
                true => Again::Always,
                false => Again::IfNeeded,
            },
        };
        let mut progress = Progress::new(Show::suited());
        let installed = install(guests, &recipe, &options, &mut progress);
        let took = progress.end();
        let mut out = anstream::stdout().lock();
        match installed.map_err(failure)? {
            None => writeln!(
                out,
                "{} is installed already",
                Styled(STRONG, recipe.name())
            )?,
            Some(installed) => writeln!(
                out,
                "{} {} installed in {}: {}, sha256 {}",
                Styled(STRONG, recipe.name()),
                installed.manifest.version,
                clock(took),
                megabytes(installed.bytes),
                prefix(&installed),
            )?,
        }
        Ok(Exit::Done)
    }
}

/// The guest that an argument names: one that comes with goldstone, or a folder.
fn recipe(guest: &str) -> Result<Recipe, Failure> {
    if let Some(recipe) = Recipe::shipped(guest) {
        return Ok(recipe);
    }
    let folder = Path::new(guest);
    if folder.is_dir() {
        return Recipe::read(folder).map_err(failure);
    }
    let shipped: Vec<&str> = Recipe::shipped_names().collect();
    Err(bad_input(anyhow!(
        "there is no guest `{guest}`; those that come with goldstone: {} \
         (or give a folder with a manifest.toml)",
        shipped.join(", ")
    )))
}

/// Whose fault it is that an installation failed.
fn failure(error: InstallError) -> Failure {
    for line in error.output() {
        // The error itself says what failed.
        drop(writeln!(anstream::stderr(), "    {}", Safe(line)));
    }
    match error {
        InstallError::Manifest(_)
        | InstallError::WrongFile { .. }
        | InstallError::UnknownSource { .. }
        | InstallError::NotForThisMachine { .. }
        | InstallError::MissingTools { .. } => Failure::Input(error.into()),
        _ => Failure::Ours(error.into()),
    }
}

/// A guest as `list` shows it.
#[derive(Serialize)]
struct Listed {
    name: String,
    version: String,
    language: String,
    description: String,
    state: State,
    is_compiled: bool,
    bytes: Option<u64>,
    sha256: Option<String>,
    reproduced: Option<bool>,
}

impl From<&Installed> for Listed {
    fn from(installed: &Installed) -> Self {
        let manifest = &installed.manifest;
        Self {
            name: manifest.name.to_string(),
            version: manifest.version.clone(),
            language: manifest.language.clone(),
            description: manifest.description.clone(),
            state: installed.state,
            is_compiled: installed.is_compiled,
            bytes: Some(installed.bytes),
            sha256: Some(installed.record.snapshot_sha256.to_string()),
            reproduced: Some(installed.record.reproduced),
        }
    }
}

impl Listed {
    /// A guest that comes with goldstone and is not installed.
    fn missing(name: &str) -> Option<Self> {
        let recipe = Recipe::shipped(name)?;
        let manifest = recipe.manifest();
        Some(Self {
            name: name.to_owned(),
            version: manifest.version.clone(),
            language: manifest.language.clone(),
            description: manifest.description.clone(),
            state: State::Missing,
            is_compiled: false,
            bytes: None,
            sha256: None,
            reproduced: None,
        })
    }
}

impl List {
    fn run(self, guests: &Guests) -> Outcome {
        let installed = guests.list().map_err(failure)?;
        let mut listed: Vec<Listed> = installed.iter().map(Listed::from).collect();
        let is_listed = |name: &str| {
            installed
                .iter()
                .any(|one| one.manifest.name.as_str() == name)
        };
        let missing = Recipe::shipped_names().filter(|name| !is_listed(name));
        listed.extend(missing.filter_map(Listed::missing));
        let mut out = anstream::stdout().lock();
        if self.json {
            for guest in &listed {
                write_json(&mut out, guest)?;
            }
            return Ok(Exit::Done);
        }
        let width = listed
            .iter()
            .map(|guest| guest.name.len())
            .max()
            .unwrap_or(0);
        for guest in &listed {
            let name = format!("{:<width$}", guest.name);
            let size = guest.bytes.map(megabytes).unwrap_or_default();
            let sha256 = guest.sha256.as_deref().unwrap_or_default();
            writeln!(
                out,
                "{}  {:<16} {:>8}  {:<12}  {}  {}",
                Styled(STRONG, name),
                Safe(&guest.version),
                size,
                sha256.get(..12).unwrap_or_default(),
                state(guest),
                Styled(FAINT, Safe(&guest.description)),
            )?;
        }
        Ok(Exit::Done)
    }
}

fn state(guest: &Listed) -> String {
    match (guest.state, guest.is_compiled) {
        (State::Missing, _) => {
            format!(
                "not installed: run `goldstone sandbox install {}`",
                guest.name
            )
        }
        (State::Outdated, _) => {
            format!(
                "out of date: run `goldstone sandbox install {}`",
                guest.name
            )
        }
        (State::Current, true) => "installed, compiled".into(),
        (State::Current, false) => "installed, not compiled".into(),
    }
}

/// What `verify` says of a guest.
#[derive(Serialize)]
struct Verified<'g> {
    name: &'g str,
    ok: bool,
    findings: &'g [Finding],
}

impl Verify {
    fn run(self, guests: &Guests) -> Outcome {
        let installed = match self.guests.as_slice() {
            [] => guests.list().map_err(failure)?,
            names => names
                .iter()
                .map(|name| {
                    let found = guests.installed(&guest_name(name)?).map_err(failure)?;
                    found.ok_or_else(|| not_installed(name))
                })
                .collect::<Result<_, Failure>>()?,
        };
        if installed.is_empty() {
            return Err(bad_input(anyhow!(
                "no guest is installed; run `goldstone sandbox install python`"
            )));
        }
        let mut out = anstream::stdout().lock();
        let mut exit = Exit::Done;
        for guest in &installed {
            let findings = verify(guests, guest).map_err(failure)?;
            let ok = findings.iter().all(|finding| finding.problem.is_none());
            if !ok {
                exit = Exit::OurFailure;
            }
            let name = guest.manifest.name.as_str();
            if self.json {
                let findings = findings.as_slice();
                write_json(&mut out, &Verified { name, ok, findings })?;
                continue;
            }
            for Finding { check, problem } in &findings {
                match problem {
                    None => writeln!(out, "{}  {name}: {check}", Styled(GOOD, "ok"))?,
                    Some(problem) => {
                        let said = format!("{name}: {check}: {problem}");
                        writeln!(out, "{}  {}", Styled(BAD, "bad"), Safe(&said))?;
                    }
                }
            }
        }
        Ok(exit)
    }
}

impl Remove {
    fn run(self, guests: &Guests) -> Outcome {
        let mut out = anstream::stdout().lock();
        for name in &self.guests {
            match guests.remove(&guest_name(name)?).map_err(failure)? {
                true => writeln!(out, "{} is removed", Styled(STRONG, name))?,
                false => return Err(not_installed(name)),
            }
        }
        Ok(Exit::Done)
    }
}

fn guest_name(name: &str) -> Result<GuestName, Failure> {
    GuestName::try_from(name.to_owned()).map_err(|why| bad_input(anyhow!("`{name}`: {why}")))
}

fn not_installed(name: &str) -> Failure {
    bad_input(anyhow!("no guest `{name}` is installed"))
}

fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_string(value).map_err(io::Error::other)?;
    writeln!(out, "{line}")
}

fn prefix(installed: &Installed) -> &str {
    let sha256 = installed.record.snapshot_sha256.as_str();
    sha256.get(..12).unwrap_or(sha256)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// `0:07`, `4:05`
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Shows how far an installation is, on standard error: a line that changes on a
/// terminal, a line for each stage elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
}

impl Progress {
    fn new(show: Show) -> Self {
        let bar = (show == Show::Bar).then(|| {
            let style = "{spinner} {elapsed_precise}  {prefix}  {msg:.dim}";
            let style = ProgressStyle::with_template(style).expect("the template is a constant");
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self {
            bar,
            began: Instant::now(),
        }
    }

    /// Clears what is shown; how long it all took.
    fn end(self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.began.elapsed()
    }

    /// Says something that stays.
    fn say(&self, text: &str) {
        let write = || {
            // Progress that nobody can see is no reason to fail.
            drop(writeln!(anstream::stderr(), "{text}"));
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Watch for Progress {
    fn stage(&mut self, stage: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(Safe(stage).to_string());
                bar.set_message("");
            }
            None => self.say(&format!("{}  {}", clock(self.began.elapsed()), Safe(stage))),
        }
    }

    fn line(&mut self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(shortened(&Safe(line).to_string(), 60));
        }
    }

    fn note(&mut self, note: &str) {
        self.say(&Safe(note).to_string());
    }

    fn warn(&mut self, warning: &str) {
        self.say(&format!("{}: {}", Styled(DOUBT, "warning"), Safe(warning)));
    }
}
