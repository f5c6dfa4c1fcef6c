//! What the specs ask of judges and reward models: counts by endpoint, for Prometheus
//! and for the status page.
//!
//! An endpoint is called by its URL up to the path. A query may hold a secret, and a
//! label is stored by whoever reads it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};

use super::lane::Lane;
use crate::reward::Usage;

type Labels = Vec<(&'static str, String)>;
type Counts = Family<Labels, Counter>;

/// What is told of one endpoint of a spec.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    spec: String,
    endpoint: String,
    model: String,
}

/// Counts by endpoint. They are kept where the requests are made, and taken over
/// when somebody looks.
#[derive(Debug, Default)]
pub(super) struct RemoteMeters {
    questions: Counts,
    cached: Counts,
    unanswered: Counts,
    requests: Counts,
    retries: Counts,
    tokens: Counts,
    seconds: Family<Labels, Counter<f64, AtomicU64>>,
    away: Family<Labels, Gauge>,
}

impl RemoteMeters {
    pub(super) fn register(&self, registry: &mut Registry) {
        let counts = [
            (
                "remote_questions",
                "Questions to judges and reward models",
                &self.questions,
            ),
            (
                "remote_cached",
                "Questions answered from the cache",
                &self.cached,
            ),
            (
                "remote_unanswered",
                "Questions without an answer",
                &self.unanswered,
            ),
            (
                "remote_requests",
                "HTTP requests to endpoints, retries included",
                &self.requests,
            ),
            (
                "remote_retries",
                "HTTP requests that repeat one which failed",
                &self.retries,
            ),
            (
                "remote_tokens",
                "Tokens, as far as endpoints tell",
                &self.tokens,
            ),
        ];
        for (name, help, counts) in counts {
            registry.register(name, help, counts.clone());
        }
        registry.register(
            "remote_seconds",
            "Time of HTTP requests to endpoints, of all together",
            self.seconds.clone(),
        );
        registry.register(
            "remote_away",
            "1 while an endpoint is left alone after failures in a row",
            self.away.clone(),
        );
    }

    /// Takes over what the lanes have counted.
    pub(super) fn look(&self, lanes: &[Arc<Lane>]) {
        for (name, usage) in usage(lanes) {
            let labels = vec![
                ("spec", name.spec),
                ("endpoint", name.endpoint),
                ("model", name.model),
            ];
            for (counts, count) in [
                (&self.questions, usage.asked),
                (&self.cached, usage.cached),
                (&self.unanswered, usage.failed),
                (&self.requests, usage.requests),
                (&self.retries, usage.retries),
            ] {
                raise(counts, &labels, count);
            }
            for (kind, count) in [
                ("prompt", usage.prompt_tokens),
                ("completion", usage.completion_tokens),
            ] {
                let mut labels = labels.clone();
                labels.push(("kind", kind.to_owned()));
                raise(&self.tokens, &labels, count);
            }
            // Of numbers that are not negative, the greater one has the greater bits.
            let seconds = seconds(&usage).to_bits();
            let counter = self.seconds.get_or_create(&labels);
            counter.inner().fetch_max(seconds, Ordering::Relaxed);
            self.away.get_or_create(&labels).set(usage.is_away.into());
        }
    }
}

/// Never lowers a count, whoever else takes it over at the same time.
fn raise(counts: &Counts, labels: &Labels, count: u64) {
    let counter = counts.get_or_create(labels);
    counter.inner().fetch_max(count, Ordering::Relaxed);
}

/// The same for the status page.
pub(super) fn json(lanes: &[Arc<Lane>]) -> Value {
    let entries = usage(lanes).into_iter().map(|(name, usage)| {
        json!({
            "spec": name.spec,
            "endpoint": name.endpoint,
            "model": name.model,
            "questions": usage.asked,
            "cached": usage.cached,
            "unanswered": usage.failed,
            "requests": usage.requests,
            "retries": usage.retries,
            "seconds": seconds(&usage),
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "is_away": usage.is_away,
        })
    });
    entries.collect()
}

/// Endpoints that differ in nothing that is told are told as one.
fn usage(lanes: &[Arc<Lane>]) -> BTreeMap<Name, Usage> {
    let mut all: BTreeMap<Name, Usage> = BTreeMap::new();
    for lane in lanes {
        for (endpoint, usage) in lane.engine().scorer().usage() {
            let name = Name {
                spec: lane.name().to_owned(),
                endpoint: place(&endpoint.url).to_owned(),
                model: endpoint.model.unwrap_or_default(),
            };
            let sum = all.entry(name).or_default();
            sum.asked += usage.asked;
            sum.cached += usage.cached;
            sum.failed += usage.failed;
            sum.requests += usage.requests;
            sum.retries += usage.retries;
            sum.spent_us += usage.spent_us;
            sum.prompt_tokens += usage.prompt_tokens;
            sum.completion_tokens += usage.completion_tokens;
            sum.is_away |= usage.is_away;
        }
    }
    all
}

fn seconds(usage: &Usage) -> f64 {
    usage.spent_us as f64 / 1e6
}

/// A URL up to its path.
fn place(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
