//! A guest of ABI `wasi-python-1`, small enough to be made here: its boot file and boot
//! program, and `host.call`, by the cases in `tests/data/guests/door/`.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use goldstone::sandbox::install::{
    Guests, InstallError, InstallOptions, Recipe, Watch, install, let_stand_in, verify,
};
use goldstone::sandbox::{InProcess, Job, Limits, Outcome, Request, Runner, Work};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const DATA: &str = "tests/data/guests/door";

/// What the build does: it hands the module on, and leaves a library.
const BUILD: &str = "mkdir -p \"$1/out\"\ncp \"$3\" \"$1/out/door.wasm\"\n\
                     printf 'a library' > \"$1/out/library.txt\"\n";

struct Silent;

impl Watch for Silent {
    fn stage(&mut self, _: &str) {}
    fn line(&mut self, _: &str) {}
    fn note(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
}

/// Writes the guest's recipe, which boots with `program`, and its module.
fn recipe(folder: &Path, program: &str) -> (Recipe, InstallOptions) {
    let module = wat::parse_file(format!("{DATA}/door.wat")).unwrap();
    let sha256 = Sha256::digest(&module);
    let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = fs::read_to_string(format!("{DATA}/manifest.toml")).unwrap();
    let guest = folder.join("door");
    fs::create_dir_all(&guest).unwrap();
    fs::write(
        guest.join("manifest.toml"),
        manifest.replace("SHA256", &sha256),
    )
    .unwrap();
    fs::write(guest.join("build.sh"), BUILD).unwrap();
    fs::write(guest.join("boot.txt"), program).unwrap();
    let source = folder.join("door.wasm");
    fs::write(&source, module).unwrap();
    let options = InstallOptions {
        sources: vec![source],
        ..InstallOptions::default()
    };
    (Recipe::read(&guest).unwrap(), options)
}

fn cache(folder: &TempDir) -> PathBuf {
    folder.path().join("cache")
}

fn installed() -> (TempDir, Guests) {
    let folder = TempDir::new().unwrap();
    let guests = Guests::open(Some(&cache(&folder))).unwrap();
    let (recipe, options) = recipe(folder.path(), "boot");
    install(&guests, &recipe, &options, &mut Silent).unwrap();
    (folder, guests)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    why: String,
    load: Option<String>,
    message: String,
    end: String,
    reply: String,
}

impl Case {
    fn job(&self) -> Job {
        let request = |message: &str| Request {
            message: message.as_bytes().to_vec(),
            stdin: Vec::new(),
        };
        let message = request(&self.message);
        Job {
            guest: "door".into(),
            limits: Limits {
                fuel: 1_000_000,
                total_fuel: u64::MAX,
                memory_bytes: 65_536,
                output_bytes: 4096,
                reply_bytes: 16,
                calls: 10,
                wall: Duration::from_secs(600),
            },
            seed: 1,
            work: match &self.load {
                None => Work::Fresh(vec![message]),
                Some(load) => Work::Split {
                    load: request(load),
                    test: message,
                },
            },
        }
    }

    fn check(&self, outcome: &Outcome) {
        let about = format!("{} ({})", self.name, self.why);
        let [turn] = outcome.turns.as_slice() else {
            panic!("{about}: {} turns", outcome.turns.len());
        };
        assert_eq!(format!("{:?}", turn.end), self.end, "{about}");
        assert_eq!(String::from_utf8_lossy(&turn.reply), self.reply, "{about}");
    }
}

#[test]
fn turns_end_as_the_cases_say() {
    let (folder, _) = installed();
    let text = fs::read_to_string(format!("{DATA}/turns.toml")).unwrap();
    let cases: Cases = toml::from_str(&text).unwrap();
    let runner = InProcess::new(Some(cache(&folder))).unwrap();
    for case in &cases.case {
        let outcome = runner.run(&case.job()).unwrap();
        case.check(&outcome);
        // The same again, fuel and all.
        assert_eq!(runner.run(&case.job()).unwrap(), outcome, "{}", case.name);
    }
}

#[test]
fn it_passes_its_own_checks() {
    let (_folder, guests) = installed();
    let [guest] = guests.list().unwrap().try_into().unwrap();
    let findings = verify(&guests, &guest).unwrap();
    assert!(findings.iter().all(|finding| finding.problem.is_none()));
}

#[test]
fn a_boot_program_that_fails_installs_nothing() {
    let folder = TempDir::new().unwrap();
    let guests = Guests::open(Some(&cache(&folder))).unwrap();
    let (recipe, options) = recipe(folder.path(), "fail");
    let error = install(&guests, &recipe, &options, &mut Silent).unwrap_err();
    assert!(matches!(&error, InstallError::Boot { .. }), "{error}");
    assert!(error.to_string().contains("ended with status 1"), "{error}");
    assert!(guests.list().unwrap().is_empty());
}

fn sandbox(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(cargo_bin("goldstone"))
        .arg("sandbox")
        .args(arguments)
        .env("GOLDSTONE_CACHE", cache(folder))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_guest_that_stands_in_does_the_work_and_is_named() {
    let (folder, guests) = installed();
    let python = Recipe::shipped("python").unwrap();
    assert_eq!(
        python.stand_in().unwrap().name().as_str(),
        "python-scientific"
    );
    let door = guests.list().unwrap().remove(0).manifest.name;
    let_stand_in(&guests, &python, &door).unwrap();

    let cases: Cases =
        toml::from_str(&fs::read_to_string(format!("{DATA}/turns.toml")).unwrap()).unwrap();
    let case = &cases.case[0];
    let job = Job {
        guest: "python".into(),
        ..case.job()
    };
    let outcome = InProcess::new(Some(cache(&folder)))
        .unwrap()
        .run(&job)
        .unwrap();
    case.check(&outcome);
    assert_eq!(outcome.guest, "door");

    let (_, said) = sandbox(&folder, &["list"]);
    assert!(said.contains("not installed, door stands in"), "{said}");
    let (code, said) = sandbox(&folder, &["verify", "python"]);
    assert!(
        code == Some(0) && said.contains("door: self-test"),
        "{said}"
    );
    sandbox(&folder, &["remove", "door"]);
    let runner = InProcess::new(Some(cache(&folder))).unwrap();
    let error = runner.run(&job).unwrap_err();
    assert!(error.to_string().contains("`python` is not installed"));
    sandbox(&folder, &["remove", "python"]);
    assert!(guests.stand_in("python").unwrap().is_none());
}
