//! Specs by name or file, and how names are found: the only place of the library,
//! batch scoring and training aside, that reads files.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::reward::{Scorer, SpecError, SpecSource, nearest};

/// A file that comes with goldstone: a spec here, a recipe in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// What takes the place of a path.
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

/// A name that is no shipped file's and no path to a readable one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Neither shipped nor a file.
    #[error("there is no {kind} `{name}`{hint}; shipped {kind}s: {shipped} (or give a TOML file)")]
    NotFound {
        /// `spec` or `recipe`.
        kind: &'static str,
        /// The name as given.
        name: String,
        /// A likely name, as a clause of the message, or empty.
        hint: String,
        /// The names of the shipped ones.
        shipped: String,
    },
    /// The file is there but cannot be read.
    #[error("cannot read the {kind} `{path}`")]
    Read {
        /// `spec` or `recipe`.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// A spec that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// No spec and no file has this name.
    #[error(transparent)]
    Name(#[from] NameError),
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
    let named = find("spec", name_or_path, SHIPPED)?;
    let grammar = |name: &str| {
        let Some(folder) = named.folder else {
            return Err(format!("a shipped spec has no file `{name}`"));
        };
        let file = folder.join(name);
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
    };
    Ok(Scorer::compile(SpecSource {
        text: &named.text,
        origin: name_or_path,
        grammar: &grammar,
    })?)
}

/// What a name or a path stands for.
pub(crate) struct Named<'n> {
    /// The TOML text.
    pub(crate) text: Cow<'static, str>,
    /// The folder of a file; none of what is shipped.
    pub(crate) folder: Option<&'n Path>,
}

/// Finds a shipped text by its name, or that of a file by its path.
pub(crate) fn find<'n>(
    kind: &'static str,
    name_or_path: &'n str,
    shipped: &[Shipped],
) -> Result<Named<'n>, NameError> {
    if let Some(shipped) = shipped.iter().find(|one| one.name == name_or_path) {
        return Ok(Named {
            text: shipped.text.into(),
            folder: None,
        });
    }
    let path = Path::new(name_or_path);
    match fs::read_to_string(path) {
        Ok(text) => Ok(Named {
            text: text.into(),
            folder: Some(path.parent().unwrap_or(Path::new(""))),
        }),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            let names: Vec<&str> = shipped.iter().map(|shipped| shipped.name).collect();
            let near = nearest(name_or_path, names.iter().copied());
            let hint = near.map(|near| format!("; did you mean `{near}`?"));
            Err(NameError::NotFound {
                kind,
                name: name_or_path.to_owned(),
                hint: hint.unwrap_or_default(),
                shipped: names.join(", "),
            })
        }
        Err(source) => Err(NameError::Read {
            kind,
            path: path.to_owned(),
            source,
        }),
    }
}
