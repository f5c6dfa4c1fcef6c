//! Where tensors live: the choice of a person, and the device that comes of it.

use std::str::FromStr;

use candle_core::Device;

use super::TrainError;

/// A person's choice of device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first CUDA device if the program is built for it and finds one, else
    /// the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The first CUDA device.
    Cuda,
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`TrainError::Device`] when CUDA is asked for and cannot be had.
    pub fn open(self) -> Result<Device, TrainError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda => cuda().map_err(|why| TrainError::Device {
                device: "cuda",
                why,
            }),
            Self::Auto => Ok(cuda().unwrap_or(Device::Cpu)),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = TrainError;

    /// Reads `auto`, `cpu` or `cuda`.
    fn from_str(name: &str) -> Result<Self, TrainError> {
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            _ => Err(TrainError::Config {
                field: "device",
                found: format!("`{name}`"),
                wanted: "`auto`, `cpu` or `cuda`".to_owned(),
            }),
        }
    }
}

/// The first CUDA device, or why there is none.
fn cuda() -> Result<Device, String> {
    if !candle_core::utils::cuda_is_available() {
        return Err("this program is built without CUDA (feature `cuda`)".to_owned());
    }
    Device::new_cuda(0).map_err(|error| error.to_string())
}
