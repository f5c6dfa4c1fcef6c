//! The status page in a real browser, where `GOLDSTONE_BROWSER` names one that has
//! Chromium's options.

use std::io::{self, Write};
use std::process::Command;

use goldstone::serve::ServeOptions;

use super::client::Served;

const ROWS: &str = r#"[
  {"completion": "\\boxed{4}", "reference": "4"},
  {"completion": "\\boxed{5}", "reference": "4"},
  {"completion": 7, "id": "<img src=x onerror=alert(1)>"}
]"#;

#[test]
fn the_page_shows_the_counts_and_rows_as_text() {
    let served = Served::start(ServeOptions::default());
    served.post("/score?spec=math", ROWS);
    served.post("/score", "{");
    let Some(browser) = std::env::var_os("GOLDSTONE_BROWSER") else {
        writeln!(
            io::stderr(),
            "skipped: `GOLDSTONE_BROWSER` names no browser"
        )
        .unwrap();
        return;
    };
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg("--virtual-time-budget=4000")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("http://{}/", served.address))
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    for part in [
        "<h1 id=\"state\">Ready</h1>",
        "<dt>Rows</dt><dd class=\"value\">3</dd><dd class=\"more\">0 abstain, 1 error</dd>",
        "<dt>Requests</dt><dd class=\"value\">1</dd><dd class=\"more\">1 refused</dd>",
        "correct 1<span class=\"share\"> 33.3 %</span>",
        "wrong 1<span class=\"share\"> 33.3 %</span>",
        "&lt;img src=x onerror=alert(1)&gt;</td>",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(!page.contains("<img"));
}
