//! Rewards that compare the rollouts of a group: judged once all are at hand.

use std::collections::HashSet;

use super::combine::combine;
use super::measure::{self, Length, Member};
use super::score::{ErrorKind, RowError, Score, Status, Term};
use super::spec::{Kind, Reward, Spec};
use super::term::{pay_measure, unjudged};
use crate::rollout::{Grouping, Pointer, Rollout};

/// A rollout of which all is judged that it decides alone.
#[derive(Clone, Debug)]
pub struct Pending {
    id: String,
    group: String,
    /// Known where a reward is open, which may ask for it.
    pub(super) length: Length,
    /// One place per reward of the spec.
    pub(super) terms: Vec<Option<Term>>,
    /// Indices of the rewards that wait for the group.
    pub(super) open: Vec<usize>,
    pub(super) error: Option<RowError>,
    /// What is wrong if nobody else is of its group.
    pub(super) if_alone: Option<RowError>,
    /// What is wrong if another of its group has its name.
    if_twice: Option<RowError>,
}

impl Pending {
    /// Nothing is judged yet.
    pub(super) fn new(rollout: &Rollout, rewards: usize) -> Self {
        Self {
            id: rollout.id.clone(),
            group: rollout.group.clone(),
            length: Length::default(),
            terms: vec![None; rewards],
            open: Vec::new(),
            error: None,
            if_alone: None,
            if_twice: None,
        }
    }

    /// Leaves a reward open until the group is there. Of a row that says neither its group
    /// nor its prompt there is none: others of its name are other rows. Where the group is
    /// called as the row is, nobody knows whether it is one before another row is of it.
    pub(super) fn leave_open(
        &mut self,
        index: usize,
        reward: &Reward,
        rollout: &Rollout,
        field: &Pointer,
    ) {
        let (name, group) = (&reward.name, &rollout.group);
        let error = |message: String| RowError {
            term: Some(name.to_string()),
            ..RowError::data(message).at(field.to_string())
        };
        if rollout.grouping == Grouping::Untold {
            let message = format!(
                "neither `{field}` nor a prompt tells which rows are of its group; reward \
                 `{name}` compares these"
            );
            self.error.get_or_insert_with(|| error(message));
            self.terms[index] = Some(unjudged(reward, None, "error"));
            return;
        }
        self.open.push(index);
        if rollout.grouping == Grouping::Row {
            let message = format!(
                "several rows are called `{group}`, and neither `{field}` nor a prompt tells \
                 whether they are of one group; reward `{name}` compares these"
            );
            self.if_twice.get_or_insert_with(|| error(message));
        } else if rollout.prompt.is_empty() && *group == rollout.id {
            let message =
                format!("no other row is of its group `{group}`; reward `{name}` compares these");
            self.if_alone.get_or_insert_with(|| error(message));
        }
    }

    /// Nobody else is of its group: what is open stays so, and is an error where it
    /// cannot be otherwise.
    pub(super) fn close_alone(&mut self, spec: &Spec, reason: &'static str) {
        let error = self.if_alone.take();
        self.close(spec, error, reason);
    }

    /// What is open stays so, with an error or for another reason.
    fn close(&mut self, spec: &Spec, error: Option<RowError>, reason: &'static str) {
        let reason = match error {
            None => reason,
            Some(error) => {
                self.error.get_or_insert(error);
                "error"
            }
        };
        for index in std::mem::take(&mut self.open) {
            self.terms[index] = Some(unjudged(&spec.rewards[index], None, reason));
        }
    }

    /// The rollout's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of its group.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Completes the error, if there is one, by where the row is from.
    pub(crate) fn locate(&mut self, locate: impl FnOnce(RowError) -> RowError) {
        // The first of them is the row's error, whatever its group is.
        let errors = [&mut self.error, &mut self.if_alone, &mut self.if_twice];
        if let Some(error) = errors.into_iter().find(|error| error.is_some()) {
            *error = error.take().map(locate);
        }
    }

    /// The score, once nothing is open.
    pub(super) fn score(self, spec: &Spec) -> Score {
        let (reward, status) = match &self.error {
            Some(_) => (spec.combine.on_error.0, Status::Error),
            None => combine(spec, &self.terms),
        };
        let mut score = Score {
            id: self.id,
            group: self.group,
            reward,
            status,
            terms: self.terms.into_iter().flatten().collect(),
            error: self.error,
        };
        if score.reward.is_some_and(|reward| !reward.is_finite()) {
            let message = "the total is not a finite number; `scale_by` or a weight is too large";
            score.reward = None;
            score.status = Status::Error;
            score.error = Some(RowError {
                kind: ErrorKind::Machinery,
                ..RowError::data(message)
            });
        }
        score
    }
}

/// Judges what is open in the rollouts of one group.
pub(super) fn settle(spec: &Spec, group: &mut [Pending]) {
    if let [alone] = group
        && alone.if_alone.is_some()
    {
        alone.close_alone(spec, "error");
    }
    let mut names = HashSet::new();
    if group
        .iter()
        .any(|member| member.if_twice.is_some() && !names.insert(member.id.clone()))
    {
        // Rows that list their completions and happen to be called the same.
        for member in group.iter_mut().filter(|member| member.if_twice.is_some()) {
            let error = member.if_twice.take();
            member.close(spec, error, "error");
        }
    }
    for (index, reward) in spec.rewards.iter().enumerate() {
        let Kind::Measure(kind) = &reward.kind else {
            continue;
        };
        let waiting = |member: &&mut Pending| member.open.contains(&index);
        let mut waiting: Vec<&mut Pending> = group.iter_mut().filter(waiting).collect();
        // Most measures need no group, and no rollout waits for them.
        if waiting.is_empty() {
            continue;
        }
        let members: Vec<Member<'_>> = waiting
            .iter()
            .map(|member| Member {
                length: member.length,
                of: reward.of.and_then(|of| member.terms[of].as_ref()),
            })
            .collect();
        let measures = measure::settle(kind, &members);
        for (member, measure) in waiting.iter_mut().zip(measures) {
            member.terms[index] = Some(pay_measure(reward, measure, &member.terms));
        }
    }
    for member in group {
        member.open.clear();
    }
}
