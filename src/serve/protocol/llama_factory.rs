//! `POST /llamafactory`: what LLaMA-Factory's `reward_model_type: api` asks.
//!
//! `{"model": …, "messages": [text, …]}` in, `{"scores": […]}` out. A text is prompt
//! and response in one, so they are taken apart at the first mark of a chat template,
//! or at `?split=TEXT`. There is no reference: rewards that need one abstain.
//!
//! Source: LLaMA-Factory 0.9.5, `train/ppo/ppo_utils.py`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::prompt::{split, without_end};
use super::row::{Draft, unusable};
use super::{check_groups, check_rows, open, rewards};
use crate::rollout::LossyString;
use crate::serve::app::App;
use crate::serve::native::{score_all, text};
use crate::serve::queue::Row;
use crate::serve::refusal::Refusal;
use crate::serve::routes::json_bytes;

#[derive(Deserialize)]
struct Asked {
    messages: Vec<LossyString>,
}

pub(in crate::serve) async fn handle(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (asked, body) = open(
        &app,
        request,
        &["spec", "abstain", "error", "failure", "split"],
    )
    .await?;
    let lane = app.lane(asked.spec.as_deref())?;
    let fields = lane.engine().scorer().fields();
    let texts: Asked =
        serde_json::from_str(text(&body.bytes)?).map_err(|error| Refusal::json(&error))?;
    let row = |(position, text): (u64, &LossyString)| -> Row {
        let Some((prompt, response)) = split(&text.0, asked.split.as_deref()) else {
            let message = "the text has no mark of a known chat template before the response; `?split=TEXT` names another one";
            return unusable(position, message, "/messages");
        };
        let mut draft = Draft::default();
        draft.set_text(&fields.prompt, prompt);
        draft.set_text(&fields.completion, without_end(response));
        draft.row(position)
    };
    let rows: Vec<Row> = (1..).zip(&texts.messages).map(row).collect();
    check_rows(lane, rows.len())?;
    let scored = score_all(lane, rows).await?;
    let scores = rewards(&scored, &asked)?;
    check_groups(lane, &scored)?;
    Ok(json_bytes(
        json!({ "scores": scores }).to_string().into_bytes(),
    ))
}
