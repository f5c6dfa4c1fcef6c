//! Tensors in files: names and tensors in, a `.safetensors` file out, and back.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};

use super::error::TrainError;

/// Writes tensors under their names.
pub(super) fn save(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, Tensor)>,
) -> Result<(), TrainError> {
    let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    candle_core::safetensors::save(&tensors, path).map_err(|error| TrainError::Checkpoint {
        path: path.to_owned(),
        problem: format!("cannot be written: {error}"),
    })
}

/// The tensors of a file, by name, on the processor.
pub(super) fn load(path: &Path) -> Result<BTreeMap<String, Tensor>, TrainError> {
    let tensors = candle_core::safetensors::load(path, &Device::Cpu);
    let tensors = tensors.map_err(|error| TrainError::Checkpoint {
        path: path.to_owned(),
        problem: format!("cannot be read: {error}"),
    })?;
    Ok(tensors.into_iter().collect())
}
