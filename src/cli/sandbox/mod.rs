//! `goldstone sandbox`: installs, lists, checks and removes the guests that run
//! programs.

mod progress;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::progress::Show;
use super::terminal::{BAD, FAINT, GOOD, STRONG, Safe, Styled};
use super::{Exit, Failure, Outcome, bad_input};
use crate::sandbox::install::{
    Again, Finding, Guests, InstallError, InstallOptions, Installed, Recipe, State, Watch, install,
    let_stand_in, verify,
};
use crate::sandbox::manifest::GuestName;
use progress::Progress;

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
        let mut installed = install(guests, &recipe, &options, &mut progress);
        let stand_in = match &installed {
            Err(error) if error.lacks_sources() && options.sources.is_empty() => {
                // A guest that is there, if an old one, is not put away for another.
                let is_there = guests
                    .installed(recipe.name())
                    .is_ok_and(|one| one.is_some());
                recipe.stand_in().filter(|_| !is_there)
            }
            _ => None,
        };
        if let Some(other) = &stand_in
            && let Err(error) = &installed
        {
            progress.warn(&format!(
                "`{}` can't be installed ({error}); `{}` is installed to stand in for it",
                recipe.name(),
                other.name()
            ));
            installed = install(guests, other, &InstallOptions::default(), &mut progress);
        }
        let took = progress.end();
        let installed = installed.map_err(failure)?;
        let mut out = anstream::stdout().lock();
        let name = stand_in.as_ref().unwrap_or(&recipe).name();
        match installed {
            None => writeln!(out, "{} is installed already", Styled(STRONG, name))?,
            Some(installed) => writeln!(
                out,
                "{} {} installed in {}: {}, sha256 {}",
                Styled(STRONG, name),
                installed.manifest.version,
                clock(took),
                megabytes(installed.bytes),
                prefix(&installed),
            )?,
        }
        if stand_in.is_some() {
            let_stand_in(guests, &recipe, name).map_err(failure)?;
            writeln!(
                out,
                "{name} stands in for {}",
                Styled(STRONG, recipe.name())
            )?;
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
    /// The guest that does its work, where it is not installed itself.
    stand_in: Option<String>,
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
            stand_in: None,
        }
    }
}

impl Listed {
    /// A guest that comes with goldstone and is not installed.
    fn missing(name: &str, stand_in: Option<GuestName>) -> Option<Self> {
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
            stand_in: stand_in.map(String::from),
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
        for name in missing {
            let stand_in = guests.stand_in(name).map_err(failure)?;
            listed.extend(Listed::missing(name, stand_in));
        }
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
    if let Some(other) = &guest.stand_in {
        return format!("not installed, {other} stands in for it");
    }
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
                    let stand_in = guests.stand_in(name).map_err(failure)?;
                    let name = match stand_in {
                        Some(other) => other,
                        None => guest_name(name)?,
                    };
                    let found = guests.installed(&name).map_err(failure)?;
                    found.ok_or_else(|| not_installed(name.as_str()))
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
