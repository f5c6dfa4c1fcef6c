//! A client of few words: raw HTTP/1.1 over a socket, so that tests can be as rude as
//! they need to be.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use goldstone::engine::EngineOptions;
use goldstone::load;
use goldstone::reward::{Scorer, SpecSource};
use goldstone::serve::{ServeError, ServeOptions, Server, Stopper};
use serde_json::Value;

/// A spec whose `brevity` compares the rollouts of a group.
const GROUPS: &str = r#"
version = 1
name = "groups"
[rewards.accuracy]
math = {}
[rewards.brevity]
group_length = { of = "accuracy" }
"#;

/// The same by characters, which a trainer's request has.
const SHORT: &str = r#"
version = 1
name = "short"
[rewards.accuracy]
math = {}
[rewards.brevity]
group_length = { of = "accuracy", unit = "characters" }
"#;

/// A reward with a weight.
const WEIGHED: &str = r#"
version = 1
name = "weighed"
[rewards.accuracy]
weight = 3.0
math = {}
"#;

/// A spec that judges no answers.
const MEASURED: &str = r#"
version = 1
name = "measured"
[rewards.repetition]
weight = 5.0
repetition = {}
"#;

/// A reward by a name that trainers have for something else.
const TAKEN: &str = r#"
version = 1
name = "taken"
[rewards.score]
math = {}
"#;

/// A server in this process.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    stopper: Stopper,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Served {
    /// `r1-zero`, `math`, `groups`, `short`, `weighed`, `measured` and `taken`.
    pub(super) fn start(options: ServeOptions) -> Self {
        let compiled = |text| {
            let source = SpecSource {
                text,
                origin: "spec.toml",
                grammar: &|_| Err("none".to_owned()),
            };
            Scorer::compile(source).unwrap()
        };
        let specs = vec![
            load::spec("r1-zero").unwrap(),
            load::spec("math").unwrap(),
            compiled(GROUPS),
            compiled(SHORT),
            compiled(WEIGHED),
            compiled(MEASURED),
            compiled(TAKEN),
        ];
        Self::with(specs, options)
    }

    /// A server for these specs.
    pub(super) fn with(specs: Vec<Scorer>, options: ServeOptions) -> Self {
        let engines = EngineOptions::with_jobs(2);
        let server = Server::bind("127.0.0.1:0", specs, &engines, options).unwrap();
        Self {
            address: server.address(),
            stopper: server.stopper(),
            thread: Some(thread::spawn(|| server.run())),
        }
    }

    /// Tells the server to stop, and goes on.
    pub(super) fn stop(&self) {
        self.stopper.stop();
    }

    /// Waits for the end of the server.
    pub(super) fn ended(mut self) {
        self.stop();
        let thread = self.thread.take().unwrap();
        thread.join().unwrap().unwrap();
    }

    pub(super) fn connect(&self) -> Connection {
        Connection::new(self.address)
    }

    pub(super) fn get(&self, path: &str) -> Reply {
        self.connect().request("GET", path, &[], b"").unwrap()
    }

    pub(super) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        let mut connection = self.connect();
        connection
            .request("POST", path, &[], body.as_ref())
            .unwrap()
    }

    pub(super) fn post_lines(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        let kind = [("content-type", "application/x-ndjson")];
        let mut connection = self.connect();
        connection
            .request("POST", path, &kind, body.as_ref())
            .unwrap()
    }

    /// A number that Prometheus would read; the sum where labels are left open.
    pub(super) fn metric(&self, name: &str) -> f64 {
        let text = String::from_utf8(self.get("/metrics").body).unwrap();
        let lines = text.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with([' ', '{', ',']))
        });
        let numbers = lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
        numbers.sum()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An open connection.
pub(super) struct Connection(BufReader<TcpStream>);

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Connection {
    pub(super) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // Not a measure of anything: a test that hangs should say so.
        let long = Some(Duration::from_secs(60));
        stream.set_read_timeout(long).unwrap();
        stream.set_write_timeout(long).unwrap();
        Self(BufReader::new(stream))
    }

    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    pub(super) fn half_close(&mut self) {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
    }

    pub(super) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        self.send(request(method, path, headers, body))?;
        self.reply()
    }

    /// Whether the server has closed the connection, with nothing before.
    pub(super) fn is_closed(&mut self) -> bool {
        match self.0.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    /// Reads one answer, whole.
    pub(super) fn reply(&mut self) -> io::Result<Reply> {
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut reply = Reply {
            status: status.ok_or_else(cut)?,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(cut)?;
            let name = name.to_ascii_lowercase();
            reply.headers.push((name, value.trim().to_owned()));
        }
        if let Some(length) = reply.header("content-length") {
            reply.body.resize(length.parse().unwrap(), 0);
            self.0.read_exact(&mut reply.body)?;
        } else if reply.header("transfer-encoding") == Some("chunked") {
            loop {
                let length = usize::from_str_radix(&self.line()?, 16).map_err(|_| cut())?;
                let start = reply.body.len();
                reply.body.resize(start + length, 0);
                self.0.read_exact(&mut reply.body[start..])?;
                if !self.line()?.is_empty() {
                    return Err(cut());
                }
                if length == 0 {
                    break;
                }
            }
        }
        Ok(reply)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of a refusal.
    pub(super) fn code(&self) -> String {
        let json = self.json();
        let code = json.pointer("/error/code").and_then(Value::as_str);
        code.unwrap_or_else(|| panic!("no refusal: {json}"))
            .to_owned()
    }
}

pub(super) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
