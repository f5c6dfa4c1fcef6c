//! Random numbers that need no state: each is a function of what it is for.
//!
//! A key is the SHA-256 of a seed, a purpose and some numbers; under it ChaCha8
//! gives one stream per row and one word position per draw. The same draw is the
//! same number in any batch, on any thread, before and after a resume.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// Where the random numbers of one purpose come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key of a purpose under `seed`; `numbers` tell its instances apart.
    pub(super) fn new(seed: u64, purpose: &str, numbers: &[u64]) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(purpose.as_bytes());
        hash.update([0]);
        for number in numbers {
            hash.update(number.to_le_bytes());
        }
        Self(hash.finalize().into())
    }

    /// A seed for those who take one number.
    pub(super) fn seed(self) -> u64 {
        u64::from_le_bytes(self.0[..8].try_into().expect("a key has 32 bytes"))
    }

    /// A number in [0, 1) with 53 random bits, for one position of one row.
    pub(super) fn uniform(self, row: u64, position: u64) -> f64 {
        let mut random = ChaCha8Rng::from_seed(self.0);
        random.set_stream(row);
        // A draw takes two words of 32 bits.
        random.set_word_pos(u128::from(position) * 2);
        (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The numbers below `count` in random order: Fisher and Yates.
    pub(super) fn permutation(self, count: usize) -> Vec<usize> {
        let mut random = ChaCha8Rng::from_seed(self.0);
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            // The high bits of the product are below `last + 1`; the bias is below 2^-40
            // for fewer than 2^24 numbers.
            let product = u128::from(random.next_u64()) * (last as u128 + 1);
            order.swap(last, (product >> 64) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn a_draw_depends_on_its_place_alone() {
        let key = Key::new(7, "test", &[1]);
        let draws: Vec<f64> = (0..64).map(|at| key.uniform(at / 8, at % 8)).collect();
        let again: Vec<f64> = (0..64)
            .rev()
            .map(|at| key.uniform(at / 8, at % 8))
            .collect();
        assert!(draws.iter().eq(again.iter().rev()));
        let mut sorted = draws.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.dedup();
        assert_eq!(sorted.len(), draws.len(), "two draws are equal");
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert_ne!(key, Key::new(7, "test", &[2]));
        assert_ne!(key, Key::new(8, "test", &[1]));
    }

    #[test]
    fn permutations_have_every_number_once() {
        for count in [0, 1, 2, 17, 1000] {
            let key = Key::new(3, "order", &[count as u64]);
            let mut order = key.permutation(count);
            assert_eq!(order, key.permutation(count));
            order.sort_unstable();
            assert!(order.into_iter().eq(0..count));
        }
    }
}
