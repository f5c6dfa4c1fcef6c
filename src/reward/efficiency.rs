//! Efficiency of programs that pass their tests: their fuel against that of the
//! reference solution, or of the best of the group.

use super::code::{ours, task, tests_error};
use super::judge::Subject;
use super::measure::Member;
use super::score::{RowError, Term};
use super::spec::{CodeReward, Kind, Reward};
use crate::code::{NoReference, against_best, against_reference};
use crate::verdict::{Measure, Outcome};

/// Measures the program of `term` against the row's reference solution, which is
/// run under the options of the code reward that `term` is of.
pub(super) fn by_reference(
    reward: &Reward,
    subject: &Subject<'_>,
    term: Option<&Term>,
) -> Result<Measure, RowError> {
    let fuel = match passed(term) {
        Passed::Fuel(fuel) => fuel,
        not => return Ok(not.measure()),
    };
    let Some(options) = reward.of.and_then(|of| code_options(&subject.rewards[of])) else {
        unreachable!("a checked spec measures the efficiency of a code reward")
    };
    let Some(runner) = subject.sandbox else {
        return Err(ours(reward, "there is no sandbox to run programs in"));
    };
    let task = task(reward, subject)?;
    match subject.references.fuel(&task, &options.options(), runner) {
        Ok(reference) => {
            let measure = Measure::of(against_reference(fuel, reference));
            Ok(measure.with("fuel", fuel).with("reference_fuel", reference))
        }
        Err(error @ (NoReference::Missing | NoReference::Fails(_))) => {
            Err(tests_error(reward, subject, &error.to_string()))
        }
        Err(error) => Err(ours(reward, &error.to_string())),
    }
}

/// Measures the programs of a group against the best of them.
pub(super) fn by_group(members: &[Member<'_>]) -> Vec<Measure> {
    let passed: Vec<Passed> = members.iter().map(|member| passed(member.of)).collect();
    let fuels: Vec<Option<u64>> = passed.iter().map(Passed::fuel).collect();
    let best = fuels.iter().copied().flatten().min();
    let scores = against_best(&fuels);
    passed
        .into_iter()
        .zip(scores)
        .map(|(passed, score)| match (&passed, score, best) {
            (Passed::Fuel(fuel), Some(score), Some(best)) => {
                let measure = Measure::of(score);
                measure.with("fuel", *fuel).with("best_fuel", best)
            }
            _ => passed.measure(),
        })
        .collect()
}

/// The options of a code reward.
pub(super) fn code_options(reward: &Reward) -> Option<&CodeReward> {
    match &reward.kind {
        Kind::Code(options) => Some(options),
        _ => None,
    }
}

/// What a code reward says of a program.
enum Passed {
    Fuel(u64),
    No,
    Unknown,
}

impl Passed {
    fn fuel(&self) -> Option<u64> {
        match self {
            Self::Fuel(fuel) => Some(*fuel),
            _ => None,
        }
    }

    /// The measure of a program that has no fuel to compare: one that fails is
    /// worth nothing, however quick.
    fn measure(&self) -> Measure {
        match self {
            Self::No => Measure::of(0.0).because("not_passed"),
            _ => Measure::abstain("unknown_verdict"),
        }
    }
}

fn passed(term: Option<&Term>) -> Passed {
    let Some(term) = term else {
        return Passed::Unknown;
    };
    match (term.outcome, term.raw) {
        (Some(Outcome::Correct), _) => {
            let fuel = term.detail.value("fuel").and_then(|fuel| fuel.as_u64());
            fuel.map_or(Passed::Unknown, Passed::Fuel)
        }
        (Some(Outcome::Unknown), _) | (None, None) => Passed::Unknown,
        _ => Passed::No,
    }
}
