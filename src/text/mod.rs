//! Text verifiers: exact match and token F1 ([`exact`]), multiple choice
//! ([`choice`]), the instructions of IFEval ([`ifeval`]).
//!
//! Answer text and reference in, [`Verdict`](crate::verdict::Verdict) out. Both
//! are linear in the answer's length and keep no state.

pub mod choice;
pub mod exact;
pub mod ifeval;
