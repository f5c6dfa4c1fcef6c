//! Scalars: a grammar pair in, an expression graph out; precedence is pest's
//! Pratt parser's.

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

use num_bigint::BigInt;
use num_rational::BigRational;
use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::super::expr::{Arena, Constant, Expr, Function, Id, Node};
use super::super::typed::Derivation;
use super::arithmetic::{
    Partial, Spelling, Value, atom, finish, literal, negated, over_number, product, quotient,
    radians, raised, reciprocal,
};
use super::number;
use super::selections::selections;
use super::settings::{Branch, Degrees, Division, Settings};
use super::{ParseFault, ParseLimits, Rule};

/// Builds expressions for one reading.
pub(super) struct Builder<'l> {
    pub(super) settings: Settings,
    pub(super) limits: &'l ParseLimits,
    /// Nodes built so far, over all expressions of the text.
    pub(super) nodes: &'l Cell<usize>,
    /// The chains of equal signs so far.
    pub(super) derivations: &'l RefCell<Vec<Derivation>>,
}

pub(super) fn unparsed(pair: &Pair<'_, Rule>) -> ParseFault {
    ParseFault::Unparsed {
        at: pair.as_span().start(),
    }
}

fn sums() -> PrattParser<Rule> {
    PrattParser::new().op(Op::infix(Rule::add, Assoc::Left)
        | Op::infix(Rule::sub, Assoc::Left)
        | Op::infix(Rule::plus_minus, Assoc::Left)
        | Op::infix(Rule::minus_plus, Assoc::Left))
}

static LEFT_TO_RIGHT: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    sums()
        .op(Op::infix(Rule::mul, Assoc::Left)
            | Op::infix(Rule::div, Assoc::Left)
            | Op::infix(Rule::implicit, Assoc::Left))
        .op(Op::prefix(Rule::signs))
});

static PRODUCT_FIRST: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    sums()
        .op(Op::infix(Rule::mul, Assoc::Left) | Op::infix(Rule::div, Assoc::Left))
        .op(Op::prefix(Rule::signs))
        .op(Op::infix(Rule::implicit, Assoc::Left))
});

/// Which operator binds tighter.
pub(super) fn precedence(division: Division) -> &'static PrattParser<Rule> {
    match division {
        Division::LeftToRight => &LEFT_TO_RIGHT,
        Division::ProductFirst => &PRODUCT_FIRST,
    }
}

type Built = Result<Partial, ParseFault>;

impl Builder<'_> {
    /// An expression of its own.
    pub(super) fn expression(&self, pair: Pair<'_, Rule>) -> Result<Expr, ParseFault> {
        let mut arena = Arena::default();
        let root = self.expr(pair, &mut arena)?;
        self.count(arena.len())?;
        Ok(Expr { arena, root })
    }

    /// Counts nodes against the limit.
    pub(super) fn count(&self, nodes: usize) -> Result<(), ParseFault> {
        self.nodes.set(self.nodes.get() + nodes);
        match self.nodes.get() > self.limits.nodes {
            true => Err(ParseFault::Limit),
            false => Ok(()),
        }
    }

    /// An `expr` or `bare` pair.
    pub(super) fn expr(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        let parser = precedence(self.settings.division);
        let at = pair.as_span().start();
        // A set operation is no scalar; the Pratt parser doesn't know it.
        if pair
            .clone()
            .into_inner()
            .any(|p| matches!(p.as_rule(), Rule::cup | Rule::cap | Rule::without))
        {
            return Err(ParseFault::Unparsed { at });
        }
        let cell = std::cell::RefCell::new(arena);
        let partial = parser
            .map_primary(|operand| self.operand(operand, &mut cell.borrow_mut()))
            .map_prefix(|signs, value| self.signed(signs.as_str(), value?, &mut cell.borrow_mut()))
            .map_infix(|left, op, right| self.infix(left?, &op, right?, &mut cell.borrow_mut()))
            .parse(pair.into_inner())?;
        Ok(finish(partial, cell.into_inner()))
    }

    pub(super) fn signed(&self, signs: &str, value: Partial, arena: &mut Arena) -> Built {
        let mut negative = false;
        for sign in signs.chars() {
            negative ^= match (sign, self.settings.branch) {
                ('-', _) | ('±', Some(Branch::Lower)) | ('∓', Some(Branch::Upper)) => true,
                ('±' | '∓', None) => return Err(ParseFault::Unparsed { at: 0 }),
                _ => false,
            };
        }
        Ok(match negative {
            true => negated(value, arena),
            false => value,
        })
    }

    pub(super) fn infix(
        &self,
        left: Partial,
        op: &Pair<'_, Rule>,
        right: Partial,
        arena: &mut Arena,
    ) -> Built {
        let right = match op.as_rule() {
            Rule::sub => negated(right, arena),
            Rule::plus_minus => self.signed("±", right, arena)?,
            Rule::minus_plus => self.signed("∓", right, arena)?,
            _ => right,
        };
        let value = match op.as_rule() {
            Rule::add | Rule::sub | Rule::plus_minus | Rule::minus_plus => {
                let mut terms = match left.value {
                    Value::Sum(terms) => terms,
                    _ => vec![finish(left, arena)],
                };
                terms.push(finish(right, arena));
                Value::Sum(terms)
            }
            Rule::implicit
                if left.spelling == Spelling::Integer && right.spelling == Spelling::Fraction =>
            {
                // `2\frac32` and `2(\frac12)`: neither a mixed number nor
                // surely a product.
                return Err(unparsed(op));
            }
            Rule::implicit => product(left, right, arena),
            Rule::mul => {
                arena.note_product_sign();
                product(left, right, arena)
            }
            Rule::div => {
                let right = finish(right, arena);
                match left.value {
                    Value::Atom(left) => Value::Atom(quotient(left, right, arena)),
                    _ => {
                        let inverse = reciprocal(right, arena);
                        product(left, atom(inverse), arena)
                    }
                }
            }
            _ => return Err(unparsed(op)),
        };
        Ok(Partial {
            value,
            spelling: Spelling::Other,
        })
    }

    /// An operand, or the token of a command's argument.
    pub(super) fn operand_id(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<Id, ParseFault> {
        let partial = self.operand(pair, arena)?;
        Ok(finish(partial, arena))
    }

    /// An operand with its exponents and marks.
    pub(super) fn operand(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Built {
        if !matches!(
            pair.as_rule(),
            Rule::operand | Rule::bare_operand | Rule::bare_next
        ) {
            return self.primary(pair, arena).map(|(id, spelling)| Partial {
                value: Value::Atom(id),
                spelling,
            });
        }
        let fault = unparsed(&pair);
        let mut parts = pair.into_inner();
        let (mut id, mut spelling) = self.primary(parts.next().ok_or(fault)?, arena)?;
        let mut tower = Vec::new();
        for mark in parts {
            // `2\frac12^2` is no product either.
            if spelling == Spelling::Integer {
                spelling = Spelling::Other;
            }
            if mark.as_rule() != Rule::sup {
                id = raised(id, &mut tower, arena);
            }
            id = match mark.as_rule() {
                Rule::sup => {
                    let script = mark.into_inner().next().ok_or(fault)?;
                    tower.push(self.script(script, arena)?);
                    id
                }
                Rule::factorial => arena.add(Node::Factorial(id)),
                Rule::percent => over_number(id, 100, arena),
                Rule::degrees => self.in_degrees(id, arena),
                _ => return Err(unparsed(&mark)),
            };
        }
        id = match selections(id, &tower, arena) {
            Some(choices) => choices,
            None => raised(id, &mut tower, arena),
        };
        Ok(Partial {
            value: Value::Atom(id),
            spelling,
        })
    }

    /// An exponent: a group, or a signed token.
    pub(super) fn script(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        if pair.as_rule() != Rule::signed {
            return self.primary(pair, arena).map(|(id, _)| id);
        }
        let fault = unparsed(&pair);
        let mut parts = pair.into_inner();
        let mut signs = "";
        let mut part = parts.next().ok_or(fault)?;
        if part.as_rule() == Rule::signs {
            signs = part.as_str();
            part = parts.next().ok_or(fault)?;
        }
        let (id, spelling) = self.primary(part, arena)?;
        let value = self.signed(
            signs,
            Partial {
                value: Value::Atom(id),
                spelling,
            },
            arena,
        )?;
        Ok(finish(value, arena))
    }

    pub(super) fn primary(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<(Id, Spelling), ParseFault> {
        let fault = unparsed(&pair);
        let id = match pair.as_rule() {
            Rule::number => {
                let whole = pair.as_str().bytes().all(|b| b.is_ascii_digit());
                let id = literal(number::number(pair)?, arena);
                return Ok((
                    id,
                    if whole {
                        Spelling::Integer
                    } else {
                        Spelling::Other
                    },
                ));
            }
            Rule::digit | Rule::script_number | Rule::digits | Rule::index | Rule::long_base => {
                literal(number::decimal(pair.as_str()), arena)
            }
            Rule::mixed => literal(number::mixed(pair)?, arena),
            Rule::based => literal(number::based(pair)?, arena),
            Rule::minutes => {
                let value = literal(number::minutes(pair)?, arena);
                self.in_degrees(value, arena)
            }
            Rule::constant => match pair.as_str() {
                "π" => arena.add(Node::Constant(Constant::Pi)),
                _ => return Err(ParseFault::Undefined),
            },
            Rule::letter => self.symbol(pair.as_str(), arena),
            Rule::symbol => {
                let name = symbol_name(pair.as_str());
                self.symbol(&name, arena)
            }
            Rule::one | Rule::radicand => {
                let root = pair.as_str().starts_with("\\sqrt");
                let inner = pair.into_inner().next().ok_or(fault)?;
                let (id, _) = self.primary(inner, arena)?;
                match root {
                    true => arena.add(Node::Root {
                        degree: 2,
                        radicand: id,
                    }),
                    false => id,
                }
            }
            Rule::group => self.group(pair, arena)?,
            Rule::bracket => {
                let inner: Vec<_> = pair.into_inner().collect();
                let [open, items, close] = inner.as_slice() else {
                    return Err(fault);
                };
                match (open.as_str(), close.as_str()) {
                    ("(", ")") | ("[", "]") => self.single(items.clone(), arena)?,
                    _ => return Err(fault),
                }
            }
            Rule::abs | Rule::floor | Rule::ceiling => {
                let function = match pair.as_rule() {
                    Rule::abs => Function::Abs,
                    Rule::floor => Function::Floor,
                    _ => Function::Ceil,
                };
                let inner = self.expr(pair.into_inner().next().ok_or(fault)?, arena)?;
                arena.add(Node::Apply(function, inner))
            }
            Rule::frac => return self.fraction(pair, arena),
            Rule::binomial => {
                let (n, k) = self.two(pair, arena)?;
                arena.add(Node::Binomial(n, k))
            }
            Rule::root => self.root(pair, arena)?,
            Rule::log => self.logarithm(pair, arena)?,
            Rule::function => self.function(pair, arena)?,
            Rule::conjugate => self.barred(pair, arena)?,
            Rule::call => self.call(pair, arena)?,
            Rule::choose => {
                let arguments = self.arguments(pair.into_inner().next().ok_or(fault)?, arena)?;
                match arguments.as_slice() {
                    [n, k] => arena.add(Node::Binomial(*n, *k)),
                    [one] => {
                        let c = self.symbol("C", arena);
                        arena.add(Node::Mul(Box::new([c, *one])))
                    }
                    _ => return Err(fault),
                }
            }
            Rule::gcd => self.divisor(pair, arena)?,
            Rule::repeated => self.repeated(pair, arena)?,
            Rule::matrix | Rule::det => self.determinant(pair, arena)?,
            _ => return Err(fault),
        };
        Ok((id, Spelling::Other))
    }

    pub(super) fn in_degrees(&self, id: Id, arena: &mut Arena) -> Id {
        match self.settings.degrees {
            Degrees::Convert => radians(id, arena),
            Degrees::Keep => id,
        }
    }

    /// A variable, a named constant, or the value of a family's index.
    pub(super) fn symbol(&self, name: &str, arena: &mut Arena) -> Id {
        match &self.settings.index {
            Some((index, value)) if index == name => {
                return arena.add(Node::Number(BigRational::from_integer(BigInt::from(
                    *value,
                ))));
            }
            _ => {}
        }
        if let Some(bound) = self.bound_name(name) {
            return arena.add(Node::Symbol(bound.into()));
        }
        arena.add(match name {
            "e" => Node::Constant(Constant::E),
            "i" => Node::Constant(Constant::I),
            "π" => Node::Constant(Constant::Pi),
            _ => Node::Symbol(name.into()),
        })
    }

    /// `{…}`, `{a \over b}`, `{n \choose k}`.
    pub(super) fn group(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let mut parts = pair.into_inner();
        let first = self.single(parts.next().ok_or(fault)?, arena)?;
        let Some(over) = parts.next() else {
            return Ok(first);
        };
        let second = self.single(parts.next().ok_or(fault)?, arena)?;
        Ok(match over.as_str() {
            "\\over" => quotient(first, second, arena),
            _ => arena.add(Node::Binomial(first, second)),
        })
    }

    /// The one expression of an `items` pair.
    pub(super) fn single(
        &self,
        items: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<Id, ParseFault> {
        let fault = unparsed(&items);
        let expr = only_expression(items).ok_or(fault)?;
        self.expr(expr, arena)
    }

    pub(super) fn fraction(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<(Id, Spelling), ParseFault> {
        let (numerator, denominator) = self.two(pair, arena)?;
        let integer = |id: Id| matches!(arena.node(id), Node::Number(n) if n.is_integer());
        let spelling = match integer(numerator) && integer(denominator) {
            true => Spelling::Fraction,
            false => Spelling::Other,
        };
        Ok((quotient(numerator, denominator, arena), spelling))
    }

    /// The two arguments of a command.
    pub(super) fn two(
        &self,
        pair: Pair<'_, Rule>,
        arena: &mut Arena,
    ) -> Result<(Id, Id), ParseFault> {
        let fault = unparsed(&pair);
        let mut parts = pair.into_inner();
        let first = self.primary(parts.next().ok_or(fault)?, arena)?.0;
        let second = self.primary(parts.next().ok_or(fault)?, arena)?.0;
        Ok((first, second))
    }

    pub(super) fn root(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let mut parts = pair.into_inner();
        let mut part = parts.next().ok_or(fault)?;
        let mut degree = 2;
        if part.as_rule() == Rule::index {
            degree = part.as_str().parse().map_err(|_| ParseFault::Limit)?;
            part = parts.next().ok_or(fault)?;
        } else if part.as_rule() == Rule::expr {
            // `\sqrt[n]{a}`
            let degree = self.expr(part, arena)?;
            if matches!(arena.node(degree), Node::Number(_)) {
                return Err(fault);
            }
            let exponent = reciprocal(degree, arena);
            let radicand = self.primary(parts.next().ok_or(fault)?, arena)?.0;
            return Ok(arena.add(Node::Pow(radicand, exponent)));
        }
        if degree < 2 {
            return Err(fault);
        }
        let radicand = self.primary(part, arena)?.0;
        Ok(arena.add(Node::Root { degree, radicand }))
    }
}

/// The expression of an `items` pair that is nothing but one.
pub(super) fn only_expression(items: Pair<'_, Rule>) -> Option<Pair<'_, Rule>> {
    let mut parts = items.into_inner();
    let item = parts.next()?;
    match parts.next() {
        None => item_expression(item),
        Some(_) => None,
    }
}

/// The expression of an `item` pair that is nothing but one.
pub(super) fn item_expression(item: Pair<'_, Rule>) -> Option<Pair<'_, Rule>> {
    let mut sides = item.into_inner();
    let mut parts = sides.next()?.into_inner();
    let expr = parts.next().filter(|part| part.as_rule() == Rule::expr)?;
    (sides.next().is_none() && parts.next().is_none()).then_some(expr)
}

/// The name of a symbol: `x`, `x_1`, `f'`.
pub(super) fn symbol_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' | '}' | ' ' => {}
            'ϕ' => name.push('φ'),
            c => name.push(c),
        }
    }
    name
}
