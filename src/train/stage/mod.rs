//! Stages: what a run does, one after the other.
//!
//! A stage learns from demonstrations (`sft`) or from rewards (`grpo`), or keeps
//! good completions as demonstrations for a later one (`reject`).

mod options;

mod problem;

mod order;

mod judge;

mod answer;

mod metrics;

mod step;

mod learner;

mod sft;

mod grpo;

mod reject;

mod evaluate;

pub use answer::{check_prompts, encode_prompt};
pub use evaluate::{Evaluation, metric_names};
pub use options::{
    DynamicSampling, EarlyStop, EvaluationOptions, GrpoOptions, KlOptions, KlPlace, Order,
    ReferenceSync, RejectOptions, SftOptions, TermAggregation,
};
pub use problem::{Demonstration, Demonstrations, Framing, Problem, Problems};

pub(super) use grpo::Grpo;
pub(super) use learner::recompute;
pub(super) use reject::{KeptFile, Reject};
pub(super) use sft::{Sft, check_demonstrations};
pub(super) use step::{Position, Report, Stage, Workplace};
