//! `POST /openrlhf`: what OpenRLHF's `--reward.remote_url` asks.
//!
//! `{"query": […], "prompts": […], "labels": […]}` in, lists of equal length;
//! `{"rewards": […], "scores": […], "extra_logs": {name: […]}}` out. A query is the
//! prompt and the response with all special tokens. `scores` is the share that is
//! solved, which dynamic filtering reads.
//!
//! Source: OpenRLHF 0.11.2, `openrlhf/utils/agent.py`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::prompt::{after_prompt, without_end};
use super::row::{Draft, unusable};
use super::{check_groups, check_rows, open, rewards};
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
    let rows = rows(text(&body.bytes)?, scorer.fields())?;
    check_rows(lane, rows.len())?;
    let scored = score_all(lane, rows).await?;
    let rewards = rewards(&scored, &asked)?;
    check_groups(lane, &scored)?;
    let scores: Vec<f64> = scored
        .iter()
        .zip(&rewards)
        .map(|(row, reward)| solved(row, *reward))
        .collect();
    let mut logs = Map::new();
    for name in scorer.rewards() {
        // A list with a hole is no tensor.
        let values = scored.iter().map(|row| row.score.term(name)?.value);
        if let Some(values) = values.collect::<Option<Vec<f64>>>()
            && !values.is_empty()
        {
            logs.insert(name.to_string(), json!(values));
        }
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

/// How much of the task is solved, in [0, 1].
fn solved(row: &Scored, reward: f64) -> f64 {
    match row.verdict {
        Some(Outcome::Correct) => 1.0,
        Some(_) => 0.0,
        None => reward.clamp(0.0, 1.0),
    }
}
