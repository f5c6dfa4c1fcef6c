//! Stages: what a run does, one after the other.
//!
//! A stage learns from demonstrations (`sft`) or from rewards (`grpo`), or keeps
//! good completions as demonstrations for a later one (`reject`).

mod options;
mod problem;

pub use options::{
    DynamicSampling, EarlyStop, EvaluationOptions, GrpoOptions, KlOptions, KlPlace, Order,
    ReferenceSync, RejectOptions, SftOptions, TermAggregation,
};
pub use problem::{Demonstration, Demonstrations, Problem, Problems};
