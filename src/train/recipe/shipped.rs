//! Recipes by name or file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Files, Recipe, RecipeError, RecipeSource, SetError, with_settings};

/// A recipe that comes with goldstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// What `goldstone train` takes.
    pub name: &'static str,
    /// The TOML text.
    pub text: &'static str,
}

/// In the order in which they are best read.
const SHIPPED: &[Shipped] = &[
    Shipped {
        name: "addition",
        text: include_str!("../../../recipes/addition.toml"),
    },
    Shipped {
        name: "r1-tiny",
        text: include_str!("../../../recipes/r1-tiny.toml"),
    },
    Shipped {
        name: "countdown",
        text: include_str!("../../../recipes/countdown.toml"),
    },
    Shipped {
        name: "gsm8k",
        text: include_str!("../../../recipes/gsm8k.toml"),
    },
];

impl Shipped {
    /// What the recipe is for, in a sentence.
    #[must_use]
    pub fn description(&self) -> String {
        let table: toml::Table = self.text.parse().unwrap_or_default();
        let text = table.get("description").and_then(toml::Value::as_str);
        text.unwrap_or_default().to_owned()
    }
}

/// A recipe that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Neither a shipped recipe nor a file.
    #[error("there is no recipe `{name}`{hint}; shipped recipes: {shipped} (or give a TOML file)")]
    NotFound {
        /// The name as given.
        name: String,
        /// A likely name, as a clause of the message, or empty.
        hint: String,
        /// The names of the shipped recipes.
        shipped: String,
    },
    /// The file is there but cannot be read.
    #[error("cannot read the recipe `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A setting is none.
    #[error(transparent)]
    Setting(#[from] SetError),
    /// The recipe has mistakes; the message is their rendering.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}

/// The recipes that come with goldstone.
pub fn shipped() -> impl Iterator<Item = Shipped> {
    SHIPPED.iter().copied()
}

/// Loads a shipped recipe by its name, or a TOML file by its path, with settings
/// (`KEY=VALUE`) over it. Paths in a shipped recipe are relative to the folder
/// that the process is in, those in a file to the file.
///
/// # Errors
/// [`LoadError`] if there is no such recipe, or it has mistakes.
pub fn load(name_or_path: &str, settings: &[String]) -> Result<Recipe, LoadError> {
    read(name_or_path, settings, Files::MustExist)
}

/// As [`load`], but files that are missing are only noted, in
/// [`Recipe::missing`]: what can be said of the recipe is, without them.
///
/// # Errors
/// As [`load`].
pub fn sketch(name_or_path: &str, settings: &[String]) -> Result<Recipe, LoadError> {
    read(name_or_path, settings, Files::MayBeMissing)
}

fn read(name_or_path: &str, settings: &[String], files: Files) -> Result<Recipe, LoadError> {
    let settings = settings.iter().map(String::as_str);
    if let Some(shipped) = shipped().find(|shipped| shipped.name == name_or_path) {
        let text = with_settings(shipped.text, settings)?;
        return Ok(Recipe::read(RecipeSource {
            text: &text,
            origin: shipped.name,
            folder: Path::new(""),
            files,
        })?);
    }
    let path = Path::new(name_or_path);
    let text = fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => not_found(name_or_path),
        _ => LoadError::Read {
            path: path.to_owned(),
            source,
        },
    })?;
    let text = with_settings(&text, settings)?;
    Ok(Recipe::read(RecipeSource {
        text: &text,
        origin: name_or_path,
        folder: path.parent().unwrap_or(Path::new("")),
        files,
    })?)
}

fn not_found(name: &str) -> LoadError {
    let names: Vec<&str> = shipped().map(|shipped| shipped.name).collect();
    LoadError::NotFound {
        name: name.to_owned(),
        hint: crate::reward::nearest(name, names.iter().copied())
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default(),
        shipped: names.join(", "),
    }
}
