//! The protocols of trainers: their bodies into rows, scores into their answers.
//!
//! None of them has a word for "no reward". A row that nobody can judge, or that is
//! unusable, refuses the whole request with 422 and says why, which every trainer
//! reports; whoever wants a number in its place says which (`?abstain=`, `?error=`).
//! What failed on our side, a judge that does not answer included, says nothing about
//! the policy: it is 503, unless `?failure=` names a number.

pub(super) mod llama_factory;
pub(super) mod nemo_gym;
pub(super) mod openrlhf;
mod prompt;
mod row;
pub(super) mod slime;

use std::collections::HashMap;

use axum::extract::Request;
use axum::http::StatusCode;

use super::app::App;
use super::body::{Held, discard, whole};
use super::lane::Lane;
use super::queue::Scored;
use super::refusal::Refusal;
use super::routes::Asked;
use crate::reward::{ErrorKind, Score, Status, Term};

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
        let stand_in = match lack(score) {
            Lack::Failure => asked.failure,
            Lack::Unusable => asked.error,
            Lack::Undecided => asked.abstain,
        };
        let reward = score.reward.or(stand_in);
        reward.ok_or_else(|| unjudged(score).of_row(position))
    })
    .collect()
}

/// Refuses a row that comes alone where rows of a group are compared: it would be the
/// best of a group of one.
fn check_rows(lane: &Lane, rows: usize) -> Result<(), Refusal> {
    if rows != 1 || !lane.engine().scorer().needs_groups() {
        return Ok(());
    }
    let message = format!(
        "`{}` compares the rollouts of a group, and this request has one; send whole groups to `/score`",
        lane.name()
    );
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Err(Refusal::new(status, "needs_group", message))
}

/// Refuses rows of which one is alone with its prompt where rows of a group are
/// compared. Rows of one prompt are a group; these protocols have no other name for it.
/// A row that is unusable is compared with nobody.
fn check_groups(lane: &Lane, scored: &[Scored]) -> Result<(), Refusal> {
    if !lane.engine().scorer().needs_groups() {
        return Ok(());
    }
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    let usable = || {
        (1..)
            .zip(scored)
            .filter(|(_, row)| row.score.error.is_none())
    };
    for (_, row) in usable() {
        *sizes.entry(&row.score.group).or_default() += 1;
    }
    match usable().find(|(_, row)| sizes[&*row.score.group] == 1) {
        None => Ok(()),
        Some((position, _)) => {
            let message = format!(
                "`{}` compares the rollouts of a group, and this row is the only one of its prompt here; send all rollouts of a prompt in one request",
                lane.name()
            );
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Err(Refusal::new(status, "needs_group", message).of_row(position))
        }
    }
}

/// Why a row has no reward: whose doing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// Ours, or that of a judge which does not answer.
    Failure,
    /// The row's.
    Unusable,
    /// Nobody's: it cannot be judged.
    Undecided,
}

fn lack(score: &Score) -> Lack {
    if score.status == Status::Error {
        let kind = score.error.as_ref().map(|error| error.kind);
        return match kind {
            Some(ErrorKind::Data) => Lack::Unusable,
            _ => Lack::Failure,
        };
    }
    match score.terms.iter().any(has_failed) {
        true => Lack::Failure,
        false => Lack::Undecided,
    }
}

/// Whether a term is open since an endpoint failed.
fn has_failed(term: &Term) -> bool {
    let reason = term.reason.unwrap_or_default();
    term.value.is_none() && reason.starts_with("remote_")
}

fn unjudged(score: &Score) -> Refusal {
    let (status, code, query) = match lack(score) {
        Lack::Failure => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "failure"),
        Lack::Unusable => (StatusCode::UNPROCESSABLE_ENTITY, "unjudged", "error"),
        Lack::Undecided => (StatusCode::UNPROCESSABLE_ENTITY, "unjudged", "abstain"),
    };
    let message = format!(
        "there is no reward ({}), and this protocol has no word for that; `?{query}=NUMBER` pays a number instead",
        why(score)
    );
    Refusal::new(status, code, message)
}

/// Why a row has no reward, in a few words.
fn why(score: &Score) -> String {
    if let Some(error) = &score.error {
        return error.message.clone();
    }
    let failed = score.terms.iter().find(|term| has_failed(term));
    let open = failed.or_else(|| score.terms.iter().find(|term| term.value.is_none()));
    match open {
        Some(term) => match term.reason {
            Some(reason) => format!("`{}` cannot be judged: {reason}", term.name),
            None => format!("`{}` cannot be judged", term.name),
        },
        None => "no reward of the spec applies".to_owned(),
    }
}
