//! One text that breaks an endpoint, among others that do not: it costs its own row
//! and no other; and an endpoint that is down is not mistaken for such a text.

use std::time::Duration;

use goldstone::engine::Engine;
use goldstone::reward::Score;
use goldstone::rollout::Rollout;
use serde_json::{Value, json};

use super::server::{Reply, Request, Server};
use super::{assert_abstains, engine, helpful, rollout, spec};

const POISON: &str = "poison";
const BATCH: usize = 8;

/// A reward model that is asked in requests of eight, without a second attempt.
fn model(server: &Server, more: &str) -> Engine {
    let options = "protocol = \"scores\"\ninput = \"text\"\nrange = [0, 1]\nbatch = 8\n\
                   concurrency = 1\nlinger_ms = 10000\nbackoff_ms = 1\n";
    engine(&spec(&server.url, &format!("{options}{more}")))
}

fn texts(request: &Request) -> Vec<String> {
    let texts = request.body["input"].as_array().expect("a list");
    let text = |text: &Value| text.as_str().expect("a text").to_owned();
    texts.iter().map(text).collect()
}

fn good(count: usize) -> Reply {
    Reply::Json(json!({"scores": vec![0.5; count]}))
}

/// Answers, but for requests with poison in them.
fn poisoned(bad: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        let texts = texts(request);
        match texts.iter().any(|text| text.contains(POISON)) {
            true => bad(),
            false => good(texts.len()),
        }
    })
}

/// Eight rows; those at `places` are poison. Names differ from call to call.
fn rows(call: usize, places: &[usize]) -> Vec<Rollout> {
    let text = |place: usize| match places.contains(&place) {
        true => format!("{POISON} {call} {place}"),
        false => format!("fine {call} {place}"),
    };
    (0..BATCH).map(|place| rollout(&text(place))).collect()
}

fn assert_answered_but(scores: &[Score], places: &[usize], reason: &str) {
    for (place, score) in scores.iter().enumerate() {
        match places.contains(&place) {
            true => assert_abstains(score, reason),
            false => assert_eq!(score.reward, Some(0.5), "{place}: {score:?}"),
        }
    }
}

#[test]
fn a_poisonous_text_costs_its_own_row() {
    type Bad = fn() -> Reply;
    let bad: [(Bad, &str); 6] = [
        (|| Reply::Status(500, "assertion failed"), "remote_status"),
        (|| Reply::Close, "remote_unreachable"),
        (|| Reply::Raw(b"<html>".to_vec()), "remote_reply"),
        (|| Reply::Json(json!({"scores": []})), "remote_reply"),
        (|| Reply::Raw(vec![b' '; 2 << 20]), "remote_reply"),
        (
            || Reply::Late(Duration::from_secs(6), json!({"scores": [1.0]})),
            "remote_timeout",
        ),
    ];
    for (bad, reason) in bad {
        let server = poisoned(bad);
        let engine = model(&server, "retries = 0\ntimeout_ms = 2000\naway_after = 1\n");
        let scores = engine.score_all(&rows(0, &[3]));
        assert_answered_but(&scores, &[3], reason);
        // The whole, and each of it once.
        assert_eq!(server.count(), 1 + BATCH, "{reason}");
        // One failure is enough for this circuit, and none was counted.
        let scores = engine.score_all(&rows(1, &[]));
        assert_answered_but(&scores, &[], reason);
        assert_eq!(server.count(), 1 + BATCH + 1, "{reason}");
    }
}

/// Two side by side, in whatever order the threads put them in line, are not yet an
/// endpoint that is down; and a text that is too long is an answer.
#[test]
fn two_of_them_and_one_too_long_cost_their_own_rows() {
    let server = Server::start(|request| {
        let texts = texts(request);
        let has = |word: &str| texts.iter().any(|text| text.contains(word));
        match (has(POISON), has("long")) {
            (true, _) => Reply::Status(502, ""),
            (false, true) => Reply::Status(413, ""),
            (false, false) => good(texts.len()),
        }
    });
    let mut rows = rows(0, &[2, 6]);
    rows[4] = rollout("long");
    let scores = model(&server, "retries = 0\naway_after = 1").score_all(&rows);
    assert_answered_but(&scores, &[2, 4, 6], "remote_status");
    assert_eq!(server.count(), 1 + BATCH);
}

/// A few failures in a row, one by one, and the endpoint counts as down.
#[test]
fn an_endpoint_that_is_down_is_asked_little() {
    let server = Server::start(|_| Reply::Status(500, "out of memory"));
    let engine = model(&server, "retries = 1\naway_after = 2\naway_ms = 60000\n");
    for (call, (reason, count)) in [
        ("remote_status", 5),
        ("remote_status", 10),
        ("remote_away", 10),
    ]
    .into_iter()
    .enumerate()
    {
        for score in engine.score_all(&rows(call, &[])) {
            assert_abstains(&score, reason);
        }
        // Two attempts of the whole, and three texts.
        assert_eq!(server.count(), count, "{call}");
    }
}

/// What is tried again after a while may have poison in it.
#[test]
fn an_endpoint_comes_back_with_poison_in_the_first_request() {
    let server = Server::start(|request| {
        let texts = texts(request);
        let is_bad = texts.iter().any(|text| text.contains(POISON));
        match request.number < 4 || is_bad {
            true => Reply::Status(500, ""),
            false => good(texts.len()),
        }
    });
    let engine = model(&server, "retries = 0\naway_after = 1\naway_ms = 200\n");
    for score in engine.score_all(&rows(0, &[])) {
        assert_abstains(&score, "remote_status");
    }
    assert_abstains(&engine.score_all(&rows(1, &[]))[0], "remote_away");
    assert_eq!(server.count(), 4);
    std::thread::sleep(Duration::from_millis(300));
    assert_answered_but(&engine.score_all(&rows(2, &[5])), &[5], "remote_status");
    assert_answered_but(&engine.score_all(&rows(3, &[])), &[], "");
}

/// What nobody has looked at is not sent again in parts.
#[test]
fn a_request_that_is_refused_as_such_stays_whole() {
    for status in [401, 403, 404, 429] {
        let server = Server::start(move |_| Reply::Status(status, ""));
        for score in model(&server, "retries = 0").score_all(&rows(0, &[])) {
            assert_abstains(&score, "remote_status");
            assert_eq!(helpful(&score).detail.value("status"), Some(&status.into()));
        }
        assert_eq!(server.count(), 1, "{status}");
    }
}
