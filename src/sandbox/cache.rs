//! The user's cache directory: installed guests, and their compiled modules.
//!
//! `guests/<name>/guest.wasm` is a snapshot that is ready to run;
//! `compiled/<sha256 of the snapshot>-<hash of wasmtime, its settings and the
//! CPU>.cwasm` is what wasmtime made of it. A compiled module is machine code that
//! is run unchecked. So it is read only from a directory and a file that nobody
//! else could have written to, through descriptors that stay the same from the
//! check to the use, and it comes into being complete or not at all.

use std::fs::DirBuilder;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, process};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

use super::SandboxError;
use super::install::check_current;

/// Where installed guests are.
pub(in crate::sandbox) const GUESTS: &str = "guests";

/// Where compiled modules are.
pub(in crate::sandbox) const COMPILED: &str = "compiled";

/// The snapshot of a guest, in its folder.
pub(in crate::sandbox) const SNAPSHOT: &str = "guest.wasm";

/// In the folder of a guest that could not be installed: the name of the one that
/// stands in for it.
pub(in crate::sandbox) const STAND_IN: &str = "stand-in";

/// A guest that is compiled.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Prepared {
    /// Its name: that of the guest which was asked for, or of the one that stands in
    /// for it.
    pub(in crate::sandbox) guest: String,
    /// sha256 of its snapshot, in hexadecimal.
    pub(in crate::sandbox) sha256: String,
}

/// The cache directory.
#[derive(Debug)]
pub(in crate::sandbox) struct Cache {
    root: Dir,
    path: PathBuf,
}

impl Cache {
    /// Opens the directory at `path`, or the user's own: `$GOLDSTONE_CACHE`, else
    /// `$XDG_CACHE_HOME/goldstone`, else `~/.cache/goldstone`. Makes it where there
    /// is none, readable by the user alone.
    pub(in crate::sandbox) fn open(path: Option<&Path>) -> Result<Self, SandboxError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => user_directory().ok_or_else(|| {
                let error = io::Error::other("neither GOLDSTONE_CACHE nor HOME is set");
                SandboxError::failed("find its cache directory", error)
            })?,
        };
        Self::open_at(&path).map_err(|error| {
            let doing = format!("open its cache directory `{}`", path.display());
            SandboxError::failed(doing, error)
        })
    }

    fn open_at(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let path = path.canonicalize()?;
        let root = Dir::open_ambient_dir(&path, ambient_authority())?;
        Ok(Self { root, path })
    }

    /// Where the directory is.
    pub(in crate::sandbox) fn path(&self) -> &Path {
        &self.path
    }

    /// Where compiled modules are.
    pub(super) fn compiled_path(&self) -> PathBuf {
        self.path.join(COMPILED)
    }

    /// The directory.
    pub(in crate::sandbox) fn root(&self) -> &Dir {
        &self.root
    }

    /// Makes sure that the guest `name`, or the one that stands in for it, is compiled
    /// for `engine`.
    ///
    /// # Errors
    /// [`SandboxError::NotInstalled`], and our own failures.
    pub(in crate::sandbox) fn prepare(
        &self,
        engine: &Engine,
        name: &str,
    ) -> Result<Prepared, SandboxError> {
        let stand_in = self.stand_in(name);
        let stand_in = stand_in.map_err(|error| {
            SandboxError::failed(format!("read what stands in for the guest `{name}`"), error)
        })?;
        let (name, snapshot) = match &stand_in {
            None => (name, self.snapshot(name)?),
            Some(other) => {
                let snapshot = self.snapshot(other);
                let missing = |error| match error {
                    SandboxError::NotInstalled { .. } => not_installed(name),
                    error => error,
                };
                (other.as_str(), snapshot.map_err(missing)?)
            }
        };
        check_current(&self.root, name)?;
        let sha256 = HEXLOWER.encode(&Sha256::digest(&snapshot));
        let failed = |error| SandboxError::failed(format!("compile the guest `{name}`"), error);
        let compiled = self
            .compiled_directory()
            .map_err(|error| failed(error.into()))?;
        let file = compiled_name(&sha256, engine);
        if !compiled.exists(&file) {
            let code = engine.precompile_module(&snapshot).map_err(failed)?;
            write_whole(&compiled, &file, &code).map_err(|error| failed(error.into()))?;
        }
        Ok(Prepared {
            guest: name.to_owned(),
            sha256,
        })
    }

    /// The guest that stands in for `name`, where one does.
    pub(in crate::sandbox) fn stand_in(&self, name: &str) -> io::Result<Option<String>> {
        if !is_guest_name(name) {
            return Ok(None);
        }
        let mut file = match self.root.open(Path::new(GUESTS).join(name).join(STAND_IN)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        refuse_foreign(&file.metadata()?)?;
        let mut other = String::new();
        file.read_to_string(&mut other)?;
        match is_guest_name(&other) {
            true => Ok(Some(other)),
            false => Err(io::Error::other("it is not the name of a guest")),
        }
    }

    /// The compiled module of the snapshot with this sha256.
    pub(super) fn load(&self, engine: &Engine, sha256: &str) -> Result<Module, SandboxError> {
        let file = compiled_name(sha256, engine);
        let failed = |error| SandboxError::failed(format!("load `{COMPILED}/{file}`"), error);
        let open = || {
            let file = self.compiled_directory()?.open(&file)?;
            refuse_foreign(&file.metadata()?)?;
            Ok(file)
        };
        let code = open().map_err(|error: io::Error| failed(error.into()))?;
        deserialize(engine, code).map_err(failed)
    }

    /// The bytes of an installed snapshot.
    fn snapshot(&self, name: &str) -> Result<Vec<u8>, SandboxError> {
        if !is_guest_name(name) {
            return Err(not_installed(name));
        }
        let read = || {
            let mut file = self
                .root
                .open(Path::new(GUESTS).join(name).join(SNAPSHOT))?;
            refuse_foreign(&file.metadata()?)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => not_installed(name),
            _ => SandboxError::failed(format!("read the guest `{name}`"), error),
        })
    }

    /// The directory of compiled modules, made where there is none.
    pub(super) fn compiled_directory(&self) -> io::Result<Dir> {
        if !self.root.is_dir(COMPILED) {
            let mut builder = DirBuilder::new();
            builder
                .recursive(true)
                .mode(0o700)
                .create(self.compiled_path())?;
        }
        let compiled = self.root.open_dir(COMPILED)?;
        refuse_foreign(&compiled.dir_metadata()?)?;
        Ok(compiled)
    }
}

fn not_installed(name: &str) -> SandboxError {
    SandboxError::NotInstalled {
        name: name.to_owned(),
    }
}

/// The user's own cache directory.
fn user_directory() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = set("GOLDSTONE_CACHE") {
        return Some(path.into());
    }
    let caches = match set("XDG_CACHE_HOME") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(set("HOME")?).join(".cache"),
    };
    Some(caches.join("goldstone"))
}

/// Whether `name` can be that of a guest, and of a folder.
pub(in crate::sandbox) fn is_guest_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// The file of a compiled module. The hash covers all that wasmtime checks before
/// it takes compiled code: its version, its settings, the target and its features.
fn compiled_name(sha256: &str, engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{sha256}-{:016x}.cwasm", hasher.finish())
}

/// Refuses what somebody else owns or may write to. The system's administrator
/// may do anything in any case.
fn refuse_foreign(metadata: &Metadata) -> io::Result<()> {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    let user = rustix::process::geteuid().as_raw();
    let problem = match metadata {
        _ if metadata.uid() != user && metadata.uid() != 0 => "it belongs to another user",
        _ if metadata.mode() & WRITABLE_BY_OTHERS != 0 => "other users may write to it",
        _ => return Ok(()),
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
}

/// Writes a file under another name first, so that it is never seen in part. The
/// other name is nobody else's: no process and no thread has written to the file.
fn write_whole(directory: &Dir, name: &str, bytes: &[u8]) -> io::Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let part = format!(".part-{}-{count}-{name}", process::id());
    let written = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        // Left by a process of the same number that was killed.
        match directory.remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = directory.open_with(&part, &options)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        directory.rename(&part, directory, name)
    })();
    if written.is_err() {
        // The first error says more than that of cleaning up would.
        drop(directory.remove_file(&part));
    }
    written
}

/// Maps compiled code into memory.
#[allow(
    unsafe_code,
    reason = "wasmtime can't check compiled code; see the comment"
)]
fn deserialize(engine: &Engine, code: File) -> wasmtime::Result<Module> {
    // SAFETY: the file was written by `write_whole` from `precompile_module`, since
    // it and its directory belong to this user or the administrator and nobody
    // else may write to them (`refuse_foreign`). It is never changed in place:
    // files are replaced by renaming. wasmtime refuses code of another version.
    unsafe { Module::deserialize_open_file(engine, code.into_std()) }
}
