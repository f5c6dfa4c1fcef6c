//! Installs guests: a recipe in, a snapshot that is ready to run in the user's
//! cache directory out.
//!
//! Fetches the inputs that the manifest names with the ordinary clients, or takes
//! files given; checks each against its sha256; builds; boots the module and takes
//! its snapshot; compiles it; and only then replaces what was installed before.
//! Whatever fails on the way leaves the old guest as it was.

mod apt;
mod build;
mod command;
mod inputs;
mod pip;
mod recipe;
mod snapshot;
mod stack;
mod store;
mod tools;
mod verify;

use std::io;
use std::path::{Path, PathBuf};

use crate::sandbox::SandboxError;
use crate::sandbox::manifest::{GuestName, ManifestError, Sha256};

pub(in crate::sandbox) use store::check_current;

pub use recipe::Recipe;
pub use store::{Guests, Installed, Record, State};
pub use verify::{Finding, verify};

/// How a guest is installed.
#[derive(Clone, Debug, Default)]
pub struct InstallOptions {
    /// Files to take for inputs instead of fetching them, in any order: they are
    /// known by their sha256.
    pub sources: Vec<PathBuf>,
    /// A folder to build in, and to keep; what it holds already is not built again.
    pub keep_build: Option<PathBuf>,
    /// Whether to build what is installed already.
    pub again: Again,
}

/// Whether to do what is done already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// Only what is missing or out of date.
    #[default]
    IfNeeded,
    /// Everything.
    Always,
}

/// Who is told how far an installation is.
pub trait Watch {
    /// A stage begins.
    fn stage(&mut self, stage: &str);
    /// A command said something, which is in the log as well.
    fn line(&mut self, line: &str);
    /// Something that is good to know.
    fn note(&mut self, note: &str);
    /// Something that must not go unseen.
    fn warn(&mut self, warning: &str);
}

/// Why a guest could not be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// A manifest has a mistake.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file is not the one that the manifest names.
    #[error("`{file}` is not what the manifest names: expected sha256 {expected}, found {found}")]
    WrongFile {
        /// The file.
        file: PathBuf,
        /// What the manifest says.
        expected: Sha256,
        /// What it is.
        found: Sha256,
    },
    /// A file was given that the guest has no use for.
    #[error("`{file}` (sha256 {found}) is none of the inputs; they are {inputs}")]
    UnknownSource {
        /// The file.
        file: PathBuf,
        /// Its sha256.
        found: Sha256,
        /// The inputs, with their sha256.
        inputs: String,
    },
    /// Inputs can't be had where the manifest says.
    #[error(
        "can't fetch what the guest is built from: {problem}; get elsewhere and give with \
         `--source FILE`: {missing}"
    )]
    NotFetched {
        /// Why not.
        problem: String,
        /// The files, with their sha256 and where old versions are.
        missing: String,
        /// The last lines of the client that failed.
        output: Vec<String>,
    },
    /// No input of a role is for this machine.
    #[error("the manifest names no `{role}` for this machine ({machine})")]
    NotForThisMachine {
        /// The role.
        role: String,
        /// The processor.
        machine: String,
    },
    /// Commands are missing.
    #[error("the build needs {missing}, not found here; {advice}")]
    MissingTools {
        /// The commands.
        missing: String,
        /// Whether apt is among them, without which no source package can be fetched.
        lacks_apt: bool,
        /// What to run.
        advice: String,
    },
    /// A command failed.
    #[error("{what} failed ({how}); its output is in `{log}`")]
    Command {
        /// What it was to do.
        what: String,
        /// Its exit status.
        how: String,
        /// Where all of its output is.
        log: PathBuf,
        /// Its last lines.
        tail: Vec<String>,
    },
    /// The module did not boot.
    #[error("the guest did not boot: {problem}")]
    Boot {
        /// What ended it.
        problem: String,
        /// The last lines that it wrote.
        said: Vec<String>,
    },
    /// Another installation is going on.
    #[error("another installation is going on (`{lock}` is locked)")]
    Busy {
        /// What it locks.
        lock: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("could not {doing}")]
    Io {
        /// What was to be done.
        doing: String,
        /// Why it could not.
        #[source]
        source: io::Error,
    },
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl InstallError {
    /// The last lines of what failed: output of a program, not to be trusted.
    #[must_use]
    pub fn output(&self) -> &[String] {
        match self {
            Self::Command { tail, .. } => tail,
            Self::Boot { said, .. } => said,
            Self::NotFetched { output, .. } => output,
            _ => &[],
        }
    }

    /// Whether what the guest is built from can't be had here.
    #[must_use]
    pub fn lacks_sources(&self) -> bool {
        matches!(
            self,
            Self::NotFetched { .. }
                | Self::MissingTools {
                    lacks_apt: true,
                    ..
                }
        )
    }

    fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// Installs a guest; `None` where it is installed already.
///
/// # Errors
/// As [`InstallError`] says; what was installed before is then as it was.
pub fn install(
    guests: &Guests,
    recipe: &Recipe,
    options: &InstallOptions,
    watch: &mut dyn Watch,
) -> Result<Option<Installed>, InstallError> {
    let lock = guests.lock()?;
    if options.again == Again::IfNeeded && is_installed(guests, recipe) {
        return Ok(None);
    }
    let (built, reproduced) = built(guests, recipe, options, watch)?;
    watch.stage("boot the guest and take its snapshot");
    let snapshot = snapshot::take(recipe, &built)?;
    let record = Record {
        snapshot_sha256: recipe::sha256(&snapshot),
        recipe_sha256: recipe.sha256(),
        build_sha256: recipe.build_sha256(std::env::consts::ARCH),
        reproduced,
    };
    watch.stage("write and compile the snapshot");
    let installed = guests.put(recipe, &record, &snapshot, &built)?;
    drop(lock);
    Ok(Some(installed))
}

/// Lets the guest `stand_in`, which is installed, do the work of `recipe`'s, until that
/// one is installed itself.
///
/// # Errors
/// That can't be written down.
pub fn let_stand_in(
    guests: &Guests,
    recipe: &Recipe,
    stand_in: &GuestName,
) -> Result<(), InstallError> {
    let _lock = guests.lock()?;
    guests.put_stand_in(recipe.name(), stand_in)
}

/// Whether exactly this guest is installed, undamaged.
fn is_installed(guests: &Guests, recipe: &Recipe) -> bool {
    let Ok(Some(installed)) = guests.installed(recipe.name()) else {
        return false;
    };
    let record = &installed.record;
    let snapshot = guests.snapshot(recipe.name());
    record.recipe_sha256 == recipe.sha256()
        && snapshot.is_ok_and(|bytes| recipe::sha256(&bytes) == record.snapshot_sha256)
}

/// What the build leaves, and whether that is what the manifest says: from the guest
/// installed before where that was made of the same, or built.
fn built(
    guests: &Guests,
    recipe: &Recipe,
    options: &InstallOptions,
    watch: &mut dyn Watch,
) -> Result<(recipe::Built, bool), InstallError> {
    let Some(build) = &recipe.manifest().build else {
        return Ok((recipe::Built::new(), true));
    };
    if options.again == Again::IfNeeded
        && options.keep_build.is_none()
        && let Some(built) = guests.built(recipe)
    {
        return Ok((built, true));
    }
    let machine = std::env::consts::ARCH;
    tools::check(build, &inputs::clients(recipe, machine, &options.sources)?)?;
    let work = build::Work::open(guests, recipe, options.keep_build.as_deref())?;
    let mut log = command::Log::create(&guests.log_path(recipe.name()))?;
    let mut run = command::Runner {
        log: &mut log,
        watch,
    };
    run.watch
        .note(&format!("building `{}`: {}", recipe.name(), build.cost));
    let files = inputs::gather(recipe, machine, &options.sources, work.path(), &mut run)?;
    let built = build::run(recipe, build, &files, work.path(), &mut run)?;
    let mut reproduced = true;
    for (name, expected) in &build.outputs {
        let found = recipe::sha256(built.get(name).map_or(&[], Vec::as_slice));
        if found != *expected {
            reproduced = false;
            run.watch.warn(&format!(
                "`{name}` was built from the right sources but differs from the build that \
                 the manifest names: expected sha256 {expected}, found {found}"
            ));
        }
    }
    Ok((built, reproduced))
}

/// The folder of a path, made where there is none.
fn make_folder(path: &Path) -> Result<(), InstallError> {
    std::fs::create_dir_all(path).map_err(InstallError::io(format!(
        "make the folder `{}`",
        path.display()
    )))
}
