//! Cosine-scaled length reward: verdict and length in, a number between two
//! bounds out.
//!
//! With `L` the length and `M` = `max_len`, `p = min(L / M, 1)`:
//!
//! ```text
//! long + (short - long) * (1 + cos(p * pi)) / 2
//! ```
//!
//! where `short` and `long` are the payments at length 0 and at `max_len`:
//! `max_value_correct` and `min_value_correct` for a correct answer (shorter is
//! better), `min_value_wrong` and `max_value_wrong` for a wrong one or none
//! (shorter is worse: the policy may go on thinking).
//!
//! *Source*: "Demystifying Long Chain-of-Thought Reasoning" (arXiv:2502.03373),
//! section 4 and appendix C.1, with the names and defaults of open-r1 and TRL.
//! Like TRL and unlike open-r1, the length is clamped at `max_len`: a cosine
//! would rise again beyond it. TRL counts tokens, open-r1 characters. The
//! paper's penalty at the limit is `exceeded`, which the two leave out. A
//! verdict that is unknown abstains, where open-r1 pays 1.
//!
//! *How it can be gamed*: a policy that cannot solve a task gains by padding its
//! wrong answer to `max_len` (the paper saw it, and adds a repetition penalty);
//! with `max_value_wrong = min_value_wrong` padding gains nothing. Whoever
//! counts tokens pays for long tokens, whoever counts characters for short words.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LengthUnit, OptionError, finite};
use crate::verdict::{Measure, Outcome};

/// The length at which the scale ends, and what its ends pay.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CosineOptions {
    /// Length at which the scale ends. Required.
    #[schemars(range(min = 1))]
    pub max_len: u64,
    /// Unit of the length: `tokens` (default) or `characters`.
    pub unit: LengthUnit,
    /// Pay for a correct answer at `max_len` and beyond. Default 0.5.
    pub min_value_correct: f64,
    /// Pay for a correct answer of length 0. Default 1.
    pub max_value_correct: f64,
    /// Pay for a wrong answer of length 0. Default -1.
    pub min_value_wrong: f64,
    /// Pay for a wrong answer at `max_len` and beyond. Default -0.5.
    pub max_value_wrong: f64,
    /// Pay at `max_len` and beyond whatever the answer is. Default: none, the
    /// scale's end pays.
    pub exceeded: Option<f64>,
}

impl Default for CosineOptions {
    fn default() -> Self {
        Self {
            max_len: 0,
            unit: LengthUnit::Tokens,
            min_value_correct: 0.5,
            max_value_correct: 1.0,
            min_value_wrong: -1.0,
            max_value_wrong: -0.5,
            exceeded: None,
        }
    }
}

impl CosineOptions {
    /// # Errors
    /// `max_len` is 0 or missing, a number is not finite, a least value is above
    /// its greatest, or something pays as much as the least correct answer.
    pub fn check(&self) -> Result<(), OptionError> {
        if self.max_len == 0 {
            let problem = "is missing or 0; give the length at which the scale ends, \
                           for example 16384";
            return Err(OptionError::new("max_len", problem));
        }
        finite("min_value_correct", self.min_value_correct)?;
        finite("max_value_correct", self.max_value_correct)?;
        finite("min_value_wrong", self.min_value_wrong)?;
        finite("max_value_wrong", self.max_value_wrong)?;
        let at_most = |field, value: f64, other: &str, limit: f64| {
            if value <= limit {
                return Ok(());
            }
            let problem = format!("is more than `{other}`; give at most {limit}");
            Err(OptionError::new(field, problem))
        };
        let correct = self.max_value_correct;
        at_most(
            "min_value_correct",
            self.min_value_correct,
            "max_value_correct",
            correct,
        )?;
        let wrong = self.max_value_wrong;
        at_most(
            "min_value_wrong",
            self.min_value_wrong,
            "max_value_wrong",
            wrong,
        )?;
        let below_correct = |field, value: f64| {
            if value < self.min_value_correct {
                return Ok(());
            }
            let problem = format!(
                "pays as much as a correct answer; give less than `min_value_correct` ({})",
                self.min_value_correct
            );
            Err(OptionError::new(field, problem))
        };
        below_correct("max_value_wrong", wrong)?;
        if let Some(exceeded) = self.exceeded {
            finite("exceeded", exceeded)?;
            below_correct("exceeded", exceeded)?;
        }
        Ok(())
    }
}

/// The reward of an answer with this `outcome` in a completion of this `length`
/// (in the unit of the options), between the least and the greatest value.
///
/// Abstains where the outcome is unknown (`unknown_verdict`) or the length is
/// not known (`no_length`). No answer counts as a wrong one. Reason code:
/// `exceeded`.
///
/// ```
/// use goldstone::text::cosine::{CosineOptions, measure};
/// use goldstone::verdict::Outcome;
///
/// let options = CosineOptions { max_len: 100, ..CosineOptions::default() };
/// let value = |outcome, length| measure(outcome, Some(length), &options).value;
/// assert_eq!(value(Outcome::Correct, 50), Some(0.75));
/// assert_eq!(value(Outcome::Wrong, 50), Some(-0.75));
/// assert_eq!(value(Outcome::Wrong, 10_000), Some(-0.5));
/// assert_eq!(value(Outcome::Unknown, 50), None);
/// ```
#[must_use]
pub fn measure(outcome: Outcome, length: Option<u64>, options: &CosineOptions) -> Measure {
    let Some(length) = length else {
        return Measure::abstain("no_length");
    };
    let (short, long) = match outcome {
        Outcome::Correct => (options.max_value_correct, options.min_value_correct),
        Outcome::Wrong | Outcome::NoAnswer => (options.min_value_wrong, options.max_value_wrong),
        Outcome::Unknown => return Measure::abstain("unknown_verdict"),
    };
    let measure = match options.exceeded {
        Some(exceeded) if length >= options.max_len => Measure::of(exceeded).because("exceeded"),
        _ => {
            let progress = (length as f64 / options.max_len as f64).min(1.0);
            Measure::of(long + 0.5 * (short - long) * (1.0 + (progress * PI).cos()))
        }
    };
    measure.with("length", length)
}
