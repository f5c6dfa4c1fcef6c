//! Counts for Prometheus.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::lane::Lane;
use super::queue::Scored;
#[cfg(feature = "remote")]
use super::remote::RemoteMeters;
use crate::reward::{Scorer, Status};
use crate::verdict::Outcome;

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

const STATUSES: [(Status, &str); 3] = [
    (Status::Ok, "ok"),
    (Status::Abstain, "abstain"),
    (Status::Error, "error"),
];
pub(super) const OUTCOMES: [Outcome; 4] = [
    Outcome::Correct,
    Outcome::Wrong,
    Outcome::NoAnswer,
    Outcome::Unknown,
];
/// A kind of refusal is logged once in this time.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// All counts of a server.
#[derive(Debug)]
pub(super) struct Meters {
    registry: Registry,
    rows: Family<Labels, Counter>,
    verdicts: Family<Labels, Counter>,
    dropped: Family<Labels, Counter>,
    row_seconds: Histograms,
    requests: Family<Labels, Counter>,
    request_seconds: Histograms,
    refused: Family<Labels, Counter>,
    queue_rows: Family<Labels, Gauge>,
    queue_capacity: Family<Labels, Gauge>,
    held_bytes: Gauge,
    connections: Gauge,
    #[cfg(feature = "remote")]
    remote: RemoteMeters,
    logged: Mutex<HashMap<&'static str, Logged>>,
}

#[derive(Debug)]
struct Logged {
    at: Instant,
    since: u64,
}

/// The counts of one spec, at hand without a search.
pub(super) struct LaneMeters {
    rows: [Counter; 3],
    verdicts: Vec<(Arc<str>, [Counter; 4])>,
    dropped: Counter,
    seconds: Histogram,
}

/// 20 µs to 40 s.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(20e-6, 2.0, 22))
}

impl Meters {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("goldstone");
        let constructor: fn() -> Histogram = buckets;
        let meters = Self {
            rows: Family::default(),
            verdicts: Family::default(),
            dropped: Family::default(),
            row_seconds: Family::new_with_constructor(constructor),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(constructor),
            refused: Family::default(),
            queue_rows: Family::default(),
            queue_capacity: Family::default(),
            held_bytes: Gauge::default(),
            connections: Gauge::default(),
            #[cfg(feature = "remote")]
            remote: RemoteMeters::default(),
            logged: Mutex::default(),
            registry: Registry::default(),
        };
        registry.register("rows", "Rows scored", meters.rows.clone());
        registry.register("verdicts", "Verdicts by reward", meters.verdicts.clone());
        registry.register(
            "rows_dropped",
            "Rows not scored since their client had gone",
            meters.dropped.clone(),
        );
        registry.register(
            "row_seconds",
            "Time that a row takes to score",
            meters.row_seconds.clone(),
        );
        registry.register("requests", "Requests answered", meters.requests.clone());
        registry.register(
            "request_seconds",
            "Time from a request's head to its answer, streams of lines apart",
            meters.request_seconds.clone(),
        );
        registry.register("refused", "Requests refused", meters.refused.clone());
        registry.register(
            "queue_rows",
            "Rows that wait or are in work",
            meters.queue_rows.clone(),
        );
        registry.register(
            "queue_capacity_rows",
            "Most rows that may wait or be in work",
            meters.queue_capacity.clone(),
        );
        registry.register(
            "held_bytes",
            "Bytes of requests in memory",
            meters.held_bytes.clone(),
        );
        registry.register(
            "connections",
            "Open connections",
            meters.connections.clone(),
        );
        #[cfg(feature = "remote")]
        meters.remote.register(&mut registry);
        Self { registry, ..meters }
    }

    /// The counts of a spec, all there from the beginning.
    pub(super) fn lane(&self, scorer: &Scorer) -> LaneMeters {
        let spec = || ("spec", scorer.name().to_owned());
        let verdicts = scorer.rewards().iter().map(|reward| {
            let counter = |outcome: Outcome| {
                let labels = vec![
                    spec(),
                    ("reward", reward.to_string()),
                    ("verdict", outcome.name().to_owned()),
                ];
                self.verdicts.get_or_create_owned(&labels)
            };
            (Arc::clone(reward), OUTCOMES.map(counter))
        });
        LaneMeters {
            rows: STATUSES.map(|(_, status)| {
                let labels = vec![spec(), ("status", status.to_owned())];
                self.rows.get_or_create_owned(&labels)
            }),
            verdicts: verdicts.collect(),
            dropped: self.dropped.get_or_create_owned(&vec![spec()]),
            seconds: self.row_seconds.get_or_create_owned(&vec![spec()]),
        }
    }

    /// Counts an answer. `took` is `None` for a stream.
    pub(super) fn answered(&self, route: &'static str, status: u16, took: Option<Duration>) {
        let labels = vec![("route", route.to_owned()), ("code", status.to_string())];
        self.requests.get_or_create(&labels).inc();
        if let Some(took) = took {
            let labels = vec![("route", route.to_owned())];
            let histogram = self.request_seconds.get_or_create(&labels);
            histogram.observe(took.as_secs_f64());
        }
    }

    /// Counts a refusal; what the log should say, where it is time to say it.
    pub(super) fn refused(&self, code: &'static str) -> Option<String> {
        let labels = vec![("reason", code.to_owned())];
        self.refused.get_or_create(&labels).inc();
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match logged.get_mut(code) {
            Some(last) if now - last.at < LOG_EVERY => {
                last.since += 1;
                None
            }
            last => {
                let more = last.map_or(0, |last| last.since);
                logged.insert(code, Logged { at: now, since: 0 });
                let before = match more {
                    0 => String::new(),
                    more => format!(", {more} more since this was last said"),
                };
                Some(format!("refused a request: {code}{before}"))
            }
        }
    }

    pub(super) fn connected(&self) {
        self.connections.inc();
    }

    pub(super) fn disconnected(&self) {
        self.connections.dec();
    }

    /// The text that Prometheus reads.
    pub(super) fn text(
        &self,
        lanes: &[Arc<Lane>],
        held_bytes: usize,
    ) -> Result<String, fmt::Error> {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        for lane in lanes {
            let labels = vec![("spec", lane.name().to_owned())];
            let (depth, capacity) = (count(lane.depth()), count(lane.capacity()));
            self.queue_rows.get_or_create(&labels).set(depth);
            self.queue_capacity.get_or_create(&labels).set(capacity);
        }
        #[cfg(feature = "remote")]
        self.remote.look(lanes);
        self.held_bytes.set(count(held_bytes));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl LaneMeters {
    pub(super) fn rows(&self, scored: &[Scored]) {
        for row in scored {
            self.seconds.observe(row.took.as_secs_f64());
            let status = STATUSES
                .iter()
                .position(|(status, _)| *status == row.score.status);
            if let Some(index) = status {
                self.rows[index].inc();
            }
            for term in &row.score.terms {
                let counters = self.verdicts.iter().find(|(name, _)| *name == term.name);
                let outcome = OUTCOMES
                    .iter()
                    .position(|outcome| Some(*outcome) == term.outcome);
                if let (Some((_, counters)), Some(outcome)) = (counters, outcome) {
                    counters[outcome].inc();
                }
            }
        }
    }

    pub(super) fn dropped(&self, rows: usize) {
        self.dropped.inc_by(rows as u64);
    }
}
