//! The HTTP server under load from this process, on the loopback address only.
//!
//! One row of the shipped GSM8K rollouts to a request, from 1, 8 and 64 connections
//! that each wait for their answer; the same with a list of 64 rows; and all rows again and
//! again as one stream of lines. Every answer is looked at: a row that is not scored
//! fails the run. Client and server share the machine's cores, so the rates are lower
//! bounds. `cargo bench --bench serve_load` runs each for two seconds.
#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]
#![expect(clippy::print_stdout, reason = "the results")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use goldstone::engine::{Engine, EngineOptions};
use goldstone::load;
use goldstone::reward::Status;
use goldstone::serve::{ServeOptions, Server};

const LINES: &str = include_str!("../examples/rollouts/gsm8k.jsonl");
const SPEC: &str = "gsm8k";
const RUN: Duration = Duration::from_secs(2);
const STREAMED_ROWS: usize = 200_000;

fn main() {
    let rows: Vec<&str> = LINES.lines().collect();
    let engine = Engine::start(load::spec(SPEC).unwrap(), &EngineOptions::default()).unwrap();
    let many: Vec<&str> = rows.iter().copied().cycle().take(STREAMED_ROWS).collect();
    let began = Instant::now();
    let scores = engine.score_records(&many);
    let took = began.elapsed();
    assert!(scores.iter().all(|score| score.status == Status::Ok));
    println!(
        "in memory, no HTTP: {:.0} rows/s",
        STREAMED_ROWS as f64 / took.as_secs_f64()
    );
    drop(engine);

    let server = Server::bind(
        "127.0.0.1:0",
        vec![load::spec(SPEC).unwrap()],
        &EngineOptions::default(),
        ServeOptions::default(),
    )
    .unwrap();
    let (address, stopper) = (server.address(), server.stopper());
    let served = thread::spawn(move || server.run());

    println!("| rows a request | connections | requests/s | rows/s | p50 | p99 |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for batch in [1, 64] {
        for connections in [1, 8, 64] {
            load(address, &rows, batch, connections);
        }
    }
    stream(address, &many);
    stopper.stop();
    served.join().unwrap().unwrap();
}

/// Requests from `connections` threads until the time is up.
fn load(address: SocketAddr, rows: &[&str], batch: usize, connections: usize) {
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let client = |first: usize| {
        let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
        stream.get_ref().set_nodelay(true).unwrap();
        let mut times = Vec::new();
        let mut at = first * 17;
        while !is_over.load(Ordering::Relaxed) {
            let part: Vec<&str> = (0..batch)
                .map(|row| rows[(at + row) % rows.len()])
                .collect();
            at += batch;
            let body = match batch {
                1 => part[0].to_owned(),
                _ => format!("[{}]", part.join(",")),
            };
            let head = format!(
                "POST /score HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let began = Instant::now();
            stream
                .get_mut()
                .write_all((head + &body).as_bytes())
                .unwrap();
            let answer = answer(&mut stream);
            times.push(began.elapsed());
            assert_eq!(answer.matches("\"status\":\"ok\"").count(), batch);
        }
        times
    };
    let client = &client;
    let mut times: Vec<Duration> = thread::scope(|threads| {
        let clients: Vec<_> = (0..connections)
            .map(|number| threads.spawn(move || client(number)))
            .collect();
        thread::sleep(RUN);
        is_over.store(true, Ordering::Relaxed);
        let times = clients
            .into_iter()
            .flat_map(|client| client.join().unwrap());
        times.collect()
    });
    let took = began.elapsed().as_secs_f64();
    times.sort();
    let quantile = |share: f64| {
        let index = ((times.len() - 1) as f64 * share) as usize;
        times[index].as_secs_f64() * 1e3
    };
    println!(
        "| {batch} | {connections} | {:.0} | {:.0} | {:.2} ms | {:.2} ms |",
        times.len() as f64 / took,
        (times.len() * batch) as f64 / took,
        quantile(0.5),
        quantile(0.99),
    );
}

/// All rows as lines, sent and read at the same time.
fn stream(address: SocketAddr, rows: &[&str]) {
    let mut body = rows.join("\n");
    body.push('\n');
    let began = Instant::now();
    let stream = TcpStream::connect(address).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let length = body.len();
    let answered = thread::scope(|threads| {
        threads.spawn(move || {
            let head = format!(
                "POST /score HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-ndjson\r\n\
                 connection: close\r\ncontent-length: {length}\r\n\r\n"
            );
            writer.write_all(head.as_bytes()).unwrap();
            writer.write_all(body.as_bytes()).unwrap();
        });
        let mut text = String::new();
        BufReader::new(stream).read_to_string(&mut text).unwrap();
        text.matches("\"status\":\"ok\"").count()
    });
    assert!(
        answered >= rows.len() * 99 / 100,
        "{answered} of {}",
        rows.len()
    );
    let took = began.elapsed().as_secs_f64();
    println!(
        "stream of {} lines: {:.0} rows/s, {:.0} MB/s",
        rows.len(),
        rows.len() as f64 / took,
        length as f64 / took / 1e6
    );
}

/// The body of one answer.
fn answer(stream: &mut BufReader<TcpStream>) -> String {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}
