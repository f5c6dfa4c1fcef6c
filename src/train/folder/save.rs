//! A policy into a folder, whole or not at all.
//!
//! Everything is written into a folder beside the target, which then takes its
//! place: a reader, or a run that was killed, never sees half a policy.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::write;
use super::layout::Entry;
use super::tensors::{Shape, StoredType, write_folder};
use super::{FolderError, ModelFolder, config, generation, layout};
use crate::train::TrainError;
use crate::train::policy::Policy;

/// How a policy is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SaveOptions {
    /// How numbers are stored.
    pub stored: StoredType,
    /// Bytes of weights in one file; more files are written above that.
    pub shard_bytes: usize,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self {
            stored: StoredType::F32,
            shard_bytes: 5_000_000_000,
        }
    }
}

/// Writes a policy so that transformers loads it: weights, `config.json`,
/// `generation_config.json` and the tokenizer's files. Numbers are stored in f32, so
/// that reading gives the same policy, bit for bit.
///
/// # Errors
/// As [`save_policy_with`].
pub fn save_policy(path: &Path, policy: &Policy, folder: &ModelFolder) -> Result<(), TrainError> {
    save_policy_with(path, policy, folder, &SaveOptions::default())
}

/// [`save_policy`] with a choice of type and size of files.
///
/// A policy that stands at `path` is replaced.
///
/// # Errors
/// [`TrainError::Folder`] when something cannot be written, or when `path` holds
/// anything that is not a policy's; [`TrainError::Config`] when `folder` describes
/// another model, and for a policy with adapters that are not merged.
pub fn save_policy_with(
    path: &Path,
    policy: &Policy,
    folder: &ModelFolder,
    options: &SaveOptions,
) -> Result<(), TrainError> {
    let config = policy.config();
    if folder.config != *config {
        return Err(TrainError::Config {
            field: "folder",
            found: "the description of another model".to_owned(),
            wanted: "the one that the policy was made with".to_owned(),
        });
    }
    if policy.lora().is_some() {
        return Err(TrainError::Config {
            field: "lora",
            found: "there".to_owned(),
            wanted: "merged (`Policy::merged`), or saved by itself (`save_adapter`)".to_owned(),
        });
    }
    replace(path, |target| {
        let file = config::write(config, folder.fields.as_ref(), options.stored);
        write(&target.join(config::CONFIG), &file)?;
        let file = match &folder.generation_file {
            Some(bytes) => bytes.clone(),
            None => folder.generation.to_json().into_bytes(),
        };
        write(&target.join(generation::GENERATION_CONFIG), &file)?;
        folder.tokenizer.save(target)?;
        write_weights(target, policy, &layout::entries(config), options)
    })
}

fn write_weights(
    target: &Path,
    policy: &Policy,
    entries: &[Entry],
    options: &SaveOptions,
) -> Result<(), TrainError> {
    let pieces = || {
        entries
            .iter()
            .flat_map(|entry| entry.pieces.iter().enumerate().map(move |at| (entry, at)))
    };
    let shapes: Vec<Shape> = pieces()
        .map(|(entry, (_, piece))| (piece.name.clone(), entry.piece_shape(piece)))
        .collect();
    let places: std::collections::HashMap<&str, (&Entry, usize)> = pieces()
        .map(|(entry, (at, piece))| (piece.name.as_str(), (entry, at)))
        .collect();
    write_folder(
        target,
        &shapes,
        options.stored,
        options.shard_bytes,
        |name| {
            let (entry, at) = places[name];
            let tensor = policy.parameters().get(&entry.parameter);
            let tensor = tensor.ok_or_else(|| TrainError::MissingParameter {
                name: entry.parameter.clone(),
                shape: entry.shape(),
            })?;
            let packed: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
            Ok(entry.unpack(at, packed))
        },
    )
}

/// Fills a new folder and puts it in the place of `path`.
pub(super) fn replace(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| FolderError::Write { path, source }
    };
    refuse_foreign(path)?;
    let (new, old) = (beside(path, ".new"), beside(path, ".old"));
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    std::fs::create_dir_all(parent.unwrap_or(Path::new("."))).map_err(unwritable(path))?;
    for left in [&new, &old] {
        remove(left).map_err(unwritable(left))?;
    }
    std::fs::create_dir(&new).map_err(unwritable(&new))?;
    if let Err(error) = fill(&new) {
        // The first error is the one to tell.
        let _ = remove(&new);
        return Err(error);
    }
    if path.exists() {
        std::fs::rename(path, &old).map_err(unwritable(path))?;
    }
    std::fs::rename(&new, path).map_err(unwritable(path))?;
    Ok(remove(&old).map_err(unwritable(&old))?)
}

/// Refuses to replace a folder in which something lies that no policy has.
fn refuse_foreign(path: &Path) -> Result<(), FolderError> {
    let foreign = |source| FolderError::Write {
        path: path.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(foreign(error)),
    };
    for entry in entries {
        let name = entry.map_err(foreign)?.file_name();
        let is_ours = matches!(
            Path::new(&name).extension().and_then(|end| end.to_str()),
            Some("json" | "safetensors" | "jinja" | "txt" | "model")
        );
        if !is_ours {
            let why = format!("it holds {name:?}, which is no part of a policy");
            return Err(foreign(io::Error::other(why)));
        }
    }
    Ok(())
}

/// A hidden neighbour of a path.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(end);
    path.with_file_name(name)
}

fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
