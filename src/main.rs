//! The `goldstone` command; everything lives in the library's `cli` module.

use std::process::ExitCode;

fn main() -> ExitCode {
    goldstone::cli::main()
}
