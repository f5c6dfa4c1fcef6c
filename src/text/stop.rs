//! Non-stop penalty: why sampling ended in, 0 or a penalty out.
//!
//! 0 where the policy ended its completion itself, `penalty` where it was cut
//! off. A reason on neither list abstains, so that a fault of the sampler
//! (`abort`, `error`) is never put down to the policy.
//!
//! *Source*: open-instruct's `non_stop_penalty` (Tülu 3, arXiv:2411.15124),
//! which replaces the score of a completion whose finish reason is not `stop`
//! and knows no third case. Here the penalty is a term of its own; use a gate or
//! a table to replace the total.
//!
//! *How it can be gamed*: ending early is always safe, so alone it teaches to
//! say nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OptionError, penalty};
use crate::verdict::Measure;

/// What being cut off costs, and the words for how sampling ended.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StopOptions {
    /// The reward of a completion that was cut off; 0 or less. Default -1.
    #[schemars(range(max = 0))]
    pub penalty: f64,
    /// Finish reasons that count as a stop; case does not count. Default: `stop`,
    /// `eos`, `eos_token`, `end_turn`, `stop_sequence`, `tool_calls`,
    /// `tool_use`, `function_call`, `complete`, `completed`.
    pub stop: Vec<String>,
    /// Finish reasons that count as cut off; case does not count. Default:
    /// `length`, `max_tokens`, `max_length`, `model_length`,
    /// `model_context_window_exceeded`, `truncated`.
    pub cut_off: Vec<String>,
}

const STOP: [&str; 10] = [
    "stop",
    "eos",
    "eos_token",
    "end_turn",
    "stop_sequence",
    "tool_calls",
    "tool_use",
    "function_call",
    "complete",
    "completed",
];

const CUT_OFF: [&str; 6] = [
    "length",
    "max_tokens",
    "max_length",
    "model_length",
    "model_context_window_exceeded",
    "truncated",
];

impl Default for StopOptions {
    fn default() -> Self {
        Self {
            penalty: -1.0,
            stop: STOP.map(str::to_owned).to_vec(),
            cut_off: CUT_OFF.map(str::to_owned).to_vec(),
        }
    }
}

impl StopOptions {
    /// # Errors
    /// `penalty` is above 0 or not finite, `stop` or `cut_off` is empty, or a
    /// reason is on both lists.
    pub fn check(&self) -> Result<(), OptionError> {
        penalty("penalty", self.penalty)?;
        for (field, list) in [("stop", &self.stop), ("cut_off", &self.cut_off)] {
            if list.is_empty() {
                let problem = "is empty; name at least one finish reason";
                return Err(OptionError::new(field, problem));
            }
        }
        match self.cut_off.iter().find(|reason| holds(&self.stop, reason)) {
            Some(both) => {
                let problem = format!("has `{both}`, which `stop` has too; keep it in one of them");
                Err(OptionError::new("cut_off", problem))
            }
            None => Ok(()),
        }
    }
}

/// 0 for a completion that ended itself, `penalty` for one that was cut off.
///
/// Abstains where the finish reason is missing (`no_finish_reason`) or on
/// neither list (`unknown_finish_reason`).
///
/// ```
/// use goldstone::text::stop::{StopOptions, measure};
///
/// let options = StopOptions { penalty: -10.0, ..StopOptions::default() };
/// assert_eq!(measure(Some("stop"), &options).value, Some(0.0));
/// assert_eq!(measure(Some("length"), &options).value, Some(-10.0));
/// assert_eq!(measure(Some("abort"), &options).value, None);
/// assert_eq!(measure(None, &options).value, None);
/// ```
#[must_use]
pub fn measure(finish_reason: Option<&str>, options: &StopOptions) -> Measure {
    let Some(reason) = finish_reason else {
        return Measure::abstain("no_finish_reason");
    };
    if holds(&options.stop, reason) {
        Measure::of(0.0)
    } else if holds(&options.cut_off, reason) {
        Measure::of(options.penalty).because("cut_off")
    } else {
        Measure::abstain("unknown_finish_reason")
    }
}

fn holds(list: &[String], reason: &str) -> bool {
    list.iter().any(|one| one.eq_ignore_ascii_case(reason))
}
