//! Bodies: read whole, within a limit, a time and the memory that all requests share.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;

/// What is read and thrown away of the body of a refused request: a client that is
/// still sending does not look at the answer before it has sent all.
const DISCARD_BYTES: usize = 256 << 20;

/// A body, and the memory that it takes.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _budget: Option<OwnedSemaphorePermit>,
}

/// Reads a body.
pub(super) async fn whole(
    mut body: Body,
    headers: &HeaderMap,
    limit_bytes: usize,
    patience: Duration,
    budget: &Arc<Semaphore>,
) -> Result<Held, Refusal> {
    let read = read(&mut body, headers, limit_bytes, patience, budget).await;
    match &read {
        // Who has been waited for once is not waited for again.
        Err(refusal) if refusal.is_slow() => {}
        Err(_) => discard(body, headers, patience).await,
        Ok(_) => {}
    }
    read
}

async fn read(
    body: &mut Body,
    headers: &HeaderMap,
    limit_bytes: usize,
    patience: Duration,
    budget: &Arc<Semaphore>,
) -> Result<Held, Refusal> {
    check_encoding(headers)?;
    if declared_bytes(headers).is_some_and(|bytes| bytes > limit_bytes as u64) {
        return Err(Refusal::too_large(limit_bytes));
    }
    let deadline = Instant::now() + patience;
    let mut parts: Vec<Bytes> = Vec::new();
    let mut held: Option<OwnedSemaphorePermit> = None;
    let mut length = 0;
    loop {
        let frame = timeout_at(deadline, body.frame());
        let part = match frame.await.map_err(|_| Refusal::slow())? {
            None => break,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(part) => part,
                // Trailers; nobody asked for them.
                Err(_) => continue,
            },
            Some(Err(error)) => return Err(cut(&error)),
        };
        length += part.len();
        if length > limit_bytes {
            return Err(Refusal::too_large(limit_bytes));
        }
        let memory = take(budget, part.len())?;
        match &mut held {
            Some(held) => held.merge(memory),
            None => held = Some(memory),
        }
        parts.push(part);
    }
    let bytes = match parts.len() {
        0 => Bytes::new(),
        1 => parts.swap_remove(0),
        _ => Bytes::from(parts.concat()),
    };
    Ok(Held {
        bytes,
        _budget: held,
    })
}

/// Memory for `bytes`, at once or not at all.
fn take(budget: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
    let bytes = u32::try_from(bytes).map_err(|_| Refusal::busy("too much is in memory"))?;
    let permit = Arc::clone(budget).try_acquire_many_owned(bytes);
    permit.map_err(|_| Refusal::busy("too much is in memory"))
}

/// A body that ends before its end, or is not framed as it says.
pub(super) fn cut(error: &axum::Error) -> Refusal {
    Refusal::malformed(format!("the body is cut off: {error}"))
}

/// Refuses compressed bodies, which nobody here reads.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "encoding",
            "the body is compressed; send it as it is",
        )),
        _ => Ok(()),
    }
}

fn declared_bytes(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Reads what is left of the body of a refused request, so that the client gets to read
/// the answer. A client that asks before it sends does not send now.
pub(super) async fn discard(mut body: Body, headers: &HeaderMap, patience: Duration) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let deadline = Instant::now() + patience;
    let mut length = 0;
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        length += frame.data_ref().map_or(0, Bytes::len);
        if length > DISCARD_BYTES {
            return;
        }
    }
}
