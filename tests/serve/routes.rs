//! Recorded requests: `tests/data/serve/requests.toml`.

use std::collections::{BTreeMap, BTreeSet};

use goldstone::serve::ServeOptions;
use serde::Deserialize;
use serde_json::Value;

use super::client::Served;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default = "post")]
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    status: u16,
    /// JSON pointers into the answer and what is there; lines of JSON are a list.
    #[serde(default)]
    expect: BTreeMap<String, toml::Value>,
    /// JSON pointers to nothing.
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default, rename = "why")]
    _why: String,
}

fn post() -> String {
    "POST".to_owned()
}

#[test]
fn requests_are_answered_as_recorded() {
    let cases = include_str!("../data/serve/requests.toml");
    let cases: Cases = toml::from_str(cases).unwrap();
    let served = Served::start(ServeOptions::default());
    let mut names = BTreeSet::new();
    let mut faults = Vec::new();
    for case in &cases.case {
        assert!(names.insert(&case.name), "`{}` twice", case.name);
        let headers: Vec<(&str, &str)> = case
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let mut connection = served.connect();
        let reply = connection
            .request(&case.method, &case.path, &headers, case.body.as_bytes())
            .unwrap();
        let answer = match reply.header("content-type") {
            Some("application/x-ndjson") => reply
                .text()
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .collect(),
            Some("application/json") => reply.json(),
            _ => Value::Null,
        };
        if reply.status != case.status {
            faults.push(format!("{}: {} {answer}", case.name, reply.status));
        }
        if reply.header("x-request-id").is_none() {
            faults.push(format!("{}: no id", case.name));
        }
        for (pointer, expected) in &case.expect {
            let expected = serde_json::to_value(expected).unwrap();
            let found = answer.pointer(pointer).unwrap_or(&Value::Null);
            let is_same = match (found.as_f64(), expected.as_f64()) {
                (Some(found), Some(expected)) => found == expected,
                _ => *found == expected,
            };
            if !is_same {
                faults.push(format!("{}: {pointer} is {found}", case.name));
            }
        }
        for pointer in &case.absent {
            if answer
                .pointer(pointer)
                .is_some_and(|value| !value.is_null())
            {
                faults.push(format!("{}: {pointer} is there", case.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_id_is_echoed_if_it_is_one() {
    let served = Served::start(ServeOptions::default());
    let reply = |id: &str| {
        let mut connection = served.connect();
        let headers = [("x-request-id", id)];
        connection
            .request("GET", "/nothing", &headers, b"")
            .unwrap()
    };
    let own = reply("step-17/row 4");
    assert_eq!(own.header("x-request-id"), Some("step-17/row 4"));
    assert_eq!(own.json()["request_id"], "step-17/row 4");
    let long = reply(&"x".repeat(129));
    assert_ne!(long.header("x-request-id"), Some(&*"x".repeat(129)));
    let (one, other) = (served.get("/health"), served.get("/health"));
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[test]
fn counts_are_those_of_the_requests() {
    let served = Served::start(ServeOptions::default());
    served.post(
        "/score",
        r#"[{"completion": "<think>a</think><answer>42</answer>", "reference": "42"}, {"completion": "no", "reference": "42"}, 7]"#,
    );
    served.post("/score", "{");
    assert_eq!(
        served.metric("goldstone_rows_total{spec=\"r1-zero\",status=\"ok\"}"),
        2.0
    );
    let errors = "goldstone_rows_total{spec=\"r1-zero\",status=\"error\"}";
    assert_eq!(served.metric(errors), 1.0);
    let correct =
        "goldstone_verdicts_total{spec=\"r1-zero\",reward=\"accuracy\",verdict=\"correct\"}";
    assert_eq!(served.metric(correct), 1.0);
    assert_eq!(
        served.metric("goldstone_refused_total{reason=\"malformed\"}"),
        1.0
    );
    assert_eq!(served.metric("goldstone_queue_rows{spec=\"r1-zero\"}"), 0.0);
    assert_eq!(
        served.metric("goldstone_row_seconds_count{spec=\"r1-zero\"}"),
        3.0
    );
    let status = served.get("/status").json();
    assert_eq!(status["rows"]["ok"], 2);
    assert_eq!(status["rows"]["error"], 1);
    assert_eq!(status["verdicts"]["correct"], 1);
    assert_eq!(status["verdicts"]["none"], 1);
    assert_eq!(
        (&status["requests"], &status["refused"]),
        (&1.into(), &1.into())
    );
    assert_eq!(status["slowest"].as_array().unwrap().len(), 3);
}
