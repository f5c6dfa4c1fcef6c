//! Fetches source packages of Debian with apt, as any user, on any release: apt gets
//! a configuration and folders of its own, and the system's are left alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::command::Runner;
use super::tools::KEYRINGS;
use super::{InstallError, make_folder};

/// Where Debian's packages are for a machine that names no mirror.
const MIRROR: &str = "http://deb.debian.org/debian";

/// The system's lists of package sources.
const SOURCES: &str = "/etc/apt/sources.list";
const SOURCES_FOLDER: &str = "/etc/apt/sources.list.d";

/// Fetches source packages, `package=version` each, of one release into a folder.
pub(super) fn fetch(
    packages: &[&str],
    suite: &str,
    into: &Path,
    run: &mut Runner<'_>,
) -> Result<(), InstallError> {
    run.watch.stage("fetch source packages with apt");
    let own = into.join("apt");
    for folder in ["lists/partial", "cache/archives/partial", "parts"] {
        make_folder(&own.join(folder))?;
    }
    let write = |name: &str, text: &str| {
        let path = own.join(name);
        let doing = format!("write `{}`", path.display());
        fs::write(path, text).map_err(InstallError::io(doing))
    };
    write("status", "")?;
    write("sources.list", &sources_list(&system_sources(), suite))?;
    write("apt.conf", &configuration(&own))?;
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.env("APT_CONFIG", own.join("apt.conf"))
            .env("LC_ALL", "C")
            .current_dir(into)
            .arg("-q")
            .args(arguments);
        apt
    };
    let update = &mut apt(&["-o", "APT::Update::Error-Mode=any", "update"]);
    run.run("reading Debian's package lists", update)?;
    let source = &mut apt(&["--download-only", "source"]);
    run.run("fetching with apt", source.args(packages))
}

/// Settings that keep apt within `own`, and how the system reaches its mirrors.
fn configuration(own: &Path) -> String {
    let own = own.display();
    let acquire = Command::new("apt-config")
        .arg("dump")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    // Proxies and certificates; not the hooks that the system runs after an update.
    let acquire: String = acquire
        .lines()
        .filter(|line| line.starts_with("Acquire::"))
        .map(|line| format!("{line}\n"))
        .collect();
    format!(
        "{acquire}\
         Acquire::Languages \"none\";\n\
         Acquire::Retries \"3\";\n\
         APT::Sandbox::User \"root\";\n\
         Dir::Etc::main \"/dev/null\";\n\
         Dir::Etc::parts \"{own}/parts\";\n\
         Dir::Etc::sourcelist \"{own}/sources.list\";\n\
         Dir::Etc::sourceparts \"{own}/parts\";\n\
         Dir::State \"{own}\";\n\
         Dir::State::lists \"{own}/lists\";\n\
         Dir::State::status \"{own}/status\";\n\
         Dir::Cache \"{own}/cache\";\n"
    )
}

/// The text of all the system's lists.
fn system_sources() -> String {
    let listed = fs::read_dir(SOURCES_FOLDER).into_iter().flatten();
    let mut files: Vec<_> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    files.push(SOURCES.into());
    let texts = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    texts.collect::<Vec<_>>().join("\n")
}

/// A list with the source packages of `suite`, from the mirrors in the system's own
/// lists, of either format.
fn sources_list(system: &str, suite: &str) -> String {
    let words = system
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace);
    let is_mirror = |word: &&str| {
        let has_scheme = word.starts_with("http://") || word.starts_with("https://");
        has_scheme && word.trim_end_matches('/').ends_with("/debian")
    };
    let mut mirrors: BTreeSet<&str> = words.filter(is_mirror).collect();
    if mirrors.is_empty() {
        mirrors.insert(MIRROR);
    }
    let keyring = KEYRINGS.iter().find(|path| Path::new(path).exists());
    let keyring = keyring.unwrap_or(&KEYRINGS[0]);
    mirrors
        .iter()
        .map(|mirror| format!("deb-src [signed-by={keyring}] {mirror} {suite} main\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirrors(system: &str) -> Vec<String> {
        let list = sources_list(system, "trixie");
        let mirror = |line: &str| line.split(' ').nth(2).expect("a mirror").to_owned();
        list.lines().map(mirror).collect()
    }

    #[test]
    fn mirrors_are_those_of_the_system() {
        let deb822 = "Types: deb\nURIs: https://mirror.example/debian/\nSuites: bookworm\n";
        assert_eq!(mirrors(deb822), ["https://mirror.example/debian/"]);
        let line = "deb [arch=amd64] http://a.example/debian bookworm main\n\
                    deb http://a.example/debian-security bookworm-security main\n\
                    deb https://deb.nodesource.example/node_20.x nodistro main\n";
        assert_eq!(mirrors(line), ["http://a.example/debian"]);
    }

    #[test]
    fn other_systems_get_the_usual_mirror() {
        assert_eq!(mirrors(""), [MIRROR]);
        assert_eq!(
            mirrors("# deb http://old.example/debian etch main"),
            [MIRROR]
        );
        assert_eq!(
            mirrors("deb http://archive.example/ubuntu noble main"),
            [MIRROR]
        );
        assert_eq!(mirrors("deb file:/srv/debian trixie main"), [MIRROR]);
    }
}
