//! The line to one endpoint: questions queue up, the oldest one's thread sends as
//! many as fit into a request, and equal ones are asked once.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::cache::{Cache, Key};
use super::circuit::Circuit;
use super::http::Http;
use super::protocol;
use super::retry::send_retrying;
use super::{RemoteError, Say};
use crate::reward::{Endpoint, RemoteFailure, RemoteFault, Said, Usage};

/// All that belongs to one endpoint.
#[derive(Debug)]
pub(super) struct Line {
    endpoint: Endpoint,
    http: Http,
    cache: Cache,
    circuit: Circuit,
    queue: Mutex<Queue>,
    /// The queue has changed, or an answer is there.
    changed: Condvar,
    asked: AtomicU64,
    cached: AtomicU64,
    failed: AtomicU64,
    requests: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    /// Oldest first.
    waiting: VecDeque<Arc<Ticket>>,
    /// What has no answer yet, sent or not.
    open: HashMap<Key, Arc<Ticket>>,
    in_flight: usize,
}

/// A question on its way.
#[derive(Debug)]
struct Ticket {
    key: Key,
    item: Value,
    since: Instant,
    answer: OnceLock<Result<Said, RemoteFailure>>,
}

/// A request that cannot be read is one whose questions are too long, mostly: it is
/// halved, so that one of them takes no other with it.
const UNREADABLE: [u16; 3] = [400, 413, 422];

impl Line {
    pub(super) fn open(endpoint: Endpoint, say: Option<Say>) -> Result<Self, RemoteError> {
        Ok(Self {
            http: Http::open(&endpoint)?,
            cache: Cache::open(&endpoint, say)?,
            circuit: Circuit::new(&endpoint, say),
            endpoint,
            queue: Mutex::default(),
            changed: Condvar::new(),
            asked: AtomicU64::new(0),
            cached: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        })
    }

    pub(super) fn usage(&self) -> Usage {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Usage {
            asked: count(&self.asked),
            cached: count(&self.cached),
            failed: count(&self.failed),
            requests: count(&self.requests),
        }
    }

    /// Answers from the cache, or waits in the line.
    pub(super) fn ask(&self, item: &Value) -> Result<Said, RemoteFailure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let key = Key::of(&self.endpoint, item);
        if let Some(said) = self.cache.find(&key) {
            self.cached.fetch_add(1, Ordering::Relaxed);
            return Ok(said);
        }
        let ticket = self.join(key, item);
        let answer = self.wait(&ticket);
        if answer.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    /// A place in the line; one that asks the same is shared.
    fn join(&self, key: Key, item: &Value) -> Arc<Ticket> {
        let mut queue = self.lock();
        if let Some(ticket) = queue.open.get(&key) {
            return Arc::clone(ticket);
        }
        let answer = OnceLock::new();
        // It may have been answered since the look into the cache.
        if let Some(said) = self.cache.remembered(&key) {
            let _ = answer.set(Ok(said));
        }
        let is_answered = answer.get().is_some();
        let ticket = Arc::new(Ticket {
            key,
            item: item.clone(),
            since: Instant::now(),
            answer,
        });
        if is_answered {
            return ticket;
        }
        queue.open.insert(key, Arc::clone(&ticket));
        queue.waiting.push_back(Arc::clone(&ticket));
        if queue.waiting.len() >= self.endpoint.batch {
            self.changed.notify_all();
        }
        ticket
    }

    fn wait(&self, ticket: &Arc<Ticket>) -> Result<Said, RemoteFailure> {
        let linger = match self.endpoint.batch {
            1 => Duration::ZERO,
            _ => Duration::from_millis(self.endpoint.linger_ms),
        };
        let mut queue = self.lock();
        loop {
            if let Some(answer) = ticket.answer.get() {
                return answer.clone();
            }
            let first = queue.waiting.front();
            let is_first = first.is_some_and(|first| Arc::ptr_eq(first, ticket));
            if !is_first || queue.in_flight >= self.endpoint.concurrency {
                let woken = self.changed.wait(queue);
                queue = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let left = linger.saturating_sub(ticket.since.elapsed());
            if queue.waiting.len() < self.endpoint.batch && !left.is_zero() {
                let woken = self.changed.wait_timeout(queue, left);
                queue = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let count = queue.waiting.len().min(self.endpoint.batch);
            let batch: Vec<Arc<Ticket>> = queue.waiting.drain(..count).collect();
            queue.in_flight += 1;
            // Another question is the oldest now.
            self.changed.notify_all();
            drop(queue);
            let answers = self.send(&batch);
            queue = self.lock();
            queue.in_flight -= 1;
            for (ticket, answer) in batch.iter().zip(answers) {
                queue.open.remove(&ticket.key);
                // Set once: a ticket is in one batch only.
                let _ = ticket.answer.set(answer);
            }
            self.changed.notify_all();
        }
    }

    /// One answer per ticket, whatever happens: others wait for them.
    fn send(&self, batch: &[Arc<Ticket>]) -> Vec<Result<Said, RemoteFailure>> {
        let items: Vec<&Value> = batch.iter().map(|ticket| &ticket.item).collect();
        let sent = catch_unwind(AssertUnwindSafe(|| self.exchange(&items)));
        let answers = sent.unwrap_or_else(|_| {
            let failure = RemoteFailure {
                fault: RemoteFault::Unreachable,
                message: "the client panicked; this is a bug, please report it".to_owned(),
            };
            vec![Err(failure); items.len()]
        });
        for (ticket, answer) in batch.iter().zip(&answers) {
            if let Ok(said) = answer {
                self.cache.keep(&ticket.key, said);
            }
        }
        answers
    }

    fn exchange(&self, items: &[&Value]) -> Vec<Result<Said, RemoteFailure>> {
        if let Err(away) = self.circuit.enter() {
            return vec![Err(away); items.len()];
        }
        let body = protocol::body(&self.endpoint, items);
        let reply = send_retrying(&self.endpoint, || {
            self.requests.fetch_add(1, Ordering::Relaxed);
            self.http.post(&body)
        });
        let read = reply.and_then(|reply| protocol::read(&self.endpoint, &reply, items.len()));
        match read {
            Ok(answers) => {
                self.circuit.succeeded();
                answers
            }
            Err(failure) => {
                let is_unreadable = matches!(failure.fault, RemoteFault::Status(status)
                    if UNREADABLE.contains(&status));
                if !is_unreadable {
                    self.circuit.failed(&failure);
                } else {
                    // It did answer, and is fit to be asked about others.
                    self.circuit.succeeded();
                }
                if is_unreadable && items.len() > 1 {
                    let (left, right) = items.split_at(items.len() / 2);
                    let mut answers = self.exchange(left);
                    answers.extend(self.exchange(right));
                    return answers;
                }
                vec![Err(failure); items.len()]
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
