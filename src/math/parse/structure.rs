//! Brackets, sets and intervals.

use pest::iterators::Pair;

use super::super::expr::{Arena, Id};
use super::super::typed::{Interval, Typed};
use super::answer::{bare_name, infinite, single_primary, split};
use super::matrices::{has_matrix, is_plain};
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
        if let Some(vector) = self.vector(expr)? {
            return Ok(Some(vector));
        }
        let primary = match parts.as_slice() {
            [operand] => only_primary(operand),
            _ => None,
        };
        let Some(primary) = primary else {
            return match has_matrix(expr) {
                true => self.computed_matrix(expr.clone()),
                false => Ok(None),
            };
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
            Rule::cases => self.cases(primary)?,
            Rule::matrix if is_plain(&primary) => self.matrix(primary)?,
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
            .any(|separator| separator.contains(['∧', '∨', '⋀', '⋁']))
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
