//! The fuel and the output of a whole job, and what is left of them.

use super::{End, Limits, Turn};

/// How many times the output of one turn all turns of an instance may have that takes
/// one call after another. They are kept until the job is done, and there may be
/// thousands.
const OUTPUTS: u64 = 8;

/// What the turns of a job may still use.
pub(super) struct Budget {
    limits: Limits,
    left: u64,
    /// Standard output and error output together, where calls share it.
    output_left: Option<u64>,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            left: limits.total_fuel,
            output_left: None,
        }
    }

    /// For calls: they share what they write.
    pub(super) fn of_calls(limits: &Limits) -> Self {
        Self {
            output_left: Some(limits.output_bytes.saturating_mul(OUTPUTS)),
            ..Self::new(limits)
        }
    }

    /// The limits of the next turn.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            fuel: self.limits.fuel.min(self.left),
            output_bytes: match self.output_left {
                Some(left) => self.limits.output_bytes.min(left),
                None => self.limits.output_bytes,
            },
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
        let written = (turn.stdout.len() + turn.stderr.len()) as u64;
        self.output_left = self.output_left.map(|left| left.saturating_sub(written));
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
