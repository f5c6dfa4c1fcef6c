//! Complex balls and the principal values of elementary functions.

use num_integer::Integer;

use super::ball::Ball;
use super::precision::{Context, Fail};

/// A complex number; exactly real where `im` is exactly zero.
#[derive(Clone, Debug)]
pub(super) struct Complex {
    pub(super) re: Ball,
    pub(super) im: Ball,
}

impl Complex {
    pub(super) fn real(re: Ball) -> Self {
        Complex {
            re,
            im: Ball::zero(),
        }
    }

    pub(super) fn one() -> Self {
        Self::real(Ball::integer(1))
    }

    pub(super) fn is_real(&self) -> bool {
        self.im.is_exact_zero()
    }

    pub(super) fn is_exact_zero(&self) -> bool {
        self.re.is_exact_zero() && self.im.is_exact_zero()
    }

    /// Whether zero is not excluded.
    pub(super) fn contains_zero(&self) -> bool {
        let may = |part: &Ball| !matches!(part.sign(), Some(1 | -1));
        may(&self.re) && may(&self.im)
    }

    pub(super) fn as_integer(&self) -> Option<i64> {
        self.is_real().then(|| self.re.as_integer())?
    }

    pub(super) fn neg(&self) -> Self {
        Complex {
            re: self.re.neg(),
            im: self.im.neg(),
        }
    }

    pub(super) fn halved(&self) -> Self {
        Complex {
            re: self.re.shifted(-1),
            im: self.im.shifted(-1),
        }
    }

    pub(super) fn add(&self, other: &Self, c: &Context<'_>) -> Result<Self, Fail> {
        Ok(Complex {
            re: self.re.add(&other.re, c)?,
            im: self.im.add(&other.im, c)?,
        })
    }

    pub(super) fn sub(&self, other: &Self, c: &Context<'_>) -> Result<Self, Fail> {
        self.add(&other.neg(), c)
    }

    pub(super) fn mul(&self, other: &Self, c: &Context<'_>) -> Result<Self, Fail> {
        if self.is_real() && other.is_real() {
            return Ok(Self::real(self.re.mul(&other.re, c)?));
        }
        let re = self
            .re
            .mul(&other.re, c)?
            .sub(&self.im.mul(&other.im, c)?, c)?;
        let im = self
            .re
            .mul(&other.im, c)?
            .add(&self.im.mul(&other.re, c)?, c)?;
        Ok(Complex { re, im })
    }

    pub(super) fn div(&self, other: &Self, c: &Context<'_>) -> Result<Self, Fail> {
        if other.is_real() {
            let re = self.re.div(&other.re, c)?;
            let im = match self.is_real() {
                true => Ball::zero(),
                false => self.im.div(&other.re, c)?,
            };
            return Ok(Complex { re, im });
        }
        let size = other
            .re
            .mul(&other.re, c)?
            .add(&other.im.mul(&other.im, c)?, c)?;
        let conjugate = Complex {
            re: other.re.clone(),
            im: other.im.neg(),
        };
        let top = self.mul(&conjugate, c)?;
        Ok(Complex {
            re: top.re.div(&size, c)?,
            im: top.im.div(&size, c)?,
        })
    }

    pub(super) fn whole_power(&self, n: i64, c: &Context<'_>) -> Result<Self, Fail> {
        let mut power = Self::one();
        let mut square = self.clone();
        let mut left = n.unsigned_abs();
        while left > 0 {
            if left & 1 == 1 {
                power = power.mul(&square, c)?;
            }
            left >>= 1;
            if left > 0 {
                square = square.mul(&square, c)?;
            }
        }
        match n < 0 {
            true => Self::one().div(&power, c),
            false => Ok(power),
        }
    }

    pub(super) fn abs(&self, c: &Context<'_>) -> Result<Ball, Fail> {
        if self.is_real() {
            return Ok(self.re.abs());
        }
        self.re
            .mul(&self.re, c)?
            .add(&self.im.mul(&self.im, c)?, c)?
            .sqrt(c)
    }

    pub(super) fn exp(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        let size = self.re.exp(c)?;
        if self.is_real() {
            return Ok(Self::real(size));
        }
        let (cos, sin) = (self.im.cos(c)?, self.im.sin(c)?);
        Ok(Complex {
            re: size.mul(&cos, c)?,
            im: size.mul(&sin, c)?,
        })
    }

    pub(super) fn ln(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        if self.is_exact_zero() {
            return Err(Fail::Undefined);
        }
        if self.is_real() {
            return match self.re.sign() {
                Some(1) => Ok(Self::real(self.re.ln(c)?)),
                Some(-1) => Ok(Complex {
                    re: self.re.neg().ln(c)?,
                    im: Ball::pi(c)?,
                }),
                _ => Err(Fail::Imprecise),
            };
        }
        let size = self
            .re
            .mul(&self.re, c)?
            .add(&self.im.mul(&self.im, c)?, c)?;
        let re = size.ln(c)?.shifted(-1);
        let im = match (self.re.sign(), self.im.sign()) {
            (Some(1), _) => self.im.div(&self.re, c)?.atan(c)?,
            (_, Some(sign @ (1 | -1))) => {
                let turn = self.re.div(&self.im, c)?.atan(c)?;
                let quarter = Ball::pi(c)?.shifted(-1);
                let quarter = if sign == 1 { quarter } else { quarter.neg() };
                quarter.sub(&turn, c)?
            }
            _ => return Err(Fail::Imprecise),
        };
        Ok(Complex { re, im })
    }

    pub(super) fn sqrt(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        if self.is_exact_zero() {
            return Ok(self.clone());
        }
        if self.is_real() {
            return match self.re.sign() {
                Some(-1) => Ok(Complex {
                    re: Ball::zero(),
                    im: self.re.neg().sqrt(c)?,
                }),
                Some(_) => Ok(Self::real(self.re.sqrt(c)?)),
                None => Err(Fail::Imprecise),
            };
        }
        self.ln(c)?.halved().exp(c)
    }

    /// `\sqrt[degree]{self}`: real for an odd degree of a real number.
    pub(super) fn root(&self, degree: u32, c: &mut Context<'_>) -> Result<Self, Fail> {
        if degree == 2 {
            return self.sqrt(c);
        }
        if self.is_exact_zero() {
            return Ok(self.clone());
        }
        let part = Ball::integer(1).div(&Ball::integer(i64::from(degree)), c)?;
        if self.is_real() && degree.is_odd() {
            let sign = self.re.sign().ok_or(Fail::Imprecise)?;
            let root = self.re.abs().ln(c)?.mul(&part, c)?.exp(c)?;
            return Ok(Self::real(if sign < 0 { root.neg() } else { root }));
        }
        self.ln(c)?.mul(&Self::real(part), c)?.exp(c)
    }

    pub(super) fn sin(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        if self.is_real() {
            return Ok(Self::real(self.re.sin(c)?));
        }
        // sin(a + b i) = sin a cosh b + i cos a sinh b.
        let (cosh, sinh) = self.hyperbolic(c)?;
        let (sin, cos) = (self.re.sin(c)?, self.re.cos(c)?);
        Ok(Complex {
            re: sin.mul(&cosh, c)?,
            im: cos.mul(&sinh, c)?,
        })
    }

    pub(super) fn cos(&self, c: &mut Context<'_>) -> Result<Self, Fail> {
        if self.is_real() {
            return Ok(Self::real(self.re.cos(c)?));
        }
        let (cosh, sinh) = self.hyperbolic(c)?;
        let (sin, cos) = (self.re.sin(c)?, self.re.cos(c)?);
        Ok(Complex {
            re: cos.mul(&cosh, c)?,
            im: sin.mul(&sinh, c)?.neg(),
        })
    }

    /// cosh and sinh of the imaginary part.
    pub(super) fn hyperbolic(&self, c: &mut Context<'_>) -> Result<(Ball, Ball), Fail> {
        let (up, down) = (self.im.exp(c)?, self.im.neg().exp(c)?);
        Ok((up.add(&down, c)?.shifted(-1), up.sub(&down, c)?.shifted(-1)))
    }
}
