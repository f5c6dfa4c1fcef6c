//! Exact arithmetic with its cost known beforehand.
//!
//! `num-rational` reduces after every operation, even where the denominator is
//! 1, in time quadratic in the bits. Integers take a path of their own here,
//! and an operation that would pass the limit returns `None` undone.

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Fractions that need a common divisor longer than this many bits stay
/// unevaluated: the divisor is found in quadratic time.
const GCD_BITS: u64 = 1 << 12;

pub(super) fn integer(value: i64) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}

pub(super) fn ratio(numer: i64, denom: i64) -> BigRational {
    BigRational::new(BigInt::from(numer), BigInt::from(denom))
}

/// Bits of numerator and denominator together.
pub(super) fn bits(value: &BigRational) -> u64 {
    value.numer().bits() + value.denom().bits()
}

/// Limits below this are checked against every number.
pub(super) const SHORT_BITS: u64 = 256;

/// Numerator and denominator of a short number: most are, and machine words
/// need no store.
fn short(value: &BigRational) -> Option<(i64, i64)> {
    Some((value.numer().to_i64()?, value.denom().to_i64()?))
}

/// Whether numerator and denominator fit machine words.
pub(super) fn is_short(value: &BigRational) -> bool {
    short(value).is_some()
}

fn raw(n: i64, d: i64) -> BigRational {
    BigRational::new_raw(n.into(), d.into())
}

/// `n/d` in lowest terms, for positive d.
fn reduced(n: i128, d: i128) -> BigRational {
    match (i64::try_from(n), i64::try_from(d)) {
        (Ok(n), Ok(1)) => raw(n, 1),
        (Ok(n), Ok(d)) => {
            let common = n.gcd(&d);
            raw(n / common, d / common)
        }
        _ => {
            let common = n.gcd(&d);
            BigRational::new_raw((n / common).into(), (d / common).into())
        }
    }
}

/// Work units of a sum or product of two numbers, as they are done below: of
/// fractions, a common divisor is found one bit at a time.
pub(super) fn cost(a: &BigRational, b: &BigRational) -> u64 {
    let total = bits(a) + bits(b);
    match total {
        0..=SHORT_BITS => 0,
        _ if a.denom().is_one() && b.denom().is_one() => total / 32,
        _ if a.is_one() || b.is_one() => total / 32,
        _ if total <= GCD_BITS => total + total * total / 256,
        // One division at most.
        _ => total + (total / 128).saturating_pow(2),
    }
}

pub(super) fn add(a: &BigRational, b: &BigRational, limit: u64) -> Option<BigRational> {
    if limit >= SHORT_BITS
        && let (Some((n, d)), Some((m, e))) = (short(a), short(b))
    {
        if d == 1
            && e == 1
            && let Some(sum) = n.checked_add(m)
        {
            return Some(raw(sum, 1));
        }
        let [n, d, m, e] = [n, d, m, e].map(i128::from);
        return Some(reduced(n * e + m * d, d * e));
    }
    if a.denom().is_one() && b.denom().is_one() {
        let longest = a.numer().bits().max(b.numer().bits());
        return (longest < limit).then(|| BigRational::new_raw(a.numer() + b.numer(), One::one()));
    }
    (bits(a) + bits(b) <= GCD_BITS.min(limit)).then(|| a + b)
}

pub(super) fn mul(a: &BigRational, b: &BigRational, limit: u64) -> Option<BigRational> {
    if limit >= SHORT_BITS
        && let (Some((n, d)), Some((m, e))) = (short(a), short(b))
    {
        match ((n, d), (m, e)) {
            ((1, 1), _) => return Some(b.clone()),
            (_, (1, 1)) => return Some(a.clone()),
            ((n, 1), (m, 1)) if n.checked_mul(m).is_some() => return Some(raw(n * m, 1)),
            _ => {}
        }
        let [n, d, m, e] = [n, d, m, e].map(i128::from);
        return Some(reduced(n * m, d * e));
    }
    if a.denom().is_one() && b.denom().is_one() {
        let total = a.numer().bits() + b.numer().bits();
        return (total <= limit).then(|| BigRational::new_raw(a.numer() * b.numer(), One::one()));
    }
    if a.is_one() {
        return Some(b.clone());
    }
    if b.is_one() {
        return Some(a.clone());
    }
    if bits(a) + bits(b) <= GCD_BITS.min(limit) {
        return Some(a * b);
    }
    // Long numbers that divide each other need no common divisor.
    if bits(a) + bits(b) > 2 * limit {
        return None;
    }
    let (left, rest) = a.numer().div_rem(b.denom());
    let (right, other) = b.numer().div_rem(a.denom());
    (rest.is_zero() && other.is_zero() && left.bits() + right.bits() <= limit)
        .then(|| BigRational::new_raw(left * right, One::one()))
}

/// `base^exponent` for a non-zero base.
pub(super) fn power(base: &BigRational, exponent: i64, limit: u64) -> Option<BigRational> {
    let times = exponent.unsigned_abs();
    let longest = base.numer().bits().max(base.denom().bits());
    let unit = base.denom().is_one() && base.numer().abs().is_one();
    if !unit && longest.checked_mul(times)? > limit {
        return None;
    }
    let times = if unit { times % 2 } else { times };
    let times = u32::try_from(times).ok()?;
    let (n, d) = (base.numer().pow(times), base.denom().pow(times));
    // Powers of coprime numbers are coprime.
    Some(match (exponent < 0, n.is_negative()) {
        (false, _) => BigRational::new_raw(n, d),
        (true, false) => BigRational::new_raw(d, n),
        (true, true) => BigRational::new_raw(-d, -n),
    })
}

/// The largest integer not above `value`, and the rest in [0, 1).
pub(super) fn split(value: &BigRational) -> (BigInt, BigRational) {
    if value.denom().is_one() {
        return (value.numer().clone(), BigRational::zero());
    }
    if let Some((n, d)) = short(value) {
        let rest = raw(n.rem_euclid(d), d);
        return (n.div_euclid(d).into(), rest);
    }
    let floor = value.floor().to_integer();
    let rest = value - BigRational::from_integer(floor.clone());
    (floor, rest)
}

pub(super) fn to_i64(value: &BigRational) -> Option<i64> {
    match value.denom().is_one() {
        true => value.numer().to_i64(),
        false => None,
    }
}

/// The positive number by which some coefficients become coprime integers.
pub(super) fn content<'a>(coefficients: impl Iterator<Item = &'a BigRational>) -> BigRational {
    let (mut numer, mut denom) = (BigInt::zero(), BigInt::one());
    for c in coefficients {
        match (short(c), numer.to_i64(), denom.to_i64()) {
            (Some((n, d)), Some(known), Some(common)) => {
                numer = i128::from(known).gcd(&n.into()).into();
                denom = i128::from(common).lcm(&d.into()).into();
            }
            _ => {
                numer = numer.gcd(c.numer());
                denom = denom.lcm(c.denom());
            }
        }
    }
    // A divisor of all numerators and a multiple of all denominators, each in
    // lowest terms with its own, are coprime.
    BigRational::new_raw(numer, denom)
}

/// A factorisation into coprime numbers above 1, by trial division.
pub(super) struct Factors {
    /// (factor, exponent), ascending.
    pub(super) list: Vec<(BigUint, u64)>,
    /// Whether the factors are known to be prime.
    pub(super) primes: Primes,
}

/// What is known of factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Primes {
    /// Each is prime.
    Proven,
    /// The last may be composite.
    Unproven,
}

/// Trial divisors end below this number.
const TRIAL: u64 = 1 << 11;

/// The factors of a positive number.
pub(super) fn factor(value: &BigUint) -> Factors {
    if value.bits() > GCD_BITS {
        return Factors {
            list: vec![(value.clone(), 1)],
            primes: Primes::Unproven,
        };
    }
    let mut rest = value.clone();
    let mut list = Vec::new();
    let twos = rest.trailing_zeros().unwrap_or(0);
    if twos > 0 {
        rest >>= twos;
        list.push((BigUint::from(2u8), twos));
    }
    let mut divisor = 3u64;
    while divisor < TRIAL && !rest.is_one() {
        if let Some(small) = rest.to_u64()
            && divisor * divisor > small
        {
            list.push((rest, 1));
            return Factors {
                list,
                primes: Primes::Proven,
            };
        }
        let mut times = 0;
        while (&rest % divisor).is_zero() {
            rest /= divisor;
            times += 1;
        }
        if times > 0 {
            list.push((BigUint::from(divisor), times));
        }
        divisor += 2;
    }
    if rest.is_one() {
        return Factors {
            list,
            primes: Primes::Proven,
        };
    }
    let root = rest.sqrt();
    if &root * &root == rest && rest.bits() <= 128 {
        let primes = primality(&root);
        list.push((root, 2));
        return Factors { list, primes };
    }
    let primes = primality(&rest);
    list.push((rest, 1));
    Factors { list, primes }
}

fn primality(value: &BigUint) -> Primes {
    match value.to_u64() {
        Some(small) if super::secrets::is_prime(small) => Primes::Proven,
        _ => Primes::Unproven,
    }
}

/// The primes up to `n`, by the sieve of Eratosthenes.
pub(super) fn primes_to(n: u64) -> Vec<u64> {
    let size = usize::try_from(n).expect("callers bound n") + 1;
    let mut composite = vec![false; size];
    let mut primes = Vec::new();
    for p in 2..size {
        if composite[p] {
            continue;
        }
        primes.push(p as u64);
        for multiple in (p * p..size).step_by(p) {
            composite[multiple] = true;
        }
    }
    primes
}
