//! lm-evaluation-harness: the samples of a task that generates text.
//!
//! A row is one document under one filter. Its requests are in `arguments`, their
//! answers in `resps`, before any filter. A task that compares log-likelihoods has
//! several requests, whose arguments are a context and a continuation; there is no
//! completion in it.
//!
//! Targets are logged as Python's `str` of them: several are one text,
//! `['Paris', 'City of Paris']`, and any of them may be met.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::record::raw_text;
use super::conversations::joined;
use super::fault;
use super::plan::{Plan, Source, list, member, name_of, text_of};
use super::python_list::{Printed, printed};
use crate::rollout::RolloutError;

pub(super) fn samples<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    let requests = source.need_list("resps")?;
    let [answers] = requests.as_slice() else {
        let problem = format!(
            "has the answers to {} requests; one was expected",
            requests.len()
        );
        return Err(fault("resps", problem));
    };
    let request = source
        .get("arguments")
        .and_then(|arguments| member(arguments, "gen_args_0").or_else(|| first(arguments)));
    let argument = |name: &str, at: usize| {
        let request = request?;
        member(request, name).or_else(|| list("arguments", request).ok()?.get(at).copied())
    };
    if argument("arg_1", 1).is_some_and(|options| !options.get().starts_with('{')) {
        let problem = "are of a task that compares log-likelihoods; there is no completion in them";
        return Err(fault("arguments", problem));
    }
    let mut plan = Plan::each("resps", &list("resps", answers)?)?;
    if let Some(target) = source.get("target") {
        match text_of(target).map(|text| printed(&text)) {
            None | Some(Printed::Plain) => plan = plan.judged_by(Some(target)),
            Some(Printed::Texts(texts)) => {
                let texts: Vec<Box<RawValue>> = texts.iter().map(|text| raw_text(text)).collect();
                let texts: Vec<&RawValue> = texts.iter().map(AsRef::as_ref).collect();
                plan.shared.push(("reference", joined(&texts)));
            }
            // Nobody knows here what of it must be met.
            Some(Printed::Other) => {}
        }
    }
    // The prompt, and what the filters took out of the answers, say the same again.
    plan.left_out.extend(["arguments", "filtered_resps"]);
    plan.id = source.get("doc_id").and_then(name_of);
    if let Some(context) = argument("arg_0", 0) {
        let prompt = chat(context).map_or(Cow::Borrowed(context), Cow::Owned);
        plan.shared.push(("prompt", prompt));
    }
    Ok(plan)
}

/// The first request where the arguments are as the library has them in memory.
fn first(arguments: &RawValue) -> Option<&RawValue> {
    list("arguments", arguments).ok()?.first().copied()
}

/// Chat messages in a text, as models behind an API are asked.
fn chat(context: &RawValue) -> Option<Box<RawValue>> {
    let text = text_of(context)?;
    let is_chat = text.starts_with("[{") && text.contains("\"role\"");
    is_chat.then(|| RawValue::from_string(text).ok()).flatten()
}
