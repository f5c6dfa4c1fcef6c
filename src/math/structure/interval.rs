//! Sets of real numbers as intervals in normal form: disjoint, in order, none
//! empty, none touching. Ends are ordered exactly, or the answer is "unknown".

use std::cmp::Ordering;

use crate::math::typed::{End, Form, Interval, Scalar, Typed};

use super::judgement::all;
use super::{Context, Judgement};

/// The two ends of one closed interval as a pair.
pub(super) fn as_row(pieces: &[Interval]) -> Option<Typed> {
    let [
        Interval {
            low: Some(low),
            high: Some(high),
        },
    ] = pieces
    else {
        return None;
    };
    let entry = |end: &End| {
        Typed::Scalar(Scalar {
            value: end.at.clone(),
            form: Form::Plain,
            unit: None,
        })
    };
    (low.closed && high.closed).then(|| Typed::Tuple(vec![entry(low), entry(high)]))
}

/// Why intervals have no normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Two ends could not be ordered.
    Undecided,
    /// An interval runs backwards.
    Backwards,
}

/// The most intervals that are brought to normal form.
const PIECES: usize = 128;

impl Context<'_> {
    /// The normal form of a union.
    pub(super) fn union(&self, pieces: &[Interval]) -> Result<Vec<Interval>, Fault> {
        if pieces.len() > PIECES {
            return Err(Fault::Undecided);
        }
        let mut sorted: Vec<Interval> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            if self.is_empty(piece)? {
                continue;
            }
            let mut at = sorted.len();
            while at > 0 && self.lower(&piece.low, &sorted[at - 1].low)?.is_lt() {
                at -= 1;
            }
            sorted.insert(at, piece.clone());
        }
        let mut joined: Vec<Interval> = Vec::with_capacity(sorted.len());
        for piece in sorted {
            match joined.last_mut() {
                Some(last) if self.touches(&last.high, &piece.low)? => {
                    if self.higher(&piece.high, &last.high)?.is_gt() {
                        last.high = piece.high;
                    }
                }
                _ => joined.push(piece),
            }
        }
        Ok(joined)
    }

    /// The points in both of two unions.
    pub(super) fn intersection(
        &self,
        left: &[Interval],
        right: &[Interval],
    ) -> Result<Vec<Interval>, Fault> {
        if left.len() * right.len() > PIECES {
            return Err(Fault::Undecided);
        }
        let mut common = Vec::new();
        for one in left {
            for other in right {
                let low = match self.lower(&one.low, &other.low)?.is_lt() {
                    true => &other.low,
                    false => &one.low,
                };
                let high = match self.higher(&one.high, &other.high)?.is_gt() {
                    true => &other.high,
                    false => &one.high,
                };
                let piece = Interval {
                    low: low.clone(),
                    high: high.clone(),
                };
                match self.is_empty(&piece) {
                    Ok(true) | Err(Fault::Backwards) => {}
                    Ok(false) => common.push(piece),
                    Err(fault) => return Err(fault),
                }
            }
        }
        self.union(&common)
    }

    /// Compares two unions; both sides are brought to normal form.
    pub(super) fn unions(&self, gold: &[Interval], answer: &[Interval]) -> Judgement {
        match (self.union(gold), self.union(answer)) {
            (Ok(gold), Ok(answer)) => self.normal_forms(&gold, &answer),
            (_, Err(Fault::Backwards)) | (Err(Fault::Backwards), _) => {
                Judgement::wrong("malformed_interval")
            }
            // `[x, x + 1]`: ends that have no order may still be equal.
            _ if gold.len() == answer.len() => {
                let judged = all(
                    "interval",
                    gold.iter()
                        .zip(answer)
                        .map(|(gold, answer)| self.same_ends(gold, answer)),
                );
                match judged {
                    Judgement::Wrong { .. } if gold.len() > 1 => Judgement::Unknown("undecided"),
                    other => other,
                }
            }
            _ => Judgement::Unknown("undecided"),
        }
    }

    fn normal_forms(&self, gold: &[Interval], answer: &[Interval]) -> Judgement {
        if gold.len() != answer.len() {
            return Judgement::Wrong {
                rule: "different_interval",
                witness: Some(format!("{} pieces instead of {}", answer.len(), gold.len())),
            };
        }
        all(
            "interval",
            gold.iter()
                .zip(answer)
                .map(|(gold, answer)| self.same_ends(gold, answer)),
        )
    }

    fn same_ends(&self, gold: &Interval, answer: &Interval) -> Judgement {
        let end = |gold: &Option<End>, answer: &Option<End>| match (gold, answer) {
            (None, None) => Judgement::exact("interval"),
            (Some(gold), Some(answer)) if gold.closed != answer.closed => {
                match self.equal(&gold.at, &answer.at) {
                    Judgement::Unknown(_) | Judgement::Correct { .. } => Judgement::Wrong {
                        rule: "different_interval",
                        witness: Some("one end is open, the other closed".to_owned()),
                    },
                    wrong @ Judgement::Wrong { .. } => wrong,
                }
            }
            (Some(gold), Some(answer)) => self.equal(&gold.at, &answer.at),
            _ => Judgement::wrong("different_interval"),
        };
        let low = end(&gold.low, &answer.low);
        let whole = low.and(|| end(&gold.high, &answer.high));
        match whole {
            Judgement::Wrong { witness, .. } => Judgement::Wrong {
                rule: "different_interval",
                witness,
            },
            other => other.by("interval"),
        }
    }

    /// Whether a piece holds no point; an error where it runs backwards.
    fn is_empty(&self, piece: &Interval) -> Result<bool, Fault> {
        let (Some(low), Some(high)) = (&piece.low, &piece.high) else {
            return Ok(false);
        };
        match self.order(&low.at, &high.at).ok_or(Fault::Undecided)? {
            Ordering::Less => Ok(false),
            Ordering::Equal => Ok(!(low.closed && high.closed)),
            Ordering::Greater => Err(Fault::Backwards),
        }
    }

    /// Orders low ends; a closed one begins before an open one.
    fn lower(&self, left: &Option<End>, right: &Option<End>) -> Result<Ordering, Fault> {
        match (left, right) {
            (None, None) => Ok(Ordering::Equal),
            (None, Some(_)) => Ok(Ordering::Less),
            (Some(_), None) => Ok(Ordering::Greater),
            (Some(left), Some(right)) => Ok(self
                .order(&left.at, &right.at)
                .ok_or(Fault::Undecided)?
                .then_with(|| right.closed.cmp(&left.closed))),
        }
    }

    /// Orders high ends; an open one ends before a closed one.
    fn higher(&self, left: &Option<End>, right: &Option<End>) -> Result<Ordering, Fault> {
        match (left, right) {
            (None, None) => Ok(Ordering::Equal),
            (None, Some(_)) => Ok(Ordering::Greater),
            (Some(_), None) => Ok(Ordering::Less),
            (Some(left), Some(right)) => Ok(self
                .order(&left.at, &right.at)
                .ok_or(Fault::Undecided)?
                .then_with(|| left.closed.cmp(&right.closed))),
        }
    }

    /// Whether nothing lies between a high end and a later low end.
    fn touches(&self, high: &Option<End>, low: &Option<End>) -> Result<bool, Fault> {
        let (Some(high), Some(low)) = (high, low) else {
            return Ok(true);
        };
        match self.order(&low.at, &high.at).ok_or(Fault::Undecided)? {
            Ordering::Less => Ok(true),
            Ordering::Equal => Ok(low.closed || high.closed),
            Ordering::Greater => Ok(false),
        }
    }
}
