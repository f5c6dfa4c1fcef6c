//! A server on loopback that answers as a test tells it to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// How many came before.
    pub(crate) number: usize,
    /// All header lines, as they were sent.
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// What the server does.
pub(crate) enum Reply {
    Json(Value),
    Status(u16, &'static str),
    RetryAfter(u64),
    /// This long after the request.
    Late(Duration, Value),
    Raw(Vec<u8>),
    /// Half of a body that was promised.
    Truncated,
    Redirect(String),
    Close,
}

/// Requests so far, and where to send more.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server; it ends with the test's process.
    pub(crate) fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self {
            url: format!("http://{address}/v1/chat/completions"),
            requests,
        }
    }

    /// A judge that always says this.
    pub(crate) fn saying(text: &'static str) -> Self {
        Self::start(move |_| Reply::Json(chat(text)))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no test panicked here").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests().len()
    }
}

/// A whole reply of a judge.
pub(crate) fn chat(text: &str) -> Value {
    json!({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]})
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Reply) {
    let mut out = stream.try_clone().expect("a socket");
    let mut input = BufReader::new(stream);
    while let Some((head, body)) = read(&mut input) {
        let request = {
            let mut seen = seen.lock().expect("no test panicked here");
            let request = Request {
                number: seen.len(),
                head,
                body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            };
            seen.push(request.clone());
            request
        };
        let is_open = match answer(&request) {
            Reply::Json(value) => send(&mut out, 200, "", value.to_string().as_bytes()),
            Reply::Status(status, body) => send(&mut out, status, "", body.as_bytes()),
            Reply::RetryAfter(seconds) => send(
                &mut out,
                429,
                &format!("Retry-After: {seconds}\r\n"),
                b"busy",
            ),
            Reply::Late(wait, value) => {
                thread::sleep(wait);
                send(&mut out, 200, "", value.to_string().as_bytes())
            }
            Reply::Raw(bytes) => send(&mut out, 200, "", &bytes),
            Reply::Truncated => {
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"choices\":";
                drop(out.write_all(head.as_bytes()));
                false
            }
            Reply::Redirect(to) => send(&mut out, 307, &format!("Location: {to}\r\n"), b""),
            Reply::Close => false,
        };
        if !is_open {
            drop(out.shutdown(std::net::Shutdown::Both));
            return;
        }
    }
}

fn read(input: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn send(out: &mut TcpStream, status: u16, headers: &str, body: &[u8]) -> bool {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n");
    out.write_all(head.as_bytes()).is_ok() && out.write_all(body).is_ok()
}
