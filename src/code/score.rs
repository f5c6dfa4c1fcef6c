//! From a report to the verdict that a reward is made of.

use serde_json::json;

use super::options::Credit;
use super::report::{CodeReport, CodeVerdict, TestReport, Trust};
use crate::verdict::Verdict;

/// Why a report pays nothing, not even 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unjudged {
    /// The tests cannot be run.
    #[error("the tests cannot be run: {0}")]
    BadTask(String),
    /// Out of wall time; worth another try on a less busy machine.
    #[error("the program ran out of wall time, which says nothing about it")]
    WallClock,
    /// We failed.
    #[error("the program could not be judged: {0}")]
    Infrastructure(String),
}

impl CodeReport {
    /// The verdict, with partial credit for k of n tests.
    ///
    /// [`Trust::Weak`] is [`Outcome::Unknown`](crate::verdict::Outcome::Unknown).
    ///
    /// # Errors
    /// [`Unjudged`] where the program is not to blame: the reward is `null`.
    pub fn verdict(&self, credit: Credit) -> Result<Verdict, Unjudged> {
        let verdict = match self.verdict {
            CodeVerdict::BadTask => return Err(Unjudged::BadTask(self.message.clone())),
            CodeVerdict::TimeoutWall => return Err(Unjudged::WallClock),
            CodeVerdict::InfraError => {
                return Err(Unjudged::Infrastructure(self.message.clone()));
            }
            _ if self.trust == Trust::Weak => Verdict::unknown("shared_interpreter"),
            CodeVerdict::Pass => Verdict::correct("tests_pass"),
            failed => {
                let mut verdict = Verdict::wrong(failed.name());
                verdict.credit = match credit {
                    Credit::Binary => 0.0,
                    Credit::Fraction => self.fraction(),
                    Credit::Weighted => self.fraction() / 11.0,
                };
                verdict
            }
        };
        Ok(verdict
            .with("passed", self.passed)
            .with("total", self.total)
            .with("first_failed", json!(self.first_failed))
            .with("fuel", self.work_fuel())
            .with("mode", json!(self.mode))
            .with("trust", json!(self.trust)))
    }

    /// The share of the tests that pass, in `[0, 1]`; of the groups of which all
    /// cases pass, where the cases have groups.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let mut groups: Vec<(&str, bool)> = Vec::new();
        for TestReport { group, verdict, .. } in &self.tests {
            let Some(name) = group else {
                return self.passed as f64 / self.total.max(1) as f64;
            };
            let passed = *verdict == CodeVerdict::Pass;
            match groups.iter_mut().find(|(known, _)| known == name) {
                Some((_, all)) => *all &= passed,
                None => groups.push((name, passed)),
            }
        }
        // Groups that were not reached are not counted as if they were absent.
        if self.tests.len() < self.total || groups.is_empty() {
            return self.passed as f64 / self.total.max(1) as f64;
        }
        groups.iter().filter(|(_, all)| *all).count() as f64 / groups.len() as f64
    }

    /// Fuel that the solution took: for all tests, and for defining the program, so
    /// that work is not hidden by doing it while the program is defined.
    #[must_use]
    pub fn work_fuel(&self) -> u64 {
        self.fuel.saturating_add(self.load_fuel)
    }
}
