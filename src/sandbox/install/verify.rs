//! Checks an installed guest: its files against its record, and a turn whose end
//! is known.

use std::fmt;

use serde::Serialize;

use super::InstallError;
use super::recipe::sha256;
use super::store::{Guests, Installed, State};
use crate::sandbox::{End, InProcess, Job, Request, Runner, Work};

/// What one check of a guest found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// What is wrong; nothing where all is well.
    pub problem: Option<String>,
}

impl Finding {
    fn new(check: &'static str, problem: Option<impl fmt::Display>) -> Self {
        Self {
            check,
            problem: problem.map(|problem| problem.to_string()),
        }
    }
}

/// Checks an installed guest.
///
/// # Errors
/// Our own failures, such as a sandbox that can't be set up. What is wrong with the
/// guest is a finding.
pub fn verify(guests: &Guests, installed: &Installed) -> Result<Vec<Finding>, InstallError> {
    let mut findings = vec![
        Finding::new(
            "recipe",
            match installed.state {
                State::Current => None,
                _ => Some("another version of goldstone installed it; install it again"),
            },
        ),
        Finding::new(
            "build",
            match installed.record.reproduced {
                true => None,
                false => Some("the right sources gave another module than the manifest names"),
            },
        ),
    ];
    let found = sha256(&guests.snapshot(&installed.manifest.name)?);
    let expected = &installed.record.snapshot_sha256;
    let is_intact = found == *expected;
    findings.push(Finding::new(
        "snapshot",
        (!is_intact).then(|| format!("its sha256 is {found}, not {expected}")),
    ));
    // What is not the guest is not run.
    if is_intact && installed.state == State::Current {
        findings.push(Finding::new("self-test", self_test(guests, installed)?));
    }
    Ok(findings)
}

/// Runs the turn that the manifest names: what is wrong with its end.
fn self_test(guests: &Guests, installed: &Installed) -> Result<Option<String>, InstallError> {
    let manifest = &installed.manifest;
    let test = &manifest.self_test;
    let runner = InProcess::new(Some(guests.path().to_owned()))?;
    let outcome = runner.run(&Job {
        guest: manifest.name.to_string(),
        limits: manifest.limits.into(),
        seed: 0,
        work: Work::Fresh(vec![Request {
            message: test.message.clone().into_bytes(),
            stdin: Vec::new(),
        }]),
    })?;
    let Some(turn) = outcome.turns.first() else {
        return Ok(Some("the turn did not take place".into()));
    };
    if outcome.guest_sha256 != installed.record.snapshot_sha256.as_str() {
        return Ok(Some("another guest was run".into()));
    }
    let said = String::from_utf8_lossy(&turn.stdout);
    Ok(match (&turn.end, said == test.stdout) {
        (End::Returned(status), true) if *status == test.status => None,
        (end, _) => Some(format!(
            "it ended with {end:?} and wrote {said:?} and {:?}",
            String::from_utf8_lossy(&turn.stderr)
        )),
    })
}
