//! Recipes by name or file.

use std::path::Path;

use super::{Files, Recipe, RecipeError, RecipeSource, SetError, with_settings};
use crate::load::{NameError, Shipped, find};

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

/// A recipe that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// No recipe and no file has this name.
    #[error(transparent)]
    Name(#[from] NameError),
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

/// What a shipped recipe is for, in a sentence.
#[must_use]
pub fn description(recipe: Shipped) -> String {
    let table: toml::Table = recipe.text.parse().unwrap_or_default();
    let text = table.get("description").and_then(toml::Value::as_str);
    text.unwrap_or_default().to_owned()
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

/// As [`load`], but no file that the recipe names is looked at, specs included: what
/// it says of its tasks can be used where there is no model, and no run to come.
///
/// # Errors
/// As [`load`].
pub fn outline(name_or_path: &str, settings: &[String]) -> Result<Recipe, LoadError> {
    read(name_or_path, settings, Files::Unused)
}

fn read(name_or_path: &str, settings: &[String], files: Files) -> Result<Recipe, LoadError> {
    let named = find("recipe", name_or_path, SHIPPED)?;
    let text = with_settings(&named.text, settings.iter().map(String::as_str))?;
    Ok(Recipe::read(RecipeSource {
        text: &text,
        origin: name_or_path,
        folder: named.folder.unwrap_or(Path::new("")),
        files,
    })?)
}
