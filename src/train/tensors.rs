//! Tensors in files: names and tensors in, a `.safetensors` file out, and back.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::path::Path;

use candle_core::{Device, Tensor};

use super::error::{FileAction, TrainError};

/// Writes tensors under their names.
pub(super) fn save(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, Tensor)>,
) -> Result<(), TrainError> {
    let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    let saved = candle_core::safetensors::save(&tensors, path);
    saved.map_err(|error| TrainError::file(FileAction::Write, path)(reason(&error)))
}

/// The system's reason, which lies below others' words for it.
fn reason(error: &candle_core::Error) -> io::Error {
    let mut below: Option<&dyn Error> = Some(error);
    while let Some(error) = below {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            };
        }
        below = error.source();
    }
    io::Error::other(error.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_has_the_systems_reason() {
        let folder = tempfile::tempdir().unwrap();
        let tensor = Tensor::zeros(8, candle_core::DType::F32, &Device::Cpu).unwrap();
        let path = folder.path().join("nowhere/moments.safetensors");
        let error = save(&path, [("moments".to_owned(), tensor)]).unwrap_err();
        let TrainError::File {
            path: named,
            source,
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(named, path);
        assert_eq!(source.kind(), io::ErrorKind::NotFound, "{source}");
    }
}
