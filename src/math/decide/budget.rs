//! Work limits of one decision: no clock, only counted work.

use std::cell::Cell;

/// What one decision may cost. Every limit ends in `Decision::Unknown`, never
/// in a wrong verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Work units of one decision; a unit is about one machine-word operation,
    /// a few nanoseconds.
    pub(crate) fuel: u64,
    /// Bits of a numerator or denominator that is computed exactly.
    pub(crate) bits: u64,
    /// Nodes of an expression, and of its canonical form.
    pub(crate) nodes: usize,
    /// Bits to which a transcendental constant is evaluated at most.
    pub(crate) precision: u32,
    /// Bits of a root-separation bound at most.
    pub(crate) separation: u32,
    /// Work units that were used under these limits so far.
    pub(crate) used: Cell<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            fuel: 1_500_000,
            bits: 1 << 16,
            nodes: 1 << 14,
            precision: 2048,
            separation: 8192,
            used: Cell::new(0),
        }
    }
}

/// Why a stage ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A limit was met.
    Limit,
    /// The expression has no value.
    Undefined,
    /// The stage does not treat such expressions.
    Unsupported,
}

/// Work left; shared by the passes of a stage.
#[derive(Debug)]
pub(super) struct Fuel<'a> {
    left: Cell<u64>,
    used: &'a Cell<u64>,
    /// What all stages may use together.
    total: u64,
}

impl<'a> Fuel<'a> {
    /// A share of the fuel of `limits`, which keep count of it.
    pub(super) fn new(units: u64, limits: &'a Limits) -> Self {
        Fuel {
            left: Cell::new(units),
            used: &limits.used,
            total: limits.fuel,
        }
    }

    /// Sets the work left, for the next stage.
    pub(super) fn grant(&self, units: u64) {
        self.left.set(units);
    }

    /// Pays for work before it is done.
    pub(super) fn spend(&self, units: u64) -> Result<(), Stop> {
        let used = self.used.get().saturating_add(units);
        match self.left.get().checked_sub(units) {
            Some(left) if used <= self.total => {
                self.left.set(left);
                self.used.set(used);
                Ok(())
            }
            _ => Err(Stop::Limit),
        }
    }
}
