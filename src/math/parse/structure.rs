//! Brackets, sets, intervals, matrices and families.

use num_rational::BigRational;
use pest::iterators::Pair;

use super::super::expr::{Arena, Expr, Id, Node};
use super::super::typed::{Interval, Typed};
use super::answer::{bare_name, infinite, single_primary, split};
use super::scalar::{Builder, unparsed};
use super::settings::Pairs;
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
    pub(super) fn bracket(&self, primary: Pair<'_, Rule>) -> Result<Option<Typed>, Fault> {
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

    /// `[[1, 2], [3, 4]]`
    pub(super) fn rows(&self, items: &[Pair<'_, Rule>]) -> Result<Typed, Fault> {
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
    pub(super) fn set(&self, primary: Pair<'_, Rule>) -> Result<Typed, Fault> {
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
    pub(super) fn such_that(&self, item: &Pair<'_, Rule>) -> Option<Result<Typed, Fault>> {
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

    pub(super) fn matrix(&self, primary: Pair<'_, Rule>) -> Result<Typed, Fault> {
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
    pub(super) fn checked(&self, rows: Vec<Vec<Expr>>) -> Option<Typed> {
        let width = rows.first()?.len();
        let fits = rows.len() <= self.limits.matrix && width <= self.limits.matrix && width > 0;
        (fits && rows.iter().all(|row| row.len() == width)).then_some(Typed::Matrix(rows))
    }

    /// `2 \begin{pmatrix} … \end{pmatrix}`: every cell times the factors.
    pub(super) fn scaled_matrix(
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

    /// The token of `\pmod 5`.
    pub(super) fn one(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, Fault> {
        self.operand_id(pair, arena)
    }
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
