//! A guest before it is installed: its manifest and the files that this names, from
//! this binary or from a folder of the user's.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256 as Hasher};

use super::InstallError;
use crate::sandbox::manifest::{FileName, GuestName, Manifest, Piece, Place, Sha256};

/// The file that makes a folder a guest.
pub(super) const MANIFEST: &str = "manifest.toml";

/// No file that a manifest names is larger.
const FILE_BYTES: u64 = 1 << 30;

/// A guest's manifest and the files that it names.
#[derive(Clone, Debug)]
pub struct Recipe {
    manifest: Manifest,
    text: String,
    /// By their path from the manifest.
    files: BTreeMap<String, Vec<u8>>,
}

/// A guest that comes with goldstone.
struct Shipped {
    name: &'static str,
    /// The guest that runs the same programs where this one can't be had.
    stand_in: Option<&'static str>,
    manifest: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

macro_rules! shipped {
    ($name:literal, $stand_in:expr; $($file:literal),+) => {
        Shipped {
            name: $name,
            stand_in: $stand_in,
            manifest: include_str!(concat!("../../../sandboxes/", $name, "/manifest.toml")),
            files: &[$((
                $file,
                include_bytes!(concat!("../../../sandboxes/", $name, "/", $file)),
            )),+],
        }
    };
}

/// The same with the harness of Python's guests among its files.
macro_rules! shipped_python {
    ($name:literal, $stand_in:expr; $($file:literal),+) => {
        shipped!(
            $name, $stand_in; $($file),+,
            "harness/asserts.py", "harness/candidate.py", "harness/exceptions.py",
            "harness/handle.py", "harness/main.py", "harness/order.py", "harness/plain.py",
            "harness/program.py", "harness/pytest_module.py", "harness/reader.py",
            "harness/shared.py", "harness/suite.py", "harness/tester.py", "harness/turn.py"
        )
    };
}

const SHIPPED: [Shipped; 2] = [
    shipped_python!(
        "python", Some("python-scientific");
        "boot.py", "build.sh", "mkstdlib.py", "netstubs.c", "shim.c"
    ),
    shipped_python!("python-scientific", None; "boot.py", "unpack.py", "unpack.sh"),
];

impl Recipe {
    /// The names of the guests that come with goldstone.
    pub fn shipped_names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|shipped| shipped.name)
    }

    /// The guest of that name that comes with goldstone.
    #[must_use]
    pub fn shipped(name: &str) -> Option<Self> {
        let shipped = SHIPPED.iter().find(|shipped| shipped.name == name)?;
        let origin = format!("sandboxes/{name}/{MANIFEST}");
        let manifest = Manifest::parse(&origin, shipped.manifest);
        let files = shipped.files.iter();
        let files = files.map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()));
        Some(Self {
            manifest: manifest.expect("tested"),
            text: shipped.manifest.to_owned(),
            files: files.collect(),
        })
    }

    /// The guest that runs the same programs and that comes with goldstone too, for
    /// where the sources of this one can't be had.
    #[must_use]
    pub fn stand_in(&self) -> Option<Self> {
        let name = self.name().as_str();
        let shipped = SHIPPED.iter().find(|shipped| shipped.name == name)?;
        shipped.stand_in.and_then(Self::shipped)
    }

    /// The guest in a folder.
    ///
    /// # Errors
    /// The manifest or a file that it names can't be read, or has a mistake.
    pub fn read(folder: &Path) -> Result<Self, InstallError> {
        let path = folder.join(MANIFEST);
        let text = String::from_utf8(read_file(&path)?).map_err(|_| InstallError::Io {
            doing: format!("read `{}`", path.display()),
            source: io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"),
        })?;
        let manifest = Manifest::parse(&path.display().to_string(), &text)?;
        if manifest.installed.is_some() {
            return Err(InstallError::Io {
                doing: format!("use `{}`", path.display()),
                source: io::Error::other("`installed` is written by the installation alone"),
            });
        }
        let files = manifest.files().into_iter().map(|path| {
            let bytes = read_file(&folder.join(path))?;
            Ok((path.to_owned(), bytes))
        });
        let recipe = Self {
            files: files.collect::<Result<_, InstallError>>()?,
            manifest,
            text,
        };
        recipe.check_files(folder)?;
        Ok(recipe)
    }

    /// Checks the files whose sha256 the manifest names.
    fn check_files(&self, folder: &Path) -> Result<(), InstallError> {
        for piece in self.manifest.pieces() {
            let (Place::Beside(path), Some(expected)) = (&piece.place, &piece.sha256) else {
                continue;
            };
            let found = sha256(self.file(path.as_str()));
            if found != *expected {
                return Err(InstallError::WrongFile {
                    file: folder.join(path.as_str()),
                    expected: expected.clone(),
                    found,
                });
            }
        }
        Ok(())
    }

    /// What the guest is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The guest's name.
    #[must_use]
    pub fn name(&self) -> &GuestName {
        &self.manifest.name
    }

    /// The text of the manifest.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A file, by its path from the manifest.
    pub(super) fn file(&self, path: &str) -> &[u8] {
        // `Manifest::files` named all of them when the recipe was read.
        self.files.get(path).map_or(&[], Vec::as_slice)
    }

    /// Identifies the guest that this recipe makes: a hash of all that goes in.
    pub(super) fn sha256(&self) -> Sha256 {
        let manifest = [(MANIFEST, self.text.as_bytes())];
        let files = self
            .files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
        hash_named(manifest.into_iter().chain(files))
    }

    /// Identifies what its build makes: a hash of the script, of what it reads and
    /// of its inputs. `None` where nothing is built.
    pub(super) fn build_sha256(&self, machine: &str) -> Option<Sha256> {
        let build = self.manifest.build.as_ref()?;
        let files = build.files.iter().chain([&build.script]);
        let files = files.map(|name| (name.as_str(), self.file(name.as_str())));
        let inputs = self.manifest.inputs_for(machine);
        let inputs = inputs.iter().map(|(role, input)| {
            let sha256 = input.map_or("", |input| input.sha256.as_str());
            (*role, sha256.as_bytes())
        });
        Some(hash_named(files.chain(inputs)))
    }

    /// The bytes of a piece, with its length before it where the manifest says so.
    pub(super) fn piece(&self, piece: &Piece, built: &Built) -> Vec<u8> {
        let bytes = match &piece.place {
            Place::Beside(path) => self.file(path.as_str()),
            Place::Built(name) => built.get(name).map_or(&[][..], Vec::as_slice),
        };
        piece.length.prefixed(bytes)
    }
}

/// What a build left.
pub(super) type Built = BTreeMap<FileName, Vec<u8>>;

/// The sha256 of bytes.
pub(super) fn sha256(bytes: &[u8]) -> Sha256 {
    hexadecimal(Hasher::new_with_prefix(bytes))
}

fn hexadecimal(hasher: Hasher) -> Sha256 {
    let text = HEXLOWER.encode(&hasher.finalize());
    Sha256::try_from(text).expect("32 bytes are 64 digits")
}

/// A hash of names and contents; no two lists have the same.
fn hash_named<'f>(files: impl Iterator<Item = (&'f str, &'f [u8])>) -> Sha256 {
    let mut hasher = Hasher::new();
    for (name, bytes) in files {
        for part in [name.as_bytes(), bytes] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    hexadecimal(hasher)
}

/// A whole file of a size that is not absurd.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, InstallError> {
    let read = || {
        let length = fs::metadata(path)?.len();
        if length > FILE_BYTES {
            return Err(io::Error::other(format!("it has {length} bytes")));
        }
        fs::read(path)
    };
    read().map_err(|source| InstallError::Io {
        doing: format!("read `{}`", PathBuf::from(path).display()),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_guests_have_all_their_files() {
        for name in Recipe::shipped_names() {
            let recipe = Recipe::shipped(name).expect("it is shipped");
            assert_eq!(recipe.name().as_str(), name);
            let named: Vec<&str> = recipe.manifest.files().into_iter().collect();
            let held: Vec<&String> = recipe.files.keys().collect();
            assert_eq!(named, held, "{name}");
        }
        assert!(Recipe::shipped("no-such-guest").is_none());
    }
}
