//! A run: stages one after the other, with checkpoints to go on from.
//!
//! [`Run::go`] makes the steps of a [`RunPlan`]. It evaluates and saves as the plan
//! says, tells those who watch, and stops between two steps when it is asked to.
//! One process at a time runs in a folder.
//! A run that was stopped or killed goes on from its newest checkpoint and makes
//! the same weights and the same metrics, to the bit, as one that was not.

mod begin;
mod checkpoint;
mod driver;
mod ends;
mod kept;
mod left;
mod lock;
mod memory;
mod options;
mod plan;
mod state;

pub use driver::{Begin, Ended, Run};
pub use ends::unknown_end;
pub use lock::{LOCK, is_abandoned};
pub use memory::{Demand, InWords};
pub use options::CheckpointOptions;
pub use plan::{PolicyStore, RunPlan, StagePlan, StageWork};
