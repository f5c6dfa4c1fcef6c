//! An engine of this process: rows in, scores out, Python free to run meanwhile.

use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::process;
use std::time::{Duration, Instant};

use goldstone::engine::{self, EngineOptions};
use goldstone::reward;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping};

use crate::arrow::{self, ScoredStream};
use crate::errors::{Class, chain};
use crate::fork::Inside;
use crate::pace::Pace;
use crate::records::{Fields, Records};
use crate::score::Score;
use crate::spec::Spec;

/// How often a long batch looks whether a signal has come.
const SIGNALS: Duration = Duration::from_millis(100);

/// An engine, for the process that started it.
#[pyclass(frozen, module = "goldstone._goldstone")]
pub(crate) struct Engine {
    engine: ManuallyDrop<engine::Engine>,
    fields: Fields,
    pace: Pace,
    process: u32,
}

impl Drop for Engine {
    #[expect(unsafe_code, reason = "what a fork has copied must not be dropped")]
    fn drop(&mut self) {
        // In a forked child, its threads do not exist and its workers are the parent's.
        if self.process == process::id() {
            // SAFETY: nothing looks at the engine after this.
            unsafe { ManuallyDrop::drop(&mut self.engine) }
        }
    }
}

#[pymethods]
impl Engine {
    /// Starts threads, and worker processes where the spec runs programs.
    #[new]
    fn start(py: Python<'_>, spec: &Spec, jobs: usize, worker: Option<PathBuf>) -> PyResult<Self> {
        #[cfg_attr(not(feature = "sandbox"), expect(unused_mut, reason = "no worker"))]
        let mut options = EngineOptions::with_jobs(jobs);
        #[cfg(feature = "sandbox")]
        {
            options.worker = worker;
        }
        #[cfg(not(feature = "sandbox"))]
        drop(worker);
        let scorer = spec.scorer().clone();
        let started = py.detach(|| {
            let _inside = Inside::enter();
            engine::Engine::start(scorer, &options)
        });
        let engine = started.map_err(|error| {
            let class = match error {
                #[cfg(feature = "sandbox")]
                engine::EngineError::Sandbox(_) => Class::Sandbox,
                _ => Class::Engine,
            };
            class.error(py, chain(&error))
        })?;
        Ok(Self {
            fields: Fields::of(engine.scorer().fields()),
            engine: ManuallyDrop::new(engine),
            pace: Pace::unknown(),
            process: process::id(),
        })
    }

    /// What whoever started it should be told.
    #[getter]
    fn notices(&self) -> Vec<String> {
        self.engine.notices().to_vec()
    }

    fn score(&self, py: Python<'_>, row: &Bound<'_, PyAny>) -> PyResult<Score> {
        let mut records = Records::new(&self.fields);
        records.push_row(row)?;
        self.is_of_this_process(py)?;
        let engine = &*self.engine;
        let (texts, mut unusable) = records.into_parts();
        if let Some((_, score)) = unusable.pop() {
            return Ok(Score::new(score));
        }
        let text = &texts[0];
        let score = || self.pace.learn(text.len(), || engine.score_record(text));
        if !engine.waits() && self.pace.is_brief(text.len()) {
            return Ok(Score::new(score()));
        }
        Ok(py.detach(|| {
            let _inside = Inside::enter();
            Score::new(score())
        }))
    }

    fn score_rows(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyResult<Vec<Score>> {
        let mut records = Records::new(&self.fields);
        for row in rows.try_iter()? {
            records.push_row(&row?)?;
        }
        self.run(py, records, Score::new)
    }

    fn score_columns(
        &self,
        py: Python<'_>,
        columns: &Bound<'_, PyMapping>,
    ) -> PyResult<Vec<Score>> {
        let mut records = Records::new(&self.fields);
        records.push_columns(columns)?;
        self.run(py, records, Score::new)
    }

    fn score_json<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let mut records = Records::new(&self.fields);
        for row in rows.try_iter()? {
            records.push_text(&row?)?;
        }
        let written = self.run(py, records, |score| {
            serde_json::to_vec(&score).expect("a score is JSON")
        })?;
        Ok(written
            .iter()
            .map(|score| PyBytes::new(py, score))
            .collect())
    }

    fn score_stream(&self, py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<Vec<Score>> {
        let records = arrow::read(&self.fields, table)?;
        self.run(py, records, Score::new)
    }

    fn score_table(
        &self,
        py: Python<'_>,
        table: &Bound<'_, PyAny>,
        json: Option<&str>,
    ) -> PyResult<ScoredStream> {
        let records = arrow::read(&self.fields, table)?;
        let scores = self.run(py, records, |score| score)?;
        let rewards = self.engine.scorer().rewards().iter();
        let rewards: Vec<String> = rewards.map(|name| name.to_string()).collect();
        ScoredStream::new(&rewards, &scores, json)
    }
}

impl Engine {
    fn is_of_this_process(&self, py: Python<'_>) -> PyResult<()> {
        if self.process == process::id() {
            return Ok(());
        }
        let problem = "the engine is of the process that this one was forked from";
        Err(Class::Engine.error(py, problem))
    }

    /// Scores the records, Python running meanwhile, and stops where a signal's handler
    /// raises.
    fn run<T: Send>(
        &self,
        py: Python<'_>,
        records: Records<'_>,
        with: impl Fn(reward::Score) -> T + Send + Sync,
    ) -> PyResult<Vec<T>> {
        self.is_of_this_process(py)?;
        let (texts, unusable) = records.into_parts();
        let engine = &*self.engine;
        let scored = py.detach(|| {
            let mut inside = Inside::enter();
            let mut raised = None;
            let mut looked = Instant::now();
            let mut go_on = || {
                if looked.elapsed() < SIGNALS {
                    return true;
                }
                inside.pause();
                // Does nothing off the main thread.
                raised = Python::attach(|py| py.check_signals()).err();
                looked = Instant::now();
                raised.is_none()
            };
            let scores = engine.score_records_while(&texts, &mut go_on);
            match (scores, raised) {
                (Some(mut scores), _) => {
                    for (index, score) in unusable {
                        scores[index] = score;
                    }
                    Ok(scores.into_iter().map(&with).collect())
                }
                (None, raised) => Err(raised),
            }
        });
        scored.map_err(|raised| {
            raised.unwrap_or_else(|| Class::Engine.error(py, "the batch was not scored"))
        })
    }
}
