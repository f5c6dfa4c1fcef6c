//! The line to one endpoint: questions queue up, the oldest one's thread sends as
//! many as fit into a request, and equal ones are asked once.
//!
//! No text may cost others their answers. A request that is refused as too long is
//! halved until its one bad text is alone. One that fails otherwise, with all its
//! attempts, may hold a text that breaks the endpoint: its texts are then sent once
//! more, one by one, until a few have failed in a row and the endpoint is known to be
//! down.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::cache::{Cache, Key};
use super::circuit::Circuit;
use super::http::Http;
use super::protocol::{self, Answers};
use super::retry::{Attempt, send_once, send_retrying};
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
    counts: Counts,
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU64,
    cached: AtomicU64,
    failed: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
    micros: AtomicU64,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
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
    /// How many threads wait for the answer; counted with the queue locked.
    waiters: AtomicUsize,
    answer: OnceLock<Result<Said, RemoteFailure>>,
}

/// A request that cannot be read is one whose questions are too long, mostly: it is
/// halved, so that one of them takes no other with it.
const UNREADABLE: [u16; 3] = [400, 413, 422];

/// How often a question of a batch that may be stopped looks whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// So many texts that fail one by one in a row mean that it is not they.
const SINGLES_IN_A_ROW: u32 = 3;

impl Line {
    pub(super) fn open(endpoint: Endpoint, say: Option<Say>) -> Result<Self, RemoteError> {
        Ok(Self {
            http: Http::open(&endpoint)?,
            cache: Cache::open(&endpoint, say)?,
            circuit: Circuit::new(&endpoint, say),
            endpoint,
            queue: Mutex::default(),
            changed: Condvar::new(),
            counts: Counts::default(),
        })
    }

    pub(super) fn usage(&self) -> Usage {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let counts = &self.counts;
        Usage {
            asked: count(&counts.asked),
            cached: count(&counts.cached),
            failed: count(&counts.failed),
            requests: count(&counts.requests),
            retries: count(&counts.retries),
            spent_us: count(&counts.micros),
            prompt_tokens: count(&counts.prompt_tokens),
            completion_tokens: count(&counts.completion_tokens),
            is_away: self.circuit.is_away(),
        }
    }

    /// Answers from the cache, or waits in the line.
    /// With `is_stopped`, a question that is not sent yet when that says so never is.
    pub(super) fn ask(
        &self,
        item: &Value,
        is_stopped: Option<&dyn Fn() -> bool>,
    ) -> Result<Said, RemoteFailure> {
        if is_stopped.is_some_and(|is_stopped| is_stopped()) {
            return Err(RemoteFailure::stopped());
        }
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
        let key = Key::of(&self.endpoint, item);
        if let Some(said) = self.cache.find(&key) {
            self.counts.cached.fetch_add(1, Ordering::Relaxed);
            return Ok(said);
        }
        let ticket = self.join(key, item);
        let answer = self.wait(&ticket, is_stopped);
        if answer.is_err() {
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    /// A place in the line; one that asks the same is shared.
    fn join(&self, key: Key, item: &Value) -> Arc<Ticket> {
        let mut queue = self.lock();
        if let Some(ticket) = queue.open.get(&key) {
            ticket.waiters.fetch_add(1, Ordering::Relaxed);
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
            waiters: AtomicUsize::new(1),
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

    fn wait(
        &self,
        ticket: &Arc<Ticket>,
        is_stopped: Option<&dyn Fn() -> bool>,
    ) -> Result<Said, RemoteFailure> {
        let linger = match self.endpoint.batch {
            1 => Duration::ZERO,
            _ => Duration::from_millis(self.endpoint.linger_ms),
        };
        let mut queue = self.lock();
        loop {
            if let Some(answer) = ticket.answer.get() {
                return answer.clone();
            }
            if is_stopped.is_some_and(|is_stopped| is_stopped()) && self.leave(&mut queue, ticket) {
                return Err(RemoteFailure::stopped());
            }
            let first = queue.waiting.front();
            let is_first = first.is_some_and(|first| Arc::ptr_eq(first, ticket));
            if !is_first || queue.in_flight >= self.endpoint.concurrency {
                queue = match is_stopped.is_some() {
                    true => {
                        let woken = self.changed.wait_timeout(queue, LOOK_EVERY);
                        woken.unwrap_or_else(PoisonError::into_inner).0
                    }
                    false => {
                        let woken = self.changed.wait(queue);
                        woken.unwrap_or_else(PoisonError::into_inner)
                    }
                };
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

    /// Takes a question that nobody has sent yet out of the line, unless others wait for
    /// its answer as well; `false` where the answer is on its way.
    fn leave(&self, queue: &mut Queue, ticket: &Arc<Ticket>) -> bool {
        let mut places = queue.waiting.iter();
        let Some(place) = places.position(|waiting| Arc::ptr_eq(waiting, ticket)) else {
            return false;
        };
        if ticket.waiters.fetch_sub(1, Ordering::Relaxed) == 1 {
            queue.waiting.remove(place);
            queue.open.remove(&ticket.key);
            // Another question may be the oldest now.
            self.changed.notify_all();
        }
        true
    }

    /// One answer per ticket, whatever happens: others wait for them.
    fn send(&self, batch: &[Arc<Ticket>]) -> Answers {
        let items: Vec<&Value> = batch.iter().map(|ticket| &ticket.item).collect();
        let sent = catch_unwind(AssertUnwindSafe(|| self.exchange(&items, 0)));
        let answers = sent.unwrap_or_else(|_| {
            let failure = RemoteFailure {
                fault: RemoteFault::Unreachable,
                message: "the client panicked; this is a bug, please report it".to_owned(),
            };
            // It may have been the one request that tried whether the endpoint is back.
            self.circuit.failed(&failure);
            vec![Err(failure); items.len()]
        });
        for (ticket, answer) in batch.iter().zip(&answers) {
            if let Ok(said) = answer {
                self.cache.keep(&ticket.key, said);
            }
        }
        answers
    }

    /// Sends questions, after `before` requests in which they were already.
    fn exchange(&self, items: &[&Value], before: u64) -> Answers {
        if let Err(away) = self.circuit.enter() {
            return vec![Err(away); items.len()];
        }
        let reply = send_retrying(&self.endpoint, self.poster(items, before));
        match self.read(reply, items.len()) {
            Ok(answers) => {
                self.circuit.succeeded();
                answers
            }
            Err(failure) if is_unreadable(&failure) => {
                // It did answer, and is fit to be asked about others.
                self.circuit.succeeded();
                if items.len() == 1 {
                    return vec![Err(failure)];
                }
                let (left, right) = items.split_at(items.len() / 2);
                let mut answers = self.exchange(left, 1);
                answers.extend(self.exchange(right, 1));
                answers
            }
            Err(failure) if items.len() > 1 && may_be_one_texts(&failure) => {
                self.one_by_one(items, &failure)
            }
            Err(failure) => {
                self.circuit.failed(&failure);
                vec![Err(failure); items.len()]
            }
        }
    }

    /// Each text of a request that has failed, by itself and once. The circuit counts
    /// one failure at most, and only where it is the endpoint's.
    fn one_by_one(&self, items: &[&Value], failure: &RemoteFailure) -> Answers {
        let mut answers = Vec::with_capacity(items.len());
        let mut in_a_row = 0;
        let mut has_answered = false;
        for item in items {
            if in_a_row == SINGLES_IN_A_ROW {
                break;
            }
            let single = [*item];
            let reply = send_once(self.poster(&single, 1));
            let (answer, is_alive) = match self.read(reply, 1) {
                Ok(mut read) => (read.pop().unwrap_or(Err(failure.clone())), true),
                Err(failure) => {
                    let is_alive = is_unreadable(&failure);
                    (Err(failure), is_alive)
                }
            };
            match is_alive {
                true => {
                    self.circuit.succeeded();
                    has_answered = true;
                    in_a_row = 0;
                }
                false => in_a_row += 1,
            }
            answers.push(answer);
        }
        if in_a_row == SINGLES_IN_A_ROW || !has_answered {
            self.circuit.failed(failure);
        }
        answers.resize(items.len(), Err(failure.clone()));
        answers
    }

    /// What sends a request about `items`, and counts it; the first is a repetition if
    /// others were sent `before`.
    fn poster(&self, items: &[&Value], before: u64) -> impl FnMut() -> Attempt {
        let body = protocol::body(&self.endpoint, items);
        let mut before = before;
        move || {
            let counts = &self.counts;
            counts.requests.fetch_add(1, Ordering::Relaxed);
            counts.retries.fetch_add(before.min(1), Ordering::Relaxed);
            before += 1;
            let began = Instant::now();
            let attempt = self.http.post(&body);
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            counts.micros.fetch_add(micros, Ordering::Relaxed);
            attempt
        }
    }

    fn read(
        &self,
        reply: Result<Vec<u8>, RemoteFailure>,
        count: usize,
    ) -> Result<Answers, RemoteFailure> {
        let read = protocol::read(&self.endpoint, &reply?, count)?;
        let counts = &self.counts;
        for (all, tokens) in [
            (&counts.prompt_tokens, read.prompt_tokens),
            (&counts.completion_tokens, read.completion_tokens),
        ] {
            all.fetch_add(tokens, Ordering::Relaxed);
        }
        Ok(read.answers)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_unreadable(failure: &RemoteFailure) -> bool {
    matches!(failure.fault, RemoteFault::Status(status) if UNREADABLE.contains(&status))
}

/// Whether one text could be why a request of several has failed. One that is refused
/// for its key, its path or its number has not been looked at.
fn may_be_one_texts(failure: &RemoteFailure) -> bool {
    match failure.fault {
        RemoteFault::Timeout | RemoteFault::Unreachable | RemoteFault::Reply => true,
        RemoteFault::Status(status) => (500..=599).contains(&status),
        RemoteFault::Away => false,
    }
}
