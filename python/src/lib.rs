//! `goldstone._goldstone`: what the Python package needs of the Rust library.
//!
//! The package's Python files are its door; nothing here is public by itself. Rows
//! come in as Python objects (`json`, `records`) or Arrow streams (`arrow`), become
//! the JSON texts that every other door scores, and go out as scores (`score`).

mod arrow;
mod engine;
mod errors;
mod fork;
mod json;
mod pace;
mod records;
#[cfg(feature = "sandbox")]
mod sandbox;
mod score;
mod spec;
mod verify;

use pyo3::prelude::*;

/// The native half of the package `goldstone`; use that. It counts on the GIL: rows that
/// are scored with it are in nobody's way who forks.
#[pymodule(gil_used = true)]
mod _goldstone {
    #[pymodule_export]
    use super::arrow::ScoredStream;
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::fork::{after_fork, before_fork};
    #[cfg(feature = "sandbox")]
    #[pymodule_export]
    use super::sandbox::{Sandbox, extract_program, guest_of};
    #[pymodule_export]
    use super::score::{RowError, Score, Term};
    #[pymodule_export]
    use super::spec::{Spec, shipped};
    #[pymodule_export]
    use super::verify::{language, parse, verify_math};
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("HAS_SANDBOX", cfg!(feature = "sandbox"))
    }
}
