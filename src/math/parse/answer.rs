//! Typed answers: a grammar pair in, what it denotes out.

use pest::iterators::Pair;

use super::super::expr::{Arena, Expr, Node};
use super::super::typed::{Chain, Modulo, Relation, Typed};
use super::bar;
use super::quantity::clock;
use super::scalar::{Builder, symbol_name, unparsed};
use super::separators::joined;
use super::settings::{Branch, Letters, Pairs, Settings};
use super::structure::only_primary;
use super::words::{fold_words, is_doubt};
use super::{ParseFault, Rule};

type Fault = ParseFault;

impl Builder<'_> {
    /// The same builder with other settings.
    pub(super) fn with(&self, change: impl FnOnce(&mut Settings)) -> Builder<'_> {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Builder {
            settings,
            limits: self.limits,
            nodes: self.nodes,
            derivations: self.derivations,
        }
    }

    /// A whole answer, an `items` pair.
    pub(super) fn answer(&self, items: Pair<'_, Rule>) -> Result<Typed, Fault> {
        let fault = unparsed(&items);
        let (parts, separators) = split(items);
        match parts.as_slice() {
            [] => return Err(fault),
            [one] => return self.item(one.clone()),
            [value, index] => {
                if let Some(family) = self.family(value, index)? {
                    return Ok(family);
                }
            }
            _ => {}
        }
        if let Some(proposition) = self.proposition(&parts, &separators)? {
            return Ok(proposition);
        }
        let values = self.values(&parts)?;
        Ok(joined(values, &separators))
    }

    /// The values of several items; a `±` gives two.
    pub(super) fn values(&self, parts: &[Pair<'_, Rule>]) -> Result<Vec<Typed>, Fault> {
        let mut values = Vec::new();
        for (nth, part) in parts.iter().enumerate() {
            values.extend(self.item_values(part.clone(), &parts[nth + 1..])?);
            if values.len() > self.limits.list {
                return Err(Fault::Limit);
            }
        }
        Ok(values)
    }

    /// The values of an item before `further` ones.
    fn item_values(
        &self,
        item: Pair<'_, Rule>,
        further: &[Pair<'_, Rule>],
    ) -> Result<Vec<Typed>, Fault> {
        let signed = item.as_str().contains(['±', '∓']);
        if signed && let Some(value) = self.two_valued(&item, further)? {
            return Ok(vec![value]);
        }
        match signed && self.settings.branch.is_none() && !is_set(&item) {
            true => Ok(vec![
                self.with(|s| s.branch = Some(Branch::Upper))
                    .plain_item(item.clone())?,
                self.with(|s| s.branch = Some(Branch::Lower))
                    .plain_item(item)?,
            ]),
            false => Ok(vec![self.plain_item(item)?]),
        }
    }

    /// An item; `x = 1 \pm 2` names the set of both values.
    pub(super) fn item(&self, item: Pair<'_, Rule>) -> Result<Typed, Fault> {
        let fault = unparsed(&item);
        let mut values = self.item_values(item, &[])?;
        let Some(last) = values.pop() else {
            return Err(fault);
        };
        Ok(match (values.pop(), last) {
            (None, last) => last,
            (Some(Typed::Named { name, value: one }), Typed::Named { value: two, .. }) => {
                Typed::Named {
                    name,
                    value: Box::new(Typed::Set(vec![*one, *two])),
                }
            }
            (Some(Typed::Inequality(_) | Typed::Equation { .. }), _) => return Err(fault),
            (Some(one), two) => Typed::Set(vec![one, two]),
        })
    }

    /// Sides and the relations between them, in one branch of `±`.
    pub(super) fn plain_item(&self, item: Pair<'_, Rule>) -> Result<Typed, Fault> {
        let fault = unparsed(&item);
        let (mut sides, mut relations, mut modulus) = (Vec::new(), Vec::new(), None);
        for part in item.into_inner() {
            match part.as_rule() {
                Rule::side => sides.push(part),
                Rule::relation => relations.push(part.as_str()),
                _ => modulus = Some(part),
            }
        }
        if let Some(modulus) = modulus {
            return self.congruence(&sides, &relations, modulus);
        }
        match (sides.as_slice(), relations.as_slice()) {
            ([side], []) => self.side(side.clone()),
            (_, [":", ..]) if relations.iter().all(|r| *r == ":") => self.ratio(sides),
            ([left, right], ["∈"]) => {
                let name = bare_name(left).ok_or(fault)?;
                let value = self
                    .with(|s| s.pairs = Pairs::OpenIntervals)
                    .side(right.clone())?;
                match value {
                    Typed::Scalar(_) => Err(fault),
                    value => Ok(Typed::Named {
                        name,
                        value: Box::new(value),
                    }),
                }
            }
            ([left, right], ["="]) => match self.equation(left, right) {
                Err(Fault::Unparsed { .. }) => self.computed_quantity(left, right),
                // `180 - 110 = 70^\circ` counts degrees on the left.
                Ok(equation @ Typed::Equation { .. }) if are_degrees_of(right, left) => {
                    self.computed_quantity(left, right).or(Ok(equation))
                }
                equation => equation,
            },
            ([left, .., right], equalities) if equalities.iter().all(|r| *r == "=") => {
                self.derivation(&sides)?;
                match bare_name(left) {
                    Some(_) => self.equation(left, right),
                    None => self.side(right.clone()),
                }
            }
            _ => self.chain(sides, &relations),
        }
    }

    /// `a < x \le b`; infinite ends say nothing and are dropped.
    pub(super) fn chain(
        &self,
        sides: Vec<Pair<'_, Rule>>,
        relations: &[&str],
    ) -> Result<Typed, Fault> {
        let mut kinds = Vec::new();
        for (relation, side) in relations.iter().zip(&sides) {
            kinds.push(match *relation {
                "<" => Relation::Less,
                "≤" => Relation::LessEqual,
                ">" => Relation::Greater,
                "≥" => Relation::GreaterEqual,
                "≠" => Relation::NotEqual,
                "=" => Relation::Equal,
                _ => return Err(unparsed(side)),
            });
        }
        let mut sides = sides.as_slice();
        let mut kinds = kinds.as_slice();
        if let ([first, rest @ ..], [kind, more @ ..]) = (sides, kinds)
            && matches!(
                (infinite(first), kind),
                (Some(-1), Relation::Less | Relation::LessEqual)
                    | (Some(1), Relation::Greater | Relation::GreaterEqual)
            )
            && rest.len() > 1
        {
            (sides, kinds) = (rest, more);
        }
        if let ([rest @ .., last], [more @ .., kind]) = (sides, kinds)
            && matches!(
                (infinite(last), kind),
                (Some(1), Relation::Less | Relation::LessEqual)
                    | (Some(-1), Relation::Greater | Relation::GreaterEqual)
            )
            && rest.len() > 1
        {
            (sides, kinds) = (rest, more);
        }
        let mut terms = Vec::with_capacity(sides.len());
        for side in sides {
            terms.push(self.side_expression(side)?);
        }
        Ok(Typed::Inequality(vec![Chain {
            terms,
            relations: kinds.to_vec(),
        }]))
    }

    /// A side that is an expression and nothing else.
    pub(super) fn side_expression(&self, side: &Pair<'_, Rule>) -> Result<Expr, Fault> {
        let mut parts = side.clone().into_inner();
        match (parts.next(), parts.next()) {
            (Some(expr), None) if expr.as_rule() == Rule::expr => self.expression(expr),
            _ => Err(unparsed(side)),
        }
    }

    /// `name = value`, `value = name`, or an equation.
    pub(super) fn equation(
        &self,
        left: &Pair<'_, Rule>,
        right: &Pair<'_, Rule>,
    ) -> Result<Typed, Fault> {
        for (name, value) in [(left, right), (right, left)] {
            let Some(name) = bare_name(name) else {
                continue;
            };
            let typed = self.side(value.clone())?;
            // `x = x^2 - 2` says nothing about x alone.
            if !mentions(&typed, &name) {
                return Ok(Typed::Named {
                    name,
                    value: Box::new(typed),
                });
            }
        }
        if let (Some(names), Ok(Typed::Tuple(values))) =
            (tuple_of_names(left), self.side(right.clone()))
            && names.len() == values.len()
        {
            return Ok(Typed::Named {
                name: format!("({})", names.join(",")),
                value: Box::new(Typed::Tuple(values)),
            });
        }
        Ok(Typed::Equation {
            left: self.side_expression(left)?,
            right: self.side_expression(right)?,
        })
    }

    /// `3 \times 5 = \$15`: a computation and the quantity that it gives, a chain.
    fn computed_quantity(
        &self,
        left: &Pair<'_, Rule>,
        right: &Pair<'_, Rule>,
    ) -> Result<Typed, Fault> {
        let computation = self.side_expression(left)?;
        let is_number = |node: &Node| !matches!(node, Node::Symbol(_) | Node::Call(..));
        let quantity = self.side(right.clone())?;
        match quantity {
            Typed::Scalar(_) | Typed::Labelled { .. }
                if computation.arena.iter().all(|(_, node)| is_number(node)) =>
            {
                self.derivation(&[left.clone(), right.clone()])?;
                Ok(quantity)
            }
            _ => Err(unparsed(right)),
        }
    }

    pub(super) fn ratio(&self, sides: Vec<Pair<'_, Rule>>) -> Result<Typed, Fault> {
        if let Some(time) = clock(&sides) {
            return Ok(time);
        }
        // `Ans: 18` is a value behind its label.
        if let [label, value] = sides.as_slice()
            && label.as_str().trim().len() > 1
            && label
                .as_str()
                .trim()
                .bytes()
                .all(|b| b.is_ascii_alphabetic())
            && value.as_str().trim().bytes().all(|b| b.is_ascii_digit())
        {
            return Err(unparsed(label));
        }
        let mut terms = Vec::with_capacity(sides.len());
        for side in &sides {
            terms.push(self.side_expression(side)?);
        }
        match terms.len() > self.limits.list {
            true => Err(Fault::Limit),
            false => Ok(Typed::Ratio(terms)),
        }
    }

    pub(super) fn congruence(
        &self,
        sides: &[Pair<'_, Rule>],
        relations: &[&str],
        modulus: Pair<'_, Rule>,
    ) -> Result<Typed, Fault> {
        let fault = unparsed(&modulus);
        let modulo = match modulus.as_str().starts_with("\\bmod") {
            true => Modulo::Operation,
            false => Modulo::Class,
        };
        let inner = modulus.into_inner().next().ok_or(fault)?;
        let modulus = match inner.as_rule() {
            Rule::expr => self.expression(inner)?,
            Rule::group => {
                let items = inner.into_inner().next().ok_or(fault)?;
                self.expression(super::scalar::only_expression(items).ok_or(fault)?)?
            }
            _ => {
                let mut arena = Arena::default();
                let root = self.one(inner, &mut arena)?;
                Expr { arena, root }
            }
        };
        match (sides, relations) {
            ([residue], []) => Ok(Typed::Congruence {
                residue: self.side_expression(residue)?,
                modulus,
                modulo,
            }),
            ([name, residue], ["≡" | "="]) => Ok(Typed::Named {
                name: bare_name(name).ok_or(fault)?,
                value: Box::new(Typed::Congruence {
                    residue: self.side_expression(residue)?,
                    modulus,
                    modulo: Modulo::Class,
                }),
            }),
            _ => Err(fault),
        }
    }

    /// `\text{…}` in place of an expression.
    pub(super) fn text(&self, pair: Pair<'_, Rule>) -> Result<Typed, Fault> {
        let fault = unparsed(&pair);
        let words = pair.into_inner().next().ok_or(fault)?.as_str();
        let letter = words.trim_start_matches('(').trim_end_matches([')', '.']);
        let mut chars = letter.chars();
        if let (Some(c @ 'A'..='J'), None) = (chars.next(), chars.next()) {
            return Ok(Typed::Choice(c));
        }
        let folded = fold_words(words);
        let is_words = folded.split(' ').all(|word| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'))
        });
        if folded.split(' ').any(is_doubt) {
            return Err(Fault::Hedge);
        }
        /// Longer ones are prose.
        const WORDS: usize = 4;
        match is_words && folded.split(' ').count() <= WORDS {
            true => Ok(Typed::Text(folded)),
            false => Err(fault),
        }
    }

    /// A capital letter as a choice, in the reading that has choices.
    pub(super) fn letter(&self, name: &str) -> Option<Typed> {
        let mut chars = name.chars();
        match (self.settings.letters, chars.next(), chars.next()) {
            (Letters::Choices, Some(c @ 'A'..='J'), None) => Some(Typed::Choice(c)),
            _ => None,
        }
    }
}

/// Whether the right side ends with the one degree sign of both.
fn are_degrees_of(right: &Pair<'_, Rule>, left: &Pair<'_, Rule>) -> bool {
    let before = right.as_str().trim_end().strip_suffix('°');
    before.is_some_and(|before| !before.contains('°')) && !left.as_str().contains('°')
}

/// The items and the separators of an `items` pair.
pub(super) fn split(items: Pair<'_, Rule>) -> (Vec<Pair<'_, Rule>>, Vec<&str>) {
    let (mut parts, mut separators) = (Vec::new(), Vec::new());
    for part in items.into_inner() {
        match part.as_rule() {
            Rule::item => parts.push(part),
            _ => separators.push(part.as_str()),
        }
    }
    (parts, separators)
}

/// Whether an item or side is a set in braces, whose elements carry the `±`.
pub(super) fn is_set(item: &Pair<'_, Rule>) -> bool {
    single_primary(item).is_some_and(|primary| primary.as_rule() == Rule::set)
}

/// The primary of an item or side that is nothing else.
pub(super) fn single_primary<'i>(pair: &Pair<'i, Rule>) -> Option<Pair<'i, Rule>> {
    let mut pair = pair.clone();
    loop {
        let mut inner = pair.clone().into_inner();
        let only = inner.next().filter(|_| inner.next().is_none())?;
        match only.as_rule() {
            Rule::side | Rule::expr | Rule::operand => pair = only,
            _ if pair.as_rule() == Rule::operand => return Some(only),
            _ => return None,
        }
    }
}

/// The name that a side is: `x`, `f(x)`.
pub(super) fn bare_name(side: &Pair<'_, Rule>) -> Option<String> {
    let Some(primary) = single_primary(side) else {
        return increment(side);
    };
    match primary.as_rule() {
        Rule::symbol => Some(symbol_name(primary.as_str())),
        Rule::call => Some(primary.as_str().replace(' ', "")),
        Rule::conjugate => bar::bare_name(&primary),
        _ => None,
    }
}

/// `\Delta p`: the change of a quantity is one quantity.
fn increment(side: &Pair<'_, Rule>) -> Option<String> {
    let mut parts = side.clone().into_inner();
    let expr = parts.next().filter(|_| parts.next().is_none())?;
    let operands: Vec<_> = expr.into_inner().collect();
    let [delta, joined, quantity] = operands.as_slice() else {
        return None;
    };
    let symbol = |operand: &Pair<'_, Rule>| {
        only_primary(operand)
            .filter(|primary| primary.as_rule() == Rule::symbol)
            .map(|primary| symbol_name(primary.as_str()))
    };
    let name = symbol(delta).filter(|name| matches!(name.as_str(), "Δ" | "δ"))?;
    (joined.as_rule() == Rule::implicit).then(|| Some(name + &symbol(quantity)?))?
}

/// The names of `(x, y)`.
fn tuple_of_names(side: &Pair<'_, Rule>) -> Option<Vec<String>> {
    let primary = single_primary(side)?;
    if primary.as_rule() != Rule::bracket {
        return None;
    }
    let items = primary
        .into_inner()
        .find(|part| part.as_rule() == Rule::items)?;
    let (parts, _) = split(items);
    parts
        .into_iter()
        .map(|item| bare_name(&item.into_inner().next()?))
        .collect()
}

/// Whether the value holds the variable.
fn mentions(typed: &Typed, name: &str) -> bool {
    match typed {
        Typed::Scalar(scalar) => scalar
            .value
            .arena
            .iter()
            .any(|(_, node)| matches!(node, Node::Symbol(symbol) if **symbol == *name)),
        _ => false,
    }
}

/// `\infty` is 1, `-\infty` is -1.
pub(super) fn infinite(pair: &Pair<'_, Rule>) -> Option<i8> {
    match pair.as_str().trim() {
        "∞" | "+∞" => Some(1),
        "-∞" => Some(-1),
        _ => None,
    }
}
