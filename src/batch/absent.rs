//! Fields that were asked for and that no row had, most often for a slip.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::rollout::{Pointer, Record};

/// A field that a condition asks for and no row has, not even as `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AbsentField {
    /// JSON pointer of the field.
    pub field: String,
    /// Fields that the first row has, those with a similar name first.
    pub near: Vec<String>,
}

/// Which of some fields rows have had.
#[derive(Debug, Default)]
pub(super) struct Noticed {
    fields: Vec<(Pointer, AtomicBool)>,
    /// The fields of the first row.
    names: OnceLock<Vec<String>>,
}

impl Noticed {
    pub(super) fn new(fields: impl Iterator<Item = Pointer>) -> Self {
        Self {
            fields: fields
                .map(|field| (field, AtomicBool::new(false)))
                .collect(),
            names: OnceLock::new(),
        }
    }

    pub(super) fn notice(&self, record: &Record<'_>) {
        let columns = || record.columns().map(|(name, _)| name.to_owned());
        self.names.get_or_init(|| columns().collect());
        for (field, has) in &self.fields {
            if !has.load(Ordering::Relaxed) && record.has(field) {
                has.store(true, Ordering::Relaxed);
            }
        }
    }

    /// The fields that no row had; none where there was no row.
    pub(super) fn absent(&self) -> Vec<AbsentField> {
        let Some(names) = self.names.get() else {
            return Vec::new();
        };
        let missed = self.fields.iter();
        let missed = missed.filter(|(_, has)| !has.load(Ordering::Relaxed));
        let mut absent: Vec<AbsentField> = missed.map(|(field, _)| told(field, names)).collect();
        absent.dedup();
        absent
    }
}

fn told(field: &Pointer, names: &[String]) -> AbsentField {
    let (head, _) = field.split_first();
    let mut near: Vec<(f64, &String)> = names
        .iter()
        .map(|name| (strsim::jaro_winkler(name, head), name))
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    AbsentField {
        field: field.to_string(),
        near: near.into_iter().map(|(_, name)| name.clone()).collect(),
    }
}
