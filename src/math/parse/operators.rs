//! `\sum` and `\prod` with a running index: a call that binds its index, or, with
//! numbers for limits and terms, its value.
//!
//! A bound variable is named by the depth of its operator, so that
//! `\sum_{i=1}^n a_i` and `\sum_{k=1}^n a_k` are one expression.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};
use pest::iterators::Pair;

use super::super::expr::{Arena, Id, Node};
use super::super::value::bits;
use super::scalar::{Builder, symbol_name, unparsed};
use super::settings::Operators;
use super::{ParseFault, Rule};

/// The most terms that are added up.
const TERMS: i64 = 10_000;

/// Units of work, about a multiplication of machine words each, that count as
/// one node against the limit on them.
const WORK: u64 = 1000;

/// The most bits of a partial result.
const BITS: u64 = 1 << 14;

impl Builder<'_> {
    pub(super) fn repeated(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let parts: Vec<_> = pair.into_inner().collect();
        let [name, index, low, high, body] = parts.as_slice() else {
            return Err(fault);
        };
        let low = self.expr(low.clone(), arena)?;
        let high = match high.as_str().trim_matches(['{', '}', ' ']) {
            "∞" => arena.add(Node::Symbol("∞".into())),
            _ => self.primary(high.clone(), arena)?.0,
        };
        let index = symbol_name(index.as_str());
        let depth = self.settings.bound.len();
        let body = self
            .with(|settings| settings.bound.push(index))
            .expr(body.clone(), arena)?;
        match self.settings.operators {
            Operators::AsWritten => Ok(arena.add(Node::Call(
                name.as_str().into(),
                Box::new([low, high, body]),
            ))),
            Operators::CarriedOut => {
                let range = (low, high, body);
                let value = self.carried_out(name.as_str(), range, depth, arena);
                Ok(arena.add(Node::Number(value.ok_or(fault)?)))
            }
        }
    }

    /// The name of a variable, or what stands for it if an operator binds it;
    /// in a subscript, too: `a_{n-k}`.
    pub(super) fn bound_name(&self, name: &str) -> Option<String> {
        if self.settings.bound.is_empty() {
            return None;
        }
        let depth_of = |name: &str| self.settings.bound.iter().rposition(|bound| bound == name);
        if let Some(depth) = depth_of(name) {
            return Some(placeholder(depth));
        }
        let (letter, subscript) = name.split_once('_')?;
        let mut new = format!("{letter}_");
        for c in subscript.chars() {
            match depth_of(c.encode_utf8(&mut [0; 4])) {
                Some(depth) => new.push_str(&placeholder(depth)),
                None => new.push(c),
            }
        }
        (new != name).then_some(new)
    }

    /// The value of a sum or product of rational terms between whole limits.
    fn carried_out(
        &self,
        name: &str,
        (low, high, body): (Id, Id, Id),
        depth: usize,
        arena: &Arena,
    ) -> Option<BigRational> {
        let mut work = 0;
        let mut limit = |id: Id| {
            let value = constant(arena, id, None, &mut work)?;
            value.is_integer().then(|| value.to_integer())?.to_i64()
        };
        let (low, high) = (limit(low)?, limit(high)?);
        // An empty sum is a convention that few texts mean.
        let terms = high.checked_sub(low)?.checked_add(1)?;
        if !(1..=TERMS).contains(&terms) {
            return None;
        }
        let product = name == "\\prod";
        let mut value = match product {
            true => BigRational::one(),
            false => BigRational::zero(),
        };
        let index = placeholder(depth);
        for k in low..=high {
            work += words(&value);
            let term = constant(arena, body, Some((&index, k)), &mut work)?;
            value = match product {
                true => value * term,
                false => value + term,
            };
            if work >= WORK {
                // Too much for this reading; the sum as written stays.
                self.spend(work).ok()?;
                work = 0;
            }
            if bits(&value) > BITS {
                return None;
            }
        }
        Some(value)
    }

    /// Counts work against the limit on nodes.
    fn spend(&self, work: u64) -> Result<(), ParseFault> {
        self.count(usize::try_from(work / WORK).unwrap_or(usize::MAX / 2))
    }
}

/// The work of one operation on a number of that size and of reducing the
/// fraction that comes of it.
fn words(value: &BigRational) -> u64 {
    10 * (bits(value) / 64).pow(2) + 50
}

/// No spelling of a variable gives this name.
fn placeholder(depth: usize) -> String {
    format!("•{depth}•")
}

/// The rational value of a node; the index, if any, stands for a number.
fn constant(
    arena: &Arena,
    root: Id,
    index: Option<(&str, i64)>,
    work: &mut u64,
) -> Option<BigRational> {
    let mut values: Vec<Option<BigRational>> = Vec::with_capacity(root.index() + 1);
    for (_, node) in arena.iter().take(root.index() + 1) {
        let at = |id: &Id| values[id.index()].as_ref();
        let value = match node {
            Node::Number(value) => Some(value.clone()),
            Node::Symbol(name) => index
                .filter(|(index, _)| **index == **name)
                .map(|(_, k)| BigRational::from_integer(k.into())),
            // Neither can be longer than all its parts together.
            Node::Add(all) | Node::Mul(all) if size(all.iter().map(at)) > BITS => None,
            Node::Add(all) => all.iter().map(at).sum::<Option<BigRational>>(),
            Node::Mul(all) => all.iter().map(at).product::<Option<BigRational>>(),
            Node::Pow(base, exponent) => at(base).zip(at(exponent)).and_then(|(base, exponent)| {
                let exponent = exponent
                    .is_integer()
                    .then(|| exponent.to_integer())?
                    .to_i32()?;
                let size = bits(base).checked_mul(exponent.unsigned_abs().into())?;
                let undefined = base.is_zero() && exponent <= 0;
                (size <= BITS && !undefined).then(|| base.pow(exponent))
            }),
            Node::Factorial(n) => at(n).and_then(factorial),
            _ => None,
        };
        *work += value.as_ref().map_or(50, words);
        values.push(value.filter(|value| bits(value) <= BITS));
    }
    values.pop()?
}

/// The bits of several numbers together; 0 where one has no value.
fn size<'v>(mut values: impl Iterator<Item = Option<&'v BigRational>>) -> u64 {
    values
        .try_fold(0, |sum: u64, value| Some(sum + bits(value?)))
        .unwrap_or(0)
}

fn factorial(n: &BigRational) -> Option<BigRational> {
    /// 500! has 3768 bits.
    const LARGEST: u32 = 500;
    let n = n.is_integer().then(|| n.to_integer())?.to_u32()?;
    (n <= LARGEST).then(|| BigRational::from_integer((1..=n).map(BigInt::from).product()))
}
