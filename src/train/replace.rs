//! Folders that are written whole or not at all, and never over what is not ours.
//!
//! A folder is filled beside its place and moved there. What stood there is moved
//! aside first and removed last, so that after a crash between the two moves it is
//! still there under another name: [`restore`] puts it back.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{FileAction, TrainError};
use super::folder::FolderError;

/// Files of policies, tokenizers and checkpoints, besides `*.safetensors`.
const OURS: [&str; 14] = [
    "config.json",
    "generation_config.json",
    "model.safetensors.index.json",
    "adapter_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "chat_template.json",
    "state.json",
];

/// Makes a folder by `fill` in place of what stands at `path`: at no time is
/// there half a folder of that name.
///
/// # Errors
/// [`TrainError::Foreign`] where something lies at `path` that no policy and no
/// checkpoint has; [`TrainError::File`]; what `fill` returns.
pub(super) fn replace(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    restore(path)?;
    refuse_foreign(path)?;
    let (new, old) = (beside(path, ".new"), beside(path, ".old"));
    for left in [&new, &old] {
        remove(left)?;
    }
    fs::create_dir_all(&new).map_err(TrainError::file(FileAction::Write, &new))?;
    let filled = fill(&new).and_then(|()| sync(&new));
    if let Err(error) = filled {
        // The first error is the one to tell.
        let _ = remove(&new);
        return Err(at_last(error, &new, path));
    }
    if path.exists() {
        fs::rename(path, &old).map_err(TrainError::file(FileAction::Write, path))?;
    }
    fs::rename(&new, path).map_err(TrainError::file(FileAction::Write, path))?;
    remove(&old)
}

/// An error of writing with the name that the file was to have: the other one comes
/// and goes.
fn at_last(error: TrainError, new: &Path, path: &Path) -> TrainError {
    let named = |file: PathBuf| match file.strip_prefix(new) {
        Ok(rest) if rest.as_os_str().is_empty() => path.to_owned(),
        Ok(rest) => path.join(rest),
        Err(_) => file,
    };
    match error {
        TrainError::File {
            action,
            path,
            source,
        } => TrainError::File {
            action,
            path: named(path),
            source,
        },
        TrainError::Folder(FolderError::Write { path, source }) => {
            TrainError::Folder(FolderError::Write {
                path: named(path),
                source,
            })
        }
        error => error,
    }
}

/// Puts back what a [`replace`] that was cut off had moved aside.
pub(super) fn restore(path: &Path) -> Result<(), TrainError> {
    let old = beside(path, ".old");
    match !path.exists() && old.exists() {
        true => fs::rename(&old, path).map_err(TrainError::file(FileAction::Write, path)),
        false => Ok(()),
    }
}

/// Where the folder belongs that [`replace`] moved aside under this name.
pub(super) fn moved_aside(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".old")
}

/// Refuses a folder in which something lies that no policy and no checkpoint has.
///
/// # Errors
/// [`TrainError::Foreign`]; [`TrainError::File`] when the folder cannot be read.
pub(super) fn refuse_foreign(path: &Path) -> Result<(), TrainError> {
    refuse_others(path, |name| {
        OURS.contains(&name) || name.ends_with(".safetensors")
    })
}

/// Refuses a folder in which something other than files of these names lies. A
/// folder that is not there has nothing in it.
pub(super) fn refuse_others(path: &Path, is_ours: impl Fn(&str) -> bool) -> Result<(), TrainError> {
    let failed = || TrainError::file(FileAction::Read, path);
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed())?,
    };
    for entry in entries {
        let entry = entry.map_err(failed())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_file = entry.file_type().map_err(failed())?.is_file();
        if !(is_file && is_ours(&name)) {
            return Err(TrainError::Foreign {
                path: path.to_owned(),
                name,
            });
        }
    }
    Ok(())
}

/// Removes a folder, if it is there.
pub(super) fn remove(folder: &Path) -> Result<(), TrainError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(TrainError::file(FileAction::Write, folder)(error))
        }
        _ => Ok(()),
    }
}

/// A hidden neighbour of a path.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(end);
    path.with_file_name(name)
}

/// Waits until the files of a folder are on the disk, so that a power cut after
/// the renaming does not leave empty ones.
fn sync(folder: &Path) -> Result<(), TrainError> {
    for entry in fs::read_dir(folder).map_err(TrainError::file(FileAction::Read, folder))? {
        let path = entry
            .map_err(TrainError::file(FileAction::Read, folder))?
            .path();
        if path.is_file() {
            let file = File::open(&path).map_err(TrainError::file(FileAction::Read, &path))?;
            file.sync_all()
                .map_err(TrainError::file(FileAction::Write, &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &'static str) -> impl FnOnce(&Path) -> Result<(), TrainError> {
        move |folder| {
            fs::write(folder.join("config.json"), text).unwrap();
            Ok(())
        }
    }

    #[test]
    fn what_was_moved_aside_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("best");
        replace(&path, fill("one")).unwrap();
        // As a crash between the two moves leaves it.
        fs::rename(&path, folder.path().join(".best.old")).unwrap();
        let failed = replace(&path, |_| Err(TrainError::EmptyBatch));
        assert!(failed.is_err());
        let read = || fs::read_to_string(path.join("config.json")).unwrap();
        assert_eq!(read(), "one");
        replace(&path, fill("two")).unwrap();
        assert_eq!(read(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn errors_name_what_was_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("best");
        let full = |file: &'static str| {
            let error = replace(&path, |new| {
                let file = new.join(file);
                let failed = TrainError::file(FileAction::Write, &file);
                Err(failed(io::ErrorKind::StorageFull.into()))
            });
            error.unwrap_err().to_string()
        };
        let wanted = path.join("config.json");
        assert_eq!(
            full("config.json"),
            format!("cannot write `{}`", wanted.display())
        );
        // A file that lies elsewhere keeps its name.
        assert_eq!(full("/elsewhere"), "cannot write `/elsewhere`");
    }

    #[test]
    fn foreign_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["notes.txt", "thesis.tex", "my.json"] {
            let path = folder.path().join("best");
            fs::create_dir(&path).unwrap();
            fs::write(path.join(name), "years of work").unwrap();
            let error = replace(&path, fill("one")).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            assert!(path.join(name).exists());
            fs::remove_dir_all(&path).unwrap();
        }
    }
}
