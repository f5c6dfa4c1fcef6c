//! What a schema makes of a record: native fields, for all completions and for each.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::value::RawValue;

use super::super::record::{fault as pointer_fault, raw_text, scalar, wrong_type};
use super::{Adapted, fault};
use crate::rollout::{FieldMap, Grouping, Pointer, Record, Rollout, RolloutError};

/// The native fields where they stand by default, which is where a plan puts them.
static NATIVE: LazyLock<FieldMap> = LazyLock::new(FieldMap::default);

/// Fields of a score, but for the two that a rollout has as well. A column of
/// another tool that is called so is kept under another name: it is of interest
/// what the tool had paid.
const SCORED: [&str; 4] = ["reward", "status", "terms", "error"];

/// What the rollouts of one record may take up, in bytes.
const MOST_BYTES: usize = 256 << 20;

/// What a rollout takes up besides its texts, in bytes.
const ROLLOUT_BYTES: usize = 1 << 10;

/// What a field takes up besides its name and value, in bytes.
const FIELD_BYTES: usize = 64;

/// A record and where the spec looks for its fields.
#[derive(Clone, Copy)]
pub(super) struct Source<'s, 'l> {
    pub(super) record: &'s Record<'l>,
    pub(super) fields: &'s FieldMap,
}

/// A native field and its value.
pub(super) type Field<'l> = (&'static str, Cow<'l, RawValue>);

/// A native field that the spec has elsewhere, and its value if there is one.
type Named<'l> = (&'static str, Option<Cow<'l, RawValue>>);

/// A completion that is none, and what there is of it.
pub(super) struct Failed<'l> {
    pub(super) problem: RolloutError,
    pub(super) fields: Vec<Field<'l>>,
}

impl From<RolloutError> for Failed<'_> {
    fn from(problem: RolloutError) -> Self {
        Self {
            problem,
            fields: Vec::new(),
        }
    }
}

/// What a record becomes.
#[derive(Default)]
pub(super) struct Plan<'l> {
    /// Name of the record.
    pub(super) id: Option<String>,
    /// What its rollouts have in common.
    pub(super) shared: Vec<Field<'l>>,
    /// What each has on its own, or why it is none.
    pub(super) completions: Vec<Result<Vec<Field<'l>>, Failed<'l>>>,
    /// Whether the completions are numbered.
    pub(super) is_list: bool,
    /// Columns that are not kept: they hold all completions, or what a native field
    /// holds as well.
    pub(super) left_out: Vec<&'static str>,
}

impl<'s, 'l> Source<'s, 'l> {
    /// The value of a field, unless it is missing or null.
    pub(super) fn get(&self, name: &str) -> Option<&'l RawValue> {
        self.record.field(name)
    }

    /// The value of a field that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&'l RawValue, RolloutError> {
        self.get(name)
            .ok_or_else(|| fault(name, self.record.missing(&Pointer::field(name))))
    }

    /// The elements of a field that must be a list.
    pub(super) fn need_list(&self, name: &str) -> Result<Vec<&'l RawValue>, RolloutError> {
        list(name, self.need(name)?)
    }

    /// The elements of a field, if it is a list.
    pub(super) fn get_list(&self, name: &str) -> Option<Vec<&'l RawValue>> {
        list(name, self.get(name)?).ok()
    }

    /// Whether the spec says where the completion is.
    pub(super) fn names_completion(&self) -> bool {
        !self.fields.completion.is_field("completion")
    }

    /// The record read as a native one.
    pub(super) fn native(&self, default_id: &str) -> Adapted<'l> {
        Adapted {
            record: self.record.clone(),
            id: self.base_id(None, default_id),
            rollout: self.record.rollout(self.fields, default_id),
        }
    }

    /// Name of the record: where the spec says, else what the schema found.
    pub(super) fn base_id(&self, found: Option<String>, default_id: &str) -> String {
        let named = || self.record.name(&self.fields.id).ok().flatten();
        match self.fields.id.is_field("id") {
            true => found.or_else(named),
            false => named().or(found),
        }
        .unwrap_or_else(|| default_id.to_owned())
    }

    /// The fields that the spec has elsewhere than by default, with their values.
    fn named_by_spec(&self) -> Result<Vec<Named<'l>>, RolloutError> {
        let fields = self.fields;
        let pointers = [
            ("group", &fields.group),
            ("sample_index", &fields.sample_index),
            ("task", &fields.task),
            ("data_source", &fields.data_source),
            ("prompt", &fields.prompt),
            ("reference", &fields.reference),
            ("tests", &fields.tests),
            ("language", &fields.language),
            ("n_tokens", &fields.n_tokens),
            ("finish_reason", &fields.finish_reason),
        ];
        let elsewhere = pointers
            .into_iter()
            .filter(|(name, pointer)| !pointer.is_field(name));
        elsewhere
            .map(|(name, pointer)| Ok((name, self.record.raw(pointer)?)))
            .collect()
    }
}

impl<'l> Plan<'l> {
    /// A plan for one completion.
    pub(super) fn one(completion: &'l RawValue) -> Self {
        Self {
            completions: vec![Ok(vec![("completion", Cow::Borrowed(completion))])],
            ..Self::default()
        }
    }

    /// A plan for the elements of a list.
    ///
    /// # Errors
    /// Where there are none.
    pub(super) fn each(
        name: &'static str,
        completions: &[&'l RawValue],
    ) -> Result<Self, RolloutError> {
        if completions.is_empty() {
            return Err(fault(name, "is empty: there is no completion to score"));
        }
        if completions.len() > MOST_BYTES / ROLLOUT_BYTES {
            return Err(too_many(name, completions.len(), ROLLOUT_BYTES));
        }
        let each = |(index, completion): (usize, &&'l RawValue)| match completion.get() {
            "null" => Err(fault(name, format!("has null at position {index}")).into()),
            _ => Ok(vec![("completion", Cow::Borrowed(*completion))]),
        };
        Ok(Self {
            completions: completions.iter().enumerate().map(each).collect(),
            is_list: true,
            left_out: vec![name],
            ..Self::default()
        })
    }

    /// Sets a field of all rollouts, where there is a value.
    pub(super) fn set(mut self, name: &'static str, value: Option<&'l RawValue>) -> Self {
        self.shared
            .extend(value.map(|value| (name, Cow::Borrowed(value))));
        self
    }

    /// Leaves columns out that native fields now say.
    pub(super) fn without(mut self, names: &[&'static str]) -> Self {
        self.left_out.extend(names);
        self
    }

    /// Sets a field of all rollouts to a text, where there is one.
    pub(super) fn set_text(mut self, name: &'static str, text: Option<&str>) -> Self {
        self.shared
            .extend(text.map(|text| (name, Cow::Owned(raw_text(text)))));
        self
    }

    /// Gives each rollout its element of a list that is as long as the completions
    /// are many; the column `from`, if it is another, is not kept.
    pub(super) fn deal(
        mut self,
        name: &'static str,
        from: &'static str,
        values: Option<Vec<&'l RawValue>>,
    ) -> Self {
        let Some(values) = values.filter(|values| values.len() == self.completions.len()) else {
            return self;
        };
        if name != from {
            self.left_out.push(from);
        }
        for (completion, value) in self.completions.iter_mut().zip(values) {
            if let Ok(fields) = completion {
                fields.push((name, Cow::Borrowed(value)));
            }
        }
        self
    }

    /// The rollouts.
    pub(super) fn carry_out(self, source: &Source<'_, 'l>, default_id: &str) -> Vec<Adapted<'l>> {
        let rollout_bytes = self.rollout_bytes(source.record);
        let base = source.base_id(self.id, default_id);
        if self.is_list && rollout_bytes.saturating_mul(self.completions.len()) > MOST_BYTES {
            let name = self.left_out.first().copied().unwrap_or("completions");
            return vec![Adapted {
                record: source.record.clone(),
                id: base,
                rollout: Err(too_many(name, self.completions.len(), rollout_bytes)),
            }];
        }
        let named = source.named_by_spec();
        let mut adapted = Vec::with_capacity(self.completions.len());
        for (index, own) in self.completions.into_iter().enumerate() {
            let mut id = base.clone();
            let (own, problem) = match own {
                Ok(own) => (own, None),
                Err(failed) => (failed.fields, Some(failed.problem)),
            };
            // Traces have prompts of their own, if any.
            let shares_prompt = own.iter().all(|(name, _)| *name != "prompt");
            let mut fields = self.shared.clone();
            if self.is_list {
                id = format!("{base}/{index}");
                fields.push(("sample_index", Cow::Owned(raw_number(index))));
            }
            fields.push(("id", Cow::Owned(raw_text(&id))));
            fields.extend(own);
            if !self.is_list && base == default_id {
                // As for a native row, a line's number is no field of it.
                fields.retain(|(name, _)| *name != "id");
            }
            let mut record = laid_over(source.record, &self.left_out, fields);
            let rollout = match (&named, problem) {
                (_, Some(problem)) => Err(problem),
                (Err(problem), None) => Err(problem.clone()),
                (Ok(named), None) => {
                    for (name, value) in named {
                        record.remove(name);
                        if let Some(value) = value {
                            record.set(name, value.clone());
                        }
                    }
                    let mut taken = taken(&record, source, &id);
                    if let Ok(rollout) = &mut taken
                        && self.is_list
                        && shares_prompt
                        && rollout.prompt.is_empty()
                        && !has_group(&record)
                    {
                        // They answer the same, whatever it was.
                        rollout.group.clone_from(&base);
                        rollout.grouping = Grouping::Row;
                    }
                    taken
                }
            };
            let id = match &rollout {
                Ok(rollout) => rollout.id.clone(),
                Err(_) => id,
            };
            adapted.push(Adapted {
                record,
                id,
                rollout,
            });
        }
        adapted
    }

    /// What each rollout may have a copy of, whether it will or not: how many bytes are
    /// too many should not hang on the spec.
    fn rollout_bytes(&self, record: &Record<'_>) -> usize {
        let kept = record
            .columns()
            .filter(|(name, _)| !self.left_out.contains(name));
        let kept = kept.map(|(name, raw)| FIELD_BYTES + name.len() + raw.len());
        let shared = self.shared.iter();
        let shared = shared.map(|(_, raw)| FIELD_BYTES + raw.get().len());
        ROLLOUT_BYTES + kept.chain(shared).sum::<usize>()
    }
}

fn too_many(name: &str, count: usize, bytes: usize) -> RolloutError {
    let problem = format!(
        "has {count} completions, each with {bytes} bytes of what they share; of one row they \
         may have {} MiB together: write fewer of them per row, or fewer columns",
        MOST_BYTES >> 20
    );
    fault(name, problem)
}

fn has_group(record: &Record<'_>) -> bool {
    // An empty name is none.
    let group = record.name(&NATIVE.group);
    group.is_ok_and(|group| group.is_some_and(|group| !group.is_empty()))
}

/// The rollout of a record that has native fields.
fn taken(record: &Record<'_>, source: &Source<'_, '_>, id: &str) -> Result<Rollout, RolloutError> {
    record.rollout_for(&NATIVE, source.fields, id)
}

/// The record with `fields` in the place of columns of that name, or after them.
pub(super) fn laid_over<'l>(
    record: &Record<'l>,
    left_out: &[&str],
    fields: Vec<Field<'l>>,
) -> Record<'l> {
    let mut over = record.clone();
    for name in left_out {
        over.remove(name);
    }
    for name in SCORED {
        over.rename(name, &format!("logged_{name}"));
    }
    for (name, value) in fields {
        over.set(name, value);
    }
    over
}

/// The elements of a list.
pub(super) fn list<'l>(name: &str, raw: &'l RawValue) -> Result<Vec<&'l RawValue>, RolloutError> {
    let pointer = Pointer::field(name);
    if !raw.get().starts_with('[') {
        return Err(wrong_type(&pointer, raw.get(), "a list"));
    }
    serde_json::from_str(raw.get()).map_err(|error| pointer_fault(&pointer, error.to_string()))
}

/// The value of a field of an object that has no other; those that are null count as
/// missing.
pub(super) fn only_member<'l>(object: &'l RawValue, name: &str) -> Option<&'l RawValue> {
    let record: Record<'l> = serde_json::from_str(object.get()).ok()?;
    let mut set = record.columns().filter(|(_, raw)| *raw != "null");
    let (found, _) = set.next()?;
    match found == name && set.next().is_none() {
        true => record.field(name),
        false => None,
    }
}

/// The value of a field of an object, unless it is missing or null.
pub(super) fn member<'l>(object: &'l RawValue, name: &str) -> Option<&'l RawValue> {
    let record: Record<'l> = serde_json::from_str(object.get()).ok()?;
    record.field(name)
}

/// A text, or a number's digits.
pub(super) fn name_of(raw: &RawValue) -> Option<String> {
    scalar(&Pointer::field(""), raw.get()).ok().flatten()
}

/// A text.
pub(super) fn text_of(raw: &RawValue) -> Option<String> {
    name_of(raw).filter(|_| raw.get().starts_with('"'))
}

/// A JSON number.
pub(super) fn raw_number(number: usize) -> Box<RawValue> {
    RawValue::from_string(number.to_string()).expect("digits are JSON")
}
