//! What makes a rollout one of its group: whether others of that group's name answer
//! the same question.

use super::{Pointer, Record};

/// What a rollout's group is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// The row's `group`, or its prompt: who has the same answers the same.
    #[default]
    Told,
    /// The name of a row that lists its completions; another row of that name is no
    /// part of the group.
    Row,
    /// Nothing: the group is the rollout's own name, and nobody else is of it.
    Untold,
}

impl Grouping {
    /// What a group is from that a row gives and that has no prompt.
    ///
    /// A scored row has the group that was made up for it, which tells no more than it
    /// did before.
    pub(super) fn given(record: &Record<'_>, id: &str, group: &str) -> Self {
        let has = |name: &str| record.has(&Pointer::field(name));
        if !(has("status") && has("terms")) {
            return Self::Told;
        }
        match id.strip_prefix(group) {
            Some("") => Self::Untold,
            Some(rest) if rest.starts_with('/') => Self::Row,
            _ => Self::Told,
        }
    }
}
