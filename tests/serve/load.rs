//! Many clients, more than fit, and the end in the middle of it.

use std::collections::BTreeMap;
use std::fs;
use std::thread;

use goldstone::batch::{Batch, BatchOptions, Columns, Control, Input, Inputs};
use goldstone::load;
use goldstone::serve::ServeOptions;
use serde_json::Value;

use super::client::{Connection, Served};

const ROLLOUTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rollouts/gsm8k.jsonl");

/// What `goldstone score --columns scores` writes.
fn scored(spec: &str) -> String {
    let inputs = Inputs::check(vec![Input::named(ROLLOUTS)]).unwrap();
    let options = BatchOptions {
        columns: Columns::Scores,
        ..BatchOptions::default()
    };
    let batch = Batch {
        judge: &load::spec(spec).unwrap(),
        inputs: &inputs,
        options: &options,
        control: &Control::default(),
    };
    let mut out = Vec::new();
    batch.run(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Rows that take a while together.
fn long_list(rows: usize) -> String {
    let lines = fs::read_to_string(ROLLOUTS).unwrap();
    let rows: Vec<&str> = lines.lines().cycle().take(rows).collect();
    format!("[{}]", rows.join(","))
}

#[test]
fn scores_are_those_of_files_to_the_byte() {
    let served = Served::start(ServeOptions::default());
    let lines = fs::read_to_string(ROLLOUTS).unwrap();
    for spec in ["math", "r1-zero"] {
        let expected = scored(spec);
        let path = format!("/score?spec={spec}");
        let streamed = served.post_lines(&path, &lines);
        assert_eq!(streamed.text(), expected);
        let list = format!("[{}]", lines.trim_end().replace('\n', ","));
        let listed = served.post(&path, &list);
        let wanted = format!("[{}]", expected.trim_end().replace('\n', ","));
        assert_eq!(listed.text(), wanted);
        // One by one, from many connections at a time.
        let rows: Vec<(&str, &str)> = lines.lines().zip(expected.lines()).collect();
        let (address, path) = (served.address, &path);
        thread::scope(|threads| {
            for part in rows.chunks(rows.len().div_ceil(8)) {
                threads.spawn(move || {
                    let mut connection = Connection::new(address);
                    for (row, expected) in part {
                        let reply = connection.request("POST", path, &[], row.as_bytes());
                        assert_eq!(reply.unwrap().text(), *expected);
                    }
                });
            }
        });
    }
}

#[test]
fn under_overload_every_request_has_one_answer() {
    const CLIENTS: usize = 16;
    const REQUESTS: usize = 60;
    const ROWS: usize = 4;
    let mut options = ServeOptions::default();
    // Half of what the clients send at a time.
    options.rows = CLIENTS * ROWS / 2;
    let served = Served::start(options);
    let lines = fs::read_to_string(ROLLOUTS).unwrap();
    let rows: Vec<&str> = lines.lines().collect();
    let counts: Vec<BTreeMap<u16, usize>> = thread::scope(|threads| {
        let client = |client: usize| {
            let mut connection = Connection::new(served.address);
            let mut counts = BTreeMap::new();
            for number in 0..REQUESTS {
                let own = |row: usize| {
                    let text = rows[(client * 31 + number * ROWS + row) % rows.len()];
                    let mut value: Value = serde_json::from_str(text).unwrap();
                    value["id"] = format!("{client}-{number}-{row}").into();
                    value.to_string()
                };
                let body: Vec<String> = (0..ROWS).map(own).collect();
                let body = format!("[{}]", body.join(","));
                let reply = connection.request("POST", "/score?spec=math", &[], body.as_bytes());
                let reply = reply.unwrap();
                *counts.entry(reply.status).or_default() += 1;
                match reply.status {
                    200 => {
                        let scores = reply.json();
                        let ids = scores.as_array().unwrap().iter().map(|score| &score["id"]);
                        let wanted =
                            (0..ROWS).map(|row| Value::from(format!("{client}-{number}-{row}")));
                        assert!(ids.cloned().eq(wanted));
                    }
                    _ => assert_eq!(reply.header("retry-after"), Some("1")),
                }
            }
            counts
        };
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| threads.spawn(move || client(number)))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    let count = |status: u16| counts.iter().filter_map(|counts| counts.get(&status)).sum();
    let (good, busy): (usize, usize) = (count(200), count(429));
    assert_eq!(good + busy, CLIENTS * REQUESTS, "{counts:?}");
    // No row was lost, and none was scored twice.
    let scored = served.metric("goldstone_row_seconds_count{spec=\"math\"}");
    assert_eq!(scored, (good * ROWS) as f64);
    assert_eq!(
        served.metric("goldstone_refused_total{reason=\"busy\"}"),
        busy as f64
    );
    assert_eq!(served.metric("goldstone_queue_rows{spec=\"math\"}"), 0.0);
}

#[test]
fn a_full_queue_refuses_and_a_stream_waits() {
    let mut options = ServeOptions::default();
    options.rows = 2000;
    let served = Served::start(options);
    let mut first = served.connect();
    let list = long_list(2000);
    let head = format!(
        "POST /score?spec=groups HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        list.len()
    );
    first.send(head).unwrap();
    first.send(&list).unwrap();
    while served.metric("goldstone_queue_rows{spec=\"groups\"}") == 0.0 {}
    let reply = served.post("/score?spec=groups", long_list(1));
    // The first request may have been quick.
    if reply.status != 200 {
        assert_eq!((reply.status, &*reply.code()), (429, "busy"));
    }
    // Another spec has a queue of its own.
    assert_eq!(served.post("/score?spec=math", long_list(1)).status, 200);
    assert_eq!(
        first.reply().unwrap().json().as_array().unwrap().len(),
        2000
    );
}

#[test]
fn rows_of_a_client_that_has_gone_are_dropped() {
    let served = Served::start(ServeOptions::default());
    let list = long_list(20_000);
    let head = format!(
        "POST /score?spec=math HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        list.len()
    );
    let mut connection = served.connect();
    connection.send(head).unwrap();
    connection.send(&list).unwrap();
    while served.metric("goldstone_queue_rows{spec=\"math\"}") == 0.0 {}
    drop(connection);
    while served.metric("goldstone_queue_rows{spec=\"math\"}") > 0.0 {}
    let dropped = served.metric("goldstone_rows_dropped_total{spec=\"math\"}");
    let scored = served.metric("goldstone_row_seconds_count{spec=\"math\"}");
    assert!(dropped > 0.0, "{scored} rows were scored");
    assert!(dropped + scored <= 20_000.0);
}

#[test]
fn what_was_taken_is_answered_before_the_end() {
    let served = Served::start(ServeOptions::default());
    let address = served.address;
    let list = long_list(3000);
    let wanted = list.matches("\"completion\"").count();
    let mut clients: Vec<Connection> = (0..4).map(|_| served.connect()).collect();
    for client in &mut clients {
        let head = format!(
            "POST /score?spec=math HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
            list.len()
        );
        client.send(head).unwrap();
        client.send(&list).unwrap();
    }
    let mut idle = served.connect();
    assert_eq!(
        idle.request("GET", "/health", &[], b"").unwrap().status,
        200
    );
    // All four have been read to their end.
    while served.metric("goldstone_row_seconds_count{spec=\"math\"}")
        + served.metric("goldstone_queue_rows{spec=\"math\"}")
        < 4.0 * 3000.0
    {}
    served.stop();
    // An idle connection ends at once, nobody can connect, and all answers come whole.
    assert!(idle.is_closed());
    for mut client in clients {
        let reply = client.reply().unwrap();
        assert_eq!(reply.status, 200);
        let scores = reply.json();
        let scores = scores.as_array().unwrap();
        assert_eq!(scores.len(), wanted);
        assert!(scores.iter().all(|score| score["status"] == "ok"));
        assert!(client.is_closed());
    }
    served.ended();
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_stream_that_is_stopped_is_cut_and_its_rows_are_good() {
    let served = Served::start(ServeOptions::default());
    let mut stream = served.connect();
    let head = "POST /score?spec=math HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-ndjson\r\ncontent-length: 1000000000\r\n\r\n";
    stream.send(head).unwrap();
    let lines = fs::read_to_string(ROLLOUTS).unwrap();
    stream.send(&lines).unwrap();
    while served.metric("goldstone_row_seconds_count{spec=\"math\"}") < 400.0 {}
    served.stop();
    // The answer has no end, so that nobody takes it for all.
    assert!(stream.reply().is_err());
    served.ended();
}
