//! What one evaluation with balls works with: bits, fuel, constants.

use astro_float::Consts;

use super::budget::Fuel;

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fail {
    /// More bits would help.
    Imprecise,
    Undefined,
    Unsupported,
    Limit,
}

/// Precision, work left and constants of one evaluation.
pub(super) struct Context<'a> {
    pub(super) bits: u64,
    pub(super) fuel: &'a Fuel<'a>,
    /// Made when first asked for: radicals need none, and they take long.
    constants: Option<Consts>,
}

impl<'a> Context<'a> {
    pub(super) fn new(fuel: &'a Fuel<'a>) -> Self {
        Context {
            bits: 64,
            fuel,
            constants: None,
        }
    }

    pub(super) fn constants(&mut self) -> Result<&mut Consts, Fail> {
        match &mut self.constants {
            Some(constants) => Ok(constants),
            none => {
                let constants = Consts::new().map_err(|_| Fail::Limit)?;
                Ok(none.insert(constants))
            }
        }
    }

    pub(super) fn spend(&self, units: u64) -> Result<(), Fail> {
        self.fuel.spend(units).map_err(|_| Fail::Limit)
    }

    /// Bits asked of `astro-float`: 64 more than needed, which the widening by
    /// 2^8 units leaves good.
    pub(super) fn precision(&self) -> usize {
        usize::try_from(self.bits).unwrap_or(4096) + 64
    }
}
