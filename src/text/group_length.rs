//! Length reward over a group: the lengths and verdicts of all answers to one
//! prompt in, one number in `[-0.5, 0.5]` each out.
//!
//! With `L` the length and `min`, `max` the least and the greatest of the group:
//!
//! ```text
//! lambda = 0.5 - (L - min) / (max - min)
//! reward = lambda           if the answer is correct
//!          min(0, lambda)   if it is wrong, or there is none
//!          0                if min = max
//! ```
//!
//! *Source*: Kimi k1.5 (arXiv:2501.12599), section 2.3.3, which warms it up: the
//! paper trains without it first. Deviations: an answer whose verdict is unknown
//! abstains where open-r1 takes it for correct; a member without a length
//! abstains, and is not among `min` and `max`.
//!
//! *How it can be gamed*: it compares within the group, so all answers may grow
//! together unpunished. A short wrong answer costs nothing while a long wrong
//! one does: give the verdict itself more weight than 1. One very long sample
//! lifts all others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LengthUnit;
use crate::verdict::{Measure, Outcome};

/// What a group's lengths are counted in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GroupLengthOptions {
    /// Unit of the length: `tokens` (default) or `characters`.
    pub unit: LengthUnit,
}

/// One answer of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its length, in one unit for the whole group; `None` where it is not known.
    pub length: Option<u64>,
    /// Its verdict; `None` where it was not judged (the row is unusable).
    pub outcome: Option<Outcome>,
}

/// The reward of every member, in order; each in `[-0.5, 0.5]`.
///
/// A member without a length abstains (`no_length`) and counts for nobody. One
/// whose verdict is unknown or missing abstains (`unknown_verdict`), but its
/// length counts: it was sampled like the others. An empty group gives an empty
/// list, and a group of one gives 0.
///
/// ```
/// use goldstone::text::group_length::{Member, measure};
/// use goldstone::verdict::Outcome;
///
/// let member = |length, outcome| Member { length: Some(length), outcome: Some(outcome) };
/// let rewards = measure(&[
///     member(100, Outcome::Correct),
///     member(300, Outcome::Correct),
///     member(100, Outcome::Wrong),
///     member(200, Outcome::Unknown),
/// ]);
/// let values: Vec<_> = rewards.iter().map(|reward| reward.value).collect();
/// assert_eq!(values, [Some(0.5), Some(-0.5), Some(0.0), None]);
/// ```
#[must_use]
pub fn measure(group: &[Member]) -> Vec<Measure> {
    let lengths = || group.iter().filter_map(|member| member.length);
    let (Some(least), Some(greatest)) = (lengths().min(), lengths().max()) else {
        return vec![Measure::abstain("no_length"); group.len()];
    };
    group
        .iter()
        .map(|member| {
            let Some(length) = member.length else {
                return Measure::abstain("no_length");
            };
            let measure = match member.outcome {
                None | Some(Outcome::Unknown) => Measure::abstain("unknown_verdict"),
                Some(_) if least == greatest => Measure::of(0.0).because("equal_lengths"),
                Some(outcome) => {
                    let lambda = 0.5 - (length - least) as f64 / (greatest - least) as f64;
                    match outcome {
                        Outcome::Correct => Measure::of(lambda),
                        _ => Measure::of(lambda.min(0.0)),
                    }
                }
            };
            measure
                .with("length", length)
                .with("shortest", least)
                .with("longest", greatest)
        })
        .collect()
}
