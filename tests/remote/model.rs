//! Reward models: protocols, batches, numbers.

use goldstone::reward::{ErrorKind, Status};
use goldstone::rollout::{Message, Rollout, Text};
use serde_json::{Value, json};

use super::server::{Reply, Request, Server};
use super::{assert_abstains, engine, helpful, rollout, spec};

/// The length of every text is its score.
fn lengths(texts: &Value) -> Vec<f64> {
    let texts = texts.as_array().expect("a list");
    let length = |text: &Value| text.as_str().map_or(0, str::len) as f64;
    texts.iter().map(length).collect()
}

fn text_prompt(number: usize) -> Rollout {
    Rollout {
        id: number.to_string(),
        prompt: "p:".into(),
        reference: Some("gold".into()),
        ..rollout(&"x".repeat(number))
    }
}

#[test]
fn messages_get_scores() {
    let server = Server::start(|_| Reply::Json(json!({"scores": [0.25]})));
    let options = "protocol = \"scores\"\nmodel = \"rm\"\nrange = [-1, 1]";
    let engine = engine(&spec(&server.url, options));
    let said = |role: &str| Message {
        role: role.to_owned(),
        content: format!("by {role}"),
        reasoning: None,
    };
    let row = Rollout {
        prompt: Text::Chat(vec![said("system"), said("user")]),
        ..rollout("A tool.")
    };
    let score = engine.score(&row);
    assert_eq!(score.reward, Some(0.625));
    assert_eq!(helpful(&score).detail.value("score"), Some(&0.25.into()));
    let body = server.requests()[0].body.clone();
    assert_eq!(
        body,
        json!({"model": "rm", "messages": [[
            {"role": "system", "content": "by system"},
            {"role": "user", "content": "by user"},
            {"role": "assistant", "content": "A tool."},
        ]]})
    );
    // Outside the range a score is kept at its end.
    let server = Server::start(|_| Reply::Json(json!({"scores": [[77.0]]})));
    let engine = super::engine(&spec(&server.url, options));
    assert_eq!(engine.score(&row).reward, Some(1.0));
}

#[test]
fn openrlhf_vllm_and_plain_texts_get_numbers() {
    type Answer = fn(&Request) -> Reply;
    let cases: [(&str, Answer, Value); 4] = [
        (
            "protocol = \"openrlhf\"",
            |request| Reply::Json(json!({"rewards": lengths(&request.body["query"])})),
            json!({"query": ["p:xxx"], "prompts": ["p:"], "labels": ["gold"]}),
        ),
        (
            "protocol = \"scores\"\ninput = \"text\"\nmodel = \"rm\"",
            |request| Reply::Json(json!({"scores": lengths(&request.body["input"])})),
            json!({"model": "rm", "input": ["p:xxx"]}),
        ),
        (
            "protocol = \"classify\"\nclass = 1\nmodel = \"rm\"",
            |request| {
                let length = lengths(&request.body["input"])[0];
                Reply::Json(json!({"data": [{"index": 0, "label": "good",
                    "probs": [0.5, length], "num_classes": 2}]}))
            },
            json!({"model": "rm", "input": ["p:xxx"]}),
        ),
        (
            "protocol = \"pooling\"\nmodel = \"rm\"",
            |request| {
                let length = lengths(&request.body["input"])[0];
                Reply::Json(json!({"data": [{"index": 0, "object": "pooling", "data": [length]}]}))
            },
            json!({"model": "rm", "input": ["p:xxx"]}),
        ),
    ];
    for (options, answer, expected) in cases {
        let server = Server::start(answer);
        let engine = engine(&spec(&server.url, &format!("{options}\nrange = [0, 10]")));
        let score = engine.score(&text_prompt(3));
        assert_eq!(score.reward, Some(0.5), "{options}: {score:?}");
        assert_eq!(server.requests()[0].body, expected, "{options}");
        let chat = Rollout {
            prompt: Text::Chat(vec![Message::default()]),
            ..text_prompt(3)
        };
        let score = engine.score(&chat);
        assert_eq!(score.status, Status::Error, "{options}");
        assert_eq!(
            score.error.expect("an error").kind,
            ErrorKind::Data,
            "{options}"
        );
    }
}

/// Questions that wait together go together, and each gets its own score.
#[test]
fn questions_are_sent_in_batches() {
    let server = Server::start(|request| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        Reply::Json(json!({"scores": lengths(&request.body["input"])}))
    });
    let options = "protocol = \"scores\"\ninput = \"text\"\nrange = [0, 1000]\nbatch = 16\n\
                   concurrency = 2\nlinger_ms = 50";
    let engine = engine(&spec(&server.url, options));
    let rows: Vec<Rollout> = (1..=160).map(text_prompt).collect();
    let scores = engine.score_all(&rows);
    for (index, score) in scores.iter().enumerate() {
        let length = (index + 1 + "p:".len()) as f64;
        assert_eq!(score.reward, Some(length / 1000.0), "{score:?}");
        assert_eq!(score.id, (index + 1).to_string());
    }
    let sizes: Vec<usize> = server
        .requests()
        .iter()
        .map(|request| request.body["input"].as_array().expect("a list").len())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 160);
    assert!(sizes.iter().all(|size| *size <= 16), "{sizes:?}");
    // 32 rows wait at a time: two requests of 16. Their ends are ragged.
    assert!(sizes.len() <= 24, "{sizes:?}");
}

/// Rows of a group are often equal: they are asked once.
#[test]
fn equal_questions_are_asked_once() {
    let server = Server::start(|request| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        Reply::Json(json!({"scores": lengths(&request.body["input"])}))
    });
    let options = "protocol = \"scores\"\ninput = \"text\"\nrange = [0, 10]";
    let engine = engine(&spec(&server.url, options));
    let rows: Vec<Rollout> = (0..64).map(|_| text_prompt(3)).collect();
    let scores = engine.score_all(&rows);
    assert!(scores.iter().all(|score| score.reward == Some(0.5)));
    assert_eq!(server.count(), 1);
}

#[test]
fn scores_that_do_not_fit_the_texts_are_none() {
    let replies = [
        json!({"scores": []}),
        json!({"scores": [1.0, 2.0]}),
        json!({"scores": [null]}),
        json!({"scores": ["1"]}),
        json!({"scores": [[1.0, 2.0]]}),
        json!({"scores": 1.0}),
        json!({"rewards": [1.0]}),
        json!([1.0]),
        json!({"error": "loading"}),
    ];
    for reply in replies {
        let shown = reply.to_string();
        let server = Server::start(move |_| Reply::Json(reply.clone()));
        let options = "protocol = \"scores\"\nrange = [0, 10]";
        let score = engine(&spec(&server.url, options)).score(&rollout("A tool."));
        assert_eq!(helpful(&score).reason, Some("remote_reply"), "{shown}");
        assert_abstains(&score, "remote_reply");
    }
    // Python writes NaN where JSON has no number.
    let server = Server::start(|_| Reply::Raw(b"{\"scores\": [NaN]}".to_vec()));
    let score = engine(&spec(&server.url, "protocol = \"scores\"\nrange = [0, 10]"))
        .score(&rollout("A tool."));
    assert_abstains(&score, "remote_reply");
}

/// A text that the server refuses takes no other with it.
#[test]
fn one_text_too_long_costs_only_its_own_row() {
    let server = Server::start(|request| {
        let lengths = lengths(&request.body["input"]);
        match lengths.iter().any(|length| *length > 100.0) {
            true => Reply::Status(400, "context length exceeded"),
            false => Reply::Json(json!({"scores": lengths})),
        }
    });
    let options = "protocol = \"scores\"\ninput = \"text\"\nrange = [0, 100]\nlinger_ms = 100\n\
                   away_after = 1";
    let engine = engine(&spec(&server.url, options));
    let mut rows: Vec<Rollout> = (1..=20).map(text_prompt).collect();
    rows[7] = text_prompt(500);
    let scores = engine.score_all(&rows);
    for (index, score) in scores.iter().enumerate() {
        match index {
            7 => assert_abstains(score, "remote_status"),
            _ => assert!(score.reward.is_some(), "{score:?}"),
        }
    }
}
