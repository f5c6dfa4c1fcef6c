//! Fetches wheels from PyPI, or from where the user's pip is told to look.

use std::path::Path;
use std::process::Command;

use super::InstallError;
use super::command::Runner;

/// Fetches wheels, `package==version` each, into a folder.
pub(super) fn fetch(
    packages: &[&str],
    into: &Path,
    run: &mut Runner<'_>,
) -> Result<(), InstallError> {
    run.watch.stage("fetch wheels with pip");
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "download",
    ])
    .args([
        "--no-deps",
        "--only-binary=:all:",
        "--progress-bar=off",
        "--dest",
    ])
    .arg(into)
    .args(packages);
    run.run("fetching with pip", &mut pip)
}
