//! `goldstone serve` as a process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};

use assert_cmd::cargo::cargo_bin;

use super::client::Connection;

const ROW: &str = r#"{"completion": "\\boxed{4}", "reference": "4"}"#;

struct Process {
    child: Child,
    stderr: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Process {
    fn start(args: &[&str]) -> Self {
        let mut child = command(args).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit("http://").next().unwrap().parse();
        Self {
            child,
            stderr,
            address: address.unwrap_or_else(|_| panic!("{line}")),
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("goldstone"));
    command
        .arg("serve")
        .args(args)
        .env_remove("GOLDSTONE_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn refused(args: &[&str], token: Option<&str>) -> String {
    let mut command = command(args);
    if let Some(token) = token {
        command.env("GOLDSTONE_TOKEN", token);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn it_serves_until_it_is_told_to_stop() {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(&["--spec", "math", "--listen", "127.0.0.1:0"]);
        let mut connection = Connection::new(process.address);
        let reply = connection.request("POST", "/score", &[], ROW.as_bytes());
        assert_eq!(reply.unwrap().json()["reward"], 1.0);
        process.signal(signal);
        let said: Vec<String> = (&mut process.stderr).lines().map(Result::unwrap).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(process.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut process = Process::start(&["--spec", "math", "--listen", "127.0.0.1:0"]);
    let mut connection = Connection::new(process.address);
    // A request that takes as long as the client likes.
    let head =
        "POST /score HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n";
    connection.send(head).unwrap();
    // It is taken: the server waits for the body.
    assert_eq!(connection.reply().unwrap().status, 100);
    process.signal("-TERM");
    let mut line = String::new();
    process.stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("stopping"), "{line}");
    process.signal("-TERM");
    assert_eq!(process.child.wait().unwrap().code(), Some(130));
}

#[test]
fn mistakes_are_told_before_anything_is_served() {
    let open = ["--spec", "math", "--listen", "0.0.0.0:0"];
    assert!(refused(&open, None).contains("--insecure"));
    assert!(refused(&open, Some("  ")).contains("empty"));
    let same = [
        "--spec",
        "math",
        "--spec",
        "math",
        "--listen",
        "127.0.0.1:0",
    ];
    assert!(refused(&same, None).contains("two specs"));
    let unknown = ["--spec", "maths", "--listen", "127.0.0.1:0"];
    assert!(refused(&unknown, None).contains("did you mean `math`"));
    let nowhere = ["--spec", "math", "--listen", "here"];
    assert!(refused(&nowhere, None).contains("no address"));
    let process = Process::start(&["--spec", "math", "--listen", "127.0.0.1:0"]);
    let address = process.address.to_string();
    let taken = ["--spec", "math", "--listen", &address];
    assert!(refused(&taken, None).contains("cannot listen"));
}

#[test]
fn a_token_comes_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "open sesame\n").unwrap();
    let path = path.to_str().unwrap();
    let args = [
        "--spec",
        "math",
        "--listen",
        "127.0.0.1:0",
        "--token-file",
        path,
    ];
    let process = Process::start(&args);
    let status = |authorization: &str| {
        let mut connection = Connection::new(process.address);
        let headers = [("authorization", authorization)];
        let reply = connection.request("POST", "/score", &headers, ROW.as_bytes());
        reply.unwrap().status
    };
    assert_eq!(status("Bearer open sesame"), 200);
    assert_eq!(status("Bearer open sesame\u{a0}"), 401);
}
