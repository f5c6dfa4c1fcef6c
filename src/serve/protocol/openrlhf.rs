//! `POST /openrlhf`: what OpenRLHF's `--reward.remote_url` asks.
//!
//! `{"query": […], "prompts": […], "labels": […]}` in, lists of equal length;
//! `{"rewards": […], "scores": […], "extra_logs": {name: […]}}` out. A query is the
//! prompt and the response with all special tokens. `scores` is the share that is
//! solved, which dynamic filtering reads. `extra_logs` has what the Python package's
//! adapter logs: every reward before its weight, and whether there was none. The trainer
//! makes a tensor of every number, so that no list may have a hole: a reward that a row
//! lacks is 0 there, which is what it adds to the total.
//!
//! Source: OpenRLHF 0.11.2, `openrlhf/utils/agent.py`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::prompt::{after_prompt, without_end};
use super::row::{Draft, unusable};
use super::{check_groups, check_rows, open, rewards};
use crate::reward::{Scorer, Status};
use crate::rollout::{FieldMap, LossyString};
use crate::serve::app::App;
use crate::serve::native::{score_all, text};
use crate::serve::queue::{Row, Scored};
use crate::serve::refusal::Refusal;
use crate::serve::routes::json_bytes;
use crate::verdict::Outcome;

#[derive(Deserialize)]
struct Asked<'b> {
    query: Vec<LossyString>,
    prompts: Vec<LossyString>,
    #[serde(borrow)]
    labels: Vec<&'b RawValue>,
}

pub(in crate::serve) async fn handle(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (asked, body) = open(&app, request, &["spec", "abstain", "error", "failure"]).await?;
    let lane = app.lane(asked.spec.as_deref())?;
    let scorer = lane.engine().scorer();
    check_names(scorer)?;
    let rows = rows(text(&body.bytes)?, scorer.fields())?;
    check_rows(lane, rows.len())?;
    let scored = score_all(lane, rows).await?;
    let rewards = rewards(&scored, &asked)?;
    check_groups(lane, &scored)?;
    let judges = scorer.solvers().next().is_some();
    let scores = scored.iter().map(|row| solved(row, judges));
    let scores: Vec<f64> = scores.collect();
    let mut logs = Map::new();
    for name in scorer.rewards() {
        let raw = |row: &Scored| row.score.term(name)?.raw;
        let values = scored.iter().map(|row| raw(row).unwrap_or(0.0));
        logs.insert(name.to_string(), values.collect());
    }
    for (name, status) in [("abstain", Status::Abstain), ("error", Status::Error)] {
        let is_it = |row: &Scored| f64::from(row.score.status == status);
        logs.insert(name.to_owned(), scored.iter().map(is_it).collect());
    }
    let answer = json!({ "rewards": rewards, "scores": scores, "extra_logs": Value::Object(logs) });
    Ok(json_bytes(answer.to_string().into_bytes()))
}

fn rows(body: &str, fields: &FieldMap) -> Result<Vec<Row>, Refusal> {
    let asked: Asked = serde_json::from_str(body).map_err(|error| Refusal::json(&error))?;
    let count = asked.query.len();
    for (field, length) in [
        ("/prompts", asked.prompts.len()),
        ("/labels", asked.labels.len()),
    ] {
        if length != count {
            let problem = format!("has {length} items, but `query` has {count}");
            return Err(Refusal::field(field, &problem));
        }
    }
    let pairs = asked.query.iter().zip(&asked.prompts).zip(&asked.labels);
    let rows = (1..).zip(pairs).map(|(position, ((query, prompt), label))| {
        let Some(response) = after_prompt(&query.0, &prompt.0) else {
            let message = "the query does not begin with its prompt, so that nobody knows where the response begins";
            return unusable(position, message, "/query");
        };
        let mut draft = Draft::default();
        draft.set_text(&fields.prompt, &prompt.0);
        draft.set_text(&fields.completion, without_end(response));
        draft.set(&fields.reference, label.get());
        draft.row(position)
    });
    Ok(rows.collect())
}

/// Names that the trainer logs something else by, or this protocol. The same list is in
/// the Python package (`goldstone/openrlhf.py`).
const TAKEN: &[&str] = &[
    "abstain",
    "error",
    "reward",
    "score",
    "scores",
    "rewards",
    "response_clip_ratio",
    "response_length",
    "truncated",
    "total_length",
    "return",
    "kl",
    "logprobs_diff",
    "group_reward_std",
    "policy_loss",
    "critic_loss",
    "values",
    "actor_lr",
    "critic_lr",
    "entropy_loss",
    "ppo_clip_ratio",
    "ppo_kl",
    "vllm_kl",
    "is_filter_ratio",
    "actor_grad_norm",
    "critic_grad_norm",
];

/// Refuses a spec with a reward whose numbers would stand for something else in the logs.
fn check_names(scorer: &Scorer) -> Result<(), Refusal> {
    let mut names = scorer.rewards().iter();
    match names.find(|name| TAKEN.contains(&&***name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "`{}` has a reward `{name}`, a name that OpenRLHF's logs have for something else; give it another one, such as `{name}_reward`",
                scorer.name()
            );
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Err(Refusal::new(status, "taken_name", message))
        }
    }
}

/// How much of the task is solved, in [0, 1]: whether the answer is right where the spec
/// judges answers (`judges`), else what the row is paid. A number that stands in for no
/// reward solves nothing.
fn solved(row: &Scored, judges: bool) -> f64 {
    match (row.verdict, row.score.reward) {
        (_, None) => 0.0,
        (Some(Outcome::Correct), _) => 1.0,
        (None, Some(reward)) if !judges => reward.clamp(0.0, 1.0),
        _ => 0.0,
    }
}
