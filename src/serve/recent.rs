//! The last minutes, for the status page: rows, verdicts, latencies and the slowest
//! rows, in slots of a few seconds that are used again and again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::meters::OUTCOMES;
use super::queue::Scored;
use crate::reward::Status;
use crate::verdict::Outcome;

/// Length of a slot.
const SLOT_SECONDS: u64 = 5;
/// Slots that are kept: ten minutes.
const SLOTS: usize = 120;
/// Slowest rows of a slot, and of the page.
const SLOWEST: usize = 8;
/// Buckets of latencies: from 10 µs up, eight to a doubling, to over 80 s.
const BUCKETS: usize = 8 * 23;
const FIRST_BUCKET_SECONDS: f64 = 10e-6;
/// Names of rows are cut here, in characters.
const MAX_NAME: usize = 120;

/// The last minutes of a server.
#[derive(Debug)]
pub(super) struct Recent {
    began: Instant,
    slots: Mutex<VecDeque<Slot>>,
}

#[derive(Debug)]
struct Slot {
    /// Slots since the server began.
    number: u64,
    /// Ok, abstain, error.
    rows: [u64; 3],
    /// As [`OUTCOMES`], then none.
    verdicts: [u64; 5],
    requests: u64,
    refused: u64,
    latencies: Box<[u32; BUCKETS]>,
    /// Slowest first.
    slowest: Vec<Slow>,
}

#[derive(Clone, Debug)]
struct Slow {
    spec: String,
    id: String,
    took: Duration,
    status: Status,
    verdict: Option<&'static str>,
    reward: Option<f64>,
    at: Instant,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            slots: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the slot of this moment.
    fn now(&self, change: impl FnOnce(&mut Slot)) {
        let number = self.began.elapsed().as_secs() / SLOT_SECONDS;
        let mut slots = self.lock();
        if slots.back().is_none_or(|slot| slot.number != number) {
            if slots.len() == SLOTS {
                slots.pop_front();
            }
            slots.push_back(Slot::new(number));
        }
        if let Some(slot) = slots.back_mut() {
            change(slot);
        }
    }

    pub(super) fn rows(&self, spec: &str, scored: &[Scored]) {
        self.now(|slot| {
            for row in scored {
                slot.row(spec, row);
            }
        });
    }

    /// A request that was answered with scores.
    pub(super) fn answered(&self, took: Duration) {
        self.now(|slot| {
            slot.requests += 1;
            slot.latencies[bucket(took)] += 1;
        });
    }

    pub(super) fn refused(&self) {
        self.now(|slot| slot.refused += 1);
    }

    /// All of it as JSON.
    pub(super) fn json(&self) -> Value {
        let slots = self.lock();
        let now = self.began.elapsed().as_secs() / SLOT_SECONDS;
        let first = (now + 1).saturating_sub(SLOTS as u64);
        let mut series = vec![0_u64; usize::try_from(now + 1 - first).unwrap_or(SLOTS)];
        let mut rows = [0; 3];
        let mut verdicts = [0; 5];
        let (mut requests, mut refused) = (0, 0);
        let mut latencies = [0_u64; BUCKETS];
        let mut slowest: Vec<&Slow> = Vec::new();
        for slot in slots.iter().filter(|slot| slot.number >= first) {
            let index = usize::try_from(slot.number - first).unwrap_or(usize::MAX);
            if let Some(total) = series.get_mut(index) {
                *total = slot.rows.iter().sum();
            }
            add(&mut rows, slot.rows);
            add(&mut verdicts, slot.verdicts);
            requests += slot.requests;
            refused += slot.refused;
            for (all, one) in latencies.iter_mut().zip(slot.latencies.iter()) {
                *all += u64::from(*one);
            }
            slowest.extend(&slot.slowest);
        }
        slowest.sort_by_key(|row| std::cmp::Reverse(row.took));
        slowest.truncate(SLOWEST);
        json!({
            "uptime_seconds": self.began.elapsed().as_secs(),
            "slot_seconds": SLOT_SECONDS,
            "window_seconds": SLOT_SECONDS * SLOTS as u64,
            "series": series,
            "rows": { "ok": rows[0], "abstain": rows[1], "error": rows[2] },
            "verdicts": {
                "correct": verdicts[0],
                "wrong": verdicts[1],
                "no_answer": verdicts[2],
                "unknown": verdicts[3],
                "none": verdicts[4],
            },
            "requests": requests,
            "refused": refused,
            "latency_ms": { "p50": quantile(&latencies, 0.5), "p99": quantile(&latencies, 0.99) },
            "slowest": slowest.iter().map(|row| row.json()).collect::<Vec<_>>(),
        })
    }
}

impl Slot {
    fn new(number: u64) -> Self {
        Self {
            number,
            rows: [0; 3],
            verdicts: [0; 5],
            requests: 0,
            refused: 0,
            latencies: Box::new([0; BUCKETS]),
            slowest: Vec::new(),
        }
    }

    fn row(&mut self, spec: &str, row: &Scored) {
        let status = match row.score.status {
            Status::Ok => 0,
            Status::Abstain => 1,
            Status::Error => 2,
        };
        self.rows[status] += 1;
        let index = OUTCOMES
            .iter()
            .position(|known| Some(*known) == row.verdict);
        self.verdicts[index.unwrap_or(OUTCOMES.len())] += 1;
        let is_slow = self.slowest.len() < SLOWEST
            || self.slowest.last().is_some_and(|last| last.took < row.took);
        if is_slow {
            let place = self.slowest.partition_point(|slow| slow.took >= row.took);
            self.slowest.insert(place, Slow::new(spec, row));
            self.slowest.truncate(SLOWEST);
        }
    }
}

impl Slow {
    fn new(spec: &str, row: &Scored) -> Self {
        Self {
            spec: spec.to_owned(),
            id: row.score.id.chars().take(MAX_NAME).collect(),
            took: row.took,
            status: row.score.status,
            verdict: row.verdict.map(Outcome::name),
            reward: row.score.reward,
            at: Instant::now(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "spec": self.spec,
            "id": self.id,
            "ms": self.took.as_secs_f64() * 1e3,
            "status": self.status,
            "verdict": self.verdict,
            "reward": self.reward,
            "age_seconds": self.at.elapsed().as_secs(),
        })
    }
}

fn add<const N: usize>(all: &mut [u64; N], one: [u64; N]) {
    for (all, one) in all.iter_mut().zip(one) {
        *all += one;
    }
}

fn bucket(took: Duration) -> usize {
    let doublings = (took.as_secs_f64() / FIRST_BUCKET_SECONDS).max(1.0).log2();
    ((doublings * 8.0) as usize).min(BUCKETS - 1)
}

/// Milliseconds that a share of the requests took at most, to within 9 %; `None` where there were none.
fn quantile(latencies: &[u64; BUCKETS], share: f64) -> Option<f64> {
    let total: u64 = latencies.iter().sum();
    let rank = (share * total as f64).ceil().max(1.0) as u64;
    let mut seen = 0;
    let index = latencies.iter().position(|count| {
        seen += count;
        seen >= rank
    })?;
    Some(FIRST_BUCKET_SECONDS * 1e3 * ((index + 1) as f64 / 8.0).exp2())
}
