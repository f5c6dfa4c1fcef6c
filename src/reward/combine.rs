//! Terms in, total out: sum, gate or table, and what abstains.

use super::score::{Status, Term};
use super::spec::{Clip, Combine, Rule, Spec, TableRow};
use crate::verdict::Outcome;

/// Whether a reward was earned, as far as it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earned {
    Yes,
    No,
    /// The reward is `null`.
    Unknown,
}

/// `None` is a reward that does not apply to the row.
pub(super) fn earned(term: Option<&Term>) -> Earned {
    let Some(term) = term else { return Earned::No };
    match (term.outcome, term.raw) {
        (_, None) => Earned::Unknown,
        (Some(Outcome::Correct), _) => Earned::Yes,
        _ => Earned::No,
    }
}

/// The total of one rollout, and its status. `terms` has one place per reward
/// of the spec; none of them failed.
pub(super) fn combine(spec: &Spec, terms: &[Option<Term>]) -> (Option<f64>, Status) {
    let total = if routed(spec, terms) {
        total(&spec.combine, terms)
    } else {
        None
    };
    match total {
        Some(total) => (Some(clipped(spec.combine.clip, total)), Status::Ok),
        None => (None, Status::Abstain),
    }
}

pub(super) fn clipped(clip: Option<Clip>, value: f64) -> f64 {
    match clip {
        Some(clip) => value.clamp(clip.low, clip.high),
        None => value,
    }
}

/// A row that none of the spec's verifiers applies to has not been judged: a
/// format reward alone must not pay for it.
fn routed(spec: &Spec, terms: &[Option<Term>]) -> bool {
    let mut verifiers = spec
        .rewards
        .iter()
        .zip(terms)
        .filter(|(reward, _)| reward.kind.is_verifier())
        .peekable();
    if verifiers.peek().is_none() {
        return terms.iter().any(Option::is_some);
    }
    verifiers.any(|(_, term)| term.is_some())
}

fn total(combine: &Combine, terms: &[Option<Term>]) -> Option<f64> {
    match &combine.rule {
        Rule::Sum => sum(terms),
        Rule::Gate { gates, closed } => {
            let states: Vec<Earned> = gates
                .iter()
                .map(|&gate| earned(terms[gate].as_ref()))
                .collect();
            if states.contains(&Earned::No) {
                Some(*closed)
            } else if states.contains(&Earned::Unknown) {
                None
            } else {
                sum(terms)
            }
        }
        Rule::Table { rows, otherwise } => {
            for row in rows {
                match holds(row, terms) {
                    Earned::Yes => return Some(row.reward),
                    Earned::No => {}
                    // Whether this row is the first that holds cannot be told.
                    Earned::Unknown => return None,
                }
            }
            otherwise.0
        }
    }
}

/// The sum of all values; one that is `null` makes the sum `null`, because
/// leaving it out would pay it as 0.
fn sum(terms: &[Option<Term>]) -> Option<f64> {
    terms.iter().flatten().map(|term| term.value).sum()
}

fn holds(row: &TableRow, terms: &[Option<Term>]) -> Earned {
    let mut state = Earned::Yes;
    for (index, allowed) in &row.verdicts {
        let Some(term) = &terms[*index] else {
            return Earned::No;
        };
        let found = match term.outcome {
            Some(outcome) => outcome.name(),
            None => "gated",
        };
        let is_allowed = |outcome: &str| allowed.iter().any(|name| name == outcome);
        if is_allowed(found) {
            continue;
        }
        match (term.outcome, term.raw) {
            // It is paid as a wrong one, and counts as one.
            (Some(Outcome::Unknown), Some(_)) if is_allowed(Outcome::Wrong.name()) => {}
            (Some(Outcome::Unknown), None) => state = Earned::Unknown,
            _ => return Earned::No,
        }
    }
    state
}
