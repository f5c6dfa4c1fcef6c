//! Brackets, sets, intervals, matrices and families.

use num_rational::BigRational;
use pest::iterators::Pair;

use super::super::expr::{Arena, Expr, Id, Node};
use super::super::typed::{End, Interval, Typed};
use super::answer::{bare_name, infinite, single_primary, split};
use super::scalar::{Builder, Pairs, unparsed};
use super::{ParseFault, Rule};

type Fault = ParseFault;

impl Builder<'_> {
    /// What the expression is, where it is no scalar.
    pub(super) fn structured(&self, expr: &Pair<'_, Rule>) -> Result<Option<Typed>, Fault> {
        let fault = unparsed(expr);
        match infinite(expr) {
            Some(1) => return Ok(Some(Typed::Text("infinity".to_owned()))),
            Some(_) => return Ok(Some(Typed::Text("-infinity".to_owned()))),
            None => {}
        }
        let parts: Vec<_> = expr.clone().into_inner().collect();
        if parts
            .iter()
            .any(|part| matches!(part.as_rule(), Rule::cup | Rule::cap | Rule::without))
        {
            return self.union(&parts).map(Some);
        }
        if let Some((last, factors)) = parts.split_last()
            && !factors.is_empty()
            && let Some(matrix) =
                only_primary(last).filter(|p| p.as_rule() == Rule::matrix && is_plain_matrix(p))
        {
            return self.scaled_matrix(factors, matrix).map(Some);
        }
        let [operand] = parts.as_slice() else {
            return Ok(None);
        };
        let Some(primary) = only_primary(operand) else {
            return Ok(None);
        };
        Ok(Some(match primary.as_rule() {
            Rule::bracket => return self.bracket(primary),
            Rule::set => self.set(primary)?,
            Rule::angle => {
                let items = primary.into_inner().next().ok_or(fault)?;
                Typed::Tuple(self.values(&split(items).0)?)
            }
            Rule::special => match primary.as_str().trim() {
                "∅" => Typed::Set(Vec::new()),
                "ℝ" => Typed::Intervals(vec![Interval {
                    low: None,
                    high: None,
                }]),
                "ℤ" => Typed::Text("integers".to_owned()),
                "ℚ" => Typed::Text("rational numbers".to_owned()),
                "ℕ" => Typed::Text("natural numbers".to_owned()),
                _ => Typed::Text("complex numbers".to_owned()),
            },
            Rule::group => {
                let mut parts = primary.into_inner();
                let items = parts.next().ok_or(fault)?;
                if parts.next().is_some() {
                    return Ok(None);
                }
                match split(items).0.as_slice() {
                    [one] => self.item(one.clone())?,
                    several => Typed::Set(self.values(several)?),
                }
            }
            Rule::matrix if is_plain_matrix(&primary) => self.matrix(primary)?,
            Rule::symbol => return Ok(self.letter(primary.as_str().trim())),
            _ => return Ok(None),
        }))
    }

    /// `(a, b)`, `[a, b)`, `(1, 2, 3)`, `(x + 1)`, `[[1, 2], [3, 4]]`.
    fn bracket(&self, primary: Pair<'_, Rule>) -> Result<Option<Typed>, Fault> {
        let fault = unparsed(&primary);
        let parts: Vec<_> = primary.into_inner().collect();
        let [open, items, close] = parts.as_slice() else {
            return Err(fault);
        };
        let (open, close) = (open.as_str(), close.as_str());
        let (items, separators) = split(items.clone());
        if separators
            .iter()
            .any(|separator| separator.contains(['∧', '∨']))
        {
            return Err(fault);
        }
        match (open, items.as_slice(), close) {
            ("(", [one], ")") => self.item(one.clone()).map(Some),
            ("[", [one], "]") => match self.item(one.clone())? {
                matrix @ Typed::Matrix(_) => Ok(Some(matrix)),
                _ => Err(fault),
            },
            (_, [_], _) => Err(fault),
            ("(", [_, _], ")") if self.settings.pairs == Pairs::Tuples => {
                if items.iter().any(|item| infinite(item).is_some()) {
                    return self.interval(open, &items, close).map(Some);
                }
                self.values(&items).map(Typed::Tuple).map(Some)
            }
            (_, [first, _], _) if !is_nested(first) => self.interval(open, &items, close).map(Some),
            ("(", _, ")") => self.values(&items).map(Typed::Tuple).map(Some),
            ("[", [first, ..], "]") if is_nested(first) => self.rows(&items).map(Some),
            ("[", _, "]") => self.values(&items).map(Typed::List).map(Some),
            _ => Err(fault),
        }
    }

    fn interval(&self, open: &str, items: &[Pair<'_, Rule>], close: &str) -> Result<Typed, Fault> {
        let [low, high] = items else {
            return Err(Fault::Limit);
        };
        Ok(Typed::Intervals(vec![Interval {
            low: self.end(low, open == "[", -1)?,
            high: self.end(high, close == "]", 1)?,
        }]))
    }

    /// An end; infinity only on its own side.
    fn end(&self, item: &Pair<'_, Rule>, closed: bool, side: i8) -> Result<Option<End>, Fault> {
        match infinite(item) {
            Some(sign) if sign == side => return Ok(None),
            Some(_) => return Err(unparsed(item)),
            None => {}
        }
        let expr = super::scalar::item_expression(item.clone()).ok_or(unparsed(item))?;
        let at = self.expression(expr)?;
        Ok(Some(End { at, closed }))
    }

    /// `[[1, 2], [3, 4]]`
    fn rows(&self, items: &[Pair<'_, Rule>]) -> Result<Typed, Fault> {
        let mut rows = Vec::new();
        for item in items {
            let fault = unparsed(item);
            let expr = super::scalar::item_expression(item.clone()).ok_or(fault)?;
            let operand = expr.into_inner().next().ok_or(fault)?;
            let bracket = only_primary(&operand)
                .filter(|p| p.as_rule() == Rule::bracket)
                .ok_or(fault)?;
            let inner = bracket
                .into_inner()
                .find(|p| p.as_rule() == Rule::items)
                .ok_or(fault)?;
            let mut row = Vec::new();
            for cell in split(inner).0 {
                row.push(self.expression(super::scalar::item_expression(cell).ok_or(fault)?)?);
            }
            rows.push(row);
        }
        self.checked(rows)
            .ok_or_else(|| items.first().map_or(Fault::Limit, unparsed))
    }

    /// `\{1, 2\}`, `\{x \mid x > 1\}`.
    fn set(&self, primary: Pair<'_, Rule>) -> Result<Typed, Fault> {
        let Some(items) = primary.into_inner().next() else {
            return Ok(Typed::Set(Vec::new()));
        };
        let fault = unparsed(&items);
        let (parts, _) = split(items);
        if let [item] = parts.as_slice()
            && item
                .clone()
                .into_inner()
                .any(|part| part.as_str() == "∣" || part.as_str() == ":")
        {
            return self.such_that(item).ok_or(fault)?;
        }
        self.values(&parts).map(Typed::Set)
    }

    /// `x \mid x > 1`: the relation after the bar, if it is about x.
    fn such_that(&self, item: &Pair<'_, Rule>) -> Option<Result<Typed, Fault>> {
        let mut parts = item.clone().into_inner();
        let name = bare_name(&parts.next()?)?;
        let bar = parts.next()?;
        matches!(bar.as_str(), "∣" | ":").then_some(())?;
        let (mut sides, mut relations) = (Vec::new(), Vec::new());
        for part in parts {
            match part.as_rule() {
                Rule::side => sides.push(part),
                Rule::relation => relations.push(part.as_str()),
                _ => return None,
            }
        }
        let about = sides
            .iter()
            .any(|side| bare_name(side).as_deref() == Some(&name));
        (about && !relations.is_empty()).then(|| self.chain(sides, &relations))
    }

    /// Pieces joined by `\cup`, less points after `\setminus`.
    fn union(&self, parts: &[Pair<'_, Rule>]) -> Result<Typed, Fault> {
        let fault = parts.first().map_or(Fault::Limit, unparsed);
        let intervals = self.with(|settings| settings.pairs = Pairs::OpenIntervals);
        let (mut sets, mut pieces, mut real) = (Vec::new(), Vec::new(), false);
        let mut op = Rule::cup;
        for part in parts {
            match part.as_rule() {
                rule @ (Rule::cup | Rule::without) => {
                    op = rule;
                    continue;
                }
                Rule::operand => {}
                _ => return Err(unparsed(part)),
            }
            let primary = only_primary(part).ok_or(unparsed(part))?;
            let piece = match primary.as_rule() {
                Rule::bracket => intervals.bracket(primary)?.ok_or(unparsed(part))?,
                Rule::set => intervals.set(primary)?,
                Rule::special => match primary.as_str().trim() {
                    "ℝ" => Typed::Intervals(vec![Interval {
                        low: None,
                        high: None,
                    }]),
                    "∅" => Typed::Set(Vec::new()),
                    _ => return Err(unparsed(part)),
                },
                _ => return Err(unparsed(part)),
            };
            match (op, piece) {
                (Rule::cup, Typed::Intervals(more)) => {
                    real = true;
                    pieces.extend(more);
                }
                (Rule::cup, Typed::Set(values)) => {
                    for value in &values {
                        if let Typed::Scalar(scalar) = value {
                            let end = || End {
                                at: scalar.value.clone(),
                                closed: true,
                            };
                            pieces.push(Interval {
                                low: Some(end()),
                                high: Some(end()),
                            });
                        }
                    }
                    sets.extend(values);
                }
                (Rule::without, Typed::Set(values)) => {
                    for value in values {
                        let Typed::Scalar(scalar) = value else {
                            return Err(unparsed(part));
                        };
                        pieces = without(pieces, &scalar.value).ok_or(unparsed(part))?;
                    }
                }
                _ => return Err(unparsed(part)),
            }
            if pieces.len() > self.limits.list {
                return Err(Fault::Limit);
            }
        }
        let points = sets.iter().all(|value| matches!(value, Typed::Scalar(_)));
        match (real, points) {
            (true, true) => Ok(Typed::Intervals(pieces)),
            (false, _) if op == Rule::cup => Ok(Typed::Set(sets)),
            _ => Err(fault),
        }
    }

    fn matrix(&self, primary: Pair<'_, Rule>) -> Result<Typed, Fault> {
        let fault = unparsed(&primary);
        let mut rows = Vec::new();
        for row in primary
            .into_inner()
            .filter(|part| part.as_rule() == Rule::row)
        {
            let mut cells = Vec::new();
            for cell in row.into_inner() {
                cells.push(self.expression(cell.into_inner().next().ok_or(fault)?)?);
            }
            rows.push(cells);
        }
        if rows.len() > self.limits.matrix || rows.iter().any(|row| row.len() > self.limits.matrix)
        {
            return Err(Fault::Limit);
        }
        self.checked(rows).ok_or(fault)
    }

    /// Rows of equal length within the limit.
    fn checked(&self, rows: Vec<Vec<Expr>>) -> Option<Typed> {
        let width = rows.first()?.len();
        let fits = rows.len() <= self.limits.matrix && width <= self.limits.matrix && width > 0;
        (fits && rows.iter().all(|row| row.len() == width)).then_some(Typed::Matrix(rows))
    }

    /// `2 \begin{pmatrix} … \end{pmatrix}`: every cell times the factors.
    fn scaled_matrix(
        &self,
        factors: &[Pair<'_, Rule>],
        matrix: Pair<'_, Rule>,
    ) -> Result<Typed, Fault> {
        let fault = unparsed(&matrix);
        let last = factors.last().ok_or(fault)?;
        let joins = matches!(last.as_rule(), Rule::implicit | Rule::mul | Rule::signs);
        let only_products = factors.iter().all(|part| {
            matches!(
                part.as_rule(),
                Rule::operand | Rule::implicit | Rule::mul | Rule::signs
            )
        });
        if !joins || !only_products {
            return Err(fault);
        }
        let Typed::Matrix(mut rows) = self.matrix(matrix)? else {
            return Err(fault);
        };
        for cell in rows.iter_mut().flatten() {
            let mut ids: Vec<Id> = Vec::new();
            for part in factors {
                match part.as_rule() {
                    Rule::operand => ids.push(self.operand_id(part.clone(), &mut cell.arena)?),
                    Rule::signs if part.as_str() == "-" => {
                        let minus = BigRational::from_integer((-1).into());
                        ids.push(cell.arena.add(Node::Number(minus)));
                    }
                    Rule::signs if part.as_str() != "+" => return Err(fault),
                    _ => {}
                }
            }
            self.count(ids.len())?;
            ids.push(cell.root);
            cell.root = cell.arena.add(Node::Mul(ids.into()));
        }
        Ok(Typed::Matrix(rows))
    }

    /// `a + bk, k \in \mathbb{Z}`.
    pub(super) fn family(
        &self,
        value: &Pair<'_, Rule>,
        index: &Pair<'_, Rule>,
    ) -> Result<Option<Typed>, Fault> {
        let parts: Vec<_> = index.clone().into_inner().collect();
        let name = match parts.as_slice() {
            [left, relation, right] if relation.as_str() == "∈" && right.as_str().trim() == "ℤ" => {
                bare_name(left)
            }
            _ => None,
        };
        let Some(name) = name else {
            return Ok(None);
        };
        let at = |k: i32| {
            self.with(|settings| settings.index = Some((name.clone(), k)))
                .item(value.clone())
        };
        let (zero, one) = (at(0)?, at(1)?);
        let general = self.item(value.clone())?;
        Ok(Some(
            linear(zero, one, &general, &name).ok_or(unparsed(value))?,
        ))
    }

    /// The token of `\pmod 5`.
    pub(super) fn one(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, Fault> {
        self.operand_id(pair, arena)
    }
}

/// Offset and step from the values at 0 and 1, if the expression is linear.
fn linear(zero: Typed, one: Typed, general: &Typed, name: &str) -> Option<Typed> {
    match (zero, one, general) {
        (Typed::Scalar(zero), Typed::Scalar(one), Typed::Scalar(general)) => {
            (degree(&general.value, name)? == 1).then_some(())?;
            let mut step = one.value;
            let offset = zero.value;
            let minus = step
                .arena
                .add(Node::Number(BigRational::from_integer((-1).into())));
            let start = graft(&offset, &mut step.arena);
            let negative = step.arena.add(Node::Mul(Box::new([minus, start])));
            step.root = step.arena.add(Node::Add(Box::new([step.root, negative])));
            Some(Typed::Family { offset, step })
        }
        (
            Typed::Named {
                name: x,
                value: zero,
            },
            Typed::Named { value: one, .. },
            Typed::Named { value: general, .. },
        ) => Some(Typed::Named {
            name: x,
            value: Box::new(linear(*zero, *one, general, name)?),
        }),
        (Typed::Set(zeros), Typed::Set(ones), Typed::Set(generals)) => {
            let families = zeros
                .into_iter()
                .zip(ones)
                .zip(generals)
                .map(|((zero, one), general)| linear(zero, one, general, name));
            families.collect::<Option<Vec<_>>>().map(Typed::Set)
        }
        _ => None,
    }
}

/// The degree of an expression in a variable; `None` where it is no polynomial.
fn degree(expr: &Expr, name: &str) -> Option<u32> {
    let mut degrees: Vec<u32> = Vec::with_capacity(expr.arena.len());
    for (_, node) in expr.arena.iter() {
        let of = |id: &Id| degrees[id.index()];
        degrees.push(match node {
            Node::Symbol(symbol) => u32::from(**symbol == *name),
            Node::Number(_) | Node::Constant(_) => 0,
            Node::Add(ids) => ids.iter().map(of).max().unwrap_or(0),
            Node::Mul(ids) => ids.iter().map(of).fold(0, u32::saturating_add),
            Node::Pow(base, exponent) => constant(&[of(base), of(exponent)])?,
            Node::Root { radicand, .. } => constant(&[of(radicand)])?,
            Node::Apply(_, id) | Node::Factorial(id) => constant(&[of(id)])?,
            Node::Log { base, argument } => constant(&[of(base), of(argument)])?,
            Node::Binomial(n, k) => constant(&[of(n), of(k)])?,
            Node::Call(_, ids) => constant(&ids.iter().map(of).collect::<Vec<_>>())?,
        });
    }
    degrees.get(expr.root.index()).copied()
}

fn constant(degrees: &[u32]) -> Option<u32> {
    degrees.iter().all(|degree| *degree == 0).then_some(0)
}

/// Copies an expression into another arena.
fn graft(expr: &Expr, arena: &mut Arena) -> Id {
    let mut ids: Vec<Id> = Vec::with_capacity(expr.arena.len());
    for (_, node) in expr.arena.iter() {
        let of = |id: &Id| ids[id.index()];
        let node = match node {
            Node::Number(_) | Node::Constant(_) | Node::Symbol(_) => node.clone(),
            Node::Add(all) => Node::Add(all.iter().map(of).collect()),
            Node::Mul(all) => Node::Mul(all.iter().map(of).collect()),
            Node::Pow(base, exponent) => Node::Pow(of(base), of(exponent)),
            Node::Root { degree, radicand } => Node::Root {
                degree: *degree,
                radicand: of(radicand),
            },
            Node::Apply(function, id) => Node::Apply(*function, of(id)),
            Node::Log { base, argument } => Node::Log {
                base: of(base),
                argument: of(argument),
            },
            Node::Factorial(id) => Node::Factorial(of(id)),
            Node::Binomial(n, k) => Node::Binomial(of(n), of(k)),
            Node::Call(name, all) => Node::Call(name.clone(), all.iter().map(of).collect()),
        };
        ids.push(arena.add(node));
    }
    ids[expr.root.index()]
}

/// The primary of an operand without exponents or marks.
pub(super) fn only_primary<'i>(operand: &Pair<'i, Rule>) -> Option<Pair<'i, Rule>> {
    if operand.as_rule() != Rule::operand {
        return None;
    }
    let mut parts = operand.clone().into_inner();
    let primary = parts.next()?;
    parts.next().is_none().then_some(primary)
}

/// Whether the item is a row, or several items in brackets.
fn is_nested(item: &Pair<'_, Rule>) -> bool {
    single_primary(item)
        .filter(|primary| primary.as_rule() == Rule::bracket)
        .is_some_and(|bracket| {
            let row = bracket.as_str().starts_with('[');
            let items = bracket
                .into_inner()
                .find(|part| part.as_rule() == Rule::items);
            row || items.is_some_and(|items| split(items).0.len() > 1)
        })
}

/// Brackets of every kind print the same matrix; bars make a determinant.
fn is_plain_matrix(matrix: &Pair<'_, Rule>) -> bool {
    let names: Vec<_> = matrix
        .clone()
        .into_inner()
        .filter(|p| p.as_rule() == Rule::environment)
        .map(|p| p.as_str())
        .collect();
    matches!(
        names.as_slice(),
        ["pmatrix", "pmatrix"]
            | ["bmatrix", "bmatrix"]
            | ["matrix", "matrix"]
            | ["Bmatrix", "Bmatrix"]
            | ["smallmatrix", "smallmatrix"]
            | ["array", "array"]
    )
}

/// The pieces without one point; `None` where the order isn't plain to see.
fn without(pieces: Vec<Interval>, point: &Expr) -> Option<Vec<Interval>> {
    let open = |at: &Expr| End {
        at: at.clone(),
        closed: false,
    };
    let value = |expr: &Expr| match expr.arena.node(expr.root) {
        Node::Number(n) => Some(n.clone()),
        _ => None,
    };
    let mut out = Vec::with_capacity(pieces.len() + 1);
    for piece in pieces {
        let (low, high) = (piece.low.as_ref(), piece.high.as_ref());
        if low.is_none() && high.is_none() {
            out.push(Interval {
                low: None,
                high: Some(open(point)),
            });
            out.push(Interval {
                low: Some(open(point)),
                high: None,
            });
            continue;
        }
        let at = value(point)?;
        let below = match low {
            Some(low) => Some(at.cmp(&value(&low.at)?)),
            None => None,
        };
        let above = match high {
            Some(high) => Some(at.cmp(&value(&high.at)?)),
            None => None,
        };
        use std::cmp::Ordering::{Equal, Greater, Less};
        match (below, above) {
            (Some(Less), _) | (_, Some(Greater)) => out.push(piece),
            (Some(Equal), Some(Equal)) => {}
            (Some(Equal), _) => out.push(Interval {
                low: Some(open(point)),
                high: piece.high,
            }),
            (_, Some(Equal)) => out.push(Interval {
                low: piece.low,
                high: Some(open(point)),
            }),
            _ => {
                out.push(Interval {
                    low: piece.low,
                    high: Some(open(point)),
                });
                out.push(Interval {
                    low: Some(open(point)),
                    high: piece.high,
                });
            }
        }
    }
    Some(out)
}
