//! Real numbers with a bound on their error: `(mid ± rad) · 2^exp`.
//!
//! Sums, products, quotients and square roots are done on integers here, with
//! the error written down beside each; exp, ln, sin, cos, atan and π come from
//! `astro-float`, which rounds them correctly, and are widened by 2^8 units in
//! the last place all the same.

use astro_float::{BigFloat, Consts, RoundingMode, Sign as FloatSign};
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::precision::{Context, Fail};

/// Exponents stay within this, so that none overflows.
const EXPONENT: i64 = 1 << 40;

/// Arguments of sin and cos have at most this many bits before the point.
const ANGLE_BITS: i64 = 512;

/// Units of rounding and of the short-lived numbers round it, measured.
const ROUNDING: u64 = 24;

/// Units of a function for each word of the precision, measured.
const FUNCTION: u64 = 3000;

/// An interval `[mid - rad, mid + rad] · 2^exp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ball {
    mid: BigInt,
    rad: u64,
    exp: i64,
}

impl Ball {
    pub(super) fn zero() -> Self {
        Ball {
            mid: BigInt::zero(),
            rad: 0,
            exp: 0,
        }
    }

    pub(super) fn integer(value: i64) -> Self {
        Ball {
            mid: BigInt::from(value),
            rad: 0,
            exp: 0,
        }
    }

    /// Rounds to the precision; the error goes to the radius.
    fn rounded(mid: BigInt, rad: BigUint, exp: i64, c: &Context<'_>) -> Result<Self, Fail> {
        let words = (mid.bits() + rad.bits()) / 64 + 1;
        c.spend(ROUNDING + words)?;
        let shift = mid
            .bits()
            .saturating_sub(c.bits)
            .max(rad.bits().saturating_sub(32));
        let (mid, rad) = match shift {
            0 => (mid, rad),
            // Both shifts drop less than one unit.
            _ => (mid >> shift, (rad >> shift) + 2u8),
        };
        let exp = exp + i64::try_from(shift).map_err(|_| Fail::Limit)?;
        if exp.abs() > EXPONENT {
            return Err(Fail::Limit);
        }
        let rad = rad.to_u64().ok_or(Fail::Limit)?;
        Ok(Ball { mid, rad, exp })
    }

    pub(super) fn rational(value: &BigRational, c: &Context<'_>) -> Result<Self, Fail> {
        let whole = |part: &BigInt| Self::rounded(part.clone(), BigUint::zero(), 0, c);
        let top = whole(value.numer())?;
        match value.denom().is_one() {
            true => Ok(top),
            false => top.div(&whole(value.denom())?, c),
        }
    }

    pub(super) fn is_exact_zero(&self) -> bool {
        self.rad == 0 && self.mid.is_zero()
    }

    /// The integer a ball is, if it is exact and one.
    pub(super) fn as_integer(&self) -> Option<i64> {
        if self.rad != 0 {
            return None;
        }
        if self.exp >= 0 {
            return (self.exp < 63).then(|| (&self.mid << self.exp).to_i64())?;
        }
        let shift = self.exp.unsigned_abs();
        if shift >= self.mid.bits() {
            return self.mid.is_zero().then_some(0);
        }
        let value = &self.mid >> shift;
        (&value << shift == self.mid).then(|| value.to_i64())?
    }

    /// The sign, if it is certain: exact zero is `Some(0)`.
    pub(super) fn sign(&self) -> Option<i8> {
        if self.is_exact_zero() {
            return Some(0);
        }
        if *self.mid.magnitude() <= BigUint::from(self.rad) {
            return None;
        }
        Some(if self.mid.is_negative() { -1 } else { 1 })
    }

    /// An exponent e with `|x| < 2^e`; `None` for exact zero.
    pub(super) fn above(&self) -> Option<i64> {
        if self.is_exact_zero() {
            return None;
        }
        let size = self.mid.magnitude() + self.rad;
        Some(self.exp + size.bits() as i64)
    }

    /// An exponent e with `|x| >= 2^e`; `None` where zero is not excluded.
    pub(super) fn below(&self) -> Option<i64> {
        self.sign().filter(|sign| *sign != 0)?;
        let size = self.mid.magnitude() - self.rad;
        Some(self.exp + size.bits() as i64 - 1)
    }

    pub(super) fn neg(&self) -> Self {
        Ball {
            mid: -&self.mid,
            rad: self.rad,
            exp: self.exp,
        }
    }

    pub(super) fn abs(&self) -> Self {
        Ball {
            mid: self.mid.abs(),
            rad: self.rad,
            exp: self.exp,
        }
    }

    pub(super) fn shifted(&self, by: i64) -> Self {
        Ball {
            exp: self.exp + by,
            ..self.clone()
        }
    }

    pub(super) fn add(&self, other: &Self, c: &Context<'_>) -> Result<Self, Fail> {
        if self.is_exact_zero() {
            return Ok(other.clone());
        }
        if other.is_exact_zero() {
            return Ok(self.clone());
        }
        let (high, low) = if self.exp >= other.exp {
            (self, other)
        } else {
            (other, self)
        };
        let gap = u64::try_from(high.exp - low.exp).map_err(|_| Fail::Limit)?;
        if gap > 2 * c.bits + 128 {
            if low.above().is_some_and(|top| top <= high.exp) {
                // The small one is less than a unit of the large one.
                let rad = BigUint::from(high.rad) + 1u8;
                return Self::rounded(high.mid.clone(), rad, high.exp, c);
            }
            if gap > 1 << 16 {
                return Err(Fail::Limit);
            }
        }
        let mid = (&high.mid << gap) + &low.mid;
        let rad = (BigUint::from(high.rad) << gap) + low.rad;
        Self::rounded(mid, rad, low.exp, c)
    }

    pub(super) fn sub(&self, other: &Self, c: &Context<'_>) -> Result<Self, Fail> {
        self.add(&other.neg(), c)
    }

    pub(super) fn mul(&self, other: &Self, c: &Context<'_>) -> Result<Self, Fail> {
        let words = c.bits / 64 + 1;
        c.spend(words * words)?;
        // |xy - mn| <= |m| s + |n| r + r s.
        let rad = self.mid.magnitude() * other.rad
            + other.mid.magnitude() * self.rad
            + BigUint::from(self.rad) * other.rad;
        Self::rounded(&self.mid * &other.mid, rad, self.exp + other.exp, c)
    }

    pub(super) fn div(&self, other: &Self, c: &Context<'_>) -> Result<Self, Fail> {
        if other.is_exact_zero() {
            return Err(Fail::Undefined);
        }
        let size = other.mid.magnitude();
        let least = size.checked_sub_rad(other.rad).ok_or(Fail::Imprecise)?;
        let words = c.bits / 64 + 1;
        c.spend(2 * words * words + 16)?;
        // 1/n with an error of one unit for the division and
        // s / (|n| (|n| - s)) for the radius.
        let shift = c.bits + 2 * size.bits();
        let quotient = (BigInt::one() << shift).div_floor(&other.mid);
        let spread = ((BigUint::from(other.rad) << shift) / (size * least)) + 2u8;
        let inverse = Self::rounded(quotient, spread, -other.exp - shift as i64, c)?;
        self.mul(&inverse, c)
    }

    /// `√x` for x that cannot be negative: what is below zero is cut off.
    pub(super) fn sqrt(&self, c: &Context<'_>) -> Result<Self, Fail> {
        if self.is_exact_zero() {
            return Ok(Self::zero());
        }
        let words = c.bits / 64 + 1;
        c.spend(16 * words * words + 64)?;
        let rad = BigInt::from(self.rad);
        let high = &self.mid + &rad;
        let low = (&self.mid - rad).max(BigInt::zero());
        if high.is_negative() {
            return Err(Fail::Unsupported);
        }
        // An even exponent, and enough bits.
        let mut shift = (2 * c.bits).saturating_sub(high.bits());
        if (self.exp - shift as i64).is_odd() {
            shift += 1;
        }
        let low = (low << shift).sqrt();
        let high = (high << shift).sqrt() + 1;
        let exp = (self.exp - shift as i64) / 2;
        let mid: BigInt = (&low + &high) >> 1u8;
        let width: BigInt = &high - &low;
        let rad = width.magnitude() + 1u8;
        Self::rounded(mid, rad, exp, c)
    }

    /// Adds an error of at most `|bound|`.
    fn widened(self, bound: &Self, c: &Context<'_>) -> Result<Self, Fail> {
        let size = bound.mid.magnitude() + bound.rad;
        let error = Self::rounded(BigInt::zero(), size, bound.exp, c)?;
        self.add(&error, c)
    }

    /// The radius as an exact number.
    fn radius(&self) -> Self {
        Ball {
            mid: BigInt::from(self.rad),
            rad: 0,
            exp: self.exp,
        }
    }

    fn middle(&self) -> Self {
        Ball {
            mid: self.mid.clone(),
            rad: 0,
            exp: self.exp,
        }
    }

    pub(super) fn pi(c: &mut Context<'_>) -> Result<Self, Fail> {
        let bits = c.precision();
        c.spend(2000)?;
        let value = c.constants()?.pi(bits, RoundingMode::ToEven);
        Self::from_float(&value, c)
    }

    pub(super) fn exp(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        if self.is_exact_zero() {
            return Ok(Self::integer(1));
        }
        if self.above().is_some_and(|top| top > 29) {
            return Err(Fail::Limit);
        }
        let value = self.middle().transcendental(BigFloat::exp, c)?;
        if self.rad == 0 {
            return Ok(value);
        }
        // e^r - 1 <= 2 r for r <= 1/2.
        let radius = self.radius();
        if radius.above().is_some_and(|top| top > -1) {
            return Err(Fail::Imprecise);
        }
        let error = value.mul(&radius.shifted(1), c)?;
        value.widened(&error, c)
    }

    /// `ln x` for x that is certainly positive.
    pub(super) fn ln(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        match self.sign() {
            None => return Err(Fail::Imprecise),
            Some(1) => {}
            Some(_) => return Err(Fail::Undefined),
        }
        if self.rad == 0 && self.exp == 0 && self.mid.is_one() {
            return Ok(Self::zero());
        }
        let value = self.middle().transcendental(BigFloat::ln, c)?;
        if self.rad == 0 {
            return Ok(value);
        }
        // |ln x - ln m| <= r / (m - r).
        let least = Ball {
            mid: &self.mid - self.rad,
            rad: 0,
            exp: self.exp,
        };
        let error = self.radius().div(&least, c)?;
        value.widened(&error, c)
    }

    /// sin, cos or atan: functions with slopes of at most 1.
    fn gentle(
        &self,
        f: fn(&BigFloat, usize, RoundingMode, &mut Consts) -> BigFloat,
        c: &mut Context<'_>,
    ) -> Result<Self, Fail> {
        let value = self.middle().transcendental(f, c)?;
        match self.rad {
            0 => Ok(value),
            _ => value.widened(&self.radius(), c),
        }
    }

    pub(super) fn sin(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        if self.is_exact_zero() {
            return Ok(Self::zero());
        }
        self.angle()?;
        self.gentle(BigFloat::sin, c)
    }

    pub(super) fn cos(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        if self.is_exact_zero() {
            return Ok(Self::integer(1));
        }
        self.angle()?;
        self.gentle(BigFloat::cos, c)
    }

    fn angle(&self) -> Result<(), Fail> {
        match self.above().is_some_and(|top| top > ANGLE_BITS) {
            true => Err(Fail::Limit),
            false => Ok(()),
        }
    }

    pub(super) fn atan(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        if self.is_exact_zero() {
            return Ok(Self::zero());
        }
        self.gentle(BigFloat::atan, c)
    }

    fn transcendental(
        &self,
        f: fn(&BigFloat, usize, RoundingMode, &mut Consts) -> BigFloat,
        c: &mut Context<'_>,
    ) -> Result<Self, Fail> {
        let words = c.bits / 64 + 2;
        c.spend(FUNCTION * words)?;
        if self.mid.is_zero() {
            // Only for a radius around zero: the function of zero.
            let value = f(
                &BigFloat::from_word(0, 64),
                c.precision(),
                RoundingMode::ToEven,
                c.constants()?,
            );
            return Self::from_float(&value, c);
        }
        let digits = self.mid.magnitude().to_u64_digits();
        let exponent = self.exp + 64 * digits.len() as i64;
        let exponent = i32::try_from(exponent)
            .ok()
            .filter(|e| e.abs() < 1 << 30)
            .ok_or(Fail::Limit)?;
        let sign = match self.mid.sign() {
            Sign::Minus => FloatSign::Neg,
            _ => FloatSign::Pos,
        };
        let argument = BigFloat::from_words(&digits, sign, exponent);
        let value = f(
            &argument,
            c.precision(),
            RoundingMode::ToEven,
            c.constants()?,
        );
        Self::from_float(&value, c)
    }

    fn from_float(value: &BigFloat, c: &Context<'_>) -> Result<Self, Fail> {
        if value.is_zero() {
            return Ok(Self::zero());
        }
        let (words, _, sign, exponent, _) = value.as_raw_parts().ok_or(Fail::Limit)?;
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let magnitude = BigUint::from_bytes_le(&bytes);
        let sign = match sign {
            FloatSign::Neg => Sign::Minus,
            FloatSign::Pos => Sign::Plus,
        };
        let exp = i64::from(exponent) - 64 * words.len() as i64;
        Self::rounded(
            BigInt::from_biguint(sign, magnitude),
            BigUint::from(256u32),
            exp,
            c,
        )
    }

    /// `⌊x⌋`, if it is certain.
    pub(super) fn floor(&self) -> Result<Self, Fail> {
        if self.exp >= 0 && self.rad == 0 {
            return Ok(self.clone());
        }
        if self.exp >= 0 {
            return Err(Fail::Imprecise);
        }
        let shift = self.exp.unsigned_abs();
        if shift > 1 << 16 {
            return Err(Fail::Limit);
        }
        let (low, high) = (&self.mid - self.rad, &self.mid + self.rad);
        let (low, high) = (low >> shift, high >> shift);
        match low == high {
            true => Ok(Ball {
                mid: low,
                rad: 0,
                exp: 0,
            }),
            false => Err(Fail::Imprecise),
        }
    }

    /// A short decimal, for witnesses.
    pub(super) fn to_f64(&self) -> f64 {
        let shift = self.mid.bits().saturating_sub(64);
        let top = (&self.mid >> shift).to_f64().unwrap_or(f64::NAN);
        let exponent = self.exp.saturating_add(shift as i64).clamp(-5000, 5000);
        let half = exponent / 2;
        top * 2f64.powi(half as i32) * 2f64.powi((exponent - half) as i32)
    }
}

/// Subtraction of a radius that must leave something.
trait LessRadius {
    fn checked_sub_rad(&self, rad: u64) -> Option<BigUint>;
}

impl LessRadius for BigUint {
    fn checked_sub_rad(&self, rad: u64) -> Option<BigUint> {
        let rad = BigUint::from(rad);
        (*self > rad).then(|| self - rad)
    }
}
