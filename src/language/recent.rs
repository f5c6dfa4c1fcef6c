//! Scores of the words seen last: most words of a text come again.
//!
//! A direct-mapped table that compares whole words, so that it saves work and
//! changes nothing.

use super::model::{Group, Scores};

/// Slots of the table; with 16 scores each it stays in the nearest cache.
const SLOTS: usize = 512;

/// Longest word that is kept, in bytes.
const MAX_BYTES: usize = 24;

struct Slot {
    word: [u8; MAX_BYTES],
    length: u8,
    scores: Scores,
}

/// The table of one group.
pub(super) struct Recent<'g> {
    group: &'g Group,
    slots: Vec<Slot>,
}

impl<'g> Recent<'g> {
    /// An empty table.
    pub(super) fn new(group: &'g Group) -> Self {
        let empty = || Slot {
            word: [0; MAX_BYTES],
            length: 0,
            scores: [0; 16],
        };
        Self {
            group,
            slots: std::iter::repeat_with(empty).take(SLOTS).collect(),
        }
    }

    /// The scores of a word, from the table or the model.
    pub(super) fn scores(&mut self, word: &str) -> Scores {
        let length = word.len();
        if length > MAX_BYTES {
            return self.group.scores(word);
        }
        let mut padded = [0; MAX_BYTES];
        padded[..length].copy_from_slice(word.as_bytes());
        let slot = &mut self.slots[slot_of(&padded)];
        if usize::from(slot.length) != length || slot.word != padded {
            *slot = Slot {
                word: padded,
                length: length as u8,
                scores: self.group.scores(word),
            };
        }
        slot.scores
    }
}

fn slot_of(padded: &[u8; MAX_BYTES]) -> usize {
    let mut hash = 0_u64;
    for part in padded.as_chunks::<8>().0 {
        hash =
            (hash.rotate_left(23) ^ u64::from_le_bytes(*part)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    (hash >> (u64::BITS - SLOTS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::super::model::GROUPS;
    use super::*;

    #[test]
    fn the_table_changes_nothing() {
        let group = &GROUPS[0];
        let mut recent = Recent::new(group);
        for round in 0..2 {
            for number in 0..2000_u32 {
                let word = format!("w{}x{}", number % 700, number * round);
                assert_eq!(recent.scores(&word), group.scores(&word));
            }
        }
    }
}
