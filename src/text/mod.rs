//! Text verifiers and text measures.
//!
//! A verifier takes an answer and a reference and says whether they agree: exact
//! match and token F1 ([`exact`]), multiple choice ([`choice`]), JSON ([`json`]),
//! the numbers game ([`countdown`]), the instructions of IFEval ([`ifeval`]). A
//! measure only counts: lengths ([`overlong`], [`cosine`], [`group_length`],
//! [`stop`]), repetition ([`repetition`]), marks of form ([`tags`], [`steps`]).
//! All are linear in the text's length and keep no state.

pub mod choice;
pub mod cosine;
pub mod countdown;
pub mod exact;
pub mod group_length;
pub mod ifeval;
pub mod json;
mod length;
pub mod overlong;
pub mod repetition;
pub mod steps;
pub mod stop;
pub mod tags;

pub use length::LengthUnit;

/// An option that cannot be used. It reads as a sentence that begins with the
/// option's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct OptionError {
    /// The option's key in a spec.
    pub field: &'static str,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl OptionError {
    fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }
}

/// Refuses a number that is infinite or NaN.
fn finite(field: &'static str, number: f64) -> Result<(), OptionError> {
    if number.is_finite() {
        return Ok(());
    }
    let problem = format!("is {number}; give a finite number");
    Err(OptionError::new(field, problem))
}

/// Refuses a penalty that is above 0, infinite or NaN.
fn penalty(field: &'static str, number: f64) -> Result<(), OptionError> {
    finite(field, number)?;
    if number <= 0.0 {
        return Ok(());
    }
    let problem = format!("is {number}, which would pay for the fault; give 0 or less");
    Err(OptionError::new(field, problem))
}

/// 0 without a sign: `-0.0` in a record would be taken for a penalty.
fn unsigned_zero(value: f64) -> f64 {
    value + 0.0
}
