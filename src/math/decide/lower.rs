//! Expression graph in, canonical form out: what each node means.
//!
//! Also notes which forms must not be zero (divisors, arguments of logarithms,
//! cosines under tangents), because forms cancel and the note must not.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::budget::Stop;
use super::expand;
use super::form::{Atom, Form, FormId, Forms};
use super::rational::{self, integer, ratio};
use crate::math::expr::{Arena, Constant, Expr, Function, Id, Node};

/// Longest chain `n (n-1) … ` that is written out.
const CHAIN: i64 = 64;

/// Factorials up to this number are written as prime powers when too long to
/// be multiplied out.
const SIEVE: u64 = 1 << 15;

impl Forms<'_> {
    /// The form of an expression.
    pub(super) fn lower(&mut self, expr: &Expr) -> Result<FormId, Stop> {
        let seen = expr.reachable();
        let mut known: Vec<FormId> = Vec::with_capacity(seen.len());
        for (id, node) in expr.arena.iter().take(seen.len()) {
            let form = match seen[id.index()] {
                true => self.lower_node(&expr.arena, node, &known)?,
                false => self.zero,
            };
            known.push(form);
        }
        Ok(known[expr.root.index()])
    }

    fn lower_node(&mut self, arena: &Arena, node: &Node, known: &[FormId]) -> Result<FormId, Stop> {
        let form = |id: &Id| known[id.index()];
        let one = BigRational::one;
        self.fuel.spend(16)?;
        match node {
            Node::Number(value) => Ok(self.number(value.clone())),
            Node::Constant(Constant::Pi) => Ok(self.pi),
            Node::Constant(Constant::E) => self.exp(self.one),
            Node::Constant(Constant::I) => Ok(self.i),
            Node::Symbol(name) => self.atom(Atom::Symbol(name.clone())),
            Node::Add(list) => {
                let parts: Vec<_> = list.iter().map(|id| (form(id), one())).collect();
                self.sum(&parts)
            }
            Node::Mul(list) => {
                let parts: Vec<_> = list.iter().map(|id| (form(id), one())).collect();
                self.product(&parts)
            }
            Node::Pow(base, exponent) => {
                // A base that is the constant e is exp, also for complex exponents.
                if *arena.node(*base) == Node::Constant(Constant::E) {
                    let exponent = self.spread(form(exponent))?;
                    return self.exp(exponent);
                }
                self.raise(form(base), form(exponent))
            }
            Node::Root { degree, radicand } => self.root(*degree, form(radicand)),
            Node::Apply(function, argument) => self.apply(*function, form(argument)),
            Node::Log { base, argument } => {
                let (base, argument) = (form(base), form(argument));
                self.need(base)?;
                self.need(argument)?;
                let top = self.ln(argument)?;
                let bottom = self.ln(base)?;
                self.need(bottom)?;
                self.product(&[(top, one()), (bottom, -one())])
            }
            Node::Factorial(n) => self.factorial(form(n)),
            Node::Binomial(n, k) => self.binomial(form(n), form(k)),
            Node::Call(name, list) => {
                let list = list.iter().map(form).collect();
                self.atom(Atom::Call(name.clone(), list))
            }
        }
    }

    /// `base ^ exponent`.
    fn raise(&mut self, base: FormId, exponent: FormId) -> Result<FormId, Stop> {
        if let Some(q) = self.as_number(exponent).cloned() {
            if !q.is_positive() {
                self.need(base)?;
            }
            if rational::bits(&q) > 1 << 14 {
                return Err(Stop::Limit);
            }
            return self.power(base, &q);
        }
        self.need(base)?;
        if base == self.one {
            return Ok(self.one);
        }
        let ln = self.ln(base)?;
        let product = self.product(&[(exponent, integer(1)), (ln, integer(1))])?;
        let product = self.spread(product)?;
        self.exp(product)
    }

    /// A short sum of products written out, so that `exp` sees its terms.
    fn spread(&mut self, form: FormId) -> Result<FormId, Stop> {
        if matches!(self.node(form), Form::Number(_) | Form::Atom(_)) {
            return Ok(form);
        }
        self.fuel.spend(256)?;
        match expand::as_sum(self, form) {
            Ok(sum) => Ok(sum),
            Err(Stop::Undefined) => Err(Stop::Undefined),
            Err(_) => Ok(form),
        }
    }

    fn root(&mut self, degree: u32, radicand: FormId) -> Result<FormId, Stop> {
        if degree == 0 {
            return Err(Stop::Undefined);
        }
        let q = ratio(1, i64::from(degree));
        let traits = self.traits(radicand);
        if degree.is_multiple_of(2) || traits.positive || degree == 1 {
            return self.power(radicand, &q);
        }
        if !traits.real {
            return Err(Stop::Unsupported);
        }
        self.real_root(degree, radicand)
    }

    /// The real root of odd degree: multiplicative and odd.
    fn real_root(&mut self, degree: u32, radicand: FormId) -> Result<FormId, Stop> {
        let q = ratio(1, i64::from(degree));
        match self.node(radicand).clone() {
            Form::Number(value) => {
                let size = self.number(value.abs());
                let root = self.power(size, &q)?;
                self.scale(&value.signum(), root)
            }
            Form::Sum(list) => {
                let content = match list.iter().all(|(_, c)| rational::bits(c) <= 1 << 11) {
                    true => rational::content(list.iter().map(|(_, c)| c)) * list[0].1.signum(),
                    false => BigRational::one(),
                };
                let primitive = self.scale(&content.recip(), radicand)?;
                let content = self.number(content);
                let content = self.real_root(degree, content)?;
                let root = match self.traits(primitive).positive {
                    true => self.power(primitive, &q)?,
                    false => match self.node(primitive) {
                        Form::Product(_) if list.len() == 1 => self.real_root(degree, primitive)?,
                        _ => self.atom(Atom::RealRoot(degree, primitive))?,
                    },
                };
                self.product(&[(content, integer(1)), (root, integer(1))])
            }
            Form::Product(list) => {
                let mut parts = Vec::with_capacity(list.len());
                for (b, k) in list.iter() {
                    let part = k * &q;
                    let real = self.traits(*b).real && k.denom().is_one();
                    if self.traits(*b).positive || (real && part.denom().is_one()) {
                        parts.push((*b, part));
                    } else if real {
                        parts.push((self.atom(Atom::RealRoot(degree, *b))?, k.clone()));
                    } else {
                        return self.atom(Atom::RealRoot(degree, radicand));
                    }
                }
                self.product(&parts)
            }
            Form::Atom(_) => self.atom(Atom::RealRoot(degree, radicand)),
        }
    }

    fn apply(&mut self, function: Function, a: FormId) -> Result<FormId, Stop> {
        let one = BigRational::one;
        let angle = match function {
            Function::Sin
            | Function::Cos
            | Function::Tan
            | Function::Cot
            | Function::Sec
            | Function::Csc
            | Function::Sinh
            | Function::Cosh
            | Function::Tanh
            | Function::Exp => self.spread(a)?,
            _ => a,
        };
        match function {
            Function::Sin => self.sin(angle),
            Function::Cos => self.cos(angle),
            Function::Tan | Function::Sec | Function::Cot | Function::Csc => {
                let (sin, cos) = (self.sin(angle)?, self.cos(angle)?);
                let (top, bottom) = match function {
                    Function::Tan => (sin, cos),
                    Function::Sec => (self.one, cos),
                    Function::Cot => (cos, sin),
                    _ => (self.one, sin),
                };
                self.need(bottom)?;
                self.product(&[(top, one()), (bottom, -one())])
            }
            Function::Exp => self.exp(angle),
            Function::Sinh | Function::Cosh | Function::Tanh => {
                let back = self.scale(&integer(-1), angle)?;
                let (up, down) = (self.exp(angle)?, self.exp(back)?);
                let sinh = self.sum(&[(up, ratio(1, 2)), (down, ratio(-1, 2))])?;
                let cosh = self.sum(&[(up, ratio(1, 2)), (down, ratio(1, 2))])?;
                match function {
                    Function::Sinh => Ok(sinh),
                    Function::Cosh => Ok(cosh),
                    _ => {
                        self.need(cosh)?;
                        self.product(&[(sinh, one()), (cosh, -one())])
                    }
                }
            }
            Function::Ln => {
                self.need(a)?;
                self.ln(a)
            }
            Function::Abs => self.size(a),
            Function::Arccos => {
                // arccos a = π/2 - arcsin a.
                let arcsin = self.arc(Function::Arcsin, a)?;
                self.sum(&[(self.pi, ratio(1, 2)), (arcsin, integer(-1))])
            }
            Function::Arcsin | Function::Arctan => self.arc(function, a),
            Function::Floor | Function::Ceil => match self.as_number(a) {
                Some(value) if function == Function::Floor => {
                    let floor = value.floor();
                    Ok(self.number(floor))
                }
                Some(value) => {
                    let ceil = value.ceil();
                    Ok(self.number(ceil))
                }
                None => self.atom(Atom::Apply(function, a)),
            },
            Function::Conj | Function::Re | Function::Im => match self.parts(a)? {
                Some((re, _)) if function == Function::Re => Ok(re),
                Some((_, im)) if function == Function::Im => Ok(im),
                Some((re, im)) => {
                    let im = self.product(&[(self.i, integer(1)), (im, integer(1))])?;
                    self.sum(&[(re, one()), (im, -one())])
                }
                None => self.atom(Atom::Apply(function, a)),
            },
        }
    }

    /// Real and imaginary part of a short sum of monomials that are real or
    /// `i` times real. Symbols are taken for real only where `traits` says so.
    fn parts(&mut self, a: FormId) -> Result<Option<(FormId, FormId)>, Stop> {
        let sum = self.spread(a)?;
        let terms = match self.node(sum) {
            Form::Sum(list) => list.to_vec(),
            Form::Number(_) => return Ok(Some((sum, self.zero))),
            _ => vec![(sum, BigRational::one())],
        };
        let (mut re, mut im) = (Vec::new(), Vec::new());
        for (t, c) in terms {
            if self.traits(t).real {
                re.push((t, c));
                continue;
            }
            let turned = self.product(&[(self.i, integer(-1)), (t, integer(1))])?;
            if !self.traits(turned).real {
                return Ok(None);
            }
            im.push((turned, c));
        }
        Ok(Some((self.sum(&re)?, self.sum(&im)?)))
    }

    /// `|a|`, by real and imaginary part where they are known.
    fn size(&mut self, a: FormId) -> Result<FormId, Stop> {
        if self.traits(a).real {
            return self.abs(a);
        }
        let Some((re, im)) = self.parts(a)? else {
            return self.abs(a);
        };
        let (x, y) = (self.power(re, &integer(2))?, self.power(im, &integer(2))?);
        let total = self.sum(&[(x, integer(1)), (y, integer(1))])?;
        let total = self.spread(total)?;
        self.power(total, &ratio(1, 2))
    }

    /// `arcsin` and `arctan`, odd both, with the values that are parts of π.
    fn arc(&mut self, function: Function, a: FormId) -> Result<FormId, Stop> {
        if self.as_number(a).is_some_and(Zero::is_zero) {
            return Ok(self.zero);
        }
        let (root2, root3) = {
            let (two, three) = (self.number(integer(2)), self.number(integer(3)));
            (
                self.power(two, &ratio(1, 2))?,
                self.power(three, &ratio(1, 2))?,
            )
        };
        let table = match function {
            Function::Arcsin => vec![
                (self.one, ratio(1, 1), ratio(1, 2)),
                (self.one, ratio(1, 2), ratio(1, 6)),
                (root2, ratio(1, 2), ratio(1, 4)),
                (root3, ratio(1, 2), ratio(1, 3)),
            ],
            _ => vec![
                (self.one, ratio(1, 1), ratio(1, 4)),
                (root3, ratio(1, 1), ratio(1, 3)),
                (root3, ratio(1, 3), ratio(1, 6)),
            ],
        };
        for (base, c, turn) in table {
            for sign in [1, -1] {
                if self.scale(&(&c * integer(sign)), base)? == a {
                    return self.scale(&(turn * integer(sign)), self.pi);
                }
            }
        }
        let negative = match self.node(a) {
            Form::Number(value) => value.is_negative(),
            Form::Sum(list) => list[0].1.is_negative(),
            _ => false,
        };
        match negative {
            true => {
                let opposite = self.scale(&integer(-1), a)?;
                let arc = self.atom(Atom::Apply(function, opposite))?;
                self.scale(&integer(-1), arc)
            }
            false => self.atom(Atom::Apply(function, a)),
        }
    }

    fn factorial(&mut self, n: FormId) -> Result<FormId, Stop> {
        if let Some(value) = self.as_number(n).cloned() {
            if !value.denom().is_one() {
                return Err(Stop::Unsupported);
            }
            if value.is_negative() {
                return Err(Stop::Undefined);
            }
            let Some(n) = value.numer().to_u64() else {
                return Err(Stop::Limit);
            };
            return self.factorial_of(n);
        }
        // (a + k)! = a! (a+1) … (a+k) where a has a constant in [0, 1).
        let constant = match self.node(n) {
            Form::Sum(list) => list
                .iter()
                .find(|(t, _)| *t == self.one)
                .map(|(_, c)| c.clone()),
            _ => None,
        };
        let shift = constant.map_or_else(BigInt::zero, |c| c.floor().to_integer());
        let Some(shift) = shift.to_i64().filter(|k| k.abs() <= CHAIN) else {
            return self.atom(Atom::Factorial(n));
        };
        let base = self.sum(&[(n, integer(1)), (self.one, integer(-shift))])?;
        let mut factors = vec![(self.atom(Atom::Factorial(base))?, integer(1))];
        for k in 1..=shift.abs() {
            // (a-k)! = a! / (a (a-1) … (a-k+1)).
            let (step, exponent) = if shift > 0 { (k, 1) } else { (1 - k, -1) };
            let factor = self.sum(&[(base, integer(1)), (self.one, integer(step))])?;
            if exponent < 0 {
                self.need(factor)?;
            }
            factors.push((factor, integer(exponent)));
        }
        self.product(&factors)
    }

    /// `n!`: the number, or its prime powers where that is too long.
    fn factorial_of(&mut self, n: u64) -> Result<FormId, Stop> {
        let bits = n.saturating_mul(u64::from(64 - n.leading_zeros()));
        if bits <= self.limits.bits {
            self.fuel.spend(n * 8 + bits * bits / 16384)?;
            let product = (2..=n).fold(BigInt::one(), |product, k| product * k);
            return Ok(self.number(BigRational::from_integer(product)));
        }
        if n > SIEVE {
            return Err(Stop::Limit);
        }
        let factors = self.prime_powers(n)?;
        self.product(&factors)
    }

    /// Legendre's formula.
    fn prime_powers(&mut self, n: u64) -> Result<Vec<(FormId, BigRational)>, Stop> {
        self.fuel.spend(n * 8)?;
        let mut factors = Vec::new();
        for p in rational::primes_to(n) {
            let mut exponent = 0;
            let mut power = n;
            while power > 0 {
                power /= p;
                exponent += power;
            }
            let prime = self.atom(Atom::Prime(p.into(), rational::Primes::Proven))?;
            factors.push((prime, BigRational::from_integer(exponent.into())));
        }
        Ok(factors)
    }

    fn binomial(&mut self, n: FormId, k: FormId) -> Result<FormId, Stop> {
        if let (Some(n), Some(k)) = (self.as_number(n).cloned(), self.as_number(k).cloned())
            && n.denom().is_one()
            && k.denom().is_one()
            && !n.is_negative()
        {
            return self.binomial_of(n.numer(), k.numer());
        }
        // n (n-1) … (n-k+1) / k!
        let small = self.as_number(k).and_then(rational::to_i64);
        if let Some(k) = small {
            if !(0..=CHAIN).contains(&k) {
                return Err(Stop::Unsupported);
            }
            let mut factors = Vec::new();
            let mut denominator = BigInt::one();
            for j in 0..k {
                factors.push((
                    self.sum(&[(n, integer(1)), (self.one, integer(-j))])?,
                    integer(1),
                ));
                denominator *= j + 1;
            }
            let top = self.product(&factors)?;
            return self.scale(&BigRational::new(BigInt::one(), denominator), top);
        }
        let rest = self.difference(n, k)?;
        if self.as_number(rest).is_some() {
            return self.binomial(n, rest);
        }
        let (n, k, rest) = (
            self.factorial(n)?,
            self.factorial(k)?,
            self.factorial(rest)?,
        );
        self.product(&[(n, integer(1)), (k, integer(-1)), (rest, integer(-1))])
    }

    fn binomial_of(&mut self, n: &BigInt, k: &BigInt) -> Result<FormId, Stop> {
        if k.is_negative() || k > n {
            return Ok(self.zero);
        }
        let k = k.clone().min(n - k).to_u64().ok_or(Stop::Limit)?;
        let bits = k.checked_mul(n.bits()).ok_or(Stop::Limit)?;
        if bits <= self.limits.bits {
            self.fuel.spend(k * 16 + bits * bits / 8192)?;
            let mut value = BigInt::one();
            for j in 0..k {
                value = value * (n - j) / (j + 1);
            }
            return Ok(self.number(BigRational::from_integer(value)));
        }
        let n = n.to_u64().filter(|n| *n <= SIEVE).ok_or(Stop::Limit)?;
        let mut parts = self.prime_powers(n)?;
        for part in [k, n - k] {
            for (prime, exponent) in self.prime_powers(part)? {
                parts.push((prime, -exponent));
            }
        }
        self.product(&parts)
    }
}
