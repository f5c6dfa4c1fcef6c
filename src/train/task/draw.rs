//! Random numbers by place: a seed, a purpose and an index in, the same draws
//! out on every machine.
//!
//! ChaCha8, its key from seed and purpose, its stream from the index: no draw
//! depends on how many came before it elsewhere, so that problem 17 is problem
//! 17 whether or not the first 16 were ever asked for.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// The draws of one place.
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    pub(super) fn new(seed: u64, purpose: &str, index: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(purpose.as_bytes());
        let mut random = ChaCha8Rng::from_seed(hash.finalize().into());
        random.set_stream(index);
        Self(random)
    }

    /// A whole number below `bound`, each as likely; 0 where `bound` is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // The last, incomplete run of `bound` numbers would favour the small.
        let fair = u64::MAX - u64::MAX % bound;
        loop {
            let number = self.0.next_u64();
            if number < fair {
                return number % bound;
            }
        }
    }

    /// Whether something happens that does in this share of all cases.
    pub(super) fn happens(&mut self, share: f64) -> bool {
        // 53 random bits: every f64 in [0, 1) of that grid, never 1.
        let point = (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        point < share
    }

    /// Puts `items` in a random order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}
