//! What a build needs from the system: commands in, or what is missing and the
//! command that installs it.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use super::InstallError;
use crate::sandbox::manifest::Build;

/// A program that fetches inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    /// Debian's package manager, and the keys of Debian's archive.
    Apt,
    /// Python's package manager.
    Pip,
}

/// What fetches source packages.
const APT: &str = "apt-get";

/// Debian's keys, under their names of now and of Debian 13.
pub(super) const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/// Checks that everything is there before anything is fetched.
///
/// # Errors
/// [`InstallError::MissingTools`], with all that are missing.
pub(super) fn check(build: &Build, clients: &BTreeSet<Client>) -> Result<(), InstallError> {
    let tools = build
        .tools
        .iter()
        .map(|(tool, package)| (tool.as_str(), package.as_str()));
    let mut missing: Vec<(&str, &str)> = tools.filter(|(tool, _)| !on_path(tool)).collect();
    if clients.contains(&Client::Apt) {
        if !on_path(APT) {
            // Where it is not, it can't be installed by it either.
            missing.push((APT, ""));
        }
        if !KEYRINGS.iter().any(|path| Path::new(path).exists()) {
            missing.push(("the keys of Debian's archive", "debian-archive-keyring"));
        }
    }
    if clients.contains(&Client::Pip) && !has_pip() {
        missing.push(("pip", "python3-pip"));
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing
        .iter()
        .map(|(tool, _)| format!("`{tool}`"))
        .collect();
    let packages = missing.iter().map(|(_, package)| *package);
    let packages: BTreeSet<&str> = packages.filter(|package| !package.is_empty()).collect();
    let packages: Vec<&str> = packages.into_iter().collect();
    Err(InstallError::MissingTools {
        missing: names.join(", "),
        lacks_apt: missing.iter().any(|(tool, _)| *tool == APT),
        advice: advice(&packages, &missing),
    })
}

fn advice(packages: &[&str], missing: &[(&str, &str)]) -> String {
    let mut advice = format!(
        "on Debian and Ubuntu, run `apt-get install {}` as root",
        packages.join(" ")
    );
    let is_client = |(tool, _): &(&str, &str)| matches!(*tool, APT | "pip");
    if missing.iter().any(is_client) {
        advice += ", or fetch the inputs yourself and give them with `--source FILE`";
    }
    advice
}

/// Whether a command can be found.
fn on_path(command: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(command).is_file())
}

/// Whether Python has its package manager: Debian packages them apart.
fn has_pip() -> bool {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "--version"]);
    pip.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    pip.status().is_ok_and(|status| status.success())
}
