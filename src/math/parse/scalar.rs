//! Scalars: a grammar pair in, an expression graph out; precedence is pest's
//! Pratt parser's.

use std::cell::Cell;
use std::sync::LazyLock;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Zero};
use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::super::expr::{Arena, Constant, Expr, Function, Id, Node};
use super::number::{self, Literal};
use super::{ParseFault, ParseLimits, Rule};

/// How one reading decides what is ambiguous.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) log: LogBase,
    pub(super) division: Division,
    pub(super) calls: Calls,
    pub(super) letters: Letters,
    pub(super) pairs: Pairs,
    pub(super) degrees: Degrees,
    /// The sign that `±` is in this branch; `∓` is the other.
    pub(super) branch: Option<Branch>,
    /// The index of a family and the value that stands for it.
    pub(super) index: Option<(String, i32)>,
}

/// What a bare `\log` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogBase {
    Ten,
    Natural,
}

/// What `1/2x` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Division {
    /// `(1/2)x`
    LeftToRight,
    /// `1/(2x)`
    ProductFirst,
}

/// What `f(x)` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    Functions,
    Products,
}

/// What a capital letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letters {
    Variables,
    Choices,
}

/// What `(a, b)` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairs {
    Tuples,
    OpenIntervals,
}

/// What a degree sign does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Degrees {
    /// It converts to radians, as in `\\sin 30^\\circ`.
    Convert,
    /// It is the unit of the whole answer.
    Keep,
}

/// One of two linked values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Branch {
    Upper,
    Lower,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log: LogBase::Ten,
            division: Division::LeftToRight,
            calls: Calls::Functions,
            letters: Letters::Variables,
            pairs: Pairs::Tuples,
            degrees: Degrees::Convert,
            branch: None,
            index: None,
        }
    }
}

/// Builds expressions for one reading.
pub(super) struct Builder<'l> {
    pub(super) settings: Settings,
    pub(super) limits: &'l ParseLimits,
    /// Nodes built so far, over all expressions of the text.
    pub(super) nodes: &'l Cell<usize>,
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

/// A value under construction; sums and products stay open for more terms.
struct Partial {
    value: Value,
    spelling: Spelling,
}

enum Value {
    Atom(Id),
    Sum(Vec<Id>),
    Product(Vec<Id>),
}

/// How an operand was written, where juxtaposition depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Integer,
    /// `\frac` of two integers.
    Fraction,
    Other,
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
    fn expr(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        let parser: &PrattParser<Rule> = match self.settings.division {
            Division::LeftToRight => &LEFT_TO_RIGHT,
            Division::ProductFirst => &PRODUCT_FIRST,
        };
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

    fn signed(&self, signs: &str, value: Partial, arena: &mut Arena) -> Built {
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

    fn infix(
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
            Rule::mul | Rule::implicit => product(left, right, arena),
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
    fn operand(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Built {
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
        id = raised(id, &mut tower, arena);
        Ok(Partial {
            value: Value::Atom(id),
            spelling,
        })
    }

    /// An exponent: a group, or a signed token.
    fn script(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
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

    fn primary(
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
            Rule::conjugate => {
                let inner = self
                    .primary(pair.into_inner().next().ok_or(fault)?, arena)?
                    .0;
                arena.add(Node::Apply(Function::Conj, inner))
            }
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
            Rule::matrix => self.determinant(pair, arena)?,
            _ => return Err(fault),
        };
        Ok((id, Spelling::Other))
    }

    fn in_degrees(&self, id: Id, arena: &mut Arena) -> Id {
        match self.settings.degrees {
            Degrees::Convert => radians(id, arena),
            Degrees::Keep => id,
        }
    }

    /// A variable, a named constant, or the value of a family's index.
    fn symbol(&self, name: &str, arena: &mut Arena) -> Id {
        match &self.settings.index {
            Some((index, value)) if index == name => {
                return arena.add(Node::Number(BigRational::from_integer(BigInt::from(
                    *value,
                ))));
            }
            _ => {}
        }
        arena.add(match name {
            "e" => Node::Constant(Constant::E),
            "i" => Node::Constant(Constant::I),
            "π" => Node::Constant(Constant::Pi),
            _ => Node::Symbol(name.into()),
        })
    }

    /// `{…}`, `{a \over b}`, `{n \choose k}`.
    fn group(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
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

    fn fraction(
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
    fn two(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<(Id, Id), ParseFault> {
        let fault = unparsed(&pair);
        let mut parts = pair.into_inner();
        let first = self.primary(parts.next().ok_or(fault)?, arena)?.0;
        let second = self.primary(parts.next().ok_or(fault)?, arena)?.0;
        Ok((first, second))
    }

    fn root(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let mut parts = pair.into_inner();
        let mut part = parts.next().ok_or(fault)?;
        let mut degree = 2;
        if part.as_rule() == Rule::index {
            degree = part.as_str().parse().map_err(|_| ParseFault::Limit)?;
            part = parts.next().ok_or(fault)?;
        }
        if degree < 2 {
            return Err(fault);
        }
        let radicand = self.primary(part, arena)?.0;
        Ok(arena.add(Node::Root { degree, radicand }))
    }

    fn logarithm(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
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

    fn function(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
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
    fn function_power(
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
    fn argument(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        match pair.as_rule() {
            Rule::bare => self.expr(pair, arena),
            _ => self.primary(pair, arena).map(|(id, _)| id),
        }
    }

    fn arguments(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Vec<Id>, ParseFault> {
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
    fn call(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
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

    /// `\gcd(12, 18)` of literals.
    fn divisor(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        let least = pair.as_str().starts_with("\\lcm");
        let arguments = self.arguments(pair.into_inner().next().ok_or(fault)?, arena)?;
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

    /// `\begin{vmatrix}`: the determinant, written out up to 3×3.
    fn determinant(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, ParseFault> {
        let fault = unparsed(&pair);
        if !pair.as_str().starts_with("\\begin{vmatrix}") {
            return Err(fault);
        }
        let mut rows = Vec::new();
        for row in pair.into_inner().filter(|part| part.as_rule() == Rule::row) {
            let mut cells = Vec::new();
            for cell in row.into_inner() {
                cells.push(self.expr(cell.into_inner().next().ok_or(fault)?, arena)?);
            }
            rows.push(cells);
        }
        let size = rows.len();
        if rows.iter().any(|row| row.len() != size) {
            return Err(fault);
        }
        // Even permutations first, then odd ones.
        let permutations: &[&[usize]] = match size {
            1 => return Ok(rows[0][0]),
            2 => &[&[0, 1], &[1, 0]],
            3 => &[
                &[0, 1, 2],
                &[1, 2, 0],
                &[2, 0, 1],
                &[0, 2, 1],
                &[2, 1, 0],
                &[1, 0, 2],
            ],
            _ => return Err(fault),
        };
        let mut terms = Vec::new();
        for (n, permutation) in permutations.iter().enumerate() {
            let mut factors: Vec<Id> = permutation
                .iter()
                .zip(&rows)
                .map(|(column, row)| row[*column])
                .collect();
            if n >= permutations.len() / 2 {
                factors.push(whole(-1, arena));
            }
            terms.push(arena.add(Node::Mul(factors.into())));
        }
        Ok(arena.add(Node::Add(terms.into())))
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

fn atom(id: Id) -> Partial {
    Partial {
        value: Value::Atom(id),
        spelling: Spelling::Other,
    }
}

/// Closes a sum or product.
fn finish(partial: Partial, arena: &mut Arena) -> Id {
    match partial.value {
        Value::Atom(id) => id,
        Value::Sum(terms) => arena.add(Node::Add(terms.into())),
        Value::Product(factors) => arena.add(Node::Mul(factors.into())),
    }
}

fn product(left: Partial, right: Partial, arena: &mut Arena) -> Value {
    let mut factors = match left.value {
        Value::Product(factors) => factors,
        _ => vec![finish(left, arena)],
    };
    match right.value {
        Value::Product(more) => factors.extend(more),
        _ => factors.push(finish(right, arena)),
    }
    Value::Product(factors)
}

fn negated(partial: Partial, arena: &mut Arena) -> Partial {
    if let Value::Atom(id) = partial.value
        && let Node::Number(value) = arena.node(id)
    {
        let value = -value;
        let id = arena.add(Node::Number(value));
        return Partial {
            value: Value::Atom(id),
            spelling: partial.spelling,
        };
    }
    let mut factors = match partial.value {
        Value::Product(factors) => factors,
        _ => vec![finish(partial, arena)],
    };
    let number = factors.first().and_then(|id| match arena.node(*id) {
        Node::Number(value) => Some(-value),
        _ => None,
    });
    match number {
        Some(value) => factors[0] = arena.add(Node::Number(value)),
        None => factors.insert(0, whole(-1, arena)),
    }
    Partial {
        value: match factors.as_slice() {
            [one] => Value::Atom(*one),
            _ => Value::Product(factors),
        },
        spelling: Spelling::Other,
    }
}

/// A quotient; of two numbers it is one number, unless the divisor is 0.
fn quotient(numerator: Id, denominator: Id, arena: &mut Arena) -> Id {
    let inverse = reciprocal(denominator, arena);
    match (arena.node(numerator), arena.node(inverse)) {
        (Node::Number(n), Node::Number(d)) => {
            let value = n * d;
            arena.add(Node::Number(value))
        }
        (Node::Number(n), _) if n.is_one() => inverse,
        _ => arena.add(Node::Mul(Box::new([numerator, inverse]))),
    }
}

fn reciprocal(id: Id, arena: &mut Arena) -> Id {
    match arena.node(id) {
        Node::Number(value) if !value.is_zero() => {
            let inverse = value.recip();
            arena.add(Node::Number(inverse))
        }
        _ => {
            let minus = whole(-1, arena);
            arena.add(Node::Pow(id, minus))
        }
    }
}

fn over_number(id: Id, divisor: i32, arena: &mut Arena) -> Id {
    let divisor = whole(divisor, arena);
    quotient(id, divisor, arena)
}

/// Degrees in radians.
fn radians(id: Id, arena: &mut Arena) -> Id {
    let pi = arena.add(Node::Constant(Constant::Pi));
    let part = over_number(id, 180, arena);
    arena.add(Node::Mul(Box::new([part, pi])))
}

/// Applies a tower of exponents, the last one first.
fn raised(base: Id, tower: &mut Vec<Id>, arena: &mut Arena) -> Id {
    let exponent = tower
        .drain(..)
        .rev()
        .reduce(|upper, lower| arena.add(Node::Pow(lower, upper)));
    match exponent {
        None => base,
        Some(exponent) => arena.add(Node::Pow(base, exponent)),
    }
}

fn whole(value: i32, arena: &mut Arena) -> Id {
    arena.add(Node::Number(BigRational::from_integer(BigInt::from(value))))
}

fn literal(literal: Literal, arena: &mut Arena) -> Id {
    let id = arena.add(Node::Number(literal.value));
    match literal.ten_to {
        None => id,
        Some(exponent) => {
            let ten = whole(10, arena);
            let exponent = arena.add(Node::Number(BigRational::from_integer(BigInt::from(
                exponent,
            ))));
            let power = arena.add(Node::Pow(ten, exponent));
            arena.add(Node::Mul(Box::new([id, power])))
        }
    }
}
