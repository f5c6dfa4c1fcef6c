//! Ground truths in the shapes that tools keep them in.
//!
//! - A text or a number is the reference. A text that is a JSON object holds unit
//!   tests or constraints; it is the tests as well.
//! - An object with `target` alone is what Search-R1 has: a text, or several of which
//!   any may be met. Another object is the tests, and a reference of its own shape:
//!   the target of a numbers game means nothing without its numbers.
//! - A list of one is that one; a list of assertions is the tests. Of another list
//!   nobody says here whether one element must be met or all: there is no reference,
//!   unless the spec's `[input]` names it.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::plan::{Field, Plan, Source, list, only_member, text_of};

/// Where TRL's own reward functions and their examples look for the truth.
const ANSWERS: [&str; 3] = ["solution", "answer", "ground_truth"];

impl<'l> Plan<'l> {
    /// Sets what the completions are judged by.
    pub(super) fn judged_by(mut self, truth: Option<&'l RawValue>) -> Self {
        self.shared.extend(truth.map(fields).unwrap_or_default());
        self
    }
}

/// The native fields that a ground truth becomes.
pub(super) fn fields(truth: &RawValue) -> Vec<Field<'_>> {
    let reference = |value| ("reference", Cow::Borrowed(value));
    let tests = |value| ("tests", Cow::Borrowed(value));
    match truth.get().as_bytes().first() {
        Some(b'"') => {
            let unpacked = text_of(truth).and_then(object);
            let unpacked = unpacked.map(|tests| ("tests", Cow::Owned(tests)));
            unpacked.into_iter().chain([reference(truth)]).collect()
        }
        Some(b'{') => match only_member(truth, "target") {
            Some(target) => vec![reference(target)],
            None => vec![reference(truth), tests(truth)],
        },
        Some(b'[') => match list("", truth).unwrap_or_default().as_slice() {
            [one] if !one.get().starts_with('[') => fields(one),
            many if !many.is_empty() && many.iter().all(|one| is_assertion(one)) => {
                vec![tests(truth)]
            }
            _ => Vec::new(),
        },
        _ => vec![reference(truth)],
    }
}

/// The one field among those that data sets of TRL have.
pub(super) fn answer<'l>(source: &Source<'_, 'l>) -> Option<&'l RawValue> {
    agreed(source, &ANSWERS)
}

/// The same where `label` may be the field.
pub(super) fn label_or_answer<'l>(source: &Source<'_, 'l>) -> Option<&'l RawValue> {
    let [solution, answer, truth] = ANSWERS;
    agreed(source, &["label", solution, answer, truth])
}

/// The one field of those; `None` where there are two of them that differ, which is
/// for the spec to decide, and where the row has a native field for it.
fn agreed<'l>(source: &Source<'_, 'l>, names: &[&str]) -> Option<&'l RawValue> {
    if source.get("reference").or(source.get("tests")).is_some() {
        return None;
    }
    let found: Vec<&RawValue> = names.iter().filter_map(|name| source.get(name)).collect();
    let (first, rest) = found.split_first()?;
    rest.iter()
        .all(|other| other.get() == first.get())
        .then_some(first)
}

fn is_assertion(raw: &RawValue) -> bool {
    text_of(raw).is_some_and(|text| text.trim_start().starts_with("assert"))
}

/// A text that is a JSON object.
fn object(text: String) -> Option<Box<RawValue>> {
    match text.trim_start().starts_with('{') {
        true => RawValue::from_string(text).ok(),
        false => None,
    }
}
