//! Specs that ask judges: failures that trainers must not take for rewards, rows that
//! need no judge beside rows that wait for one, and what is told about it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use goldstone::reward::{Scorer, SpecSource};
use goldstone::serve::ServeOptions;
use serde_json::{Value, json};

use super::client::{Connection, Served};
use crate::remote::server::{Reply, Server, chat};

fn scorer(text: &str) -> Scorer {
    let compiled = Scorer::compile(SpecSource {
        text,
        origin: "spec.toml",
        grammar: &|_| Err("none".to_owned()),
    });
    compiled.unwrap_or_else(|error| panic!("{error}"))
}

/// `accuracy` by a rule; `helpful` by a judge, of tasks that are called `chat`.
fn mixed(url: &str, more: &str) -> Scorer {
    scorer(&format!(
        "version = 1\nname = \"mixed\"\n[rewards.accuracy]\nmath = {{}}\n\
         when = {{ task = \"math\" }}\n[rewards.helpful]\nwhen = {{ task = \"chat\" }}\n\
         [rewards.helpful.remote]\nurl = \"{url}\"\nmodel = \"judge\"\nprompt = \"{{completion}}\"\n\
         range = [0, 10]\nretries = 0\n{more}"
    ))
}

/// Every row is put to the judge.
fn judged(url: &str, more: &str) -> Scorer {
    scorer(&format!(
        "version = 1\nname = \"judged\"\n[rewards.helpful.remote]\nurl = \"{url}\"\n\
         model = \"judge\"\nprompt = \"{{completion}}\"\nrange = [0, 10]\nretries = 0\n{more}"
    ))
}

/// What each trainer's route takes, with one row that says `words`.
fn requests(words: &str) -> [(&'static str, Value); 4] {
    [
        (
            "/openrlhf",
            json!({"query": [format!("Hi? {words}")], "prompts": ["Hi?"], "labels": [""]}),
        ),
        (
            "/slime",
            json!({"prompt": "Hi?", "response": words, "label": ""}),
        ),
        (
            "/verify",
            json!({"responses_create_params": {"input": "Hi?"}, "response": {"output": [
                {"type": "message", "role": "assistant", "content": [
                    {"type": "output_text", "text": words}]}]}}),
        ),
        (
            "/llamafactory",
            json!({"model": "rm", "messages": [format!("<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\n{words}")]}),
        ),
    ]
}

/// The one reward of an answer.
fn reward(answer: &Value) -> Option<f64> {
    let places = ["", "/rewards/0", "/reward", "/scores/0"];
    places
        .iter()
        .find_map(|place| answer.pointer(place).and_then(Value::as_f64))
}

/// A judge that fails is no reward, and least of all 0.
#[test]
fn a_judge_that_fails_is_unavailable_to_trainers() {
    type Bad = fn() -> Reply;
    let bad: [(Bad, &str); 5] = [
        (|| Reply::Status(500, "out of memory"), "remote_status"),
        (|| Reply::Status(401, ""), "remote_status"),
        (|| Reply::Close, "remote_unreachable"),
        (|| Reply::Raw(b"<html>".to_vec()), "remote_reply"),
        (|| Reply::Json(json!({"error": "loading"})), "remote_reply"),
    ];
    for (bad, reason) in bad {
        let judge = Server::start(move |_| bad());
        for (more, is_said) in [("", true), ("on_failure = \"error\"\n", false)] {
            let more = &format!("away_after = 1000\n{more}");
            let served = Served::with(vec![judged(&judge.url, more)], ServeOptions::default());
            for (path, body) in requests("A tool.") {
                let reply = served.post(path, body.to_string());
                let shown = format!("{path} {more}: {}", reply.text());
                assert_eq!(reply.status, 503, "{shown}");
                assert_eq!(reply.code(), "unavailable", "{shown}");
                assert_eq!(reply.json()["error"]["row"], 1, "{shown}");
                assert_eq!(reward(&reply.json()), None, "{shown}");
                if is_said {
                    assert!(reply.text().contains(reason), "{shown}");
                }
                // Prices of what the row itself is to blame for do not apply.
                let priced = served.post(&format!("{path}?abstain=0&error=0"), body.to_string());
                assert_eq!(priced.status, 503, "{shown}");
                let paid = served.post(&format!("{path}?failure=-0.5"), body.to_string());
                assert_eq!(paid.status, 200, "{shown}");
                assert_eq!(reward(&paid.json()), Some(-0.5), "{shown}");
            }
        }
    }
}

/// An odd reply is the judge's or the policy's: undecided, not unavailable.
#[test]
fn a_judge_that_says_nothing_is_undecided() {
    let judge = Server::saying("Hm.");
    let served = Served::with(vec![judged(&judge.url, "")], ServeOptions::default());
    for (path, body) in requests("A tool.") {
        let reply = served.post(path, body.to_string());
        assert_eq!((reply.status, &*reply.code()), (422, "unjudged"), "{path}");
    }
    let judge = Server::saying("Score: 5");
    let served = Served::with(vec![judged(&judge.url, "")], ServeOptions::default());
    for (path, body) in requests("A tool.") {
        let reply = served.post(path, body.to_string());
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reward(&reply.json()), Some(0.5), "{path}");
    }
}

/// One row of many without a judge is enough: no list has a made-up number in it.
#[test]
fn a_failure_among_others_refuses_them_all() {
    let judge = Server::start(
        |request| match request.body.to_string().contains("broken") {
            true => Reply::Status(500, ""),
            false => Reply::Json(chat("Score: 5")),
        },
    );
    let served = Served::with(vec![judged(&judge.url, "")], ServeOptions::default());
    let body = json!({"query": ["Hi? good", "Hi? broken", "Hi? fine"],
        "prompts": ["Hi?", "Hi?", "Hi?"], "labels": ["", "", ""]});
    let reply = served.post("/openrlhf", body.to_string());
    assert_eq!((reply.status, &*reply.code()), (503, "unavailable"));
    assert_eq!(reply.json()["error"]["row"], 2);
    // Our own route has a word for it.
    let rows = json!([{"completion": "good"}, {"completion": "broken"}]);
    let reply = served.post("/score", rows.to_string());
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()[0]["reward"], 0.5);
    assert_eq!(reply.json()[1]["reward"], Value::Null);
}

/// A door that is shut until a test opens it.
#[derive(Default)]
struct Door {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Door {
    fn pass(&self) {
        let is_open = self.is_open.lock().unwrap();
        drop(
            self.opened
                .wait_while(is_open, |is_open| !*is_open)
                .unwrap(),
        );
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// Rows that need no judge are answered while as many as the judge takes at a time
/// wait for it; and other specs go on whatever waits.
#[test]
fn rows_that_wait_for_a_judge_hold_up_no_other() {
    let door = Arc::new(Door::default());
    let waiting = Arc::new(AtomicUsize::new(0));
    let (shut, seen) = (Arc::clone(&door), Arc::clone(&waiting));
    let judge = Server::start(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        shut.pass();
        Reply::Json(chat("Score: 5"))
    });
    let more = "concurrency = 4\ntimeout_ms = 60000\n";
    let math = goldstone::load::spec("math").unwrap();
    let served = Served::with(vec![mixed(&judge.url, more), math], ServeOptions::default());
    let slow = |number: usize| json!({"completion": format!("A tool, {number}."), "task": "chat"});
    let quick = json!({"completion": "\\boxed{4}", "reference": "4", "task": "math"});
    let address = served.address;
    let ask = move |rows: Vec<Value>| {
        let body = Value::from(rows).to_string();
        let reply = Connection::new(address).request("POST", "/score", &[], body.as_bytes());
        reply.unwrap().json()
    };
    let first = thread::spawn(move || ask((0..4).map(slow).collect()));
    while waiting.load(Ordering::SeqCst) < 4 {
        thread::yield_now();
    }
    // The judge has all that it takes. Alone, in lists and as lines:
    for _ in 0..20 {
        let reply = served.post("/score", quick.to_string());
        assert_eq!(reply.json()["reward"], 1.0);
    }
    let many = served.post("/score", Value::from(vec![quick.clone(); 300]).to_string());
    let many = many.json();
    assert!(
        many.as_array()
            .unwrap()
            .iter()
            .all(|score| score["reward"] == 1.0)
    );
    let lines = format!("{quick}\n").repeat(300);
    let streamed = served.post_lines("/score", &lines);
    assert_eq!(streamed.text().matches("\"reward\":1.0").count(), 300);
    // More than the judge takes fills this spec's threads, and no other's.
    let second = thread::spawn(move || ask((4..24).map(slow).collect()));
    while served.metric("goldstone_queue_rows{spec=\"mixed\"}") < 24.0 {
        thread::yield_now();
    }
    let reply = served.post("/score?spec=math", quick.to_string());
    assert_eq!(reply.json()["reward"], 1.0);
    assert_eq!(waiting.load(Ordering::SeqCst), 4);
    door.open();
    for answers in [first.join().unwrap(), second.join().unwrap()] {
        let answers = answers.as_array().unwrap();
        assert!(
            answers
                .iter()
                .all(|score| score["terms"]["helpful"]["value"] == 0.5),
            "{answers:?}"
        );
    }
}

/// Counts by endpoint, without what a query may hold.
#[test]
fn what_judges_are_asked_is_counted() {
    let judge = Server::start(|request| match request.number {
        0 => Reply::Status(503, ""),
        1 => {
            let mut reply = chat("Score: 5");
            reply["usage"] = json!({"prompt_tokens": 120, "completion_tokens": 7});
            Reply::Json(reply)
        }
        _ => Reply::Status(404, ""),
    });
    let place = judge.url.clone();
    let text = judged(&format!("{place}?key=secret#part"), "")
        .text()
        .replace("retries = 0", "retries = 1");
    let text = format!("{text}backoff_ms = 1\naway_after = 1\n");
    let served = Served::with(vec![scorer(&text)], ServeOptions::default());
    let row = |text: &str| json!({"completion": text}).to_string();
    for text in ["A tool.", "A tool.", "A toy.", "A fork."] {
        served.post("/score", row(text));
    }
    let labels = format!("{{spec=\"judged\",endpoint=\"{place}\",model=\"judge\"");
    // Twice: looking changes nothing.
    for _ in 0..2 {
        for (name, count) in [
            ("questions_total", 4.0),
            ("cached_total", 1.0),
            ("unanswered_total", 2.0),
            ("requests_total", 3.0),
            ("retries_total", 1.0),
            ("away", 1.0),
        ] {
            let found = served.metric(&format!("goldstone_remote_{name}{labels}}}"));
            assert_eq!(found, count, "{name}");
        }
    }
    let tokens = |kind: &str| {
        served.metric(&format!(
            "goldstone_remote_tokens_total{labels},kind=\"{kind}\"}}"
        ))
    };
    assert_eq!((tokens("prompt"), tokens("completion")), (120.0, 7.0));
    assert!(served.metric(&format!("goldstone_remote_seconds_total{labels}}}")) > 0.0);
    let metrics = served.get("/metrics");
    assert!(!metrics.text().contains("secret"), "{}", metrics.text());
    let status = served.get("/status");
    assert!(!status.text().contains("secret"), "{}", status.text());
    let told = &status.json()["remote"][0];
    assert_eq!(told["endpoint"], *place);
    assert_eq!(
        (&told["questions"], &told["retries"]),
        (&4.into(), &1.into())
    );
    assert_eq!(told["is_away"], true);
}

/// A specification without a judge has no such counts.
#[test]
fn without_judges_nothing_is_told_of_them() {
    let served = Served::start(ServeOptions::default());
    assert!(
        !served
            .get("/metrics")
            .text()
            .contains("goldstone_remote_away{")
    );
    assert_eq!(served.get("/status").json()["remote"], json!([]));
}
