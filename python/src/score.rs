//! Scores as Python sees them: the JSON that every door gives, read where it is asked
//! for.

use goldstone::reward;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyMappingProxy};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a spec says of one rollout. Cannot be changed.
#[pyclass(frozen, module = "goldstone")]
pub(crate) struct Score {
    /// The rollout's name.
    #[pyo3(get)]
    id: String,
    /// The name of its group.
    #[pyo3(get)]
    group: String,
    /// The total, or `None` where there is none: never 0 for a failure.
    #[pyo3(get)]
    reward: Option<f64>,
    /// `"ok"`, `"abstain"` or `"error"`.
    #[pyo3(get)]
    status: &'static str,
    json: Vec<u8>,
    terms: PyOnceLock<Py<PyMappingProxy>>,
}

/// One reward of the spec, as it fell out for one rollout. Cannot be changed.
#[pyclass(frozen, module = "goldstone")]
pub(crate) struct Term {
    /// `weight * raw`, or `None` where it could not be judged.
    #[pyo3(get)]
    value: Option<f64>,
    /// The number before the weight.
    #[pyo3(get)]
    raw: Option<f64>,
    /// `"correct"`, `"wrong"`, `"no_answer"` or `"unknown"`; `None` for measures, and
    /// where a gate was closed.
    #[pyo3(get)]
    verdict: Option<String>,
    /// Why; a stable code.
    #[pyo3(get)]
    reason: Option<String>,
    detail: Option<String>,
}

/// Why a row has no reward. Cannot be changed.
#[pyclass(frozen, module = "goldstone", get_all)]
#[derive(Deserialize)]
pub(crate) struct RowError {
    /// Whose fault: `"data"` or `"machinery"`.
    kind: String,
    /// What was wrong and what would be right.
    message: String,
    /// The field at fault, as a JSON pointer.
    #[serde(default)]
    field: Option<String>,
    /// The spec's reward that met the error.
    #[serde(default)]
    term: Option<String>,
}

/// The parts of a score's JSON that are read by need.
#[derive(Deserialize)]
struct Parts<'j> {
    id: String,
    group: String,
    reward: Option<f64>,
    status: reward::Status,
    #[serde(borrow)]
    terms: &'j RawValue,
    #[serde(default)]
    error: Option<RowError>,
}

#[derive(Deserialize)]
struct TermParts<'j> {
    value: Option<f64>,
    raw: Option<f64>,
    verdict: Option<String>,
    reason: Option<String>,
    #[serde(borrow, default)]
    detail: Option<&'j RawValue>,
}

impl Score {
    pub(crate) fn new(score: reward::Score) -> Self {
        let json = serde_json::to_vec(&score).expect("a score is JSON");
        Self {
            id: score.id,
            group: score.group,
            reward: score.reward,
            status: status(score.status),
            json,
            terms: PyOnceLock::new(),
        }
    }

    fn parts(&self) -> PyResult<Parts<'_>> {
        serde_json::from_slice(&self.json).map_err(unreadable)
    }
}

fn status(status: reward::Status) -> &'static str {
    match status {
        reward::Status::Ok => "ok",
        reward::Status::Abstain => "abstain",
        reward::Status::Error => "error",
    }
}

fn unreadable(error: serde_json::Error) -> PyErr {
    PyValueError::new_err(format!("not the JSON of a score: {error}"))
}

/// JSON text as Python objects.
pub(crate) fn loads<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let loads = LOADS.import(py, "json", "loads")?;
    loads.call1((PyBytes::new(py, json),))
}

#[pymethods]
impl Score {
    /// The score that `to_json` wrote.
    #[staticmethod]
    fn from_json(json: Vec<u8>) -> PyResult<Self> {
        let parts: Parts<'_> = serde_json::from_slice(&json).map_err(unreadable)?;
        let (id, group, reward) = (parts.id, parts.group, parts.reward);
        let status = status(parts.status);
        Ok(Self {
            id,
            group,
            reward,
            status,
            json,
            terms: PyOnceLock::new(),
        })
    }

    /// The rewards that applied, by name, in the spec's order.
    #[getter]
    fn terms<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyMappingProxy>> {
        let terms = self.terms.get_or_try_init(py, || {
            let terms = PyDict::new(py);
            let parts = self.parts()?;
            let read: Terms<'_> = serde_json::from_str(parts.terms.get()).map_err(unreadable)?;
            for (name, term) in read.0 {
                let term = Term {
                    value: term.value,
                    raw: term.raw,
                    verdict: term.verdict,
                    reason: term.reason,
                    detail: term.detail.map(|detail| detail.get().to_owned()),
                };
                terms.set_item(name, Py::new(py, term)?)?;
            }
            PyResult::Ok(PyMappingProxy::new(py, terms.as_mapping()).unbind())
        })?;
        Ok(terms.bind(py).clone())
    }

    /// What went wrong; with the status `"error"` only.
    #[getter]
    fn error(&self) -> PyResult<Option<RowError>> {
        match self.status {
            "error" => Ok(self.parts()?.error),
            _ => Ok(None),
        }
    }

    /// The score as the command line writes it, byte for byte.
    fn to_json<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.json)
    }

    /// The same as dictionaries, lists, strings and numbers.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.json)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let number = |number: Option<f64>| match number {
            Some(number) => format!("{number:?}"),
            None => "None".to_owned(),
        };
        let terms: Vec<String> = self
            .terms(py)?
            .items()?
            .iter()
            .map(|entry| {
                let (name, term): (String, Bound<'_, Term>) = entry.extract()?;
                let term = term.get();
                let because = match &term.reason {
                    Some(reason) => format!(" ({reason})"),
                    None => String::new(),
                };
                Ok(format!("{name}={}{because}", number(term.value)))
            })
            .collect::<PyResult<_>>()?;
        let mut text = format!(
            "Score(id={:?}, reward={}, status={:?}, terms: {}",
            self.id,
            number(self.reward),
            self.status,
            terms.join(", ")
        );
        if let Some(error) = self.error()? {
            text.push_str(&format!(", error: {}", error.message));
        }
        text.push(')');
        Ok(text)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.json == other.json
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.json.hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let make = py.get_type::<Self>().getattr("from_json")?;
        Ok((make, (self.to_json(py),)))
    }
}

#[pymethods]
impl Term {
    /// Evidence: what was found, where, and how it was decided.
    #[getter]
    fn detail<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.detail {
            Some(detail) => loads(py, detail.as_bytes()),
            None => Ok(PyDict::new(py).into_any()),
        }
    }

    fn __repr__(&self) -> String {
        let text = |text: &Option<String>| match text {
            Some(text) => format!("{text:?}"),
            None => "None".to_owned(),
        };
        let number = |number: Option<f64>| match number {
            Some(number) => format!("{number:?}"),
            None => "None".to_owned(),
        };
        format!(
            "Term(value={}, raw={}, verdict={}, reason={})",
            number(self.value),
            number(self.raw),
            text(&self.verdict),
            text(&self.reason)
        )
    }
}

#[pymethods]
impl RowError {
    fn __str__(&self) -> &str {
        &self.message
    }

    fn __repr__(&self) -> String {
        format!("RowError(kind={:?}, message={:?})", self.kind, self.message)
    }
}

/// Terms in the order of the text.
struct Terms<'j>(Vec<(String, TermParts<'j>)>);

impl<'de: 'j, 'j> Deserialize<'de> for Terms<'j> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> serde::de::Visitor<'de> for Entries {
            type Value = Terms<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("terms by name")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Terms<'de>, A::Error> {
                let mut terms = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    terms.push(entry);
                }
                Ok(Terms(terms))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
