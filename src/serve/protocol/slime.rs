//! `POST /slime`: what slime's `--rm-type remote_rm --rm-url` asks.
//!
//! `{"prompt": …, "response": …, "label": …}` in, a number out. Tokens that end a
//! turn are taken off the response. slime tries ten times and then raises what an answer
//! other than 200 says.
//!
//! Source: slime, `slime/rollout/rm_hub/__init__.py`, August 2026.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;
use serde_json::value::RawValue;

use super::prompt::without_end;
use super::row::Draft;
use super::{check_rows, open, rewards};
use crate::rollout::{LossyString, Record};
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
    let fields = lane.engine().scorer().fields();
    let text = text(&body.bytes)?;
    serde_json::from_str::<&RawValue>(text).map_err(|error| Refusal::json(&error))?;
    let record = Record::parse(text.as_bytes()).map_err(Refusal::record)?;
    let mut draft = Draft::default();
    let mut has_response = false;
    for (name, raw) in record.columns() {
        match name {
            "prompt" => draft.set(&fields.prompt, raw),
            "label" => draft.set(&fields.reference, raw),
            "response" => {
                has_response = true;
                match serde_json::from_str::<LossyString>(raw) {
                    Ok(text) => draft.set_text(&fields.completion, without_end(&text.0)),
                    Err(_) => draft.set(&fields.completion, raw),
                }
            }
            _ => {}
        }
    }
    if !has_response {
        return Err(Refusal::field("/response", "is missing"));
    }
    let scored = score_all(lane, vec![draft.row(1)]).await?;
    let reward = rewards(&scored, &asked)?;
    Ok(json_bytes(json!(reward[0]).to_string().into_bytes()))
}
