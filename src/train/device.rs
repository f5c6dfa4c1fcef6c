//! Where tensors live and what multiplies them: the choices of a person, and what
//! comes of them.

use std::str::FromStr;

use candle_core::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TrainError;
use super::policy::Compute;

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
            _ => Err(TrainError::Choice {
                name: "device",
                found: name.to_owned(),
                wanted: "`auto`, `cpu` or `cuda`",
            }),
        }
    }
}

/// A person's choice of numbers to compute with; weights, sums of gradients and the
/// optimizer are f32 in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComputeChoice {
    /// f32 on every device, until bf16 has been checked on a GPU.
    #[default]
    Auto,
    /// f32 throughout.
    F32,
    /// Matrices, activations and the cache of keys and values in bf16. On a
    /// processor it is slower than f32, and for trying out.
    Bf16,
}

impl ComputeChoice {
    /// What computes on a processor, or on another device.
    #[must_use]
    pub fn on(self, is_cpu: bool) -> Compute {
        match self {
            Self::Bf16 => Compute::Bf16,
            Self::Auto | Self::F32 if is_cpu => Compute::Kernels,
            Self::Auto | Self::F32 => Compute::Plain,
        }
    }
}

impl FromStr for ComputeChoice {
    type Err = TrainError;

    /// Reads `auto`, `f32` or `bf16`.
    fn from_str(name: &str) -> Result<Self, TrainError> {
        match name {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(TrainError::Choice {
                name: "compute",
                found: name.to_owned(),
                wanted: "`auto`, `f32` or `bf16`",
            }),
        }
    }
}

/// The first CUDA device, or why there is none.
fn cuda() -> Result<Device, String> {
    if !candle_core::utils::cuda_is_available() {
        return Err("this program is built without CUDA (feature `cuda`)".to_owned());
    }
    // With RUST_BACKTRACE the error is followed by a stack trace, which explains nothing.
    let why = |error: candle_core::Error| error.to_string().lines().take(1).collect();
    Device::new_cuda(0).map_err(why)
}
