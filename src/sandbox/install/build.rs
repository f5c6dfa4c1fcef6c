//! Runs a recipe's build: its files and inputs in, its outputs out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::command::Runner;
use super::recipe::{Built, Recipe, read_file};
use super::store::Guests;
use super::{InstallError, make_folder};
use crate::sandbox::manifest::{Build, FileName};

/// What the folder of a build was made for: a hash.
const STAMP: &str = ".made-for";

/// Files with this beginning say what a build has done already.
const FINISHED: &str = ".finished-";

/// The folder of a build; removed in the end unless the user named it.
pub(super) struct Work {
    path: PathBuf,
    is_kept: bool,
}

impl Work {
    /// Opens the folder that the user named, or one in the cache directory.
    pub(super) fn open(
        guests: &Guests,
        recipe: &Recipe,
        keep: Option<&Path>,
    ) -> Result<Self, InstallError> {
        let mut work = match keep {
            Some(path) => Self {
                path: path.to_owned(),
                is_kept: true,
            },
            None => {
                let path = guests.build_path();
                // Left behind by a build that was interrupted: nobody else is at it.
                remove(&path)?;
                Self {
                    path,
                    is_kept: false,
                }
            }
        };
        make_folder(&work.path)?;
        // Commands run in other folders.
        let doing = format!("find the folder `{}`", work.path.display());
        work.path = work.path.canonicalize().map_err(InstallError::io(doing))?;
        work.refresh(recipe)?;
        Ok(work)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets what was done for another recipe.
    fn refresh(&self, recipe: &Recipe) -> Result<(), InstallError> {
        let sha256 = recipe.build_sha256(std::env::consts::ARCH);
        let sha256 = sha256.as_ref().map_or("", |sha256| sha256.as_str());
        let stamp = self.path.join(STAMP);
        if fs::read_to_string(&stamp).is_ok_and(|text| text == sha256) {
            return Ok(());
        }
        let forget = || {
            for entry in fs::read_dir(&self.path)? {
                let entry = entry?;
                if entry.file_name().to_string_lossy().starts_with(FINISHED) {
                    fs::remove_file(entry.path())?;
                }
            }
            fs::write(&stamp, sha256)
        };
        forget().map_err(InstallError::io(format!(
            "prepare the folder `{}`",
            self.path.display()
        )))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.is_kept {
            // What stays behind goes with the next installation.
            drop(remove(&self.path));
        }
    }
}

fn remove(path: &Path) -> Result<(), InstallError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(InstallError::io(format!(
            "remove `{}`",
            path.display()
        ))(error)),
        _ => Ok(()),
    }
}

/// Runs the build and reads what it leaves.
pub(super) fn run(
    recipe: &Recipe,
    build: &Build,
    inputs: &[PathBuf],
    work: &Path,
    run: &mut Runner<'_>,
) -> Result<Built, InstallError> {
    let files = work.join("recipe");
    make_folder(&files)?;
    for name in build.files.iter().chain([&build.script]) {
        let path = files.join(name.as_str());
        let doing = format!("write `{}`", path.display());
        fs::write(path, recipe.file(name.as_str())).map_err(InstallError::io(doing))?;
    }
    let mut script = Command::new("sh");
    script
        .arg(files.join(build.script.as_str()))
        .arg(work)
        .arg(&files)
        .args(inputs);
    run.run("the build", &mut script)?;
    let read = |name: &FileName| {
        let bytes = read_file(&work.join("out").join(name.as_str()))?;
        Ok((name.clone(), bytes))
    };
    build.outputs.keys().map(read).collect()
}
