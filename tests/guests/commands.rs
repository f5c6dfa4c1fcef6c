//! `goldstone sandbox` with a guest that is small enough to be made here.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const DATA: &str = "tests/data/guests/echo";

/// A cache directory, and the folder of a guest to install.
struct Place(TempDir);

impl Place {
    /// With the guest `echo` in the folder `echo`.
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::create_dir(place.path("echo")).unwrap();
        let module = wat::parse_file(format!("{DATA}/echo.wat")).unwrap();
        fs::write(place.path("echo/echo.wasm"), module).unwrap();
        fs::write(place.path("echo/boot.bin"), "booted").unwrap();
        fs::copy(
            format!("{DATA}/manifest.toml"),
            place.path("echo/manifest.toml"),
        )
        .unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn edit(&self, file: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(old), "{file} has no {old:?}");
        fs::write(self.path(file), text.replace(old, new)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin("goldstone"));
        command
            .arg("sandbox")
            .args(arguments)
            .current_dir(self.0.path())
            .env("GOLDSTONE_CACHE", self.path("cache"))
            .env_remove("CLICOLOR_FORCE");
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&self.command(arguments).output().unwrap())
    }

    /// Makes `echo` a guest that is built: from its module, by `script`.
    fn with_build(&self, script: &str) {
        let module = self.path("echo/echo.wasm");
        fs::rename(&module, self.path("echo.wasm")).unwrap();
        fs::write(self.path("echo/build.sh"), script).unwrap();
        let sha256 = Sha256::digest(fs::read(self.path("echo.wasm")).unwrap());
        let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        self.edit(
            "echo/manifest.toml",
            "file = \"echo.wasm\"",
            "built = \"echo.wasm\"",
        );
        let manifest = fs::read_to_string(self.path("echo/manifest.toml")).unwrap();
        let build = fs::read_to_string(format!("{DATA}/build.toml")).unwrap();
        let build = build.replace("SHA256", &sha256);
        fs::write(self.path("echo/manifest.toml"), manifest + &build).unwrap();
    }
}

/// What a command said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    #[track_caller]
    fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn failed(self, code: i32, saying: &str) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(self.err.contains(saying), "{}", self.err);
        self
    }
}

/// A script that hands its input on.
const COPY: &str = "echo stage: copy\nmkdir -p \"$1/out\"\ncp \"$3\" \"$1/out/echo.wasm\"\n";

#[test]
fn a_guest_is_installed_listed_checked_and_removed() {
    let place = Place::new();
    place
        .run(&["verify", "echo"])
        .failed(2, "no guest `echo` is installed");
    let said = place.run(&["install", "./echo"]).done();
    assert!(
        said.out.starts_with("echo 1 installed in 0:"),
        "{}",
        said.out
    );
    let said = place.run(&["install", "./echo"]).done();
    assert_eq!(said.out, "echo is installed already\n");

    let said = place.run(&["list"]).done();
    assert!(said.out.contains("installed, compiled"), "{}", said.out);
    assert!(
        said.out.contains("run `goldstone sandbox install python`"),
        "{}",
        said.out
    );
    let said = place.run(&["list", "--json"]).done();
    let first = said.out.lines().next().unwrap();
    let listed: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!(listed["name"], "echo");
    assert_eq!(listed["state"], "current");
    assert_eq!(listed["is_compiled"], true);

    let said = place.run(&["verify"]).done();
    assert!(said.out.contains("ok  echo: self-test"), "{}", said.out);
    place.run(&["remove", "echo"]).done();
    place
        .run(&["remove", "echo"])
        .failed(2, "no guest `echo` is installed");
    assert_eq!(
        fs::read_dir(place.path("cache/compiled")).unwrap().count(),
        0
    );
}

#[test]
fn a_guest_that_changed_on_disk_is_found_out() {
    let place = Place::new();
    place.run(&["install", "./echo"]).done();
    let snapshot = place.path("cache/guests/echo/guest.wasm");
    let mut bytes = fs::read(&snapshot).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&snapshot, bytes).unwrap();
    let said = place.run(&["verify", "echo"]);
    assert_eq!(said.code, Some(3));
    assert!(
        said.out.contains("bad  echo: snapshot: its sha256 is"),
        "{}",
        said.out
    );
    assert!(
        !said.out.contains("self-test"),
        "what is not the guest is not run"
    );
    place.run(&["install", "./echo"]).done();
    place.run(&["verify", "echo"]).done();
}

#[test]
fn a_self_test_that_ends_otherwise_is_found_out() {
    let place = Place::new();
    place.edit(
        "echo/manifest.toml",
        "stdout = \"booted\"",
        "stdout = \"rooted\"",
    );
    place.run(&["install", "./echo"]).done();
    let said = place.run(&["verify", "echo", "--json"]);
    assert_eq!(said.code, Some(3));
    assert!(said.out.contains("\"ok\":false"), "{}", said.out);
    assert!(
        said.out.contains("Returned(0) and wrote \\\"booted\\\""),
        "{}",
        said.out
    );
}

#[test]
fn an_installation_that_fails_leaves_the_old_guest() {
    let place = Place::new();
    place.run(&["install", "./echo"]).done();
    let before = fs::read(place.path("cache/guests/echo/guest.wasm")).unwrap();

    fs::write(place.path("echo/boot.bin"), "").unwrap();
    place
        .run(&["install", "./echo"])
        .failed(3, "the guest did not boot: wasm trap: wasm `unreachable`");
    fs::write(place.path("echo/echo.wasm"), "no module").unwrap();
    place
        .run(&["install", "./echo"])
        .failed(3, "the guest did not boot: ");
    fs::remove_file(place.path("echo/echo.wasm")).unwrap();
    place
        .run(&["install", "./echo"])
        .failed(3, "could not read");

    assert_eq!(
        fs::read(place.path("cache/guests/echo/guest.wasm")).unwrap(),
        before
    );
    place.run(&["verify", "echo"]).done();
}

#[test]
fn an_interrupted_installation_is_undone_by_the_next_command() {
    let place = Place::new();
    place.run(&["install", "./echo"]).done();
    let guests = place.path("cache/guests");
    fs::rename(guests.join("echo"), guests.join(".old-echo")).unwrap();
    fs::create_dir(guests.join(".new-echo")).unwrap();
    fs::write(guests.join(".new-echo/guest.wasm"), "half").unwrap();
    let said = place.run(&["install", "./echo"]).done();
    assert_eq!(said.out, "echo is installed already\n");
    place.edit("echo/manifest.toml", "version = \"1\"", "version = \"2\"");
    place.run(&["install", "./echo"]).done();
    let mut names: Vec<_> = fs::read_dir(&guests)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["echo"]);
}

#[test]
fn two_installations_at_a_time_are_refused() {
    let place = Place::new();
    place.run(&["list"]).done();
    let lock = File::create(place.path("cache/install.lock")).unwrap();
    lock.lock().unwrap();
    place
        .run(&["install", "./echo"])
        .failed(3, "another installation is going on");
    drop(lock);
    place.run(&["install", "./echo"]).done();
}

#[test]
fn a_guest_is_built_from_what_its_manifest_names() {
    let place = Place::new();
    place.with_build(COPY);
    let install = ["install", "./echo", "--source", "echo.wasm"];
    let said = place.run(&install).done();
    assert!(said.err.contains("0:00  copy\n"), "{}", said.err);
    place.run(&["verify", "echo"]).done();
    assert!(!place.path("cache/build").exists());

    // A new harness needs no new build, and so no sources.
    fs::write(place.path("echo/boot.bin"), "looted").unwrap();
    place.edit(
        "echo/manifest.toml",
        "stdout = \"booted\"",
        "stdout = \"looted\"",
    );
    place.run(&["install", "./echo"]).done();
    place.run(&["verify", "echo"]).done();
    assert_eq!(
        fs::read_dir(place.path("cache/compiled")).unwrap().count(),
        1
    );
}

#[test]
fn a_file_may_lie_in_a_folder_beside_the_manifest() {
    let place = Place::new();
    fs::create_dir(place.path("echo/harness")).unwrap();
    fs::rename(
        place.path("echo/boot.bin"),
        place.path("echo/harness/boot.bin"),
    )
    .unwrap();
    place.edit("echo/manifest.toml", "\"boot.bin\"", "\"harness/boot.bin\"");
    place.run(&["install", "./echo"]).done();
    place.run(&["verify", "echo"]).done();
}

#[test]
fn a_file_that_is_not_the_input_is_refused() {
    let place = Place::new();
    place.with_build(COPY);
    fs::write(place.path("other.bin"), "other").unwrap();
    place
        .run(&["install", "./echo", "--source", "other.bin"])
        .failed(2, "is none of the inputs; they are `echo.wasm` (sha256 ");
    fs::write(place.path("echo.wasm"), "forged").unwrap();
    let said = place
        .run(&["install", "./echo", "--source", "echo.wasm"])
        .failed(
            2,
            "`echo.wasm` is not what the manifest names: expected sha256 ",
        );
    assert!(said.err.contains(", found ccdd35"), "{}", said.err);
    assert!(!place.path("cache/guests/echo").exists());
}

#[test]
fn a_build_that_fails_shows_its_end_and_its_log() {
    let place = Place::new();
    place.with_build("echo no\\\\033[2Jcompiler\nexit 7\n");
    let said = place
        .run(&["install", "./echo", "--source", "echo.wasm"])
        .failed(3, "the build failed (exit status: 7); its output is in `");
    assert!(said.err.contains("compiler"), "{}", said.err);
    assert!(
        !said.err.contains('\u{1b}'),
        "what a build says must not move the cursor"
    );
    assert!(place.path("cache/logs/echo.log").exists());
    assert!(!place.path("cache/guests/echo").exists());
}

#[test]
fn a_build_with_another_result_is_marked() {
    let place = Place::new();
    // A custom section that says nothing: another file, the same program.
    place.with_build(&format!(
        "{COPY}printf '\\000\\002\\001x' >> \"$1/out/echo.wasm\"\n"
    ));
    let said = place
        .run(&["install", "./echo", "--source", "echo.wasm"])
        .done();
    assert!(
        said.err
            .contains("warning: `echo.wasm` was built from the right"),
        "{}",
        said.err
    );
    let said = place.run(&["verify", "echo"]);
    assert_eq!(said.code, Some(3));
    assert!(said.out.contains("bad  echo: build: "), "{}", said.out);
    assert!(said.out.contains("ok  echo: self-test"), "{}", said.out);
}

#[test]
fn missing_commands_are_named_before_anything_is_fetched() {
    let place = Place::new();
    let mut install = place.command(&["install", "python"]);
    let said = Said::of(&install.env("PATH", "").output().unwrap());
    let said = said.failed(
        2,
        "the build needs `cc`, `make`, `patch`, `python3`, `tar`, `xz`",
    );
    assert!(
        said.err.contains("`apt-get install build-essential patch "),
        "{}",
        said.err
    );
    assert!(!place.path("cache/logs").exists());
}

#[test]
fn names_that_are_no_guest_are_refused() {
    let place = Place::new();
    let said = place
        .run(&["install", "pyhton"])
        .failed(2, "there is no guest `pyhton`");
    assert!(
        said.err.contains("those that come with goldstone: python"),
        "{}",
        said.err
    );
    place
        .run(&["remove", "../echo"])
        .failed(2, "`../echo`: a guest's name has ");
    place.edit("echo/manifest.toml", "calls = 0\n", "");
    place
        .run(&["install", "./echo"])
        .failed(2, "echo/manifest.toml:9: missing field `calls`");
}
