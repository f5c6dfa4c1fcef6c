//! The Python guest itself, where it is installed.
//!
//! It takes minutes to build, so a machine may be without. Where it must be there,
//! as in CI, `GOLDSTONE_TEST_GUEST=required` makes its absence a failure.

use std::env;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

#[test]
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn the_python_guest_passes_its_own_checks() {
    let verify = Command::new(cargo_bin("goldstone"))
        .args(["sandbox", "verify", "python", "--json"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verify.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&verify.stderr).into_owned();
    if complaint.contains("no guest `python` is installed") {
        let required = env::var("GOLDSTONE_TEST_GUEST").is_ok_and(|value| value == "required");
        assert!(!required, "run `goldstone sandbox install python`");
        eprintln!("not tested: {complaint}");
        return;
    }
    assert_eq!(verify.status.code(), Some(0), "{said}{complaint}");
    assert!(said.contains("\"ok\":true"), "{said}");
    assert!(
        said.contains("\"check\":\"self-test\",\"problem\":null"),
        "{said}"
    );
}
