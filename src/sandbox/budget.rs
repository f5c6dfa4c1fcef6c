//! The fuel of a whole job, and what is left of it.

use super::{End, Limits, Turn};

/// What the turns of a job may still use.
pub(super) struct Budget {
    limits: Limits,
    left: u64,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            left: limits.total_fuel,
        }
    }

    /// The limits of the next turn.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            fuel: self.limits.fuel.min(self.left),
            ..self.limits.clone()
        }
    }

    /// The same; nothing where all fuel is used up.
    pub(super) fn next(&self) -> Option<Limits> {
        (self.left > 0).then(|| self.limits())
    }

    /// Takes what a turn has used.
    pub(super) fn spend(&mut self, turn: Turn) -> Turn {
        self.left = self.left.saturating_sub(turn.fuel);
        turn
    }

    /// A turn that comes too late.
    pub(super) fn refuse(&self) -> Turn {
        Turn {
            end: End::Fuel,
            reply: Vec::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            fuel: 0,
            memory_bytes: 0,
            memory_denied: false,
        }
    }
}
