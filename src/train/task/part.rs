//! Which problems train and which are held out, decided by the problem itself.
//!
//! A problem is hashed without any seed; the lowest share of all hashes is held
//! out. So the two parts share no problem, whatever seeds, orders or files they
//! are drawn with, and a problem never changes sides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::options::TaskOptions;

/// The part of a source that a task takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Every problem.
    #[default]
    All,
    /// What is not held out.
    Train,
    /// What no training task with `part = "train"` has.
    HeldOut,
}

/// A part and the share that is held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    pub(super) part: Part,
    /// From 0 to 1.
    pub(super) held_out: f64,
}

impl Split {
    /// What a task is to take.
    pub(super) fn of(options: &TaskOptions) -> Self {
        Self {
            part: options.part,
            held_out: options.held_out,
        }
    }

    /// Whether the part has the problem that `key` identifies.
    pub(super) fn has(self, key: &[u8]) -> bool {
        let is_held_out = place(key) < self.held_out;
        match self.part {
            Part::All => true,
            Part::Train => !is_held_out,
            Part::HeldOut => is_held_out,
        }
    }

    /// Whether no problem can be in both, though the source is the same.
    pub(super) fn is_apart_from(self, other: Self) -> bool {
        match (self.part, other.part) {
            (Part::Train, Part::HeldOut) => self.held_out >= other.held_out,
            (Part::HeldOut, Part::Train) => other.held_out >= self.held_out,
            _ => false,
        }
    }
}

/// Where in [0, 1) the hash of a problem lies.
fn place(key: &[u8]) -> f64 {
    let digest = Sha256::digest(key);
    let head: [u8; 8] = digest[..8].try_into().expect("a digest has 32 bytes");
    (u64::from_le_bytes(head) >> 11) as f64 / (1_u64 << 53) as f64
}
