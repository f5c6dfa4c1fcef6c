//! Servers that are slow, busy, broken or gone: no reward, a reason, and never 0.

use std::sync::Mutex;
use std::time::Duration;

use goldstone::engine::{Engine, EngineError, EngineOptions};
use goldstone::reward::{ErrorKind, Scorer, Status};
use serde_json::json;

use super::server::{Reply, Server, chat};
use super::{JUDGE, assert_abstains, helpful, judged_by, rollout, scorer, spec};

#[test]
fn what_passes_is_tried_again() {
    type Answer = fn(usize) -> Reply;
    let passing: [Answer; 6] = [
        |_| Reply::Status(500, "oops"),
        |_| Reply::Status(503, ""),
        |_| Reply::Status(429, ""),
        |_| Reply::RetryAfter(1),
        |_| Reply::Close,
        |_| Reply::Truncated,
    ];
    for first in passing {
        let server = Server::start(move |request| match request.number {
            0 => first(0),
            _ => Reply::Json(chat("Score: 6")),
        });
        let score = judged_by(&server, "").score(&rollout("A tool."));
        assert_eq!(score.reward, Some(0.6), "{score:?}");
        assert_eq!(server.count(), 2);
    }
}

#[test]
fn what_lasts_is_tried_no_more() {
    type Answer = fn() -> Reply;
    let lasting: [(Answer, &str, usize); 8] = [
        (|| Reply::Status(400, "no such model"), "remote_status", 1),
        (|| Reply::Status(401, ""), "remote_status", 1),
        (|| Reply::Status(500, ""), "remote_status", 3),
        (|| Reply::Close, "remote_unreachable", 3),
        (|| Reply::Raw(b"<html>".to_vec()), "remote_reply", 1),
        (|| Reply::Raw(Vec::new()), "remote_reply", 1),
        (
            || Reply::Json(json!({"choices": [{"message": {"content": null}}]})),
            "remote_reply",
            1,
        ),
        (|| Reply::Raw(vec![b' '; 3 << 20]), "remote_reply", 1),
    ];
    for (answer, reason, count) in lasting {
        let server = Server::start(move |_| answer());
        let score = judged_by(&server, "").score(&rollout("A tool."));
        assert_abstains(&score, reason);
        assert_eq!(server.count(), count, "{reason}");
        if reason == "remote_status" {
            assert!(helpful(&score).detail.value("status").is_some());
        }
    }
}

/// A failure has no price, whatever the spec gives for what cannot be judged.
#[test]
fn a_failure_is_never_paid() {
    let server = Server::start(|_| Reply::Status(404, ""));
    let priced = judged_by(&server, "abstain = 0.0");
    assert_abstains(&priced.score(&rollout("A tool.")), "remote_status");
    let options = EngineOptions::with_jobs(1);
    let text = spec(&server.url, JUDGE);
    let training = Engine::start(scorer(&text).unknown_as_wrong(), &options).expect("an engine");
    assert_abstains(&training.score(&rollout("A tool.")), "remote_status");
    // An odd reply may be the judge's fault: null in training too, unless priced.
    let odd = Server::saying("hm");
    let training = Engine::start(scorer(&spec(&odd.url, JUDGE)).unknown_as_wrong(), &options);
    let training = training.expect("an engine");
    assert_abstains(&training.score(&rollout("A tool.")), "judge_reply");
    assert_eq!(
        judged_by(&odd, "abstain = 0.0")
            .score(&rollout("A tool."))
            .reward,
        Some(0.0)
    );
}

#[test]
fn a_slow_server_is_not_waited_for() {
    let late = || Reply::Late(Duration::from_secs(5), chat("Score: 10"));
    let server = Server::start(move |_| late());
    let began = std::time::Instant::now();
    let score = judged_by(&server, "").score(&rollout("A tool."));
    assert_abstains(&score, "remote_timeout");
    assert!(began.elapsed() < Duration::from_secs(4));
    assert_eq!(server.count(), 1, "it may still be at work");
}

#[test]
fn redirects_are_not_followed() {
    let other = Server::saying("Score: 10");
    let url = other.url.clone();
    let server = Server::start(move |_| Reply::Redirect(url.clone()));
    assert_abstains(
        &judged_by(&server, "").score(&rollout("A tool.")),
        "remote_status",
    );
    assert_eq!(other.count(), 0);
}

#[test]
fn a_failure_may_be_a_failure_of_the_run() {
    let server = Server::start(|_| Reply::Status(404, "no such model"));
    let score = judged_by(&server, "on_failure = \"error\"").score(&rollout("A tool."));
    assert_eq!((score.status, score.reward), (Status::Error, None));
    let error = score.error.expect("an error");
    assert_eq!(error.kind, ErrorKind::Machinery);
    assert_eq!(error.term.as_deref(), Some("helpful"));
    assert!(
        error.message.contains("status 404: no such model"),
        "{}",
        error.message
    );
}

#[test]
fn without_a_client_nothing_is_judged() {
    let score = scorer(&spec("http://localhost:9/", JUDGE)).score(&rollout("A tool."));
    assert_eq!((score.status, score.reward), (Status::Error, None));
    assert_eq!(score.error.expect("an error").kind, ErrorKind::Machinery);
}

static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn hear(notice: &str) {
    SAID.lock()
        .expect("nobody panics here")
        .push(notice.to_owned());
}

/// After failures in a row an endpoint is left alone, which is said once; then it is
/// tried whether it is back.
#[test]
fn an_endpoint_that_is_away_is_left_alone() {
    let server = Server::start(|request| match request.number {
        0..3 => Reply::Status(404, ""),
        _ => Reply::Json(chat("Score: 6")),
    });
    let text = spec(
        &server.url,
        &format!("{JUDGE}away_after = 3\naway_ms = 200\n"),
    );
    let mut options = EngineOptions::with_jobs(1);
    options.say = Some(hear);
    let engine = Engine::start(scorer(&text), &options).expect("an engine");
    let row = |number: usize| rollout(&format!("A tool, {number}."));
    for number in 0..3 {
        assert_abstains(&engine.score(&row(number)), "remote_status");
    }
    for number in 3..10 {
        assert_abstains(&engine.score(&row(number)), "remote_away");
    }
    assert_eq!(server.count(), 3);
    let heard = |url: &str| {
        let said = SAID.lock().expect("nobody panics here");
        said.iter()
            .filter(|said| said.contains(url))
            .cloned()
            .collect::<Vec<_>>()
    };
    let said = heard(&server.url);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("is away after 3 failures in a row"),
        "{said:?}"
    );
    std::thread::sleep(Duration::from_millis(250));
    assert_eq!(engine.score(&row(10)).reward, Some(0.6));
    assert_eq!(heard(&server.url).len(), 2);
    let [(_, usage)] = &engine.scorer().usage()[..] else {
        panic!("one endpoint");
    };
    assert_eq!((usage.asked, usage.failed, usage.requests), (11, 10, 4));
}

/// The key goes to the server, and nowhere else, even if the server repeats it.
#[test]
fn the_key_is_not_told() {
    const KEY: &str = "GOLDSTONE_TEST_JUDGE_KEY";
    let with_key = |server: &Server, more: &str| {
        let options = format!("{JUDGE}key_env = \"{KEY}\"\n{more}");
        let options = (spec(&server.url, &options), EngineOptions::with_jobs(1));
        Engine::start(scorer(&options.0), &options.1)
    };
    let server = Server::saying("Score: 6");
    let error = with_key(&server, "").expect_err("there is no key");
    assert!(matches!(error, EngineError::Remote(_)));
    assert!(error.to_string().contains(KEY), "{error}");
    // Tests run in processes of their own.
    let secret = std::env::var("GOLDSTONE_TEST_JUDGE_KEY_SET");
    assert!(secret.is_err(), "the name is free");
    let path = std::env::var("PATH").expect("a variable that is always there");
    let options = format!("{JUDGE}key_env = \"PATH\"\non_failure = \"error\"\n");
    let leaky = path.clone();
    let server = Server::start(move |request| {
        assert!(request.head.contains(&format!("Bearer {leaky}")));
        Reply::Raw(Vec::new())
    });
    let engine = super::engine(&spec(&server.url, &options));
    let score = engine.score(&rollout("A tool."));
    assert!(
        server.requests()[0]
            .head
            .to_lowercase()
            .contains("authorization: bearer ")
    );
    assert!(!format!("{score:?}{engine:?}").contains(&path));
    let leaky = path.clone();
    let server = Server::start(move |_| {
        let said: &'static str = Box::leak(format!("bad key {leaky}").into_boxed_str());
        Reply::Status(401, said)
    });
    let score = super::engine(&spec(&server.url, &options)).score(&rollout("A tool."));
    let message = score.error.expect("an error").message;
    assert!(message.contains("bad key ***"), "{message}");
    assert!(!message.contains(&path), "{message}");
}

/// Rows that need nobody do not wait for those that do.
#[test]
fn cheap_rows_are_not_held_up() {
    let scorer: Scorer = scorer(&spec("http://localhost:9/", JUDGE));
    assert_eq!(scorer.waiting_rows(), 16);
    assert!(goldstone::engine::threads(&scorer, 2) >= 18);
}

/// Whoever stops a batch waits for what is under way, and for nothing else; others of
/// the same endpoint are asked.
#[test]
fn a_stopped_batch_asks_nothing_more() {
    let server = Server::start(|request| match request.number < 2 {
        true => Reply::Late(Duration::from_millis(1500), chat("Score: 10")),
        false => Reply::Json(chat("Score: 10")),
    });
    let engine = judged_by(&server, "concurrency = 2\n");
    let record = |number: usize| format!(r#"{{"prompt": "?", "completion": "tool {number}"}}"#);
    // The last is asked twice.
    let records: Vec<String> = (0..12).map(|number| record(number.min(10))).collect();
    let stopped = engine.score_records_while(&records, &mut || server.count() < 2);
    assert!(stopped.is_none());
    assert_eq!(server.count(), 2);
    let scores = engine.score_records_while(&records, &mut || true);
    let rewards = scores.expect("nobody stopped it").into_iter();
    assert!(rewards.map(|score| score.reward).eq([Some(1.0); 12]));
    assert_eq!(server.count(), 11);
}
