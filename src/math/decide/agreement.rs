//! The last stage: both sides evaluated to many bits.
//!
//! Disjoint balls are a witness. Agreement is a proof for algebraic constants,
//! beyond the bound of `separation.rs`; for others it is counted in bits, and
//! the bits asked for grow with the literals and with the scales met, so that
//! `1 + e^-1000` is not 1.

use std::collections::BTreeMap;

use num_rational::BigRational;

use super::budget::Fuel;
use super::form::{FormId, Forms};
use super::graph::{same_graph, total};
use super::numeric::{self, Realm, Relation, Value};
use super::points::{self, Grid, Point};
use super::precision::{Context, Fail};
use super::{Decision, Defined, Ladder, Proof, any, at_point, cells, different, equal};
use super::{modular, rational, separation};
use crate::math::expr::{Constant, Function, Node};

/// Points beside those of the cells: every pattern of three signs.
const SAMPLE: u64 = 10;

/// Bits by which functions agree at every point, at least.
const FUNCTION_BITS: u64 = 128;

/// Bits at which points are compared first.
const FIRST: u64 = 128;

/// What the sample says.
#[derive(Default)]
struct Tally {
    /// Least bits of agreement where it counts.
    bits: Option<i64>,
    /// Points that count.
    agreeing: usize,
    /// Points where one side is real and the values differ.
    split: usize,
    /// A witness between complex values.
    complex: Option<String>,
    failed: usize,
    scale: u64,
}

impl Ladder<'_> {
    /// Values of both sides at a point.
    fn values(&self, point: &Point, c: &mut Context<'_>) -> Result<[Value; 2], Fail> {
        let imaginary = self.imaginary();
        let a = numeric::evaluate(self.sides[0], point, &imaginary, c)?;
        let b = numeric::evaluate(self.sides[1], point, &imaginary, c)?;
        Ok([a, b])
    }

    /// Imaginary parts for `z` and `w` where that can matter.
    fn imaginary(&self) -> BTreeMap<Box<str>, BigRational> {
        let matters = |node: &Node| {
            matches!(
                node,
                Node::Apply(
                    Function::Abs | Function::Conj | Function::Re | Function::Im,
                    _
                )
            )
        };
        if !self.sides.iter().any(|side| any(side, matters).is_some()) {
            return BTreeMap::new();
        }
        self.symbols
            .iter()
            .enumerate()
            .filter(|(_, name)| name.starts_with(['z', 'w']))
            .map(|(position, name)| {
                let secret = self.secrets.number(&[0x696d, position as u64]) >> 24;
                let part = BigRational::new((secret + 1).into(), (1u64 << 38).into());
                (name.clone(), part)
            })
            .collect()
    }

    /// Whether both sides have a value at some point, evaluated with balls.
    pub(super) fn evaluable(&self) -> Result<Defined, Decision> {
        let fuel = Fuel::new(self.limits.fuel / 4, self.limits);
        let mut c = Context::new(&fuel);
        for index in 0..4 {
            let point = points::point(self.secrets, &self.symbols, index, self.grid);
            for bits in [FIRST, 512] {
                c.bits = bits;
                match self.values(&point, &mut c) {
                    Ok(_) => return Ok(Defined::Proven),
                    Err(Fail::Undefined) if self.symbols.is_empty() => {
                        return Err(Decision::Undefined);
                    }
                    Err(Fail::Imprecise) => {}
                    Err(_) => break,
                }
            }
            if self.symbols.is_empty() {
                break;
            }
        }
        Ok(Defined::Open)
    }

    /// Divisors that could not be evaluated apart from zero: zero for certain
    /// if they are algebraic and below their bound.
    pub(super) fn undefined_or_unknown(&self, forms: &mut Forms<'_>) -> Decision {
        let needs: Vec<FormId> = forms.needs.iter().copied().collect();
        for need in needs {
            if let Ok(modular::Outcome::Same) =
                modular::compare(forms, need, forms.zero, self.secrets)
            {
                return Decision::Undefined;
            }
        }
        Decision::Unknown("undecided")
    }

    /// For expressions without a canonical form: equal if they are the same
    /// graph and have a value, else witnesses alone.
    pub(super) fn refute(&self) -> Decision {
        if same_graph(self.sides[0], self.sides[1]) {
            let defined = match self.sides[0]
                .arena
                .iter()
                .all(|(_, node)| total(self.sides[0], node))
            {
                true => Ok(Defined::Proven),
                false => self.evaluable(),
            };
            match defined {
                Ok(Defined::Proven) => return equal("identical", Proof::Exact),
                Ok(Defined::Open) => return Decision::Unknown("limit"),
                Err(decision) => return decision,
            }
        }
        let fuel = Fuel::new(self.limits.fuel, self.limits);
        let mut c = Context::new(&fuel);
        c.bits = FIRST;
        match self.sample(&[], &mut c) {
            Err(decision) => decision,
            Ok(_) => Decision::Unknown("limit"),
        }
    }

    /// Compares the values of both sides.
    pub(super) fn agreement(&self, forms: &mut Forms<'_>, a: FormId, b: FormId) -> Decision {
        let fuel = Fuel::new(self.limits.fuel, self.limits);
        let mut c = Context::new(&fuel);
        match self.symbols.is_empty() {
            true => self.constants(forms, a, b, &mut c),
            false => self.functions(forms, a, b, &mut c),
        }
    }

    fn constants(
        &self,
        forms: &mut Forms<'_>,
        a: FormId,
        b: FormId,
        c: &mut Context<'_>,
    ) -> Decision {
        let bound = forms
            .difference(a, b)
            .ok()
            .and_then(|difference| separation::bits(forms, difference))
            .filter(|bits| *bits <= u64::from(self.limits.separation));
        let point = Point::new();
        c.bits = FIRST;
        loop {
            let relation = match self.values(&point, c) {
                Ok([x, y]) => numeric::relate(&x.value, &y.value, c).map(|relation| {
                    // A part that may be zero hides a scale.
                    let far = match x.open + y.open {
                        0 => x.scale.max(y.scale),
                        _ => u64::MAX,
                    };
                    (relation, far, at_point(&self.symbols, shown(&x, &y)))
                }),
                Err(fail) => Err(fail),
            };
            match relation {
                Ok((Relation::Disjoint, _, witness)) => return different("numeric", witness),
                Ok((Relation::Within { absolute, relative }, far, _)) => {
                    if absolute == i64::MAX {
                        // Both are exact.
                        return equal("evaluated", Proof::Exact);
                    }
                    if let Some(bound) = bound {
                        if absolute > bound as i64 {
                            return equal("separation", Proof::Exact);
                        }
                    } else {
                        let bits = relative.min(absolute);
                        match self.bar(64, far) {
                            Some(bar) if bits >= bar => return numeric_equal(bits),
                            // Only a witness can still come.
                            None if c.bits >= u64::from(self.limits.precision) => {
                                return Decision::Unknown("limit");
                            }
                            _ => {}
                        }
                    }
                }
                Err(Fail::Undefined) => return Decision::Undefined,
                Err(Fail::Imprecise) => {}
                Err(Fail::Unsupported) => return Decision::Unknown("undecided"),
                Err(Fail::Limit) => return Decision::Unknown("limit"),
            }
            let most = bound.map_or(u64::from(self.limits.precision), |bound| bound + 256);
            if c.bits >= 2 * most {
                return Decision::Unknown("limit");
            }
            c.bits *= 2;
        }
    }

    /// The order of the first side and the second, real constants that are
    /// known to differ.
    pub(super) fn order(&self) -> Option<std::cmp::Ordering> {
        let fuel = Fuel::new(self.limits.fuel, self.limits);
        let mut c = Context::new(&fuel);
        c.bits = FIRST;
        while c.bits <= u64::from(self.limits.separation) {
            match self.values(&Point::new(), &mut c) {
                Ok([x, y]) if x.value.is_real() && y.value.is_real() => {
                    let difference = x.value.sub(&y.value, &c).ok()?;
                    if let Some(sign) = difference.re.sign() {
                        return Some(sign.cmp(&0));
                    }
                }
                Ok(_) => return None,
                Err(Fail::Imprecise) => {}
                Err(_) => return None,
            }
            c.bits *= 2;
        }
        None
    }

    /// Bits of agreement that are asked for: more than any formula of this
    /// length is known to reach by accident, and four times the scales met,
    /// because iterations such as `x + sin x` treble them.
    /// `None` where that is more than the limit.
    fn bar(&self, least: u64, scale: u64) -> Option<i64> {
        let literals: u64 = self
            .sides
            .iter()
            .flat_map(|side| {
                let seen = side.reachable();
                side.arena
                    .iter()
                    .take(seen.len())
                    .filter(|(id, _)| seen[id.index()])
                    .map(|(_, node)| match node {
                        Node::Number(value) => rational::bits(value),
                        Node::Root { degree, .. } => u64::from(u32::BITS - degree.leading_zeros()),
                        _ => 1,
                    })
                    .collect::<Vec<_>>()
            })
            .sum();
        let bits = least
            .saturating_add(8 * literals)
            .saturating_add(scale.saturating_mul(4));
        match bits <= u64::from(self.limits.precision) {
            true => i64::try_from(bits).ok(),
            false => None,
        }
    }

    fn functions(
        &self,
        forms: &mut Forms<'_>,
        a: FormId,
        b: FormId,
        c: &mut Context<'_>,
    ) -> Decision {
        let extra = match self.grid {
            // Absolute values and conjugates are not analytic.
            _ if !self.imaginary().is_empty() => None,
            Grid::Fractions => cells::points(forms, [a, b], &self.symbols, self.secrets),
            // Integers alone cannot show that functions agree.
            Grid::Integers => None,
        };
        c.bits = FIRST;
        let more = extra.as_deref().unwrap_or(&[]);
        let tally = match self.sample(more, c) {
            Ok(tally) => tally,
            Err(decision) => return decision,
        };
        if let (0, Some(witness)) = (tally.agreeing, &tally.complex) {
            return different("numeric", witness.clone());
        }
        if tally.split > 0 {
            return Decision::Unknown("domain");
        }
        let Some(bar) = self.bar(FUNCTION_BITS, tally.scale) else {
            return Decision::Unknown("undecided");
        };
        if extra.is_none() || tally.failed > 0 {
            return Decision::Unknown("undecided");
        }
        c.bits = bar.unsigned_abs() + 64;
        for _ in 0..2 {
            let tally = match self.sample(more, c) {
                Ok(tally) => tally,
                Err(decision) => return decision,
            };
            if tally.failed > 0 || tally.split > 0 || tally.agreeing < 4 {
                return Decision::Unknown("undecided");
            }
            match (self.bar(FUNCTION_BITS, tally.scale), tally.bits) {
                // What is agreed beyond that depends on the secret points, as no
                // verdict may.
                (Some(bar), Some(bits)) if bits >= bar => {
                    return numeric_equal(FUNCTION_BITS as i64);
                }
                _ => c.bits *= 2,
            }
        }
        Decision::Unknown("undecided")
    }

    /// Compares at all points; a witness between real values ends it.
    fn sample(&self, more: &[Point], c: &mut Context<'_>) -> Result<Tally, Decision> {
        let imaginary = !self.imaginary().is_empty()
            || self
                .sides
                .iter()
                .any(|side| any(side, |node| *node == Node::Constant(Constant::I)).is_some());
        let mut tally = Tally::default();
        let usual = match self.symbols.is_empty() {
            true => 1,
            false => SAMPLE,
        };
        let usual =
            (0..usual).map(|index| points::point(self.secrets, &self.symbols, index, self.grid));
        for point in usual.chain(more.iter().cloned()) {
            let relation = self.values(&point, c).and_then(|[x, y]| {
                let relation = numeric::relate(&x.value, &y.value, c)?;
                Ok((relation, x, y))
            });
            let (relation, x, y) = match relation {
                Ok(found) => found,
                // A pole or the end of a domain is no part of the comparison.
                Err(Fail::Undefined) => continue,
                Err(_) => {
                    tally.failed += 1;
                    continue;
                }
            };
            tally.scale = tally.scale.max(x.scale).max(y.scale);
            if x.open + y.open > 0 {
                tally.scale = u64::MAX;
            }
            let real = [x.realm, y.realm].map(|realm| realm == Realm::Real);
            match relation {
                Relation::Disjoint => {
                    let witness = at_point(&self.symbols, shown(&x, &y));
                    match real {
                        _ if imaginary => return Err(different("numeric", witness)),
                        [true, true] => return Err(different("numeric", witness)),
                        [false, false] => tally.complex = Some(witness),
                        _ => {
                            tally.split += 1;
                            tally.complex = Some(witness);
                        }
                    }
                }
                Relation::Within { absolute, relative } => {
                    let bits = absolute.min(relative);
                    if imaginary || real == [true, true] {
                        tally.agreeing += 1;
                        tally.bits = Some(tally.bits.map_or(bits, |known| known.min(bits)));
                    }
                }
            }
        }
        Ok(tally)
    }
}

fn shown(x: &Value, y: &Value) -> String {
    let text = |value: &Value| {
        let (re, im) = (value.value.re.to_f64(), value.value.im.to_f64());
        match value.value.is_real() {
            true => format!("{re:.15e}"),
            false => format!("{re:.12e} + {im:.12e} i"),
        }
    };
    format!("{} is not {}", text(x), text(y))
}

fn numeric_equal(bits: i64) -> Decision {
    let bits = u32::try_from(bits.clamp(0, 1 << 20)).unwrap_or(0);
    equal("numeric", Proof::Numeric { bits })
}
