//! Clients that are slow, rude, broken or strangers: each is answered clearly, or let
//! go of, and the next one is served.

use std::io;
use std::time::Duration;

use goldstone::serve::{ServeOptions, Token};

use super::client::{Served, request};

const ROW: &str = r#"{"completion": "<think>6 * 7</think><answer>42</answer>", "reference": "42"}"#;

fn impatient() -> ServeOptions {
    let mut options = ServeOptions::default();
    options.patience = Duration::from_millis(400);
    options
}

/// A server that small bodies fill.
fn small() -> ServeOptions {
    let mut options = ServeOptions::default();
    options.body_bytes = 1 << 20;
    options
}

fn is_well(served: &Served) {
    assert_eq!(served.post("/score", ROW).json()["reward"], 2.0);
}

#[test]
fn a_body_of_100_mb_is_told_its_limit() {
    let served = Served::start(small());
    let body = vec![b' '; 100 << 20];
    let reply = served.post("/score", &body);
    assert_eq!((reply.status, &*reply.code()), (413, "too_large"));
    // The same without a length in front.
    let mut connection = served.connect();
    let head = "POST /score HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.send(head).unwrap();
    for _ in 0..100 {
        connection.send("100000\r\n").unwrap();
        connection.send(&body[..1 << 20]).unwrap();
        connection.send("\r\n").unwrap();
    }
    connection.send("0\r\n\r\n").unwrap();
    assert_eq!(connection.reply().unwrap().status, 413);
    // A client that asks first need not send anything.
    let mut connection = served.connect();
    let head = "POST /score HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 104857600\r\n\r\n";
    connection.send(head).unwrap();
    assert_eq!(connection.reply().unwrap().status, 413);
    is_well(&served);
    assert_eq!(served.metric("goldstone_held_bytes"), 0.0);
}

#[test]
fn a_line_over_the_limit_is_an_error_of_its_row() {
    let served = Served::start(small());
    let long = "x".repeat(2 << 20);
    let body = format!("{ROW}\n{{\"completion\": \"{long}\"}}\n{ROW}\n");
    let reply = served.post_lines("/score", body);
    let rows: Vec<serde_json::Value> = reply
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&rows[0]["reward"], &rows[2]["reward"]),
        (&2.0.into(), &2.0.into())
    );
    assert_eq!(
        (&rows[1]["status"], &rows[1]["id"]),
        (&"error".into(), &"2".into())
    );
    assert!(
        rows[1]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("over the limit")
    );
}

#[test]
fn too_many_rows_are_told_their_limit() {
    let mut options = ServeOptions::default();
    options.rows = 3;
    let served = Served::start(options);
    let list = |rows: usize| format!("[{}]", [ROW].repeat(rows).join(","));
    let reply = served.post("/score", list(4));
    assert_eq!((reply.status, &*reply.code()), (413, "too_many_rows"));
    assert_eq!(served.post("/score", list(3)).status, 200);
    // A stream has no such limit.
    let reply = served.post_lines("/score", format!("{ROW}\n").repeat(500));
    assert_eq!(reply.text().lines().count(), 500);
}

#[test]
fn a_slow_client_is_told_so() {
    let served = Served::start(impatient());
    let mut head = served.connect();
    head.send("POST /score HTT").unwrap();
    let reply = head.reply().unwrap();
    assert_eq!((reply.status, &*reply.code()), (408, "slow"));
    let mut body = served.connect();
    let head = "POST /score HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{\"compl";
    body.send(head).unwrap();
    let reply = body.reply().unwrap();
    assert_eq!((reply.status, &*reply.code()), (408, "slow"));
    assert!(body.is_closed());
    // A stream has begun its answer: it is cut off, and what came is answered.
    let mut stream = served.connect();
    let head = "POST /score HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-ndjson\r\ncontent-length: 1000\r\n\r\n";
    stream.send(format!("{head}{ROW}\n{{\"compl")).unwrap();
    let error = stream.reply().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(
        served.metric("goldstone_rows_total{spec=\"r1-zero\",status=\"ok\"}"),
        1.0
    );
    assert_eq!(
        served.metric("goldstone_refused_total{reason=\"stream_slow\"}"),
        1.0
    );
    // Who says nothing is let go of without a word.
    let mut silent = served.connect();
    assert!(silent.is_closed());
    is_well(&served);
}

#[test]
fn a_client_that_does_not_read_is_let_go_of() {
    let served = Served::start(impatient());
    let mut stream = served.connect();
    let head = "POST /score HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.send(head).unwrap();
    let lines = format!("{ROW}\n").repeat(1000);
    let chunk = format!("{:x}\r\n{lines}\r\n", lines.len());
    let mut sent = 0;
    while stream.send(&chunk).is_ok() {
        sent += 1;
        assert!(sent < 2000, "two million rows in memory");
    }
    is_well(&served);
    // All that was kept for it is let go of as well.
    while served.metric("goldstone_connections") > 1.0 {}
    while served.metric("goldstone_queue_rows") > 0.0 {}
    while served.metric("goldstone_held_bytes") > 0.0 {}
}

#[test]
fn strangers_stay_outside() {
    let mut options = ServeOptions::default();
    options.token = Some(Token::new("open sesame"));
    let served = Served::start(options);
    let status = |path: &str, authorization: &str| {
        let mut connection = served.connect();
        let headers = [("authorization", authorization)];
        let reply = connection.request("POST", path, &headers, ROW.as_bytes());
        reply.unwrap().status
    };
    for wrong in [
        "",
        "open sesame",
        "Bearer",
        "Bearer ",
        "Bearer open sesam",
        "Bearer open sesame!",
        "Bearer Open sesame",
        "Basic open sesame",
        "Bearer  open sesame",
    ] {
        assert_eq!(status("/score", wrong), 401, "{wrong}");
        assert_eq!(status("/v1/score", wrong), 401, "{wrong}");
        assert_eq!(status("/openrlhf", wrong), 401, "{wrong}");
    }
    assert_eq!(status("/score", "Bearer open sesame"), 200);
    assert_eq!(status("/score", "bearer open sesame"), 200);
    for (path, expected) in [
        ("/metrics", 401),
        ("/status", 401),
        ("/specs", 401),
        ("/v1/specs", 401),
        ("/nothing", 401),
        ("/health", 200),
        ("/", 200),
    ] {
        assert_eq!(served.get(path).status, expected, "{path}");
    }
    let reply = served.post("/score", ROW);
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    assert_eq!(reply.code(), "unauthorized");
    // The answer is read by clients that have much to say, too.
    assert_eq!(served.post("/score", vec![b' '; 20 << 20]).status, 401);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let served = Served::start(ServeOptions::default());
    let mut connection = served.connect();
    let mut all = Vec::new();
    for id in 0..50 {
        let row = format!("{{\"id\": {id}, {}", &ROW[1..]);
        all.extend(request("POST", "/score", &[], row.as_bytes()));
        all.extend(request("GET", "/nothing", &[], b""));
    }
    connection.send(all).unwrap();
    for id in 0..50 {
        let reply = connection.reply().unwrap();
        assert_eq!(reply.json()["id"], id.to_string());
        assert_eq!(connection.reply().unwrap().status, 404);
    }
}

#[test]
fn what_is_no_utf8_has_a_place() {
    let served = Served::start(ServeOptions::default());
    let reply = served.post("/score", b"[\n  {\"completion\": \"\xff\"}]");
    let error = &reply.json()["error"];
    assert_eq!(reply.status, 400);
    assert_eq!((&error["line"], &error["column"]), (&2.into(), &19.into()));
    let mut lines = ROW.as_bytes().to_vec();
    lines.extend_from_slice(b"\n{\"completion\": \"\xc3\x28\"}\n");
    let reply = served.post_lines("/score", lines);
    let last: serde_json::Value =
        serde_json::from_str(reply.text().lines().nth(1).unwrap()).unwrap();
    assert_eq!(last["status"], "error");
}

#[test]
fn what_is_no_http_is_let_go_of() {
    let served = Served::start(ServeOptions::default());
    let head = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "y".repeat(1 << 20)
    );
    for (bytes, status) in [
        ("hello\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\n\r\n", 400),
        ("POST /score HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        (&head, 431),
    ] {
        let mut connection = served.connect();
        // The server may have had enough before all is sent.
        drop(connection.send(bytes));
        match connection.reply() {
            Ok(reply) => assert_eq!(reply.status, status, "{}", &bytes[..20]),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }
    // Bytes of no meaning, by a generator of its own so that they are the same each time.
    let mut state = 7_u32;
    for length in 0..100 {
        let mut bytes = Vec::new();
        for _ in 0..length * 7 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.push((state >> 24) as u8);
        }
        let mut connection = served.connect();
        drop(connection.send(&bytes));
        drop(connection.send(format!(
            "POST /score HTTP/1.1\r\ncontent-length: {length}\r\n\r\n"
        )));
        drop(connection.send(&bytes));
    }
    is_well(&served);
}

#[test]
fn a_socket_closed_by_half_is_a_client_that_has_gone() {
    let served = Served::start(ServeOptions::default());
    for body in [ROW, "{\"compl"] {
        let mut connection = served.connect();
        let mut bytes = request("POST", "/score", &[], body.as_bytes());
        bytes.truncate(bytes.len() - usize::from(body == ROW));
        connection.send(bytes).unwrap();
        connection.half_close();
        // An answer or none, but an end.
        while connection.reply().is_ok() {}
    }
    is_well(&served);
    while served.metric("goldstone_queue_rows") > 0.0 {}
}
