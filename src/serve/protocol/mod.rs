//! The protocols of trainers: their bodies into rows, scores into their answers.
//!
//! None of them has a word for "no reward". A row that nobody can judge, or that is
//! unusable, refuses the whole request with 422 and says why, which every trainer
//! reports; whoever wants a number in its place says which (`?abstain=`, `?error=`).

pub(super) mod llama_factory;
pub(super) mod nemo_gym;
pub(super) mod openrlhf;
mod prompt;
mod row;
pub(super) mod slime;

use axum::extract::Request;
use axum::http::StatusCode;

use super::app::App;
use super::body::{Held, discard, whole};
use super::queue::Scored;
use super::refusal::Refusal;
use super::routes::Asked;
use crate::reward::{Score, Status};

/// What a request asks, and its body.
async fn open(app: &App, request: Request, queries: &[&str]) -> Result<(Asked, Held), Refusal> {
    let (head, body) = request.into_parts();
    let options = &app.options;
    let asked = match Asked::read(&head.uri, queries) {
        Ok(asked) => asked,
        Err(refusal) => {
            discard(body, &head.headers, options.patience).await;
            return Err(refusal);
        }
    };
    let limit = options.body_bytes;
    let body = whole(body, &head.headers, limit, options.patience, &app.budget).await?;
    Ok((asked, body))
}

/// A number for every row.
fn rewards(scored: &[Scored], asked: &Asked) -> Result<Vec<f64>, Refusal> {
    let rows = (1..).zip(scored);
    rows.map(|(position, row)| {
        let score = &row.score;
        let stand_in = match score.status {
            Status::Error => asked.error,
            _ => asked.abstain,
        };
        let reward = score.reward.or(stand_in);
        reward.ok_or_else(|| unjudged(score).of_row(position))
    })
    .collect()
}

fn unjudged(score: &Score) -> Refusal {
    let message = format!(
        "there is no reward ({}), and this protocol has no word for that; `?{}=NUMBER` pays a number instead",
        why(score),
        match score.status {
            Status::Error => "error",
            _ => "abstain",
        }
    );
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "unjudged", message)
}

/// Why a row has no reward, in a few words.
fn why(score: &Score) -> String {
    if let Some(error) = &score.error {
        return error.message.clone();
    }
    let open = score.terms.iter().find(|term| term.value.is_none());
    match open {
        Some(term) => match term.reason {
            Some(reason) => format!("`{}` cannot be judged: {reason}", term.name),
            None => format!("`{}` cannot be judged", term.name),
        },
        None => "no reward of the spec applies".to_owned(),
    }
}
