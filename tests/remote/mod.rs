//! Judges and reward models behind HTTP, against a server on loopback.

mod cache;
#[cfg(feature = "cli")]
mod cli;
mod failures;
mod judge;
mod model;
mod planted;
mod poison;
pub(crate) mod server;
#[cfg(all(feature = "cli", feature = "train"))]
mod training;

use goldstone::engine::{Engine, EngineOptions};
use goldstone::reward::{Score, Scorer, SpecSource, Status, Term};
use goldstone::rollout::Rollout;

use server::Server;

/// A spec whose only reward is `remote = { url = …, OPTIONS }`.
fn spec(url: &str, options: &str) -> String {
    format!("version = 1\n[rewards.helpful.remote]\nurl = \"{url}\"\n{options}")
}

/// A judge's options; short waits, as a test has no time.
const JUDGE: &str = r#"
model = "judge"
prompt = "How helpful is this?\n{prompt}\n{completion}"
range = [0, 10]
backoff_ms = 1
retries = 2
timeout_ms = 2000
"#;

fn scorer(spec: &str) -> Scorer {
    let compiled = Scorer::compile(SpecSource {
        text: spec,
        origin: "spec.toml",
        grammar: &|_| Err("none".to_owned()),
    });
    compiled.unwrap_or_else(|error| panic!("{error}"))
}

fn engine(spec: &str) -> Engine {
    let options = EngineOptions::with_jobs(2);
    Engine::start(scorer(spec), &options).unwrap_or_else(|error| panic!("{error}"))
}

fn judged_by(server: &Server, more: &str) -> Engine {
    engine(&spec(&server.url, &format!("{JUDGE}{more}")))
}

fn rollout(completion: &str) -> Rollout {
    Rollout {
        id: "1".to_owned(),
        prompt: "What is a spanner?".into(),
        completion: completion.into(),
        ..Rollout::default()
    }
}

fn helpful(score: &Score) -> &Term {
    score.term("helpful").expect("the reward applies")
}

/// No reward, no error, and why.
fn assert_abstains(score: &Score, reason: &str) {
    assert_eq!(score.status, Status::Abstain, "{score:?}");
    assert_eq!(score.reward, None, "{score:?}");
    assert_eq!(helpful(score).reason, Some(reason), "{score:?}");
}
