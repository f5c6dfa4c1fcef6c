//! GRPO: rewards in, a policy gradient out.
//!
//! What an optimizer step does with numbers alone stands here, in 64-bit floats
//! and without a tensor: advantages of a group ([`advantages`]), weights against
//! the mismatch of sampler and trainer ([`importance`]), and the loss with its
//! gradient by the log-probability of every token ([`loss()`]). A model adds the
//! gradient of those log-probabilities by its weights.

mod error;

mod device;

mod advantage;
mod importance;
mod loss;

mod ops;

pub mod policy;

pub mod folder;

pub mod optimizer;

pub use advantage::{Baseline, Sample, advantages, term_advantages};
pub use candle_core::{Device, Tensor};
pub use device::DeviceChoice;
pub use error::{TensorError, TrainError};
pub use importance::{Correction, importance};
pub use loss::{
    Aggregation, ClipRatios, Kl, KlEstimator, Level, Loss, LossError, LossOptions, Metrics, Row,
    Step, Surrogate, loss,
};
