//! One reward on one rollout, verdict or measure at hand: does it apply, is it
//! gated, what does it pay.

use std::sync::Arc;

use serde_json::Value;

use super::combine::{Earned, clipped, earned};
use super::language::PROMPT_UNCLEAR;
use super::score::Term;
use super::spec::{Condition, Reward};
use crate::rollout::Rollout;
use crate::verdict::{Detail, Measure, Outcome, Verdict};

/// The reason where a judge's reply is not of the form that was asked for.
pub(super) const JUDGE_REPLY: &str = "judge_reply";

/// Whether the rollout is one that the reward is for. One that looks at another
/// reward is for the rollouts that the other is for.
pub(super) fn applies(reward: &Reward, rollout: &Rollout, terms: &[Option<Term>]) -> bool {
    let mut when = reward.when.iter();
    let mut unless = reward.unless.iter();
    when.all(|condition| holds(condition, rollout))
        && !unless.any(|condition| holds(condition, rollout))
        && reward.of.is_none_or(|of| terms[of].is_some())
}

fn holds(condition: &Condition, rollout: &Rollout) -> bool {
    let Some(found) = rollout.lookup(&condition.pointer) else {
        return false;
    };
    condition
        .any_of
        .iter()
        .any(|wanted| match (wanted, &found) {
            // 5 and 5.0 are the same number in TOML's and JSON's eyes.
            (Value::Number(wanted), Value::Number(found)) => wanted.as_f64() == found.as_f64(),
            (wanted, found) => wanted == found,
        })
}

/// Whether the rewards that this one needs were earned. A closed gate counts
/// before an unknown one: whatever the unknown turned out to be, it pays 0.
pub(super) fn gate(reward: &Reward, terms: &[Option<Term>]) -> Earned {
    let mut states = reward
        .needs
        .iter()
        .map(|&needed| earned(terms[needed].as_ref()));
    if states.clone().any(|state| state == Earned::No) {
        return Earned::No;
    }
    match states.any(|state| state == Earned::Unknown) {
        true => Earned::Unknown,
        false => Earned::Yes,
    }
}

pub(super) fn unjudged(reward: &Reward, raw: Option<f64>, reason: &'static str) -> Term {
    Term {
        name: Arc::clone(&reward.name),
        value: raw.map(|raw| weighted(raw, reward.weight)),
        raw,
        outcome: None,
        reason: Some(reason),
        detail: Detail::default(),
    }
}

/// What the verdict is worth: payout, scale, clip, weight, in this order.
pub(super) fn pay(reward: &Reward, verdict: Verdict, terms: &[Option<Term>]) -> Term {
    let payout = &reward.payout;
    let paid = match verdict.outcome {
        Outcome::Correct => Some(payout.correct),
        Outcome::Wrong => Some(payout.wrong + verdict.credit * (payout.correct - payout.wrong)),
        Outcome::NoAnswer => Some(payout.no_answer()),
        Outcome::Unknown => payout.unknown.0.or(unpriced(reward)),
    };
    Term {
        outcome: Some(verdict.outcome),
        reason: verdict.reason,
        detail: verdict.detail,
        ..paid_term(reward, paid, terms)
    }
}

/// What the measure is worth: its number, scale, clip, weight, in this order.
pub(super) fn pay_measure(reward: &Reward, measure: Measure, terms: &[Option<Term>]) -> Term {
    // A prompt in no clear language is the row's, a judge's odd reply the judge's,
    // and all else the completion's doing.
    let is_measurable = !matches!(measure.reason, Some(PROMPT_UNCLEAR | JUDGE_REPLY));
    let unpriced = is_measurable.then(|| unpriced(reward)).flatten();
    let paid = match is_failure(&measure) {
        // Nobody was asked, or nobody answered: nothing that a spec could price.
        true => None,
        false => measure.value.or(reward.payout.unknown.0).or(unpriced),
    };
    Term {
        reason: measure.reason,
        detail: measure.detail,
        ..paid_term(reward, paid, terms)
    }
}

/// Whether a measure abstains because an endpoint failed.
fn is_failure(measure: &Measure) -> bool {
    let reason = measure.reason.unwrap_or_default();
    measure.value.is_none() && reason.starts_with("remote_")
}

/// What an undecided answer is worth where the spec does not say.
fn unpriced(reward: &Reward) -> Option<f64> {
    reward.unknown_is_wrong.then_some(reward.payout.wrong)
}

fn paid_term(reward: &Reward, paid: Option<f64>, terms: &[Option<Term>]) -> Term {
    let factor = match reward.scale_by {
        None => Some(1.0),
        // A reward that does not apply was not earned.
        Some(index) => terms[index].as_ref().map_or(Some(0.0), |term| term.raw),
    };
    let raw = match (paid, factor) {
        (Some(paid), Some(factor)) => Some(clipped(reward.clip, paid * factor)),
        _ => None,
    };
    Term {
        name: Arc::clone(&reward.name),
        value: raw.map(|raw| weighted(raw, reward.weight)),
        raw,
        outcome: None,
        reason: None,
        detail: Detail::default(),
    }
}

/// Adding 0 turns the -0 of a negative weight into 0.
fn weighted(raw: f64, weight: f64) -> f64 {
    raw * weight + 0.0
}
