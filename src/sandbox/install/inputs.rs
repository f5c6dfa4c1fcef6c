//! The inputs of a build: taken from files of the user's or fetched, each checked
//! against its sha256.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::command::Runner;
use super::recipe::{Recipe, read_file, sha256};
use super::tools::Client;
use super::{InstallError, apt, make_folder, pip};
use crate::sandbox::manifest::{Fetch, Input};

/// The folder for what is fetched, in the folder of the build.
const FETCHED: &str = "fetched";

/// What must be there to fetch the inputs for which no file is given.
pub(super) fn clients(
    recipe: &Recipe,
    machine: &str,
    sources: &[PathBuf],
) -> Result<BTreeSet<Client>, InstallError> {
    let inputs = inputs(recipe, machine)?;
    let given = given(&inputs, sources)?;
    let missing = inputs
        .iter()
        .filter(|input| !given.contains_key(input.role.as_str()));
    let client = |input: &&Input| match input.fetch {
        Fetch::Apt { .. } => Client::Apt,
        Fetch::Pip { .. } => Client::Pip,
    };
    Ok(missing.map(client).collect())
}

/// The files of all inputs, in the order of the build's arguments.
///
/// # Errors
/// A file is not what the manifest names, or can't be had.
pub(super) fn gather(
    recipe: &Recipe,
    machine: &str,
    sources: &[PathBuf],
    work: &Path,
    run: &mut Runner<'_>,
) -> Result<Vec<PathBuf>, InstallError> {
    let inputs = inputs(recipe, machine)?;
    let mut files = given(&inputs, sources)?;
    let folder = work.join(FETCHED);
    make_folder(&folder)?;
    // What an earlier build in the same folder fetched.
    for input in &inputs {
        let file = folder.join(input.file.as_str());
        if !files.contains_key(input.role.as_str()) && is(input, &file) {
            files.insert(&input.role, file);
        }
    }
    let missing = |files: &BTreeMap<&str, PathBuf>| -> Vec<&Input> {
        let missing = inputs
            .iter()
            .filter(|input| !files.contains_key(input.role.as_str()));
        missing.copied().collect()
    };
    let failed = fetch(&missing(&files), &folder, run);
    for input in missing(&files) {
        let file = folder.join(input.file.as_str());
        if !file.exists() {
            return Err(not_fetched(input, failed.as_ref().err()));
        }
        check(input, &file)?;
        files.insert(&input.role, file);
    }
    failed?;
    let path = |input: &&Input| files[input.role.as_str()].clone();
    Ok(inputs.iter().map(path).collect())
}

/// The inputs that this machine takes, in order.
fn inputs<'r>(recipe: &'r Recipe, machine: &str) -> Result<Vec<&'r Input>, InstallError> {
    let inputs = recipe.manifest().inputs_for(machine).into_iter();
    inputs
        .map(|(role, input)| {
            input.ok_or_else(|| InstallError::NotForThisMachine {
                role: role.to_owned(),
                machine: machine.to_owned(),
            })
        })
        .collect()
}

/// Which of the user's files is which input, by role.
fn given<'i>(
    inputs: &[&'i Input],
    sources: &[PathBuf],
) -> Result<BTreeMap<&'i str, PathBuf>, InstallError> {
    let mut files = BTreeMap::new();
    for source in sources {
        let found = sha256(&read_file(source)?);
        let file = source.clone();
        if let Some(input) = inputs.iter().find(|input| input.sha256 == found) {
            files.insert(input.role.as_str(), file);
            continue;
        }
        let name = source.file_name().and_then(|name| name.to_str());
        return Err(
            match inputs
                .iter()
                .find(|input| Some(input.file.as_str()) == name)
            {
                Some(input) => InstallError::WrongFile {
                    file,
                    expected: input.sha256.clone(),
                    found,
                },
                None => InstallError::UnknownSource {
                    file,
                    found,
                    inputs: listed(inputs),
                },
            },
        );
    }
    Ok(files)
}

fn listed(inputs: &[&Input]) -> String {
    let listed = inputs
        .iter()
        .map(|input| format!("`{}` (sha256 {})", input.file, input.sha256));
    listed.collect::<Vec<_>>().join(", ")
}

/// Runs each client once for each place that it fetches from.
fn fetch(inputs: &[&Input], into: &Path, run: &mut Runner<'_>) -> Result<(), InstallError> {
    let mut suites: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut wheels = BTreeSet::new();
    for input in inputs {
        match &input.fetch {
            Fetch::Apt { package, suite } => {
                suites.entry(suite).or_default().insert(package);
            }
            Fetch::Pip { package } => {
                wheels.insert(package.as_str());
            }
        }
    }
    for (suite, packages) in suites {
        let packages: Vec<&str> = packages.into_iter().collect();
        apt::fetch(&packages, suite, into, run)?;
    }
    if !wheels.is_empty() {
        let wheels: Vec<&str> = wheels.into_iter().collect();
        pip::fetch(&wheels, into, run)?;
    }
    Ok(())
}

/// Why an input is not there although its client has run.
fn not_fetched(input: &Input, failed: Option<&InstallError>) -> InstallError {
    let problem = match failed {
        Some(error) => error.to_string(),
        None => "its origin has another version by now".to_owned(),
    };
    let hint = match &input.fetch {
        Fetch::Apt { package, .. } => {
            let page = package.replacen('=', "/", 1);
            format!("all versions are at https://snapshot.debian.org/package/{page}/, ")
        }
        Fetch::Pip { .. } => String::new(),
    };
    InstallError::NotFetched {
        file: input.file.clone(),
        sha256: input.sha256.clone(),
        problem,
        hint,
    }
}

fn check(input: &Input, file: &Path) -> Result<(), InstallError> {
    let found = sha256(&read_file(file)?);
    match found == input.sha256 {
        true => Ok(()),
        false => Err(InstallError::WrongFile {
            file: file.to_owned(),
            expected: input.sha256.clone(),
            found,
        }),
    }
}

/// Whether a file is an input; a file that can't be read is not.
fn is(input: &Input, file: &Path) -> bool {
    file.is_file() && check(input, file).is_ok()
}
