//! Intervals, and the sets that `\cup` and `\setminus` make of them.

use pest::iterators::Pair;

use super::super::expr::{Expr, Node};
use super::super::typed::{End, Interval, Typed};
use super::answer::infinite;
use super::scalar::{Builder, unparsed};
use super::settings::Pairs;
use super::structure::only_primary;
use super::{ParseFault, Rule};

type Fault = ParseFault;

impl Builder<'_> {
    pub(super) fn interval(
        &self,
        open: &str,
        items: &[Pair<'_, Rule>],
        close: &str,
    ) -> Result<Typed, Fault> {
        let [low, high] = items else {
            return Err(Fault::Limit);
        };
        Ok(Typed::Intervals(vec![Interval {
            low: self.end(low, open == "[", -1)?,
            high: self.end(high, close == "]", 1)?,
        }]))
    }

    /// An end; infinity only on its own side.
    pub(super) fn end(
        &self,
        item: &Pair<'_, Rule>,
        closed: bool,
        side: i8,
    ) -> Result<Option<End>, Fault> {
        match infinite(item) {
            Some(sign) if sign == side => return Ok(None),
            Some(_) => return Err(unparsed(item)),
            None => {}
        }
        let expr = super::scalar::item_expression(item.clone()).ok_or(unparsed(item))?;
        let at = self.expression(expr)?;
        Ok(Some(End { at, closed }))
    }

    /// Pieces joined by `\cup`, less points after `\setminus`.
    pub(super) fn union(&self, parts: &[Pair<'_, Rule>]) -> Result<Typed, Fault> {
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
}

/// The pieces without one point; `None` where the order isn't plain to see.
pub(super) fn without(pieces: Vec<Interval>, point: &Expr) -> Option<Vec<Interval>> {
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
