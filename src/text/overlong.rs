//! Soft overlong punishment: a completion's length in tokens in, a penalty in
//! `[-1, 0]` out.
//!
//! With `L` the length, `M` = `max_tokens` and `C` = `cache_tokens`:
//!
//! ```text
//! 0                  if L <= M - C
//! ((M - C) - L) / C  if M - C < L <= M
//! -1                 if L > M
//! ```
//!
//! *Source*: DAPO (arXiv:2503.14476), section 3.4, Eq. 13. As in TRL and open-r1
//! the penalty ends at -1; verl's manager lets the line run on below it.
//!
//! *How it can be gamed*: a policy that stops short of the cache pays nothing,
//! so it learns to break off; keep it beside a reward for the answer. It never
//! pays for being short.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OptionError;
use crate::verdict::Measure;

/// Where the punishment begins and where it is full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OverlongOptions {
    /// Length in tokens from which the penalty is -1. Required; the limit that
    /// sampling has, or a little less.
    #[schemars(range(min = 1))]
    pub max_tokens: u64,
    /// Tokens below `max_tokens` over which the penalty grows from 0 to -1.
    /// Default 0: nothing up to `max_tokens`, -1 beyond.
    pub cache_tokens: u64,
}

impl OverlongOptions {
    /// # Errors
    /// `max_tokens` is 0 or missing, or `cache_tokens` is larger.
    pub fn check(&self) -> Result<(), OptionError> {
        if self.max_tokens == 0 {
            let problem = "is missing or 0; give the longest completion that sampling allows, \
                           for example 16384";
            return Err(OptionError::new("max_tokens", problem));
        }
        if self.cache_tokens > self.max_tokens {
            let problem = format!(
                "is more than `max_tokens`; give at most {}",
                self.max_tokens
            );
            return Err(OptionError::new("cache_tokens", problem));
        }
        Ok(())
    }
}

/// The penalty for a completion of `n_tokens` tokens, in `[-1, 0]`.
///
/// Abstains (`no_n_tokens`) where the length is not known. Reason codes:
/// `overlong` beyond `max_tokens`, `in_cache` on the slope.
///
/// ```
/// use goldstone::text::overlong::{OverlongOptions, measure};
///
/// let options = OverlongOptions { max_tokens: 100, cache_tokens: 20 };
/// assert_eq!(measure(Some(80), &options).value, Some(0.0));
/// assert_eq!(measure(Some(90), &options).value, Some(-0.5));
/// assert_eq!(measure(Some(4000), &options).value, Some(-1.0));
/// assert_eq!(measure(None, &options).value, None);
/// ```
#[must_use]
pub fn measure(n_tokens: Option<u64>, options: &OverlongOptions) -> Measure {
    let Some(length) = n_tokens else {
        return Measure::abstain("no_n_tokens");
    };
    let free = options.max_tokens.saturating_sub(options.cache_tokens);
    let measure = if length <= free {
        Measure::of(0.0)
    } else if length <= options.max_tokens {
        // `cache_tokens` is above 0: otherwise `free` would be `max_tokens`.
        let penalty = -((length - free) as f64 / options.cache_tokens as f64);
        Measure::of(penalty).because("in_cache")
    } else {
        Measure::of(-1.0).because("overlong")
    };
    measure.with("tokens", length)
}
