//! Fuzz target; the oracle is `oracles::language`.
#![no_main]

#[path = "../oracles.rs"]
#[allow(dead_code, reason = "every target uses one oracle")]
mod oracles;

libfuzzer_sys::fuzz_target!(|data: &[u8]| oracles::language(data));
