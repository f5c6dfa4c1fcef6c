//! `goldstone serve`: rewards over HTTP.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;

use super::{Exit, Failure, Outcome, bad_input, engine_failure, load_spec, warn};
use crate::engine::EngineOptions;
use crate::serve::{Log, ServeError, ServeOptions, Server, Token};

/// Where the token is, where no file names it.
const TOKEN_VARIABLE: &str = "GOLDSTONE_TOKEN";

/// Serve rewards over HTTP: rollouts in, scores out.
///
/// POST /score takes one rollout, a list, or JSON lines; /openrlhf, /slime, /verify
/// (NeMo-Gym) and /llamafactory speak the protocols of trainers. GET / shows how it
/// goes; /health, /metrics (Prometheus) and /specs are for programs.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone serve --spec r1-zero
  goldstone serve --spec math --spec my-spec.toml --listen 127.0.0.1:9000
  curl 127.0.0.1:8080/score -d '{\"completion\": \"<answer>4</answer>\", \"reference\": \"4\"}'

TERM or Ctrl-C: no more requests are taken, all that were taken are answered; a second one
ends the server at once.")]
pub(super) struct Serve {
    /// A shipped spec (see `goldstone check --list`) or a TOML file; requests choose with
    /// `?spec=`, the first is the default
    #[arg(long, value_name = "NAME|FILE", required = true)]
    spec: Vec<String>,
    /// Address and port; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// A file with the token that requests must bring; without it, the environment variable
    /// GOLDSTONE_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Listen beyond this machine without a token
    #[arg(long)]
    insecure: bool,
    /// Scoring threads, up to 1024; 0 is one per core. Results do not depend on it
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    jobs: u16,
    /// Rows that wait or are in work at a time, per spec; what does not fit is refused
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..))]
    max_rows: u32,
    /// Longest body in MiB; of JSON lines, longest line
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    max_body_mb: u32,
    /// Connections open at a time
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65536))]
    max_connections: u32,
    /// Seconds to wait for a client that sends or reads slowly
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86400))]
    timeout: u32,
    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

impl Serve {
    pub(super) fn run(&self) -> Outcome {
        let token = self.token()?;
        if token.is_none() && !self.insecure && !is_local(&self.listen)? {
            return Err(bad_input(anyhow!(
                "`{}` can be reached from other machines; give a token (`--token-file`, or {TOKEN_VARIABLE}), or `--insecure`",
                self.listen
            )));
        }
        let specs = self.spec.iter().map(|name| load_spec(name));
        let specs = specs.collect::<Result<Vec<_>, _>>()?;
        let log: Log = match self.quiet {
            true => Arc::new(|_| {}),
            false => Arc::new(say),
        };
        let options = ServeOptions {
            rows: self.max_rows as usize,
            body_bytes: (self.max_body_mb as usize) << 20,
            patience: Duration::from_secs(self.timeout.into()),
            connections: self.max_connections as usize,
            token,
            log: Arc::clone(&log),
        };
        let engines = EngineOptions {
            say: Some(say),
            ..EngineOptions::with_jobs(self.jobs.into())
        };
        let names: Vec<String> = specs.iter().map(|spec| spec.name().to_owned()).collect();
        let server = Server::bind(&self.listen, specs, &engines, options).map_err(failure)?;
        warn(server.notices());
        stop_on_signals(&server, &log)?;
        log(&format!(
            "serving `{}` on http://{}",
            names.join("`, `"),
            server.address()
        ));
        server.run().map_err(failure)?;
        log("stopped; every request that was taken is answered");
        Ok(Exit::Done)
    }

    fn token(&self) -> Result<Option<Token>, Failure> {
        let (text, origin) = match &self.token_file {
            Some(path) => {
                let text = fs::read_to_string(path);
                let text = text.with_context(|| format!("cannot read `{}`", path.display()));
                let text = text.map_err(Failure::Input)?;
                (text, path.display().to_string())
            }
            None => match std::env::var(TOKEN_VARIABLE) {
                Ok(text) => (text, TOKEN_VARIABLE.to_owned()),
                Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(error) => return Err(bad_input(anyhow!("{TOKEN_VARIABLE}: {error}"))),
            },
        };
        match text.trim() {
            "" => Err(bad_input(anyhow!("the token of `{origin}` is empty"))),
            text => Ok(Some(Token::new(text))),
        }
    }
}

/// Whether only this machine can connect.
fn is_local(address: &str) -> Result<bool, Failure> {
    let addresses = address.to_socket_addrs();
    let addresses = addresses.with_context(|| format!("`{address}` is no address and port"));
    let mut addresses = addresses.map_err(Failure::Input)?;
    Ok(addresses.all(|address: SocketAddr| address.ip().is_loopback()))
}

/// One line on standard error. Nobody may be there to read it.
fn say(line: &str) {
    drop(writeln!(anstream::stderr(), "{line}"));
}

fn failure(error: ServeError) -> Failure {
    match error {
        ServeError::Engine(error) => engine_failure(error),
        ServeError::Start(_) => Failure::Ours(error.into()),
        error => bad_input(error),
    }
}

/// The first signal ends the server in order; a second ends the process at once.
fn stop_on_signals(server: &Server, log: &Log) -> Result<(), Failure> {
    let stopper = server.stopper();
    let log = Arc::clone(log);
    let was_asked = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if was_asked.swap(true, Ordering::SeqCst) {
            std::process::exit(Exit::Interrupted as i32);
        }
        log("stopping: no more requests; those that were taken are answered");
        stopper.stop();
    })
    .context("cannot listen for signals")
    .map_err(Failure::Ours)
}
