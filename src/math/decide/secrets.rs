//! Random primes and points that the author of an answer cannot know.
//!
//! Identities are tested modulo these primes at these points
//! (Schwartz–Zippel); the error bound holds against anyone who does not know
//! them, so they are drawn per process. All primes are `P = 24 m + 1` with `m`
//! prime to 6: -1, 2 and 3 are squares, and roots of degree dividing 24 come
//! out of a discrete logarithm in the subgroup of order 24.

/// Primes that are drawn: radicals such as `\sqrt5` need primes modulo which
/// they exist, each halves the choice. What is tested needs a quarter of the
/// primes at least (`modular.rs`), so that fewer than four fit with probability
/// below 2^-20 only, and then the test is skipped.
const POOL: usize = 96;

/// Exponents of the group of 24th roots of unity.
pub(super) const ORDER: u64 = 24;

/// Secret primes and the seed of all secret points.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    seed: [u64; 2],
    pub(super) primes: Vec<Prime>,
}

/// A prime between 2^60 and 2^61, with what roots modulo it need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prime {
    pub(super) p: u64,
    /// A generator of the subgroup of order 24.
    omega: u64,
    /// The `e` for which `a^e` is a 24th power and `a / a^e` is in the subgroup.
    project: u64,
}

impl Secrets {
    /// Draws from the randomness of the operating system.
    ///
    /// # Errors
    /// Where the system gives none; nothing may be judged then.
    pub(crate) fn draw() -> Result<Self, getrandom::Error> {
        Ok(Self::from_seed([getrandom::u64()?, getrandom::u64()?]))
    }

    /// The same secrets for the same seed: for tests and for replaying a run.
    pub(crate) fn from_seed(seed: [u64; 2]) -> Self {
        let mut primes: Vec<Prime> = Vec::with_capacity(POOL);
        let mut draw = 0u64;
        while primes.len() < POOL {
            draw += 1;
            let start = mix(seed, &[0x5052_494d, draw]) >> 4 | 1 << 60;
            let p = start - start % 48 + 25;
            if is_prime(p)
                && !((p - 1) / 24).is_multiple_of(3)
                && primes.iter().all(|known| known.p != p)
            {
                primes.push(Prime::new(p));
            }
        }
        Secrets { seed, primes }
    }

    /// A secret number for a key.
    pub(super) fn number(&self, key: &[u64]) -> u64 {
        mix(self.seed, key)
    }
}

impl Prime {
    fn new(p: u64) -> Self {
        let m = (p - 1) / ORDER;
        let omega = (2..)
            .map(|base| power(base, m, p))
            .find(|w| power(*w, ORDER / 2, p) != 1 && power(*w, ORDER / 3, p) != 1)
            .expect("a prime has a primitive root");
        // project = 24 · (24^-1 mod m): 0 modulo 24, 1 modulo m.
        let inverse = (0..ORDER)
            .find(|k| (k * m + 1).is_multiple_of(ORDER))
            .map(|k| (k * m + 1) / ORDER)
            .expect("m is prime to 24");
        Prime {
            p,
            omega,
            project: ORDER * inverse,
        }
    }

    pub(super) fn mul(&self, a: u64, b: u64) -> u64 {
        multiply(a, b, self.p)
    }

    pub(super) fn add(&self, a: u64, b: u64) -> u64 {
        let sum = a + b;
        if sum >= self.p { sum - self.p } else { sum }
    }

    pub(super) fn power(&self, a: u64, e: u64) -> u64 {
        power(a, e, self.p)
    }

    /// The inverse; `None` for 0.
    pub(super) fn inverse(&self, a: u64) -> Option<u64> {
        (a != 0).then(|| power(a, self.p - 2, self.p))
    }

    /// All roots of degree `degree`, which divides 24, of a non-zero residue;
    /// none where it is not such a power.
    pub(super) fn roots(&self, a: u64, degree: u64) -> Vec<u64> {
        let inert = self.power(a, self.project);
        let Some(inverse) = self.inverse(inert) else {
            return Vec::new();
        };
        let twist = self.mul(a, inverse);
        let mut log = 0;
        let mut walk = 1;
        while walk != twist {
            walk = self.mul(walk, self.omega);
            log += 1;
            if log == ORDER {
                return Vec::new();
            }
        }
        if log % degree != 0 {
            return Vec::new();
        }
        // inert = a^(24 t): its root is a^(24 t / degree · …) because the
        // exponent of `inert`'s group, m, is prime to the degree.
        let m = (self.p - 1) / ORDER;
        let exponent = (0..degree)
            .find(|k| (k * m + 1).is_multiple_of(degree))
            .map(|k| (k * m + 1) / degree)
            .expect("m is prime to the degree");
        let root = self.power(inert, exponent);
        (0..degree)
            .map(|j| {
                let turn = log / degree + j * (ORDER / degree);
                self.mul(root, self.power(self.omega, turn))
            })
            .collect()
    }
}

fn multiply(a: u64, b: u64, p: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b) % u128::from(p);
    u64::try_from(wide).expect("a residue is below the modulus")
}

fn power(mut base: u64, mut exponent: u64, p: u64) -> u64 {
    let mut result = 1;
    base %= p;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base, p);
        }
        base = multiply(base, base, p);
        exponent >>= 1;
    }
    result
}

/// Whether a number is prime: Miller–Rabin with the first twelve primes as
/// bases, which is exact below 3.3 · 10^24 (Sorenson and Webster 2015).
pub(super) fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 {
        return false;
    }
    for base in BASES {
        if n.is_multiple_of(base) {
            return n == base;
        }
    }
    let twos = (n - 1).trailing_zeros();
    BASES.iter().all(|base| {
        let mut x = power(*base, (n - 1) >> twos, n);
        if x == 1 || x == n - 1 {
            return true;
        }
        for _ in 1..twos {
            x = multiply(x, x, n);
            if x == n - 1 {
                return true;
            }
        }
        false
    })
}

/// Mixes a seed and a key (the finaliser of SplitMix64, keyed twice).
fn mix(seed: [u64; 2], key: &[u64]) -> u64 {
    let mut state = seed[0] ^ 0x9e37_79b9_7f4a_7c15;
    for word in key.iter().chain([&seed[1]]) {
        state = finalise(
            state
                .wrapping_add(*word)
                .wrapping_mul(0x2545_f491_4f6c_dd1d),
        )
        .wrapping_add(seed[1].rotate_left(23));
    }
    finalise(state ^ seed[0])
}

fn finalise(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
