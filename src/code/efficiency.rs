//! Efficiency: the fuel of programs that pass in, numbers in `[0, 1]` out.
//!
//! A score is the fuel of a yardstick divided by the program's own, at most 1: the
//! inverse of EffiBench's normalised execution time (arXiv:2402.02037, section 3.3,
//! ET of the code / ET of the canonical solution), with a bound. The yardstick is the
//! reference solution, or the best program of the group. Mercury (arXiv:2402.07844,
//! section 3.2) scales between the slowest and the fastest known instead; among the
//! few programs of a group that makes 0 and 1 of differences that mean nothing.
//!
//! Fuel is counted by the guest, so that the same programs have the same scores on
//! any machine at any load. It holds what every call costs: programs for tests that
//! take no work are all alike.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::options::{CodeOptions, Stop};
use super::report::CodeVerdict;
use super::task::Task;
use super::{CodeError, verify};
use crate::sandbox::Runner;

/// Efficiency of a program that passes, against that of a reference: 1 where it takes
/// no more fuel, 0.5 where it takes twice as much.
///
/// ```
/// use goldstone::code::against_reference;
///
/// assert_eq!(against_reference(50, 100), 1.0);
/// assert_eq!(against_reference(200, 100), 0.5);
/// assert_eq!(against_reference(u64::MAX, 0), 0.0);
/// ```
#[must_use]
pub fn against_reference(fuel: u64, reference_fuel: u64) -> f64 {
    if fuel <= reference_fuel {
        return 1.0;
    }
    reference_fuel as f64 / fuel as f64
}

/// Efficiency of each program of a group, against the best of those that pass; `None`
/// for those that do not, which are given as `None`.
///
/// ```
/// use goldstone::code::against_best;
///
/// let group = [Some(300), None, Some(100)];
/// assert_eq!(against_best(&group), [Some(100.0 / 300.0), None, Some(1.0)]);
/// assert_eq!(against_best(&[None]), [None]);
/// ```
#[must_use]
pub fn against_best(fuels: &[Option<u64>]) -> Vec<Option<f64>> {
    let best = fuels.iter().copied().flatten().min();
    fuels
        .iter()
        .map(|fuel| Some(against_reference((*fuel)?, best?)))
        .collect()
}

/// Why a reference solution can't measure others.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoReference {
    /// The task has none.
    #[error("the task has no reference solution")]
    Missing,
    /// It does not pass the task's own tests: the data is at fault.
    #[error("the reference solution does not pass: {0}")]
    Fails(String),
    /// It could not be run.
    #[error(transparent)]
    Code(#[from] CodeError),
}

/// The fuel of reference solutions; each is run once.
#[derive(Debug, Default)]
pub struct References {
    known: Mutex<HashMap<[u8; 32], u64>>,
}

impl References {
    /// The fuel of the task's reference solution ([`CodeReport::work_fuel`]) under
    /// `options`, run with `runner` unless it is known.
    ///
    /// [`CodeReport::work_fuel`]: super::CodeReport::work_fuel
    ///
    /// # Errors
    /// [`NoReference`]; that it does not pass, or has none, is the task's fault.
    pub fn fuel(
        &self,
        task: &Task,
        options: &CodeOptions,
        runner: &dyn Runner,
    ) -> Result<u64, NoReference> {
        let reference = task.reference.as_deref().ok_or(NoReference::Missing)?;
        // All tests are run, whatever the programs measured do.
        let options = CodeOptions {
            stop: Stop::Never,
            ..options.clone()
        };
        let key = Sha256::new()
            .chain_update(format!("{task:?} {options:?}"))
            .finalize()
            .into();
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fuel) = known().get(&key) {
            return Ok(*fuel);
        }
        let report = verify(task, reference, &options, runner)?;
        if report.verdict != CodeVerdict::Pass {
            let name = report.verdict.name();
            return Err(NoReference::Fails(format!("{name}: {}", report.message)));
        }
        let fuel = report.work_fuel();
        known().insert(key, fuel);
        Ok(fuel)
    }
}
