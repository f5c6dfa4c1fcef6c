#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]
use super::*;

#[test]
fn probe() {
    let text = std::fs::read_to_string(std::env::var("PROBE").unwrap()).unwrap();
    for line in text.lines() {
        match parse(line, &ParseLimits::default()) {
            Ok(r) => eprintln!("OK   {line}   =>   {}", print::readings(&r)),
            Err(f) => eprintln!("FAIL {line}   =>   {f:?}"),
        }
    }
}
