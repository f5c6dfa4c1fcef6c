//! A policy into a folder, whole or not at all.
//!
//! Everything is written into a folder beside the target, which then takes its
//! place: a reader, or a run that was killed, never sees half a policy.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::write;
use super::layout::Entry;
use super::tensors::{Shape, StoredType, write_folder};
use super::{ModelFolder, config, generation, layout};
use crate::train::TrainError;
use crate::train::policy::Policy;
use crate::train::replace::replace;

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
/// [`TrainError::Folder`] or [`TrainError::File`] when something cannot be written;
/// [`TrainError::Foreign`] when `path` holds anything that is not a policy's; [`TrainError::Config`] when `folder` describes
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
