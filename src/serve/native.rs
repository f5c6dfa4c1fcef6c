//! `POST /score`: our own records, one or many, and lines of them.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde_json::value::RawValue;

use super::app::App;
use super::body::{check_encoding, discard, whole};
use super::lane::Lane;
use super::lines::Lines;
use super::queue::{Answer, Content, Row, Scored};
use super::refusal::Refusal;
use super::routes::{Asked, json_bytes};
use super::stream::stream;
use crate::reward::RowError;
use crate::rollout::Record;

/// What a body looks like, and so the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `{…}`: a score.
    One,
    /// `[…]`: a list of scores.
    List,
    /// `{"items": […]}`: the same under a name, with the spec.
    Items,
}

/// A body as rows.
#[derive(Debug)]
struct Parsed {
    shape: Shape,
    rows: Vec<Row>,
    spec: Option<String>,
}

pub(super) async fn score(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let asked = match Asked::read(&head.uri, &["spec"]) {
        Ok(asked) => asked,
        Err(refusal) => return refuse(&app, body, &head.headers, refusal).await,
    };
    if is_lines(&head.headers) {
        return lines(&app, &asked, body, &head.headers).await;
    }
    let options = &app.options;
    let limit = options.body_bytes;
    let body = whole(body, &head.headers, limit, options.patience, &app.budget).await?;
    let parsed = parse(&body.bytes, &|row| {
        let lane = app.lane(asked.spec.as_deref());
        lane.is_ok_and(|lane| has_completion(lane, row))
    })?;
    let lane = app.lane(parsed.spec.or(asked.spec).as_deref())?;
    let scored = match parsed.shape {
        Shape::One => score_alone(lane, parsed.rows).await?,
        Shape::List | Shape::Items => score_all(lane, parsed.rows).await?,
    };
    let mut out = Vec::with_capacity(scored.iter().map(|row| row.json.len() + 1).sum::<usize>());
    if parsed.shape == Shape::Items {
        let scorer = lane.engine().scorer();
        let name = serde_json::Value::from(scorer.name());
        let sha256 = scorer.spec_sha256();
        out.extend_from_slice(
            format!("{{\"spec\":{name},\"sha256\":\"{sha256}\",\"scores\":").as_bytes(),
        );
    }
    if parsed.shape != Shape::One {
        out.push(b'[');
    }
    for (index, row) in scored.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&row.json);
    }
    if parsed.shape != Shape::One {
        out.push(b']');
    }
    if parsed.shape == Shape::Items {
        out.push(b'}');
    }
    Ok(json_bytes(out))
}

/// Scores all rows of a request, each in its place.
pub(super) async fn score_all(lane: &Lane, rows: Vec<Row>) -> Result<Vec<Scored>, Refusal> {
    let mut scored = Vec::with_capacity(rows.len());
    if rows.is_empty() {
        return Ok(scored);
    }
    let places = lane.try_admit(rows.len())?;
    // Should the client go, these are dropped, and with them what is not scored yet.
    let answers: Vec<Answer> = lane.submit(rows, places);
    for answer in answers {
        let part = answer.await;
        scored.extend(part.map_err(|_| Refusal::ours("the scoring threads failed"))?);
    }
    Ok(scored)
}

/// Scores a row that is no group: what compares the rollouts of one is open.
async fn score_alone(lane: &Lane, rows: Vec<Row>) -> Result<Vec<Scored>, Refusal> {
    let places = lane.try_admit(rows.len())?;
    let answer = lane.queue().push_alone(rows, places).await;
    answer.map_err(|_| Refusal::ours("the scoring threads failed"))
}

/// Whether the body is JSON lines.
fn is_lines(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/jsonlines",
    ]
    .iter()
    .any(|known| kind.eq_ignore_ascii_case(known))
}

/// Lines in, lines out: in parts where rows stand alone, at once where they are compared.
async fn lines(
    app: &Arc<App>,
    asked: &Asked,
    body: Body,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let lane = match app.lane(asked.spec.as_deref()) {
        Ok(lane) => lane,
        Err(refusal) => return refuse(app, body, headers, refusal).await,
    };
    if !lane.engine().scorer().needs_groups() {
        if let Err(refusal) = check_encoding(headers) {
            return refuse(app, body, headers, refusal).await;
        }
        if lane.depth() == lane.capacity() {
            let refusal = Refusal::busy("the queue is full");
            return refuse(app, body, headers, refusal).await;
        }
        return Ok(stream(Arc::clone(app), Arc::clone(lane), body));
    }
    let options = &app.options;
    let limit = options.body_bytes;
    let body = whole(body, headers, limit, options.patience, &app.budget).await?;
    let mut lines = Lines::new(limit);
    let mut rows = Vec::new();
    lines.push(&body.bytes, &mut rows);
    lines.finish(&mut rows);
    let scored = score_all(lane, rows).await?;
    let mut out = Vec::new();
    for row in scored {
        out.extend_from_slice(&row.json);
        out.push(b'\n');
    }
    let mut response = json_bytes(out);
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// Refuses a request whose body nobody has read.
async fn refuse(
    app: &App,
    body: Body,
    headers: &HeaderMap,
    refusal: Refusal,
) -> Result<Response, Refusal> {
    discard(body, headers, app.options.patience).await;
    Err(refusal)
}

/// The body as text, without the mark that some editors begin files with; with the
/// place of what is no text.
pub(super) fn text(body: &[u8]) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let before = &body[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let last = before.iter().rposition(|byte| *byte == b'\n');
        let column = before.len() - last.map_or(0, |at| at + 1) + 1;
        Refusal::malformed("the body is not valid UTF-8").at(line, column)
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_ascii().is_empty() {
        true => Err(Refusal::malformed("the body is empty")),
        false => Ok(text),
    }
}

/// Reads a body; `is_row` says whether an object with items in it is a row nevertheless.
fn parse(body: &Bytes, is_row: &dyn Fn(&Record<'_>) -> bool) -> Result<Parsed, Refusal> {
    let text = text(body)?;
    let (shape, list, spec) = match text.trim_start().as_bytes().first() {
        Some(b'[') => {
            let list = serde_json::from_str(text).map_err(|error| Refusal::json(&error))?;
            (Shape::List, list, None)
        }
        Some(b'{') => {
            let whole: &RawValue =
                serde_json::from_str(text).map_err(|error| Refusal::json(&error))?;
            match envelope(whole, is_row)? {
                Some((list, spec)) => (Shape::Items, list, spec),
                None => (Shape::One, vec![whole], None),
            }
        }
        _ => {
            // What is no JSON at all is told by its line and column.
            let parsed = serde_json::from_str::<&RawValue>(text);
            parsed.map_err(|error| Refusal::json(&error))?;
            return Err(Refusal::malformed(
                "the body is neither an object nor a list of objects",
            ));
        }
    };
    let row = |(index, item): (usize, &RawValue)| Row {
        position: index as u64 + 1,
        content: match shape == Shape::One || item.get().starts_with('{') {
            true => Content::Json(body.slice_ref(item.get().as_bytes())),
            false => {
                let message = "the item is not a JSON object, which a rollout is";
                Content::Unusable(RowError::data(message))
            }
        },
    };
    Ok(Parsed {
        shape,
        rows: list.into_iter().enumerate().map(row).collect(),
        spec,
    })
}

/// Whether a record has something where the spec looks for the completion.
fn has_completion(lane: &Lane, record: &Record<'_>) -> bool {
    let fields = lane.engine().scorer().fields();
    record.raw_at(&fields.completion).is_some()
}

type Envelope<'b> = (Vec<&'b RawValue>, Option<String>);

/// The items of `{"items": […], "spec": "…"}`; `None` for an object that is a row, with
/// a column of that name.
fn envelope<'b>(
    whole: &'b RawValue,
    is_row: &dyn Fn(&Record<'_>) -> bool,
) -> Result<Option<Envelope<'b>>, Refusal> {
    // Few rows have the word, and to look is quicker than to parse.
    if memchr::memmem::find(whole.get().as_bytes(), b"\"items\"").is_none() {
        return Ok(None);
    }
    let Ok(record) = Record::parse(whole.get().as_bytes()) else {
        // It is JSON, so that it names a field twice: an error of the row.
        return Ok(None);
    };
    if !record.columns().any(|(name, _)| name == "items") || is_row(&record) {
        return Ok(None);
    }
    let mut names = record.columns().map(|(name, _)| name);
    if let Some(name) = names.find(|name| !matches!(*name, "items" | "spec")) {
        let field = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let problem = "is nothing that stands beside `items`, but `spec`";
        return Err(Refusal::field(&field, problem));
    }
    let no_list = || Refusal::field("/items", "must be a list of records");
    let items = record.field("items").ok_or_else(no_list)?;
    let items = serde_json::from_str(items.get()).map_err(|_| no_list())?;
    let spec = record
        .field("spec")
        .map(|raw| serde_json::from_str(raw.get()));
    let spec = spec.transpose();
    let spec = spec.map_err(|_| Refusal::field("/spec", "must be the name of a spec"))?;
    Ok(Some((items, spec)))
}
