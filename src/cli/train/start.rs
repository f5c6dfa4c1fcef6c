//! Whether a run may begin, or go on, in a folder: nothing that is not a run's own
//! is ever written over.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::super::{Failure, bad_input};
use crate::train::recipe::Recipe;
use crate::train::run::{Begin, LOCK};
use crate::train::watch::{is_run, read_info};

/// What the command line asks for.
pub(super) struct Wish<'w> {
    /// The recipe's file, or the name of a shipped one.
    pub(super) recipe: &'w Path,
    pub(super) resume: bool,
    pub(super) overwrite: bool,
}

/// Where the run begins. Anew only in a folder that is absent, empty, or a run's,
/// and the last only when it was asked for.
pub(super) fn begin(recipe: &Recipe, folder: &Path, wish: &Wish<'_>) -> Result<Begin, Failure> {
    let shown = folder.display();
    let refuse = |why: String| Err(bad_input(anyhow!(why)));
    let held = first_entry(folder)?;
    let is_run = is_run(folder);
    if is_run && let Err(error) = read_info(folder) {
        return Err(bad_input(error));
    }
    match (wish.resume, is_run, held) {
        (true, true, _) => return Ok(Begin::Resumed),
        (true, false, _) => {
            return refuse(format!(
                "`{shown}` has no run to go on with; leave `--resume` out, or name its folder with `-o`"
            ));
        }
        (false, true, _) if !wish.overwrite => {
            return refuse(format!(
                "`{shown}` has a run; go on with `--resume`, begin anew with `--overwrite`, \
                 or name another folder with `-o`"
            ));
        }
        (false, false, Some(name)) => {
            return refuse(format!(
                "`{shown}` is not the folder of a run, and it is not empty: it has `{name}`; \
                 name another folder with `-o`"
            ));
        }
        (false, ..) => {}
    }
    match read_from(recipe, wish.recipe)
        .into_iter()
        .find(|path| is_within(path, folder))
    {
        None if is_run => Ok(Begin::Over),
        None => Ok(Begin::Anew),
        Some(path) => refuse(format!(
            "`{}` lies in `{shown}`, whose content the new run replaces; \
             copy it elsewhere, or name another folder with `-o`",
            path.display()
        )),
    }
}

/// Something that lies in a folder; of several the first by name. A lock alone is
/// what a run leaves that was refused, or killed, before it began.
fn first_entry(folder: &Path) -> Result<Option<String>, Failure> {
    let cannot = || format!("cannot read `{}`", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        entries => entries.with_context(cannot).map_err(Failure::Input)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(cannot).map_err(Failure::Input)?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name != LOCK);
    Ok(names.into_iter().min())
}

/// The files and folders that the run is made from.
fn read_from(recipe: &Recipe, file: &Path) -> Vec<PathBuf> {
    let tokenizer = recipe.model.tokenizer.as_ref();
    let named = [
        recipe.model.path.clone(),
        tokenizer.and_then(|tokenizer| tokenizer.path.clone()),
    ];
    let tasks = recipe.tasks.values().filter_map(|task| task.file.clone());
    let named = named.into_iter().flatten().chain(tasks);
    let mut all: Vec<PathBuf> = named.map(|path| recipe.folder.join(path)).collect();
    if file.is_file() {
        all.push(file.to_owned());
    }
    all
}

fn is_within(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}
