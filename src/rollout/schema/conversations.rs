//! Schemas in which a completion is part of a conversation, or comes with what became
//! of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::plan::{Field, Plan, Source, list, member, name_of, text_of};
use super::{fault, truth};
use crate::rollout::RolloutError;

/// verifiers before 0.4. A rollout whose environment failed has no completion that
/// anybody should be paid for, or not: it is an error, and keeps what there is of a
/// completion under another name, so that it is one again when it is scored again.
pub(super) fn verifiers<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    if let Some(error) = source.get("error") {
        let text = text_of(error).or_else(|| {
            let name = member(error, "error_chain_str").or(member(error, "error"));
            text_of(name?)
        });
        let text = text.unwrap_or_else(|| error.get().to_owned());
        let failed = fault("error", format!("says that the rollout failed: {text}"));
        let plan = Plan {
            completions: vec![Err(failed.into())],
            ..Plan::default()
        };
        return Ok(plan
            .set("logged_completion", source.get("completion"))
            .without(&["completion"]));
    }
    let finish = source.get("is_truncated").map(|cut| match cut.get() {
        "true" => "length",
        _ => "stop",
    });
    let mut plan = Plan::one(source.need("completion")?)
        .judged_by(source.get("answer"))
        .set_text("finish_reason", finish);
    let tokens = source
        .get("token_usage")
        .and_then(|usage| member(usage, "output_tokens"));
    plan.shared.extend(tokens.and_then(whole));
    Ok(plan)
}

/// open-instruct: the last message is the completion. Several truths of several
/// verifiers, which open-instruct adds up, have no native form.
pub(super) fn open_instruct<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    let (prompt, completion) = split("messages", source.need("messages")?)?;
    let mut plan = Plan {
        completions: vec![Ok(vec![completion])],
        left_out: vec!["messages"],
        ..Plan::default()
    };
    plan.shared.push(prompt);
    let data_set = source.need("dataset")?;
    let data_set = match data_set.get().starts_with('[') {
        false => Some(data_set),
        true => match list("dataset", data_set)?.as_slice() {
            [one] => Some(*one),
            _ => return Ok(plan),
        },
    };
    Ok(plan
        .set("data_source", data_set)
        .judged_by(source.get("ground_truth")))
}

/// Preference pairs: the chosen one, then the rejected one. Without a prompt both
/// are whole conversations that differ in the last message.
pub(super) fn pairs<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    let mut plan = Plan {
        is_list: true,
        left_out: vec!["chosen", "rejected"],
        ..Plan::default()
    };
    let has_prompt = source.get("prompt").is_some();
    for name in ["chosen", "rejected"] {
        let given = source.need(name)?;
        let mut fields = match has_prompt || !given.get().starts_with('[') {
            true => vec![("completion", Cow::Borrowed(given))],
            false => {
                let (prompt, completion) = split(name, given)?;
                vec![prompt, completion]
            }
        };
        fields.push((
            "preference",
            Cow::Owned(super::super::record::raw_text(name)),
        ));
        plan.completions.push(Ok(fields));
    }
    Ok(plan.judged_by(truth::answer(source)))
}

/// A conversation up to the last message, and that message.
fn split<'l>(
    name: &'static str,
    messages: &'l RawValue,
) -> Result<(Field<'l>, Field<'l>), RolloutError> {
    #[derive(Deserialize)]
    struct Role {
        role: Option<String>,
    }
    let messages = list(name, messages)?;
    let last = messages.split_last().filter(|(last, _)| {
        let role: Option<Role> = serde_json::from_str(last.get()).ok();
        role.and_then(|role| role.role).as_deref() == Some("assistant")
    });
    let Some((last, before)) = last else {
        let problem = "does not end in a message of the assistant: nobody has answered it yet";
        return Err(fault(name, problem));
    };
    Ok((("prompt", joined(before)), ("completion", joined(&[*last]))))
}

/// A list of those values.
pub(super) fn joined<'l>(values: &[&RawValue]) -> Cow<'l, RawValue> {
    let values: Vec<&str> = values.iter().map(|value| value.get()).collect();
    let list = RawValue::from_string(format!("[{}]", values.join(",")));
    Cow::Owned(list.expect("values of JSON make a list"))
}

/// `n_tokens` by a number that tools write as `812.0`.
fn whole<'l>(raw: &RawValue) -> Option<Field<'l>> {
    let digits = name_of(raw)?;
    let digits = digits.strip_suffix(".0").unwrap_or(&digits);
    let count: u64 = digits.parse().ok()?;
    // Nothing was counted.
    (count > 0).then(|| {
        let raw = RawValue::from_string(count.to_string());
        ("n_tokens", Cow::Owned(raw.expect("digits are JSON")))
    })
}
