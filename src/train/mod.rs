//! GRPO: rewards in, a policy gradient out.
//!
//! What an optimizer step does with numbers alone stands here, in 64-bit floats
//! and without a tensor: advantages of a group ([`advantages`]), weights against
//! the mismatch of sampler and trainer ([`importance`]), and the loss with its
//! gradient by the log-probability of every token ([`loss()`]). A model adds the
//! gradient of those log-probabilities by its weights.

mod advantage;
mod importance;
mod loss;

mod device;
mod error;
mod fault;
mod ops;
mod random;
mod replace;
mod tensors;
mod threads;

pub mod policy;

pub mod folder;

pub mod optimizer;

pub mod sample;

pub mod watch;

pub mod stage;

pub mod run;

pub mod task;

pub mod recipe;

pub use advantage::{Baseline, Sample, advantages, term_advantages};
pub use candle_core::{Device, Tensor};
pub use device::{ComputeChoice, DeviceChoice};
pub use error::{FileAction, TensorError, TrainError};
pub use fault::{OptionFault, OptionFaults};
pub use importance::{Correction, importance};
pub use loss::{
    Aggregation, ClipRatios, Kl, KlEstimator, Level, Loss, LossError, LossOptions, Metrics, Row,
    Step, Surrogate, loss,
};
pub use threads::use_threads;
