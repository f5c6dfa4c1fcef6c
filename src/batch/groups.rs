//! Rows that wait for their group: what compares the rollouts of a group is
//! known once all of them have been judged.
//!
//! A pass over the inputs tells which row is the last of each group, so that
//! rows are written as soon as they can be and in the order of the input. Memory
//! is bounded by how far a group stretches: little where the rollouts of a
//! prompt stand together, everything where they are shuffled. A stream cannot
//! be read twice; its rows wait for its end.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::counted::Counted;
use super::judge::{bug, place, read_rollouts};
use super::output::write_score;
use super::reader::Reader;
use super::run::Control;
use super::{Inputs, Judge};
use crate::reward::{Pending, Score, Scorer};
use crate::rollout::Rollout;

/// A row that is ready to be written.
pub(super) struct ScoredRow {
    pub(super) text: Vec<u8>,
    pub(super) counted: Counted,
    /// What a survey looks at.
    pub(super) score: Option<Box<Score>>,
    pub(super) asked: Option<Box<Asked>>,
}

impl ScoredRow {
    /// Of the score only what is counted is kept, unless a survey asked for the row.
    pub(super) fn new(
        text: Vec<u8>,
        score: Score,
        task: Option<String>,
        asked: Option<Box<Asked>>,
        rewards: &[Arc<str>],
    ) -> Box<Self> {
        let counted = Counted::of(&score, task, rewards);
        let score = asked.is_some().then(|| Box::new(score));
        Box::new(Self {
            text,
            counted,
            score,
            asked,
        })
    }
}

/// What a survey asks of a row beyond its score.
pub(super) struct Asked {
    pub(super) rollout: Option<Rollout>,
    pub(super) seconds: f64,
}

impl Asked {
    /// What is kept of a row whose scoring began at that time; nothing where no
    /// survey took the time.
    pub(super) fn of(rollout: Option<Rollout>, begin: Option<Instant>) -> Option<Box<Self>> {
        let seconds = begin?.elapsed().as_secs_f64();
        Some(Box::new(Self { rollout, seconds }))
    }
}

/// A row as a scoring thread leaves it.
pub(super) enum BegunRow {
    Scored(Box<ScoredRow>),
    /// The group is missing; `columns` is the row's text before its score.
    Open {
        columns: Vec<u8>,
        pending: Box<Pending>,
        task: Option<String>,
        asked: Option<Box<Asked>>,
    },
}

/// Rows in the order of the input, held until each has its score.
pub(super) struct Groups<'s> {
    scorer: &'s Scorer,
    /// Number of the last row of each group; `None` when only the end tells.
    last_rows: Option<HashMap<String, u64>>,
    /// Rollouts of the groups that are not whole, and their rows' numbers.
    held: HashMap<String, Vec<(u64, Pending)>>,
    /// Rows that are not written.
    queue: VecDeque<Slot>,
    /// Number of the row at the head of `queue`, from 0.
    first: u64,
}

enum Slot {
    Ready(Box<ScoredRow>),
    Held {
        columns: Vec<u8>,
        task: Option<String>,
        asked: Option<Box<Asked>>,
    },
}

impl<'s> Groups<'s> {
    /// `first` rows have been written before.
    pub(super) fn new(
        scorer: &'s Scorer,
        last_rows: Option<HashMap<String, u64>>,
        first: u64,
    ) -> Self {
        Self {
            scorer,
            last_rows,
            held: HashMap::new(),
            queue: VecDeque::new(),
            first,
        }
    }

    /// Whether rows to come belong to the group.
    pub(super) fn goes_on(&self, group: &str, first: u64) -> bool {
        match &self.last_rows {
            None => true,
            Some(rows) => rows.get(group).is_some_and(|&last| last >= first),
        }
    }

    /// Takes a rollout whose row an earlier run has written.
    pub(super) fn recall(&mut self, number: u64, pending: Pending) {
        let group = pending.group().to_owned();
        self.held.entry(group).or_default().push((number, pending));
    }

    /// Takes the next row.
    pub(super) fn push(&mut self, row: BegunRow) {
        let number = self.first + self.queue.len() as u64;
        match row {
            BegunRow::Scored(row) => self.queue.push_back(Slot::Ready(row)),
            BegunRow::Open {
                columns,
                pending,
                task,
                asked,
            } => {
                let held = Slot::Held {
                    columns,
                    task,
                    asked,
                };
                self.queue.push_back(held);
                let group = pending.group().to_owned();
                let rows = self.last_rows.as_ref();
                let is_last = rows.is_some_and(|rows| rows.get(&group) == Some(&number));
                self.recall(number, *pending);
                if is_last {
                    self.settle(&group);
                }
            }
        }
    }

    /// The next row, if it has its score.
    pub(super) fn pop(&mut self) -> Option<Box<ScoredRow>> {
        match self.queue.pop_front()? {
            Slot::Ready(row) => {
                self.first += 1;
                Some(row)
            }
            held => {
                self.queue.push_front(held);
                None
            }
        }
    }

    /// Settles every group: there is no further row.
    pub(super) fn finish(&mut self) {
        let groups: Vec<String> = self.held.keys().cloned().collect();
        for group in groups {
            self.settle(&group);
        }
    }

    fn settle(&mut self, group: &str) {
        let members = self.held.remove(group).unwrap_or_default();
        let (numbers, members): (Vec<u64>, Vec<Pending>) = members.into_iter().unzip();
        let ids: Vec<String> = members
            .iter()
            .map(|member| member.id().to_owned())
            .collect();
        let settled = catch_unwind(AssertUnwindSafe(|| self.scorer.settle(members)));
        let scores = match settled {
            Ok(scores) => scores,
            Err(panic) => {
                let error = bug(&*panic);
                let failed = ids.iter().map(|id| Score::error(id, group, error.clone()));
                failed.collect()
            }
        };
        for (number, score) in numbers.into_iter().zip(scores) {
            // A row before the first was written by an earlier run.
            let Some(index) = number.checked_sub(self.first) else {
                continue;
            };
            let Some(slot) = self.queue.get_mut(index as usize) else {
                continue;
            };
            if let Slot::Held {
                columns,
                task,
                asked,
            } = slot
            {
                let mut text = std::mem::take(columns);
                write_score(&score, &mut text);
                let (task, asked) = (task.take(), asked.take());
                let rewards = self.scorer.rewards();
                *slot = Slot::Ready(ScoredRow::new(text, score, task, asked, rewards));
            }
        }
    }
}

/// The number of the last row of each group, from 0; `None` where the inputs
/// cannot be read twice.
pub(super) fn last_rows(
    judge: &(impl Judge + ?Sized),
    inputs: &Inputs,
    mut reader: Reader<'_>,
    line_bytes: usize,
    control: &Control,
) -> Option<HashMap<String, u64>> {
    inputs.total_bytes()?;
    let mut rows = HashMap::new();
    let mut number = 0;
    // What cannot be read is met again, and reported, by the run itself.
    while let Ok(Some(chunk)) = reader.chunk(usize::MAX) {
        if control.is_stopped() {
            break;
        }
        for index in 0..chunk.rows() {
            let (line, at) = chunk.row(index);
            let place = place(inputs, at);
            for read in read_rollouts(line, at.schema, judge.fields(), &place, line_bytes) {
                if let Ok((_, rollout)) = read {
                    rows.insert(rollout.group, number);
                }
                number += 1;
            }
        }
    }
    Some(rows)
}
