//! Installed guests, in the user's cache directory.
//!
//! `guests/<name>/` holds the snapshot, `manifest.toml` (the recipe's, and behind it
//! a [`Record`] of what was installed) and in `built/` what the build left, so that
//! a new harness needs no new build. A guest is written beside the old one and then
//! put into its place.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use serde::{Deserialize, Serialize};

use super::InstallError;
use super::recipe::{Built, MANIFEST, Recipe, sha256};
use crate::sandbox::SandboxError;
use crate::sandbox::cache::{COMPILED, Cache, GUESTS, SNAPSHOT, STAND_IN};
use crate::sandbox::engine;
use crate::sandbox::manifest::{GuestName, Manifest, Sha256};

/// The folder of what the build left, in a guest's own.
const BUILT: &str = "built";

/// What an installation locks.
const LOCK: &str = "install.lock";

/// What was installed, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The snapshot.
    pub snapshot_sha256: Sha256,
    /// The recipe: its manifest and all files beside that.
    pub recipe_sha256: Sha256,
    /// What was built, and from what; none for a guest that came ready.
    pub build_sha256: Option<Sha256>,
    /// Whether the build gave what the manifest says.
    pub reproduced: bool,
}

/// An installed guest.
#[derive(Clone, Debug)]
pub struct Installed {
    /// What it is.
    pub manifest: Manifest,
    /// How it came about.
    pub record: Record,
    /// Whether it is what this version of goldstone would install.
    pub state: State,
    /// Size of the snapshot.
    pub bytes: u64,
    /// Whether it has been compiled.
    pub is_compiled: bool,
}

/// What there is of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing.
    Missing,
    /// A guest that another version of goldstone installed, or whose files are not
    /// those of one installation.
    Outdated,
    /// The guest.
    Current,
}

/// The guests in a cache directory.
pub struct Guests {
    cache: Cache,
}

impl Guests {
    /// Opens the cache directory at `path`, or the user's own.
    ///
    /// # Errors
    /// It can't be opened or made.
    pub fn open(path: Option<&Path>) -> Result<Self, SandboxError> {
        Ok(Self {
            cache: Cache::open(path)?,
        })
    }

    /// Where the cache directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.cache.path()
    }

    /// The installed guests, by name.
    ///
    /// # Errors
    /// The directory can't be read.
    pub fn list(&self) -> Result<Vec<Installed>, InstallError> {
        let mut names = Vec::new();
        for entry in self.folder()?.entries().map_err(reading(GUESTS))? {
            let name = entry.map_err(reading(GUESTS))?.file_name();
            let name = name
                .into_string()
                .ok()
                .and_then(|name| GuestName::try_from(name).ok());
            names.extend(name);
        }
        names.sort();
        let installed = names
            .iter()
            .filter_map(|name| self.installed(name).transpose());
        installed.collect()
    }

    /// The guest of that name, where there is one with a manifest.
    ///
    /// # Errors
    /// Its manifest can't be read.
    pub fn installed(&self, name: &GuestName) -> Result<Option<Installed>, InstallError> {
        let Some((manifest, record)) = read_manifest(self.cache.root(), name.as_str())? else {
            return Ok(None);
        };
        let snapshot = Path::new(GUESTS).join(name.as_str()).join(SNAPSHOT);
        let bytes = self
            .cache
            .root()
            .metadata(snapshot)
            .map_or(0, |metadata| metadata.len());
        Ok(Some(Installed {
            state: state(&manifest, &record),
            is_compiled: !self
                .compiled_files(&record)
                .map_err(reading(COMPILED))?
                .is_empty(),
            manifest,
            record,
            bytes,
        }))
    }

    /// The guest that stands in for that of this name, where one does.
    ///
    /// # Errors
    /// What says so can't be read.
    pub fn stand_in(&self, name: &str) -> Result<Option<GuestName>, InstallError> {
        let other = self.cache.stand_in(name).map_err(reading(STAND_IN))?;
        Ok(other.and_then(|other| GuestName::try_from(other).ok()))
    }

    /// Lets the guest `other` stand in for that of this name, in whose folder it says so
    /// until an installation puts the guest itself into its place.
    pub(super) fn put_stand_in(
        &self,
        name: &GuestName,
        other: &GuestName,
    ) -> Result<(), InstallError> {
        let folder = self.folder()?;
        let places = Places::of(name);
        let put = || {
            remove_folder(&folder, &places.new)?;
            folder.create_dir(&places.new)?;
            let guest = folder.open_dir(&places.new)?;
            write(&guest, STAND_IN, other.as_str().as_bytes())?;
            remove_folder(&folder, &places.name)?;
            folder.rename(&places.new, &folder, &places.name)
        };
        let doing = format!("let the guest `{other}` stand in for `{name}`");
        put().map_err(InstallError::io(doing))
    }

    /// Removes a guest and what was compiled of it; whether there was one.
    ///
    /// # Errors
    /// It can't be removed.
    pub fn remove(&self, name: &GuestName) -> Result<bool, InstallError> {
        let _lock = self.lock()?;
        let folder = self.folder()?;
        if !folder.exists(name.as_str()) {
            return Ok(false);
        }
        if let Some((_, record)) = read_manifest(self.cache.root(), name.as_str())
            .ok()
            .flatten()
        {
            self.remove_compiled(&record).map_err(removing(name))?;
        }
        folder
            .remove_dir_all(name.as_str())
            .map_err(removing(name))?;
        Ok(true)
    }

    fn remove_compiled(&self, record: &Record) -> io::Result<()> {
        for file in self.compiled_files(record)? {
            let path = Path::new(COMPILED).join(file);
            self.cache.root().remove_file(path)?;
        }
        Ok(())
    }

    /// The bytes of a guest's snapshot.
    pub(super) fn snapshot(&self, name: &GuestName) -> Result<Vec<u8>, InstallError> {
        let path = Path::new(GUESTS).join(name.as_str()).join(SNAPSHOT);
        read(self.cache.root(), &path).map_err(reading(SNAPSHOT))
    }

    /// Keeps other installations out for as long as the file lives.
    pub(super) fn lock(&self) -> Result<File, InstallError> {
        let path = self.path().join(LOCK);
        let file =
            File::create(&path).map_err(InstallError::io("make the lock of installations"))?;
        file.try_lock()
            .map_err(|_| InstallError::Busy { lock: path })?;
        self.recover()?;
        Ok(file)
    }

    /// Where to build.
    pub(super) fn build_path(&self) -> PathBuf {
        self.path().join("build")
    }

    /// Where the log of a guest's installation goes.
    pub(super) fn log_path(&self, name: &GuestName) -> PathBuf {
        self.path().join("logs").join(format!("{name}.log"))
    }

    /// What the build of this recipe left when it was installed before; only what is
    /// exactly what the manifest says.
    pub(super) fn built(&self, recipe: &Recipe) -> Option<Built> {
        let build = recipe.manifest().build.as_ref()?;
        let (_, record) = read_manifest(self.cache.root(), recipe.name().as_str()).ok()??;
        if record.build_sha256 != recipe.build_sha256(std::env::consts::ARCH) {
            return None;
        }
        let folder = Path::new(GUESTS).join(recipe.name().as_str()).join(BUILT);
        let outputs = build.outputs.iter().map(|(name, expected)| {
            let bytes = read(self.cache.root(), &folder.join(name.as_str())).ok()?;
            (sha256(&bytes) == *expected).then(|| (name.clone(), bytes))
        });
        outputs.collect()
    }

    /// Puts a guest into the place of the one before, and compiles it. Where that
    /// fails, the one before is there again.
    pub(super) fn put(
        &self,
        recipe: &Recipe,
        record: &Record,
        snapshot: &[u8],
        built: &Built,
    ) -> Result<Installed, InstallError> {
        let name = recipe.name();
        let (folder, places) = (self.folder()?, Places::of(name));
        let doing = || format!("write the guest `{name}` to `{}`", self.path().display());
        let before = self.installed(name).ok().flatten();
        let swap = || {
            remove_folder(&folder, &places.new)?;
            write_guest(&folder, &places.new, recipe, record, snapshot, built)?;
            remove_folder(&folder, &places.old)?;
            if folder.exists(&places.name) {
                folder.rename(&places.name, &folder, &places.old)?;
            }
            folder.rename(&places.new, &folder, &places.name)
        };
        swap().map_err(InstallError::io(doing()))?;
        if let Err(error) = self.compile(name) {
            let back = || {
                remove_folder(&folder, &places.name)?;
                self.recover_one(&folder, &places)
            };
            back().map_err(InstallError::io(doing()))?;
            return Err(error.into());
        }
        let clean = || {
            remove_folder(&folder, &places.old)?;
            match before {
                Some(before) if before.record.snapshot_sha256 != record.snapshot_sha256 => {
                    self.remove_compiled(&before.record)
                }
                _ => Ok(()),
            }
        };
        clean().map_err(InstallError::io(doing()))?;
        self.installed(name)?.ok_or_else(|| InstallError::Io {
            doing: doing(),
            source: io::Error::other("it was removed meanwhile"),
        })
    }

    fn compile(&self, name: &GuestName) -> Result<(), SandboxError> {
        let engine =
            engine::compiler().map_err(|error| SandboxError::failed("set up wasmtime", error))?;
        self.cache.prepare(&engine, name.as_str()).map(drop)
    }

    /// Files of compiled code of a guest's snapshot.
    fn compiled_files(&self, record: &Record) -> io::Result<Vec<String>> {
        let compiled = match self.cache.root().read_dir(COMPILED) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            compiled => compiled?,
        };
        let mut files = Vec::new();
        for entry in compiled {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(record.snapshot_sha256.as_str()) {
                files.push(name.into_owned());
            }
        }
        Ok(files)
    }

    /// The folder of all guests, made where there is none.
    fn folder(&self) -> Result<Dir, InstallError> {
        let path = self.path().join(GUESTS);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.and_then(|()| self.cache.root().open_dir(GUESTS))
            .map_err(reading(GUESTS))
    }

    /// Puts back guests that an interrupted installation had moved aside.
    fn recover(&self) -> Result<(), InstallError> {
        let folder = self.folder()?;
        for entry in folder.entries().map_err(reading(GUESTS))? {
            let name = entry.map_err(reading(GUESTS))?.file_name();
            let name = name.to_string_lossy().strip_prefix(OLD).map(str::to_owned);
            if let Some(name) = name.and_then(|name| GuestName::try_from(name).ok()) {
                self.recover_one(&folder, &Places::of(&name))
                    .map_err(reading(GUESTS))?;
            }
        }
        Ok(())
    }

    fn recover_one(&self, folder: &Dir, places: &Places) -> io::Result<()> {
        match folder.exists(&places.old) && !folder.exists(&places.name) {
            true => folder.rename(&places.old, folder, &places.name),
            false => Ok(()),
        }
    }
}

/// Checks that a guest may be run: one that comes with goldstone must be the one that
/// this version installs, since its harness and the judge have to fit together.
///
/// # Errors
/// [`SandboxError::Outdated`]; or its manifest can't be read.
pub(in crate::sandbox) fn check_current(root: &Dir, name: &str) -> Result<(), SandboxError> {
    if Recipe::shipped(name).is_none() {
        return Ok(());
    }
    let found = read_manifest(root, name);
    let found = found.map_err(|error| {
        SandboxError::failed(format!("read the manifest of the guest `{name}`"), error)
    })?;
    match found {
        Some((manifest, record)) if state(&manifest, &record) == State::Current => Ok(()),
        _ => Err(SandboxError::Outdated {
            name: name.to_owned(),
        }),
    }
}

fn state(manifest: &Manifest, record: &Record) -> State {
    match Recipe::shipped(manifest.name.as_str()) {
        Some(recipe) if recipe.sha256() != record.recipe_sha256 => State::Outdated,
        _ => State::Current,
    }
}

/// The beginning of the name under which an old guest waits to be removed.
const OLD: &str = ".old-";

/// Names that a guest's folder has on the way.
struct Places {
    name: String,
    new: String,
    old: String,
}

impl Places {
    fn of(name: &GuestName) -> Self {
        Self {
            name: name.to_string(),
            new: format!(".new-{name}"),
            old: format!("{OLD}{name}"),
        }
    }
}

fn read_manifest(root: &Dir, name: &str) -> Result<Option<(Manifest, Record)>, InstallError> {
    let path = Path::new(GUESTS).join(name).join(MANIFEST);
    let bytes = match read(root, &path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(reading(MANIFEST))?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let manifest = Manifest::parse(&path.display().to_string(), &text)?;
    let record = manifest.installed.clone();
    let record = record.ok_or_else(|| reading(MANIFEST)(io::Error::other("it has no record")))?;
    Ok(Some((manifest, record)))
}

fn write_guest(
    folder: &Dir,
    name: &str,
    recipe: &Recipe,
    record: &Record,
    snapshot: &[u8],
    built: &Built,
) -> io::Result<()> {
    folder.create_dir(name)?;
    let guest = folder.open_dir(name)?;
    write(&guest, SNAPSHOT, snapshot)?;
    if !built.is_empty() {
        guest.create_dir(BUILT)?;
        let kept = guest.open_dir(BUILT)?;
        for (name, bytes) in built {
            write(&kept, name.as_str(), bytes)?;
        }
    }
    #[derive(Serialize)]
    struct Table<'r> {
        installed: &'r Record,
    }
    let table = toml::to_string(&Table { installed: record }).map_err(io::Error::other)?;
    let text = format!(
        "{}\n# Added by `goldstone sandbox install`.\n{table}",
        recipe.text()
    );
    write(&guest, MANIFEST, text.as_bytes())
}

fn write(folder: &Dir, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = folder.open_with(name, &options)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn read(root: &Dir, path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    root.open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn remove_folder(folder: &Dir, name: &str) -> io::Result<()> {
    match folder.exists(name) {
        true => folder.remove_dir_all(name),
        false => Ok(()),
    }
}

fn reading(what: &str) -> impl FnOnce(io::Error) -> InstallError + use<> {
    InstallError::io(format!("read `{what}` in the cache directory"))
}

fn removing(name: &GuestName) -> impl FnOnce(io::Error) -> InstallError + use<> {
    InstallError::io(format!("remove the guest `{name}`"))
}
