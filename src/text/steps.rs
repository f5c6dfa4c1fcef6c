//! Reasoning-step count: how many marks of step-by-step writing a text has, in
//! `[0, 1]`.
//!
//! ```text
//! min(1, matches of the patterns / target)
//! ```
//!
//! *Source*: open-r1's `reasoning_steps_reward`: "Step 1:", a numbered list at
//! the start, list marks, "First,", "Second,", "Next,", "Finally,"; three make a
//! full reward. It has no paper.
//!
//! *How it can be gamed*: trivially. `- - -` on three lines, or "First, Next,
//! Finally," without a thought between them, earns 1, and a policy finds that
//! within a few hundred steps. It says nothing about reasoning. Give it a small
//! weight beside a reward for the answer, or leave it out.

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OptionError;
use crate::verdict::Measure;

/// The marks of a step, and how many make a full reward.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepsOptions {
    /// Regular expressions of the marks (Rust's syntax, without look-around).
    /// Matches do not overlap; the first pattern that matches at a place counts.
    /// Default: `Step \d+:`, `^\d+\.`, `\n-`, `\n\*`, `First,`, `Second,`,
    /// `Next,`, `Finally,`.
    pub patterns: StepPatterns,
    /// Marks that make the reward 1. Default 3.
    #[schemars(range(min = 1))]
    pub target: u64,
}

/// Compiled patterns; a list of strings in a spec.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct StepPatterns {
    #[schemars(with = "Vec<String>", length(min = 1))]
    sources: Vec<String>,
    union: Regex,
}

/// Patterns that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepPatternsError {
    /// There is none.
    #[error("give at least one pattern")]
    Empty,
    /// One is no regular expression, or too large a one.
    #[error("`{pattern}` is not a regular expression that can be used: {problem}")]
    Bad {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// One matches the empty text, which is everywhere.
    #[error("`{0}` matches the empty text, which is everywhere")]
    MatchesNothing(String),
}

/// Bytes that a compiled pattern may take.
const SIZE_LIMIT: usize = 1 << 20;

/// The patterns of open-r1.
const PATTERNS: [&str; 8] = [
    r"Step \d+:",
    r"^\d+\.",
    r"\n-",
    r"\n\*",
    "First,",
    "Second,",
    "Next,",
    "Finally,",
];

impl Default for StepsOptions {
    fn default() -> Self {
        Self {
            patterns: StepPatterns::default(),
            target: 3,
        }
    }
}

impl StepsOptions {
    /// # Errors
    /// `target` is 0.
    pub fn check(&self) -> Result<(), OptionError> {
        if self.target == 0 {
            let problem = "is 0; give the number of marks that make a full reward, for example 3";
            return Err(OptionError::new("target", problem));
        }
        Ok(())
    }
}

impl Default for StepPatterns {
    fn default() -> Self {
        Self::try_from(PATTERNS.map(str::to_owned).to_vec()).expect("the default patterns compile")
    }
}

impl PartialEq for StepPatterns {
    fn eq(&self, other: &Self) -> bool {
        self.sources == other.sources
    }
}

impl TryFrom<Vec<String>> for StepPatterns {
    type Error = StepPatternsError;

    fn try_from(sources: Vec<String>) -> Result<Self, StepPatternsError> {
        if sources.is_empty() {
            return Err(StepPatternsError::Empty);
        }
        let compile = |pattern: &str| RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).build();
        let bad = |pattern: &str, error: regex::Error| {
            let message = error.to_string();
            let problem = message.lines().last().unwrap_or_default();
            StepPatternsError::Bad {
                pattern: pattern.to_owned(),
                problem: problem.trim_start_matches("error: ").to_owned(),
            }
        };
        for source in &sources {
            let regex = compile(source).map_err(|error| bad(source, error))?;
            if regex.is_match("") {
                return Err(StepPatternsError::MatchesNothing(source.clone()));
            }
        }
        // Groups of their own keep one pattern's flags and bars from the next.
        let union = format!("(?:{})", sources.join(")|(?:"));
        let union = compile(&union).map_err(|error| bad(&union, error))?;
        Ok(Self { sources, union })
    }
}

impl From<StepPatterns> for Vec<String> {
    fn from(patterns: StepPatterns) -> Self {
        patterns.sources
    }
}

/// The share of `target` marks that `text` has, in `[0, 1]`.
///
/// Evidence: `steps` (marks counted, at most `target`).
///
/// ```
/// use goldstone::text::steps::{StepsOptions, measure};
///
/// let options = StepsOptions::default();
/// assert_eq!(measure("Step 1: add.\nStep 2: halve.", &options).value, Some(2.0 / 3.0));
/// assert_eq!(measure("It is 4.", &options).value, Some(0.0));
/// assert_eq!(measure("\n- \n- \n-", &options).value, Some(1.0)); // nothing was reasoned
/// ```
#[must_use]
pub fn measure(text: &str, options: &StepsOptions) -> Measure {
    let target = usize::try_from(options.target.max(1)).unwrap_or(usize::MAX);
    let steps = options.patterns.union.find_iter(text).take(target).count();
    Measure::of(steps as f64 / target as f64).with("steps", steps)
}
