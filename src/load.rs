//! Specs by name or file: the only place of the library, batch scoring and training
//! aside, that reads files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::reward::{Scorer, SpecError, SpecSource};

/// A spec that comes with goldstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// What `--spec` takes.
    pub name: &'static str,
    /// The TOML text.
    pub text: &'static str,
}

/// The shipped specs, in the order in which they are best read.
const SHIPPED: &[Shipped] = &[
    Shipped {
        name: "math",
        text: include_str!("../reward_specs/math.toml"),
    },
    Shipped {
        name: "gsm8k",
        text: include_str!("../reward_specs/gsm8k.toml"),
    },
    Shipped {
        name: "choice",
        text: include_str!("../reward_specs/choice.toml"),
    },
    #[cfg(feature = "sandbox")]
    Shipped {
        name: "code",
        text: include_str!("../reward_specs/code.toml"),
    },
    Shipped {
        name: "countdown",
        text: include_str!("../reward_specs/countdown.toml"),
    },
    Shipped {
        name: "dapo",
        text: include_str!("../reward_specs/dapo.toml"),
    },
    Shipped {
        name: "r1-zero",
        text: include_str!("../reward_specs/r1-zero.toml"),
    },
    Shipped {
        name: "r1",
        text: include_str!("../reward_specs/r1.toml"),
    },
    Shipped {
        name: "language",
        text: include_str!("../reward_specs/language.toml"),
    },
];

/// A spec that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Neither a shipped spec nor a file.
    #[error("there is no spec `{name}`{hint}; shipped specs: {shipped} (or give a TOML file)")]
    NotFound {
        /// The name as given.
        name: String,
        /// A likely name, as a clause of the message, or empty.
        hint: String,
        /// The names of the shipped specs.
        shipped: String,
    },
    /// The file is there but cannot be read.
    #[error("cannot read the spec `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The spec has mistakes; the message is their rendering.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

/// The specs that come with goldstone.
pub fn shipped() -> impl Iterator<Item = Shipped> {
    SHIPPED.iter().copied()
}

/// Loads a shipped spec by its name, or a TOML file by its path. A file may
/// name grammar files; their paths are relative to it.
///
/// # Errors
/// [`LoadError`] if there is no such spec, or the spec has mistakes.
pub fn spec(name_or_path: &str) -> Result<Scorer, LoadError> {
    if let Some(shipped) = shipped().find(|shipped| shipped.name == name_or_path) {
        let grammar = |path: &str| Err(format!("a shipped spec has no file `{path}`"));
        let source = SpecSource {
            text: shipped.text,
            origin: shipped.name,
            grammar: &grammar,
        };
        return Ok(Scorer::compile(source)?);
    }
    let path = Path::new(name_or_path);
    let text = fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => not_found(name_or_path),
        _ => LoadError::Read {
            path: path.to_owned(),
            source,
        },
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let grammar = |name: &str| {
        let file = folder.join(name);
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
    };
    Ok(Scorer::compile(SpecSource {
        text: &text,
        origin: name_or_path,
        grammar: &grammar,
    })?)
}

fn not_found(name: &str) -> LoadError {
    let near = shipped()
        .map(|shipped| {
            (
                strsim::damerau_levenshtein(name, shipped.name),
                shipped.name,
            )
        })
        .filter(|(distance, _)| *distance <= 2)
        .min();
    LoadError::NotFound {
        name: name.to_owned(),
        hint: near
            .map(|(_, name)| format!("; did you mean `{name}`?"))
            .unwrap_or_default(),
        shipped: shipped()
            .map(|shipped| shipped.name)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
