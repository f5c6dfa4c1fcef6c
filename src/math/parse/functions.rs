//! Functions with their arguments: `\log_2 8`, `\sin^2 x`, `f(x)`, determinants.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::Zero;
use pest::iterators::Pair;

use super::super::expr::{Arena, Function, Id, Node};
use super::arithmetic::whole;
use super::scalar::{Builder, item_expression, unparsed};
use super::settings::{Calls, LogBase};
use super::{ParseFault, Rule};

impl Builder<'_> {
    pub(super) fn logarithm(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let (mut name, mut base, mut power, mut argument) = ("", None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::log_name => name = part.as_str(),
                Rule::base => {
                    base = Some(
                        self.primary(part.into_inner().next().ok_or(fault)?, arena)?
                            .0,
                    );
                }
                Rule::sup => power = Some(part),
                _ => argument = Some(self.argument(part, arena)?),
            }
        }
        let argument = argument.ok_or(fault)?;
        let id = match (name, base) {
            ("\\log", Some(base)) => arena.add(Node::Log { base, argument }),
            (_, Some(_)) => return Err(fault),
            ("\\ln", None) => arena.add(Node::Apply(Function::Ln, argument)),
            ("\\log", None) if self.settings.log == LogBase::Natural => {
                arena.add(Node::Apply(Function::Ln, argument))
            }
            _ => {
                let base = whole(10, arena);
                arena.add(Node::Log { base, argument })
            }
        };
        match power {
            None => Ok(id),
            Some(power) => self.function_power(id, power, arena),
        }
    }

    pub(super) fn function(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let (mut name, mut power, mut argument) = ("", None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::function_name => name = part.as_str(),
                Rule::sup => power = Some(part),
                _ => argument = Some(self.argument(part, arena)?),
            }
        }
        let inverse = power.as_ref().is_some_and(|power| {
            matches!(power.as_str().replace(' ', "").as_str(), "^{-1}" | "^-1")
        });
        let function = match (name, inverse) {
            ("\\sin", true) | ("\\arcsin", false) => Function::Arcsin,
            ("\\cos", true) | ("\\arccos", false) => Function::Arccos,
            ("\\tan", true) | ("\\arctan", false) => Function::Arctan,
            ("\\sin", false) => Function::Sin,
            ("\\cos", false) => Function::Cos,
            ("\\tan", false) => Function::Tan,
            ("\\cot", false) => Function::Cot,
            ("\\sec", false) => Function::Sec,
            ("\\csc", false) => Function::Csc,
            ("\\sinh", false) => Function::Sinh,
            ("\\cosh", false) => Function::Cosh,
            ("\\tanh", false) => Function::Tanh,
            ("\\exp", false) => Function::Exp,
            ("\\Re", false) => Function::Re,
            ("\\Im", false) => Function::Im,
            _ => return Err(fault),
        };
        let id = arena.add(Node::Apply(function, argument.ok_or(fault)?));
        match power {
            Some(power) if !inverse => self.function_power(id, power, arena),
            _ => Ok(id),
        }
    }

    /// `\sin^2 x`: a positive whole power, since others may mean inverses.
    pub(super) fn function_power(
        &self,
        id: Id,
        power: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<Id, ParseFault> {
        let fault = unparsed(&power);
        let script = power.into_inner().next().ok_or(fault)?;
        let exponent = self.script(script, arena)?;
        match arena.node(exponent) {
            Node::Number(n) if n.is_integer() && *n > BigRational::zero() => {
                Ok(arena.add(Node::Pow(id, exponent)))
            }
            _ => Err(fault),
        }
    }

    /// What a function is applied to.
    pub(super) fn argument(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<Id, ParseFault> {
        match pair.as_rule() {
            Rule::bare => self.expr(pair, arena),
            _ => self.primary(pair, arena).map(|(id, _)| id),
        }
    }

    pub(super) fn arguments(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<Vec<Id>, ParseFault> {
        let fault = unparsed(&pair);
        let items = pair.into_inner().next().ok_or(fault)?;
        let mut ids = Vec::new();
        for part in items.into_inner() {
            match part.as_rule() {
                Rule::item => {
                    let expr = item_expression(part).ok_or(fault)?;
                    ids.push(self.expr(expr, arena)?);
                }
                _ if part.as_str() == "," => {}
                _ => return Err(fault),
            }
        }
        Ok(ids)
    }

    /// `f(x)`: a call, or in another reading a product.
    pub(super) fn call(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let mut parts = pair.into_inner();
        let name = parts.next().ok_or(fault)?.as_str().trim();
        let arguments = self.arguments(parts.next().ok_or(fault)?, arena)?;
        match (self.settings.calls, arguments.as_slice()) {
            (Calls::Functions, _) => Ok(arena.add(Node::Call(name.into(), arguments.into()))),
            (Calls::Products, [one]) if name.len() == 1 => {
                let symbol = self.symbol(name, arena);
                Ok(arena.add(Node::Mul(Box::new([symbol, *one]))))
            }
            (Calls::Products, _) => Err(fault),
        }
    }

    /// `\gcd(12, 18)` of literals, `\max(a, b)` of anything.
    pub(super) fn divisor(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let least = pair.as_str().starts_with("\\lcm");
        let extreme = ["\\max", "\\min"]
            .into_iter()
            .find(|name| pair.as_str().starts_with(name));
        let arguments = self.arguments(pair.into_inner().next().ok_or(fault)?, arena)?;
        if let Some(name) = extreme {
            return self.extreme(name, arguments, arena).ok_or(fault);
        }
        let mut result: Option<BigInt> = None;
        for id in arguments {
            let value = match arena.node(id) {
                Node::Number(n) if n.is_integer() => n.to_integer(),
                _ => return Err(fault),
            };
            result = Some(match result {
                None => value,
                Some(so_far) if least => so_far.lcm(&value),
                Some(so_far) => so_far.gcd(&value),
            });
        }
        let value = result.ok_or(fault)?;
        Ok(arena.add(Node::Number(BigRational::from_integer(value))))
    }

    /// The largest or least of numbers; a call where there are variables, whose
    /// arguments have one order.
    fn extreme(&self, name: &'static str, mut arguments: Vec<Id>, arena: &mut Arena) -> Option<Id> {
        let number = |id: &Id| match arena.node(*id) {
            Node::Number(value) => Some(value.clone()),
            _ => None,
        };
        let numbers: Option<Vec<BigRational>> = arguments.iter().map(number).collect();
        let Some(numbers) = numbers else {
            // Longer arguments are left in the order in which they stand.
            let name_of = |id: &Id| match arena.node(*id) {
                Node::Symbol(name) => Some(name.to_string()),
                Node::Number(value) => Some(value.to_string()),
                _ => None,
            };
            if arguments.iter().all(|id| name_of(id).is_some()) {
                arguments.sort_by_cached_key(name_of);
            }
            return Some(arena.add(Node::Call(name.into(), arguments.into())));
        };
        let value = match name {
            "\\max" => numbers.into_iter().max(),
            _ => numbers.into_iter().min(),
        };
        Some(arena.add(Node::Number(value?)))
    }
}
