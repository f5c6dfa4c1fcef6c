//! Programs in the sandbox, as `goldstone run` runs them.

use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;

use goldstone::code::{CodeError, CodeOptions, Script, Task, extract, run_program, verify};
use goldstone::engine::{self, EngineOptions};
use goldstone::sandbox::Runner;
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::errors::{Class, chain};
use crate::fork::Inside;
use crate::verify::{options, written};

/// Worker processes for one guest, for the process that started them.
#[pyclass(frozen, module = "goldstone._goldstone")]
pub(crate) struct Sandbox {
    runner: ManuallyDrop<Arc<dyn Runner>>,
    process: u32,
}

impl Drop for Sandbox {
    #[expect(unsafe_code, reason = "what a fork has copied must not be dropped")]
    fn drop(&mut self) {
        if self.process == process::id() {
            // SAFETY: nothing looks at the runner after this.
            unsafe { ManuallyDrop::drop(&mut self.runner) }
        }
    }
}

#[pymethods]
impl Sandbox {
    #[new]
    fn start(py: Python<'_>, guest: &str, jobs: usize, worker: Option<PathBuf>) -> PyResult<Self> {
        let mut options = EngineOptions::with_jobs(jobs);
        options.worker = worker;
        let started = py.detach(|| {
            let _inside = Inside::enter();
            engine::sandbox(&[guest], &options)
        });
        let (runner, _) = started.map_err(|error| Class::Sandbox.error(py, chain(&error)))?;
        Ok(Self {
            runner: ManuallyDrop::new(runner),
            process: process::id(),
        })
    }

    /// The record that `goldstone run --json` prints.
    fn run(
        &self,
        py: Python<'_>,
        source: &str,
        stdin: Vec<u8>,
        tests_json: Option<&str>,
        options_json: &str,
    ) -> PyResult<Vec<u8>> {
        let options: CodeOptions = options(py, options_json)?;
        let task = tests_json.map(|json| task(py, json)).transpose()?;
        let record = py.detach(|| {
            let _inside = Inside::enter();
            self.record(source, &stdin, task.as_ref(), &options)
        });
        record
            .map(|record| written(&record))
            .map_err(|error| Class::Sandbox.error(py, chain(&error)))
    }
}

impl Sandbox {
    fn record(
        &self,
        source: &str,
        stdin: &[u8],
        task: Option<&Task>,
        options: &CodeOptions,
    ) -> Result<Value, CodeError> {
        let runner = &**self.runner;
        if let Some(task) = task {
            let report = verify(task, source, options, runner)?;
            return Ok(json!(report));
        }
        let script = Script {
            source,
            // With a name, what ends the program is written to standard error.
            name: Some("<code>"),
            stdin,
        };
        let run = run_program(&script, options, runner)?;
        let mut record = json!(run);
        record["stdout"] = String::from_utf8_lossy(&run.stdout).into();
        record["stderr"] = String::from_utf8_lossy(&run.stderr).into();
        Ok(record)
    }
}

/// The guest that the tests name, if they name one.
#[pyfunction]
pub(crate) fn guest_of(py: Python<'_>, tests_json: &str) -> PyResult<Option<String>> {
    Ok(task(py, tests_json)?.guest)
}

/// The program in a completion, or the code of why there is none.
#[pyfunction]
pub(crate) fn extract_program(completion: &str) -> Result<(Option<String>, Option<&str>), PyErr> {
    Ok(match extract(completion) {
        Ok(program) => (Some(program.source), None),
        Err(reason) => (None, Some(reason.name())),
    })
}

fn task(py: Python<'_>, json: &str) -> PyResult<Task> {
    Task::from_text(json).map_err(|error| Class::Option.error(py, chain(&error)))
}
