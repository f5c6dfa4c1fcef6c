//! `POST /verify`: what NeMo-Gym asks of a resources server.
//!
//! The row with `responses_create_params` and `response` (OpenAI's Responses API) in;
//! the same with `reward` and `reward_components` out. The reward is the sum of its
//! components: where the spec combines its rewards otherwise, there is one component,
//! called as the spec is. A number that stands in for no reward is masked
//! (`mask_sample`), with the reason.
//!
//! Source: NeMo-Gym, `nemo_gym/base_resources_server.py`, November 2026.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::row::Draft;
use super::{check_rows, open, rewards, why};
use crate::reward::Score;
use crate::rollout::Record;
use crate::serve::app::App;
use crate::serve::native::{score_all, text};
use crate::serve::refusal::Refusal;
use crate::serve::routes::json_bytes;

pub(in crate::serve) async fn handle(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (asked, body) = open(&app, request, &["spec", "abstain", "error", "failure"]).await?;
    let lane = app.lane(asked.spec.as_deref())?;
    check_rows(lane, 1)?;
    let scorer = lane.engine().scorer();
    let text = text(&body.bytes)?;
    serde_json::from_str::<&RawValue>(text).map_err(|error| Refusal::json(&error))?;
    let record = Record::parse(text.as_bytes()).map_err(Refusal::record)?;
    let column = |wanted: &str| {
        let mut columns = record.columns();
        columns.find_map(|(name, raw)| (name == wanted).then_some(raw))
    };
    let response = column("response").ok_or(Refusal::field("/response", "is missing"))?;
    let response: Value = serde_json::from_str(response)
        .map_err(|_| Refusal::field("/response", "cannot be read"))?;
    let Some(output) = response.get("output").and_then(Value::as_array) else {
        return Err(Refusal::field("/response/output", "must be a list"));
    };
    let row = record.columns();
    let mut draft =
        Draft::of(row.filter(|(name, _)| !matches!(*name, "response" | "responses_create_params")));
    let fields = scorer.fields();
    draft.set(&fields.completion, &json!([answer(output)]).to_string());
    if let Some(params) = column("responses_create_params") {
        let params: Value = serde_json::from_str(params)
            .map_err(|_| Refusal::field("/responses_create_params", "cannot be read"))?;
        if let Some(prompt) = prompt(&params["input"]) {
            draft.set(&fields.prompt, &prompt.to_string());
        }
    }
    let scored = score_all(lane, vec![draft.row(1)]).await?;
    let score = &scored[0].score;
    let reward = rewards(&scored, &asked)?[0];
    let mut parts: Vec<String> = Vec::new();
    let ours = [
        "reward",
        "reward_components",
        "mask_sample",
        "failure_reason",
    ];
    for (name, raw) in record.columns() {
        if !ours.contains(&name) {
            parts.push(format!("{}:{raw}", Value::from(name)));
        }
    }
    parts.push(format!("\"reward\":{}", json!(reward)));
    let components = components(score, reward, scorer.name());
    parts.push(format!("\"reward_components\":{components}"));
    if score.reward.is_none() {
        parts.push("\"mask_sample\":true".to_owned());
        parts.push(format!("\"failure_reason\":{}", Value::from(why(score))));
    }
    Ok(json_bytes(format!("{{{}}}", parts.join(",")).into_bytes()))
}

/// The last message of the policy in a response, with the thinking before it, as a chat
/// message; an empty one where it said nothing. What a user, a tool or an environment
/// says in the course of an episode is not its answer.
fn answer(output: &[Value]) -> Value {
    let kind = |item: &Value| item["type"].as_str().unwrap_or("message").to_owned();
    let is_policys = |item: &Value| item.get("role").is_none_or(|role| role == "assistant");
    let last = output
        .iter()
        .rposition(|item| kind(item) == "message" && is_policys(item));
    let content = last.map_or_else(String::new, |at| parts(&output[at]["content"]));
    let before = &output[..last.unwrap_or(output.len())];
    let thinking: Vec<String> = before
        .iter()
        .rev()
        .take_while(|item| kind(item) == "reasoning")
        .map(|item| match parts(&item["content"]) {
            text if text.is_empty() => parts(&item["summary"]),
            text => text,
        })
        .collect();
    let mut message = json!({ "role": "assistant", "content": content });
    if !thinking.is_empty() {
        let thinking: Vec<String> = thinking.into_iter().rev().collect();
        message["reasoning_content"] = thinking.join("\n").into();
    }
    message
}

/// A string, or the texts of a list of parts.
fn parts(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    }
}

/// The prompt as a text or as chat messages; calls of tools are neither.
fn prompt(input: &Value) -> Option<Value> {
    match input {
        Value::String(_) => Some(input.clone()),
        Value::Array(items) => {
            let messages = items.iter().filter(|item| item["role"].is_string());
            let message =
                |item: &Value| json!({ "role": item["role"], "content": parts(&item["content"]) });
            Some(messages.map(message).collect())
        }
        _ => None,
    }
}

/// Numbers whose sum is the reward.
fn components(score: &Score, reward: f64, spec: &str) -> Value {
    let values = score
        .terms
        .iter()
        .map(|term| Some((&*term.name, term.value?)));
    let terms: Option<Vec<(&str, f64)>> = values.collect();
    let sum = |terms: &[(&str, f64)]| terms.iter().map(|(_, value)| value).sum::<f64>();
    let terms = match terms {
        Some(terms) if score.reward.is_some() && sum(&terms) == reward => terms,
        _ => vec![(spec, reward)],
    };
    let terms = terms.into_iter();
    Value::Object(
        terms
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect::<Map<_, _>>(),
    )
}
