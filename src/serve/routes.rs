//! Routes, and what is the same for all of them: ids, the token, counts and errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::app::App;
use super::body::discard;
use super::lane::Lane;
use super::refusal::Refusal;
use super::{native, page, protocol};

const REQUEST_ID: &str = "x-request-id";
/// Longest id that a client may give its request.
const MAX_ID: usize = 128;

/// Marks answers whose end comes long after their beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streamed;

/// All routes, with and without `/v1` in front.
pub(super) fn router(app: &Arc<App>) -> Router {
    let routes = || {
        Router::new()
            .route("/score", post(native::score))
            .route("/openrlhf", post(protocol::openrlhf::handle))
            .route("/slime", post(protocol::slime::handle))
            .route("/verify", post(protocol::nemo_gym::handle))
            .route("/llamafactory", post(protocol::llama_factory::handle))
            .route("/health", get(health))
            .route("/metrics", get(metrics))
            .route("/specs", get(specs))
            .route("/status", get(status))
    };
    Router::new()
        .merge(routes())
        .nest("/v1", routes())
        .route("/", get(page::page))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(app), front))
        .with_state(Arc::clone(app))
}

/// Before and after every request.
async fn front(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(&app, request.headers());
    let route = route(request.uri().path());
    let mut response = if is_open(route) || is_welcome(&app, request.headers()) {
        next.run(request).await
    } else {
        let (head, body) = request.into_parts();
        discard(body, &head.headers, app.options.patience).await;
        let message = "this needs `Authorization: Bearer` with the server's token";
        Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message).into_response()
    };
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        app.refused(refusal.code);
        *response.body_mut() = Body::from(refusal.json_body(&id));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let is_streamed = response.extensions().get::<Streamed>().is_some();
    let took = (!is_streamed).then(|| began.elapsed());
    app.meters.answered(route, response.status().as_u16(), took);
    if let Some(took) = took
        && gives_scores(route)
        && response.status() == StatusCode::OK
    {
        app.recent.answered(took);
    }
    response
}

/// The request's own id, where it has one that fits into a header and a log.
fn request_id(app: &App, headers: &HeaderMap) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let own = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    match own {
        Some(id) if !id.is_empty() && id.len() <= MAX_ID => id.to_owned(),
        _ => {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            format!("{:08x}-{count}", app.id_prefix as u32)
        }
    }
}

/// The name of a route in the counts, of which there are few whatever clients ask for.
fn route(path: &str) -> &'static str {
    match path.strip_prefix("/v1").unwrap_or(path) {
        "/score" => "score",
        "/openrlhf" => "openrlhf",
        "/slime" => "slime",
        "/verify" => "verify",
        "/llamafactory" => "llamafactory",
        "/health" => "health",
        "/metrics" => "metrics",
        "/specs" => "specs",
        "/status" => "status",
        "/" => "page",
        _ => "none",
    }
}

fn gives_scores(route: &str) -> bool {
    matches!(
        route,
        "score" | "openrlhf" | "slime" | "verify" | "llamafactory"
    )
}

/// Routes that need no token: they say nothing that is not public.
fn is_open(route: &str) -> bool {
    matches!(route, "health" | "page")
}

fn is_welcome(app: &App, headers: &HeaderMap) -> bool {
    let Some(token) = &app.options.token else {
        return true;
    };
    let given = headers
        .get(header::AUTHORIZATION)
        .map(HeaderValue::as_bytes);
    let bearer = given.and_then(|given| {
        let (scheme, rest) = given.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(rest)
    });
    bearer.is_some_and(|bearer| token.is(bearer))
}

async fn not_found(State(app): State<Arc<App>>, request: Request) -> Refusal {
    let (head, body) = request.into_parts();
    discard(body, &head.headers, app.options.patience).await;
    let message = "there is nothing here; see `GET /`";
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
}

async fn wrong_method(State(app): State<Arc<App>>, request: Request) -> Refusal {
    let (head, body) = request.into_parts();
    discard(body, &head.headers, app.options.patience).await;
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let message = format!("`{}` is not for this path", head.method);
    Refusal::new(status, "wrong_method", message)
}

async fn health(State(app): State<Arc<App>>) -> Response {
    match app.is_draining() {
        false => json_response(&json!({ "status": "ready" })),
        true => {
            let mut response = json_response(&json!({ "status": "draining" }));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let text = app.meters.text(&app.lanes, app.held_bytes());
    let text = text.map_err(|_| Refusal::ours("the counts could not be written"))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

async fn specs(State(app): State<Arc<App>>) -> Response {
    let spec = |lane: &Arc<Lane>| {
        let scorer = lane.engine().scorer();
        let rewards = scorer.rewards().iter().zip(scorer.weights());
        let rewards: Vec<Value> = rewards
            .map(|(name, weight)| json!({ "name": &**name, "weight": weight }))
            .collect();
        json!({
            "name": scorer.name(),
            "description": scorer.description(),
            "sha256": scorer.spec_sha256(),
            "rewards": rewards,
            "needs_groups": scorer.needs_groups(),
            "text": scorer.text(),
        })
    };
    let specs: Vec<Value> = app.lanes.iter().map(spec).collect();
    json_response(&json!({ "specs": specs }))
}

async fn status(State(app): State<Arc<App>>) -> Response {
    let mut status = app.recent.json();
    let lanes = app.lanes.iter().map(|lane| {
        json!({
            "name": lane.name(),
            "sha256": lane.engine().scorer().spec_sha256(),
            "queue_rows": lane.depth(),
            "queue_capacity_rows": lane.capacity(),
        })
    });
    status["specs"] = lanes.collect();
    #[cfg(feature = "remote")]
    {
        status["remote"] = super::remote::json(&app.lanes);
    }
    status["version"] = env!("CARGO_PKG_VERSION").into();
    status["state"] = match app.is_draining() {
        true => "draining".into(),
        false => "ready".into(),
    };
    json_response(&status)
}

fn json_response(value: &Value) -> Response {
    json_bytes(value.to_string().into_bytes())
}

/// An answer that is JSON already.
pub(super) fn json_bytes(text: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// What a query says.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Name of the spec.
    pub(super) spec: Option<String>,
    /// What a row that nobody can judge pays, where a protocol knows only numbers.
    pub(super) abstain: Option<f64>,
    /// What a row pays that is unusable.
    pub(super) error: Option<f64>,
    /// What a row pays on which we failed, or a judge.
    pub(super) failure: Option<f64>,
    /// Text before the response.
    pub(super) split: Option<String>,
}

impl Asked {
    /// Reads a query that may have the keys `allowed`; another key is a mistake.
    pub(super) fn read(uri: &Uri, allowed: &[&str]) -> Result<Self, Refusal> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) = pairs.map_err(|_| Refusal::malformed("the query is not valid"))?;
        let mut asked = Self::default();
        for (index, (key, value)) in pairs.iter().enumerate() {
            if pairs[..index].iter().any(|(before, _)| before == key) {
                return Err(Refusal::malformed(format!("the query says `{key}` twice")));
            }
            match key.as_str() {
                key if !allowed.contains(&key) => {
                    let known = allowed.join("`, `");
                    let message = format!("no query `{key}` here, but `{known}`");
                    return Err(Refusal::malformed(message));
                }
                "abstain" => asked.abstain = Some(number(key, value)?),
                "error" => asked.error = Some(number(key, value)?),
                "failure" => asked.failure = Some(number(key, value)?),
                "split" if value.is_empty() => {
                    let message = "`split=` names no text before the response";
                    return Err(Refusal::malformed(message));
                }
                "split" => asked.split = Some(value.clone()),
                _ => asked.spec = Some(value.clone()),
            }
        }
        Ok(asked)
    }
}

fn number(key: &str, value: &str) -> Result<f64, Refusal> {
    let number = value.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| Refusal::malformed(format!("`{key}={value}` is not a number")))
}
