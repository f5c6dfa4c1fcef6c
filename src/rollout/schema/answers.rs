//! Schemas of which a completion is one field, or one element of a list.

use super::plan::{Plan, Source, member};
use super::{fault, truth};
use crate::rollout::RolloutError;

/// TRL's data sets and logs. Prompt and completion are native; the log's columns of
/// rewards stay what they are.
pub(super) fn trl<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    let plan = match source.get("completions") {
        Some(_) => several(source, "completions")?,
        None => Plan::one(source.need("completion")?),
    };
    Ok(plan.judged_by(truth::answer(source)))
}

/// verl's data sets: the truth is in `reward_model`, the completions are those that
/// its generation adds for `main_eval`.
pub(super) fn verl<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    let truth = member(source.need("reward_model")?, "ground_truth");
    Ok(responses_of(source)?.judged_by(truth))
}

/// verl's dumps of rollouts and validation.
pub(super) fn verl_dump<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    Ok(Plan::one(source.need("output")?)
        .set("prompt", source.get("input"))
        .judged_by(source.get("gts"))
        .without(&["input", "output"]))
}

/// OpenR1-Math: lists of what is known of each generation go along with it.
pub(super) fn openr1<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    let prompt = source.get("problem").or(source.get("question"));
    let mut plan = several(source, "generations")?
        .set("prompt", prompt)
        .set("data_source", source.get("source"))
        .judged_by(source.get("answer"))
        // The messages are the prompt and one of the generations.
        .without(&["messages"])
        .deal(
            "finish_reason",
            "finish_reasons",
            source.get_list("finish_reasons"),
        )
        .deal(
            "n_tokens",
            "generation_token_length",
            source.get_list("generation_token_length"),
        );
    for name in [
        "correctness_math_verify",
        "correctness_llama",
        "is_reasoning_complete",
    ] {
        plan = plan.deal(name, name, source.get_list(name));
    }
    if let Some(uuid) = source.get("uuid") {
        plan.id = super::plan::name_of(uuid);
    }
    Ok(plan)
}

/// SkyRL's data sets, with completions as verl's have them.
pub(super) fn skyrl<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    let truth = member(source.need("reward_spec")?, "ground_truth");
    Ok(responses_of(source)?
        .set("task", source.get("env_class"))
        .judged_by(truth))
}

/// SkyRL's dumps of an evaluation. The row's fields beyond the prompt are in
/// `env_extras`.
pub(super) fn skyrl_dump<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    let extras = source.get("env_extras");
    let truths = ["reward_spec", "reward_model"].map(|name| {
        let outer = extras.and_then(|extras| member(extras, name));
        outer.and_then(|outer| member(outer, "ground_truth"))
    });
    Ok(Plan::one(source.need("output_response")?)
        .set("prompt", source.get("input_prompt"))
        .set("finish_reason", source.get("stop_reason"))
        .set("task", source.get("env_class"))
        .judged_by(truths.into_iter().flatten().next())
        .without(&["input_prompt", "output_response"]))
}

/// Prompt and response.
pub(super) fn responses<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    Ok(Plan::one(source.need("response")?)
        .without(&["response"])
        .judged_by(truth::label_or_answer(source)))
}

/// The completions of a data set that verl or SkyRL has answered.
fn responses_of<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    if source.get("responses").is_some() {
        return several(source, "responses");
    }
    match (source.get("response"), source.get("completion")) {
        (Some(response), _) => Ok(Plan::one(response).without(&["response"])),
        (None, Some(completion)) => Ok(Plan::one(completion)),
        (None, None) => {
            let problem = "is missing: these are prompts, and nobody has answered them yet";
            Err(fault("responses", problem))
        }
    }
}

fn several<'l>(source: &Source<'_, 'l>, name: &'static str) -> Result<Plan<'l>, RolloutError> {
    Plan::each(name, &source.need_list(name)?)
}
