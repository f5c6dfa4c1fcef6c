//! pass@k and maj@k over the groups, and what the groups teach.

use std::collections::HashMap;

use serde::Serialize;

use super::spread::{Histogram, Spread};
use crate::batch::samples::GroupVotes;
use crate::batch::summary::Welford;
use crate::statistics::{Estimate, majority_at, pass_at};

/// What the exact maj@k may cost: some seconds. A point that would cost more is
/// left out.
const MOST_WORK: f64 = 3e8;
/// Rewards that differ by less are equal to an advantage.
const EQUAL: f64 = 1e-12;

/// A share over groups that have `k` samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// How many samples are drawn.
    pub k: u64,
    /// The mean over the groups, in `[0, 1]`.
    pub value: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How many groups have `k` samples.
    pub groups: u64,
}

/// How right answers depend on how many samples are drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curves {
    /// pass@k for k = 1, 2, 4… and the largest group.
    pub pass: Vec<Point>,
    /// maj@k, the same, of the groups that can vote; empty where no sample has an answer.
    pub majority: Vec<Point>,
    /// The least k from which on maj@k was too much work.
    pub majority_left_out: Option<u64>,
}

/// What the prompts teach: a group whose rewards are all equal has no advantage to
/// learn from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupFindings {
    /// Groups with two judged samples or more.
    pub groups: u64,
    /// Other groups.
    pub single: u64,
    /// Groups without a right sample.
    pub all_wrong: u64,
    /// Groups with right and wrong samples.
    pub mixed: u64,
    /// Groups without a wrong sample.
    pub all_right: u64,
    /// Groups by the share of right samples.
    pub shares: Vec<ShareBin>,
    /// Groups with two rewards or more.
    pub rewarded: u64,
    /// Groups among them whose rewards are all equal.
    pub equal_rewards: u64,
    /// Groups among them whose rewards differ.
    pub unequal_rewards: u64,
    /// Groups by the standard deviation of their rewards (divided by `n - 1`).
    pub deviations: Histogram,
}

/// Groups whose share of right samples lies in a range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ShareBin {
    /// The range in words.
    pub label: &'static str,
    /// How many groups.
    pub groups: u64,
}

/// The curves, if any group has two samples.
pub(super) fn curves(groups: &[GroupVotes]) -> Option<Curves> {
    let largest = groups.iter().map(|group| group.judged).max()?;
    if largest < 2 {
        return None;
    }
    let judged = |groups: &[&GroupVotes]| groups.iter().map(|group| group.judged).sum::<u64>();
    let (all, voters): (Vec<_>, Vec<_>) = (
        groups.iter().collect(),
        groups.iter().filter(|group| group.can_vote).collect(),
    );
    let has_answers = groups.iter().any(|group| !group.answers.is_empty());
    let mut ks: Vec<u64> = (0..u64::BITS).map(|power| 1 << power).collect();
    ks.retain(|k| *k < largest);
    ks.push(largest);
    let mut curves = Curves::default();
    let mut known = HashMap::new();
    let mut work = 0.0;
    for k in ks {
        let is_enough = |group: &&&GroupVotes| group.judged >= k;
        let point = |values: Vec<f64>, samples: u64| {
            let estimate = Estimate::over(&values, samples as usize)?;
            Some(Point {
                k,
                value: estimate.mean,
                low: estimate.low,
                high: estimate.high,
                groups: estimate.prompts as u64,
            })
        };
        let pass = all
            .iter()
            .filter(is_enough)
            .filter_map(|group| pass_at(k as usize, group.judged as usize, group.correct as usize));
        curves.pass.extend(point(pass.collect(), judged(&all)));
        if !has_answers || curves.majority_left_out.is_some() {
            continue;
        }
        let majority: Option<Vec<f64>> = voters
            .iter()
            .filter(is_enough)
            .map(|group| majority(k, group, &mut known, &mut work))
            .collect();
        match majority {
            Some(values) => curves.majority.extend(point(values, judged(&voters))),
            None => curves.majority_left_out = Some(k),
        }
    }
    Some(curves)
}

/// maj@k of a group; `None` once the work is too much. Groups whose answers have
/// the same votes share the number.
fn majority(
    k: u64,
    group: &GroupVotes,
    known: &mut HashMap<(u64, GroupVotes), f64>,
    work: &mut f64,
) -> Option<f64> {
    let mut group = group.clone();
    group.answers.sort_unstable();
    let key = (k, group);
    if let Some(value) = known.get(&key) {
        return Some(*value);
    }
    let (size, answers) = (k as f64, key.1.answers.len() as f64 + 1.0);
    *work += answers * size * size * (1.0 + size.ln());
    if *work > MOST_WORK {
        return None;
    }
    let names: Vec<String> = (0..key.1.answers.len())
        .map(|name| name.to_string())
        .collect();
    let mut samples = Vec::new();
    for (name, (votes, correct)) in names.iter().zip(&key.1.answers) {
        samples.extend((0..*votes).map(|vote| (vote < *correct, Some(name.as_str()))));
    }
    samples.resize(key.1.judged as usize, (false, None));
    let value = majority_at(k as usize, &samples)?;
    known.insert(key, value);
    Some(value)
}

/// What the groups teach; `rewards` are the rewards of each group.
pub(super) fn group_findings<'w>(
    groups: &[GroupVotes],
    rewards: impl Iterator<Item = &'w Welford>,
) -> GroupFindings {
    let mut shares =
        ["none", "≤¼", "≤½", "≤¾", ">¾", "all"].map(|label| ShareBin { label, groups: 0 });
    let several = || groups.iter().filter(|group| group.judged > 1);
    for group in several() {
        let share = group.correct as f64 / group.judged as f64;
        let bin = match share {
            0.0 => 0,
            1.0 => 5,
            _ if share <= 0.25 => 1,
            _ if share <= 0.5 => 2,
            _ if share <= 0.75 => 3,
            _ => 4,
        };
        shares[bin].groups += 1;
    }
    let mut deviations = Spread::default();
    let (mut rewarded, mut equal_rewards) = (0, 0);
    for std in rewards.filter_map(|rewards| rewards.finish().std) {
        rewarded += 1;
        equal_rewards += u64::from(std < EQUAL);
        deviations.add(std);
    }
    let count = several().count() as u64;
    let (all_wrong, all_right) = (shares[0].groups, shares[5].groups);
    GroupFindings {
        groups: count,
        single: groups.len() as u64 - count,
        all_wrong,
        mixed: count - all_wrong - all_right,
        all_right,
        shares: shares.to_vec(),
        rewarded,
        equal_rewards,
        unequal_rewards: rewarded - equal_rewards,
        deviations: deviations.finish(),
    }
}
