//! Lines in, lines out, of any length in flat memory.
//!
//! One task reads lines and makes jobs of them, one writes their answers in order; a
//! bounded channel between them is all that may be under way. So a client that does
//! not read its answers is read from no further, up to what the channel holds.
//!
//! The status is sent before the first row, so that what goes wrong later cannot be a
//! status: the answer is then cut off without its end, which every client of HTTP can
//! tell from an answer that is complete. All rows before that are good.

use std::fmt;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use super::app::App;
use super::lane::Lane;
use super::lines::Lines;
use super::queue::{Answer, Row};
use super::routes::Streamed;

/// Rows of a job.
const JOB_ROWS: usize = 64;
/// Jobs of many rows under way per stream, so that no stream fills the queue.
const JOBS: usize = 16;
/// Parts of the answer that wait for the client: of [`JOB_ROWS`] rows each, some 8 MB.
const PARTS: usize = 256;

/// Why an answer is cut off.
#[derive(Debug)]
struct Cut(&'static str);

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Cut {}

/// Scores the lines of `body`; the answer begins at once.
pub(super) fn stream(app: Arc<App>, lane: Arc<Lane>, body: Body) -> Response {
    let (mut out, answer) = Channel::<Bytes, Cut>::new(PARTS);
    let (jobs, mut under_way) = mpsc::channel::<Result<Answer, Cut>>(jobs_of(&lane));
    let reader = Arc::clone(&app);
    tokio::spawn(async move {
        if let Err(cut) = read(&reader, &lane, body, &jobs).await {
            drop(jobs.send(Err(cut)).await);
        }
    });
    tokio::spawn(async move {
        while let Some(job) = under_way.recv().await {
            let scored = match job {
                Ok(answer) => answer.await.map_err(|_| Cut("failure")),
                Err(cut) => Err(cut),
            };
            let scored = match scored {
                Ok(scored) => scored,
                Err(cut) => {
                    app.refused(cut.0);
                    out.abort(cut);
                    return;
                }
            };
            let mut text = Vec::with_capacity(scored.iter().map(|row| row.json.len() + 1).sum());
            for row in scored {
                text.extend_from_slice(&row.json);
                text.push(b'\n');
            }
            if out.send_data(Bytes::from(text)).await.is_err() {
                // The client has gone; so does what was under way for it.
                return;
            }
        }
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    let mut response = (headers, Body::new(answer)).into_response();
    response.extensions_mut().insert(Streamed);
    response
}

/// Jobs under way: on a slow lane each is one row, and no thread should be idle.
fn jobs_of(lane: &Lane) -> usize {
    match lane.is_slow() {
        true => lane.threads(),
        false => JOBS,
    }
}

/// Reads to the end of the body, or to the end of the client's or the server's time.
async fn read(
    app: &Arc<App>,
    lane: &Lane,
    mut body: Body,
    jobs: &mpsc::Sender<Result<Answer, Cut>>,
) -> Result<(), Cut> {
    let mut lines = Lines::new(app.options.body_bytes);
    let mut memory: Option<OwnedSemaphorePermit> = None;
    let mut rows = Vec::new();
    loop {
        let frame = tokio::select! {
            biased;
            () = app.stopped() => return Err(Cut("stream_stopped")),
            frame = timeout(app.options.patience, body.frame()) => frame,
        };
        let part = match frame.map_err(|_| Cut("stream_slow"))? {
            None => break,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(part) => part,
                Err(_) => continue,
            },
            Some(Err(_)) => return Err(Cut("stream_broken")),
        };
        take_memory(app, part.len(), &mut memory).await?;
        lines.push(&part, &mut rows);
        submit(app, lane, &mut rows, &lines, &mut memory, jobs).await?;
    }
    lines.finish(&mut rows);
    submit(app, lane, &mut rows, &lines, &mut memory, jobs).await
}

/// Hands over all rows that have come. What they take in memory goes with the last of
/// them, but for the line that has not ended yet.
async fn submit(
    app: &App,
    lane: &Lane,
    rows: &mut Vec<Row>,
    lines: &Lines,
    memory: &mut Option<OwnedSemaphorePermit>,
    jobs: &mpsc::Sender<Result<Answer, Cut>>,
) -> Result<(), Cut> {
    let step = match lane.is_slow() {
        true => 1,
        false => JOB_ROWS.min(lane.capacity()),
    };
    let mut left = std::mem::take(rows).into_iter();
    loop {
        let part: Vec<Row> = left.by_ref().take(step).collect();
        if part.is_empty() {
            break;
        }
        let own = match (left.len(), memory.as_mut()) {
            (0, Some(memory)) => {
                let done = memory.num_permits().saturating_sub(lines.kept_bytes());
                memory.split(done)
            }
            _ => None,
        };
        let Ok(place) = jobs.reserve().await else {
            // The client has gone.
            return Err(Cut("stream_broken"));
        };
        let places = timeout(app.options.patience, lane.admit(part.len())).await;
        let Ok(Some(places)) = places else {
            return Err(Cut("stream_starved"));
        };
        place.send(Ok(lane.queue().push(part, places, own)));
    }
    // Blank lines, and what is skipped of a line that is too long.
    if let Some(held) = memory.as_mut() {
        let surplus = held.num_permits().saturating_sub(lines.kept_bytes());
        drop(held.split(surplus));
    }
    Ok(())
}

async fn take_memory(
    app: &App,
    bytes: usize,
    memory: &mut Option<OwnedSemaphorePermit>,
) -> Result<(), Cut> {
    let bytes = u32::try_from(bytes).map_err(|_| Cut("stream_starved"))?;
    let more = Arc::clone(&app.budget).acquire_many_owned(bytes);
    match timeout(app.options.patience, more).await {
        Ok(Ok(more)) => {
            match memory {
                Some(memory) => memory.merge(more),
                None => *memory = Some(more),
            }
            Ok(())
        }
        _ => Err(Cut("stream_starved")),
    }
}
