//! The options of the stages: what a recipe may say of them.
//!
//! Every struct has a default for each field, refuses fields it does not know,
//! and lists its own faults (`validate`).

mod evaluation;
mod grpo;
mod reject;
mod sft;

pub use evaluation::{EarlyStop, EvaluationOptions};
pub use grpo::{DynamicSampling, GrpoOptions, KlOptions, KlPlace, ReferenceSync, TermAggregation};
pub use reject::{Order, RejectOptions};
pub use sft::SftOptions;
